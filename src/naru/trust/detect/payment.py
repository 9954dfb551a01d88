"""Cards by brand and check digit, bank accounts by the layouts of Korean banks and a label, IBANs."""

from __future__ import annotations

from naru.trust.detect.checks import passes_luhn
from naru.trust.detect.korean import Guess
from naru.trust.detect.labels import count_words
from naru.trust.detect.number import Number, Shape

CARD_GROUPS = frozenset(
    {(4, 4, 4, 4), (16,), (4, 6, 5), (15,), (4, 6, 4), (14,), (13,), (19,), (4, 4, 4, 4, 3), (8, 8), (4, 12)}
)
_GROUPED_CARDS = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3)})

# Layouts of Korean banks, with the beginnings that are known; sources in the notes beside docs/benchmarks.md.
_LAYOUTS: dict[tuple[int, ...], tuple[str, ...]] = {
    (6, 2, 6): (),  # 국민
    (3, 2, 4, 3): (),  # 국민, older
    (3, 3, 6): ("110", "100", "140", "155", "160", "161", "220", "230", "240"),  # 신한, 케이
    (3, 2, 6): (),  # 제일, 외환, older 신한
    (4, 3, 6): ("1002", "1005", "1006", "1007", "1003", "1004"),  # 우리
    (3, 6, 5): (),  # 하나
    (3, 4, 4, 2): ("301", "302", "312", "351", "352", "355", "356"),  # 농협
    (3, 6, 2, 3): (),  # 기업
    (4, 2, 7): ("3333", "3355", "7777", "7979"),  # 카카오
    (4, 4, 4): ("1000", "1001"),  # 토스
    (6, 2, 5): (),  # 우체국, 13
    (3, 2, 5, 1): (),  # 부산, 대구
    (4, 4, 4, 1): ("9002", "9003"),  # 새마을
    (3, 3, 5, 1): (),
    (3, 8, 2): (),
    (3, 8, 3): (),
    (3, 2, 8): (),
    (3, 7, 4): (),
    (3, 4, 4, 3): (),
    (4, 8, 1): (),
}
_COMMON_BEGINNINGS = ("Maestro", "domestic")
_SHORTEST, _MIN_DIGITS, _MAX_DIGITS, _MAX_GROUPS = 8, 10, 17, 5
_CLOSE = 8


# ISO/IEC 7812 ranges of the first four digits as the brands publish them, and how long their numbers are. The
# first that fits.
_RANGES: tuple[tuple[str, str, str, tuple[int, ...]], ...] = (
    ("2221", "2720", "Mastercard", (16,)),
    ("3000", "3059", "Diners Club", (14,)),
    ("3400", "3499", "American Express", (15,)),
    ("3528", "3589", "JCB", (16,)),
    ("3600", "3699", "Diners Club", (14,)),
    ("3700", "3799", "American Express", (15,)),
    ("3800", "3999", "Diners Club", (14,)),
    ("4000", "4999", "Visa", (13, 16, 19)),
    ("5000", "5099", "Maestro", (13, 15, 16, 19)),
    ("5100", "5599", "Mastercard", (16,)),
    ("5600", "5899", "Maestro", (13, 15, 16, 19)),
    ("6011", "6011", "Discover or UnionPay", (16, 19)),
    ("6000", "6199", "Maestro", (13, 15, 16, 19)),
    ("6200", "6299", "Discover or UnionPay", (16, 19)),
    ("6300", "6399", "Maestro", (13, 15, 16, 19)),
    ("6440", "6599", "Discover or UnionPay", (16, 19)),
    ("6600", "6999", "Maestro", (13, 15, 16, 19)),
    ("8100", "8199", "Discover or UnionPay", (16, 19)),
    ("9000", "9999", "domestic", (16,)),
)
_RANGES_OF = {
    str(two): tuple(entry for entry in _RANGES if int(entry[0][:2]) <= two <= int(entry[1][:2]))
    for two in range(10, 100)
}


