"""What a number is: by its shape a plan of rules, then those that its label and its first digit leave.

Each number is looked at once, or once for each blank within it, and a bounded way around it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, islice

from naru.trust.detect import korean, network, papers, payment, phones
from naru.trust.detect.labels import OTHER, Labels
from naru.trust.detect.number import NUMBER, Number, Shape, cuts_of, is_thousands, shape_of
from naru.trust.entity import Entity, entity_of

_SURE = 0.5
_CERTAIN = 0.8
_PHONE_DIGITS = range(7, 18)
_MAX_GROUPS = 6
_HIDDEN = re.compile(r" ?-? ?[*●○xX#]")
_HIDING = frozenset(b"%c" % sign for sign in b" -*xX#")
"""What it begins with, in signs drawn."""
_MAX_LENGTH = 72
_MAX_PLANS = 2048
_BATCH = 512
_COMMA, _PLUS = ord(","), ord("+")
_BIRTH, _HIDDEN_DIGITS = 6, 12

# By their number of digits, what a number may be. Grouping is each rule's own affair.
_RULES: dict[int, tuple[Callable[[Number], korean.Guess | None], ...]] = {
    8: (papers.classify_passport, payment.classify_account),
    9: (papers.classify_ssn, papers.classify_passport, payment.classify_account),
    10: (korean.classify_brn, korean.classify_health, payment.classify_account),
    11: (korean.classify_health, payment.classify_account),
    12: (korean.classify_license, payment.classify_account),
    13: (korean.classify_rrn, korean.classify_crn, payment.classify_card, payment.classify_account),
    14: (payment.classify_card, payment.classify_account),
    15: (payment.classify_card, payment.classify_account),
    16: (payment.classify_card, payment.classify_account),
    17: (payment.classify_account,),
    19: (payment.classify_card,),
}
_GROUPS_OF: dict[Callable[[Number], korean.Guess | None], frozenset[tuple[int, ...]]] = {
    papers.classify_ssn: frozenset({(3, 2, 4), (9,)}),
    korean.classify_brn: frozenset({(3, 2, 5), (10,)}),
    korean.classify_license: frozenset({(2, 2, 6, 2), (12,), (2, 10), (4, 6, 2)}),
    korean.classify_rrn: frozenset({(6, 7), (13,)}),
    korean.classify_crn: frozenset({(6, 7), (13,)}),
    korean.classify_health: frozenset({(11,), (1, 10), (10,), (4, 7), (3, 4, 4), (2, 9), (5, 6), (1, 5, 5)}),
    papers.classify_passport: frozenset({(8,), (9,)}),
}
# What a rule says nothing of for a shape, a label and a first digit, or `+` where that stands before it: it
# is not asked then.
_MAY: dict[Callable[[Number], korean.Guess | None], Callable[[Shape, str, str], bool]] = {
    papers.classify_passport: lambda _, label, __: label == "PASSPORT",
    papers.classify_ssn: lambda shape, label, lead: (
        label == "US_SSN" or (label != OTHER and lead != "9" and shape.groups == (3, 2, 4))
    ),
    korean.classify_health: lambda _, label, __: label == "HEALTH_INSURANCE",
    korean.classify_crn: lambda shape, label, _: (
        label == "KR_CRN" or (label != OTHER and shape.separators != "")
    ),
    korean.classify_brn: lambda shape, label, _: (
        label in ("KR_BRN", "KR_CRN") or (label != OTHER and shape.separators == "-")
    ),
    korean.classify_license: lambda shape, label, _: (
        label == "DRIVER_LICENSE" or (label not in (OTHER, "ACCOUNT", "CARD") and shape.separators == "-")
    ),
    payment.classify_account: lambda shape, label, _: payment.may_be_account(shape, label),
    payment.classify_card: payment.may_be_card,
    phones.classify_phone: phones.may_be_phone,
}

_Rules = tuple[Callable[[Number], korean.Guess | None], ...]
_Special = Callable[[str, int, int, Labels], Entity | None]


class _RulesFor(dict[str, _Rules]):
    """Of what a number so grouped may be, what its label leaves: some it must promise, some it rules out.

    By the label's group and the first digit; filled as they are asked for.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._shape = shape

    def __missing__(self, key: str) -> _Rules:
        shape, label, lead = self._shape, key[:-1], key[-1]
        may = (rule for rule in _rules_of(shape.groups) if rule not in _MAY or _MAY[rule](shape, label, lead))
        rules = self[key] = tuple(may)
        return rules


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a number may be, from its shape.

    Attributes:
        rules: by the group of its label and its first digit, or `+` where that stands before it.
        is_number: there is any rule.
        special: looks whether it is more than groups of digits.
        is_plain: it is neither special nor a list, nor too long.
        is_birth: it is special only where its end is hidden.
        cuts: it may also end at one of its blanks; how long and what it is then, the longest first.
    """

    shape: Shape
    rules: _RulesFor
    is_number: bool
    special: _Special | None
    is_plain: bool
    is_birth: bool
    cuts: tuple[tuple[int, _Plan], ...]


class _Plans(dict[bytes, _Plan]):
    """The plans of chains of digits, drawn; when they are too many, they are made anew.

    No digit is kept, and numbers are written in a few hundred ways.
    """

    def __missing__(self, drawn: bytes) -> _Plan:
        head = drawn[:_MAX_LENGTH]
        shape = shape_of(head)
        is_number = not shape.is_decimal and _rules_of(shape.groups) != ()
        special = _special_of(head, shape.groups)
        is_plain = special is None and not shape.is_list and head == drawn
        cuts = ((cut, self[head[:cut]]) for cut in cuts_of(head))
        plan = _Plan(
            shape,
            _RulesFor(shape),
            is_number,
            special,
            is_plain,
            special is _read_hidden and head == drawn,
            tuple(cut for cut in cuts if cut[1].is_number),
        )
        if head == drawn:
            if len(self) >= _MAX_PLANS:
                self.clear()
            self[drawn] = plan
        return plan


_PLANS = _Plans()


def _special_of(drawn: bytes, groups: tuple[int, ...]) -> _Special | None:
    first, *rest = groups
    if first >= _BIRTH:
        return _read_hidden if first <= _HIDDEN_DIGITS and (not rest or sum(rest) <= _BIRTH) else None
    if not rest and first <= 3:
        return _read_plate
    if b"." in drawn[:4]:
        return _read_ipv4 if drawn.count(b".") >= 3 else None
    return _read_license if drawn[:3] in (b"00 ", b"00-") else None


def _read_hidden(text: str, start: int, end: int, near: Labels) -> Entity | None:
    return korean.find_masked_rrn(text, start, near) if _HIDDEN.match(text, end) else None


def _read_plate(text: str, start: int, _end: int, near: Labels) -> Entity | None:
    return korean.find_plate(text, start, near)


def _read_ipv4(text: str, start: int, _end: int, near: Labels) -> Entity | None:
    return network.find_ipv4(text, start, near)


def _read_license(text: str, start: int, _end: int, _near: Labels) -> Entity | None:
    return korean.find_old_license(text, start) if not text[max(0, start - 2) : start].isascii() else None


def _rules_of(groups: tuple[int, ...]) -> _Rules:
    """What a number so grouped may be. Many tiny groups are a list, a table or a game's result."""
    size = sum(groups)
    if len(groups) > _MAX_GROUPS or (len(groups) > 2 and 2 * size < 3 * len(groups)):
        return ()
    rules = tuple(rule for rule in _RULES.get(size, ()) if groups in _GROUPS_OF.get(rule, (groups,)))
    return (*rules, phones.classify_phone) if size in _PHONE_DIGITS else rules


