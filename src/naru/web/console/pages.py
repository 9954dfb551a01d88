"""Every page of the console on one router."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from naru.web.console.audit import page as audit
from naru.web.console.budgets import page as budgets
from naru.web.console.keys import page as keys
from naru.web.console.overview import page as overview
from naru.web.console.people import me
from naru.web.console.people import page as people
from naru.web.console.playground import page as playground
from naru.web.console.requests import page as requests
from naru.web.console.sign_in import oidc
from naru.web.console.sign_in import page as sign_in
from naru.web.console.trust import page as policies
from naru.web.console.trust import reviews, unit

router: Final = APIRouter(include_in_schema=False)
for area in (
    overview,
    requests,
    keys,
    playground,
    people,
    me,
    sign_in,
    oidc,
    audit,
    budgets,
    policies,
    unit,
    reviews,
):
    router.include_router(area.router)