def brand_of(digits: str) -> str | None:
    """The brand of a card by its first digits and length."""
    first = digits[:4]
    for low, high, brand, sizes in _RANGES_OF.get(digits[:2], ()):
        if low <= first <= high:
            return brand if len(digits) in sizes else None
    return None


def may_be_card(shape: Shape, label: str, lead: str) -> bool:
    """Whether a number so written may be a card: no brand begins with 0, 1 or 7."""
    return shape.groups in CARD_GROUPS and (label == "CARD" or lead not in "017")


def classify_card(n: Number) -> Guess | None:
    """A card number, grouped as one of CARD_GROUPS: brand, check digit, grouping and label are weighed."""
    brand = brand_of(n.digits)
    is_labelled = n.label == "CARD"
    if brand is None and not is_labelled:
        return None
    is_grouped = n.groups in _GROUPED_CARDS
    is_checked = passes_luhn(n.digits)
    if is_labelled:
        score = 0.6 if is_grouped or len(n.digits) >= 15 else 0.3
        score += 0.2 * is_checked + 0.15 * (brand is not None)
        return "CARD", score, "label, brand and check digit" if is_checked and brand else "label before it"
    if not is_checked or (n.is_other and not (is_grouped and n.distance > 3)):
        if not n.label and n.groups == (4, 4, 4, 4):
            return "CARD", 0.45, "grouping and brand"
        return None
    # A random number is of one brand or another and passes the check 3 times in 100.
    score = 0.9 if is_grouped else 0.8 if brand not in _COMMON_BEGINNINGS else 0.45
    if n.is_other or (brand in _COMMON_BEGINNINGS and n.separators == " "):
        score = 0.55 if brand not in _COMMON_BEGINNINGS else 0.45
    if not is_grouped and len(n.digits) in (13, 14, 19):
        score = 0.4
    if n.label == "ACCOUNT" and not is_grouped and n.distance <= _CLOSE:
        score -= 0.4
    return "CARD", score, "brand and check digit"


def may_be_account(shape: Shape, label: str) -> bool:
    """Whether a number so written may be an account beside a label, or none."""
    groups = shape.groups
    if not _SHORTEST <= sum(groups) <= _MAX_DIGITS or len(groups) > _MAX_GROUPS or groups == (4, 2, 2):
        return False
    return label == "ACCOUNT" or (
        groups in _LAYOUTS and shape.separators == "-" and label in ("", "PHONE", "CARD")
    )


def classify_account(n: Number) -> Guess | None:
    """A bank account: nothing in the number is sure, so the label or the bank's name counts most.

    Asked only where `may_be_account`.
    """
    layout = _LAYOUTS.get(n.groups)
    if n.label == "ACCOUNT":
        is_likely = n.is_promised or len(n.digits) >= _MIN_DIGITS
        return _labelled_account(n, layout is not None) if is_likely else None
    if layout and n.digits.startswith(layout):
        return "ACCOUNT", 0.5 if n.label else 0.6, "layout of a bank"
    if n.groups in ((6, 2, 6), (3, 6, 2, 3)) and not n.label:
        return "ACCOUNT", 0.55, "layout of a bank"
    return None


def _labelled_account(n: Number, is_known: bool) -> Guess:
    if is_known:
        return "ACCOUNT", 0.9, "label and layout of a bank"
    is_near = n.distance <= _CLOSE
    if n.is_promised and not is_near and count_words(n.text[n.start - n.distance : n.start]) > 1:
        return "ACCOUNT", 0.4, "label some words before it"
    if n.separators == " -" or (n.separators == " " and len(set(n.groups)) > 1):
        return "ACCOUNT", 0.55, "label before it"
    if len(n.digits) >= _MIN_DIGITS:
        return "ACCOUNT", 0.78, "label before it"
    return "ACCOUNT", 0.65 if is_near else 0.45, "label before it"