def read_numbers(text: str, drawn: bytes, near: Labels, found: list[Entity]) -> None:
    """A closer look at each number: special shapes first, then every rule for its count of digits."""
    done = 0
    ends = near.ends
    at = 1
    number = Number(text)
    plans = _PLANS
    # Some hundred at a time: the engine and what follows would drive each other out of the processor's cache.
    matches = NUMBER.finditer(drawn)
    for match in chain.from_iterable(iter(lambda: tuple(islice(matches, _BATCH)), ())):
        start, end = match.span(1)
        start -= 1
        if start < done or (drawn[start - 1] == _COMMA and is_thousands(text, start)):
            continue
        plan = plans[drawn[start:end]]
        if (
            not plan.is_plain
            and (not plan.is_birth or drawn[end : end + 1] in _HIDING)
            and (done := _read_special(text, start, end, plan, near, found))
        ):
            continue
        best: korean.Guess | None = None
        if plan.is_number and match.lastindex == 1:
            at = bisect_right(ends, start, at)
            label = near.find_near(at, start, end)
            lead = "+" if drawn[start - 1] == _PLUS and start else text[start]
            if rules := plan.rules[label[0] + lead]:
                number.move(start, end, plan.shape, label)
                best = rules[0](number) if len(rules) == 1 else _guess(number, rules)
            # The halves of a parcel's number, `6143 1522 3352`, are no numbers of their own.
            done = end if label[0] == OTHER and plan.shape.is_even else 0
        if plan.cuts and (best is None or best[1] < _CERTAIN):
            lead = "+" if drawn[start - 1] == _PLUS and start else text[start]
            best, end = _read_cuts(number, lead, start, end, plan, near, best)
        if best is not None:
            kind, score, reason = best
            if kind == "PHONE":
                start, end = phones.widen_phone(text, start, end)
            found.append(entity_of((kind, start, end, score, reason)))
            if score >= _SURE:
                done = end


def _read_special(text: str, start: int, end: int, plan: _Plan, near: Labels, found: list[Entity]) -> int:
    """What is more than a number or less: how far the text then needs no other look, or 0."""
    if plan.special is not None and (entity := plan.special(text, start, end, near)) is not None:
        found.append(entity)
        if entity.score >= _SURE:
            return entity.end
    is_number = end - start <= _MAX_LENGTH and (not plan.shape.is_list or text[start - 1 : start] == "+")
    return 0 if is_number else end


def _read_cuts(
    number: Number, lead: str, start: int, end: int, plan: _Plan, near: Labels, best: korean.Guess | None
) -> tuple[korean.Guess | None, int]:
    """The best reading of a chain of digits that may be cut at each of its blanks, and where that ends."""
    at = bisect_right(near.ends, start)
    for length, shorter in plan.cuts:
        cut = start + length
        label = near.find_near(at, start, cut)
        number.move(start, cut, shorter.shape, label)
        guess = _guess(number, shorter.rules[label[0] + lead])
        if guess is not None and (best is None or guess[1] > best[1]):
            best, end = guess, cut
        if best is not None and best[1] >= _CERTAIN:
            break
    return best, end


def _guess(number: Number, rules: _Rules) -> korean.Guess | None:
    """The likeliest of what the rules say of a number."""
    best: korean.Guess | None = None
    for rule in rules:
        guess = rule(number)
        if guess is not None and (best is None or guess[1] > best[1]):
            best = guess
    return best
