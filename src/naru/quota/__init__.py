"""How much may be spent and how fast: budgets that cannot be overrun, and limits that cannot leak.

Promises: money is reserved before a call and charged after it, in all budgets of the call or in none; the
sum of all leases never exceeds what is left; a killed process loses no spending. It does not price calls and
knows no ledger: the road brings amounts. `Quota` belongs on the road; `BudgetBook` is for threads.
"""

from naru.quota.book import BudgetBook, EndedBudget, parse_scope
from naru.quota.desk import Quota, Unpriced
from naru.quota.journal import Begun
from naru.quota.keeper import Timing
from naru.quota.limits import Admission, LimitReached
from naru.quota.models import Budget, Limit, Rate, Scope, Standing, TopUp, Window
from naru.quota.purse import Account, Hold
from naru.quota.salvage import Remains

__all__ = [
    "Account",
    "Admission",
    "Begun",
    "Budget",
    "BudgetBook",
    "EndedBudget",
    "Hold",
    "Limit",
    "LimitReached",
    "Quota",
    "Rate",
    "Remains",
    "Scope",
    "Standing",
    "Timing",
    "TopUp",
    "Unpriced",
    "Window",
    "parse_scope",
]
