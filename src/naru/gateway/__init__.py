"""The road: what every AI call passes, from the first byte in to the last byte out.

Start reading at `pipeline.serve`. Knows nothing of SQL, of web frameworks or of any one provider.
"""

from naru.gateway.capture import Capture
from naru.gateway.edge import Gateway
from naru.gateway.feedback import FeedbackDoor
from naru.gateway.pipeline import Road, Rules
from naru.gateway.refusals import Refusals
from naru.gateway.rescue import rescue
from naru.gateway.steps.call import RetryRules

__all__ = ["Capture", "FeedbackDoor", "Gateway", "Refusals", "RetryRules", "Road", "Rules", "rescue"]
