"""Finds personal and secret data in texts: offline, without weights, in time linear in the text's length.

`Scanner` is what everybody uses. It runs detectors, ours and an operator's, and settles overlaps; it keeps
nothing of a text. It masks nothing: that is `naru.trust.mask`.
"""

from naru.trust.detect.custom import CustomDetector, Dictionary, Pattern
from naru.trust.detect.scanner import DEFAULT_THRESHOLD, Scanner, default_detectors
from naru.trust.detect.structured import StructuredDetector

__all__ = [
    "DEFAULT_THRESHOLD",
    "CustomDetector",
    "Dictionary",
    "Pattern",
    "Scanner",
    "StructuredDetector",
    "default_detectors",
]
