"""Korean particles after a restored value: the form depends on the value's last sound.

A model writes the particle for the placeholder it sees, so `<PERSON_1>은` has to become `김민수는`. Only a
particle that ends at a word boundary is changed; the copula (이다, 입니다) is left as it is.
"""

from __future__ import annotations

import re

_NONE, _CLOSED, _RIEUL = 0, 1, 2
"""Last sound: an open syllable, one closed by a consonant, one closed by ㄹ (로, not 으로)."""

_DIGITS = {"0": _CLOSED, "1": _RIEUL, "3": _CLOSED, "6": _CLOSED, "7": _RIEUL, "8": _RIEUL}
"""How a last digit is read: 영 일 삼 육 칠 팔 are closed, 이 사 오 구 open."""

_PAIRS = (
    ("은", "는"),
    ("이", "가"),
    ("을", "를"),
    ("과", "와"),
    ("과의", "와의"),
    ("과는", "와는"),
    ("과도", "와도"),
    ("으로", "로"),
    ("으로는", "로는"),
    ("으로도", "로도"),
    ("으로서", "로서"),
    ("으로써", "로써"),
    ("으로부터", "로부터"),
    ("이라고", "라고"),
    ("이라는", "라는"),
    ("이랑", "랑"),
    ("이나", "나"),
    ("아", "야"),
    ("이에요", "예요"),
)
"""(after a closed syllable, after an open one)."""

_BOTH = {
    "은": "는",
    "이": "가",
    "을": "를",
    "과": "와",
}
"""Written as both at once: 은(는), 는(은), 은/는, (은/는) and so on."""


def _forms() -> dict[str, tuple[str, str]]:
    forms = {form: pair for pair in _PAIRS for form in pair}
    for closed, open_ in _BOTH.items():
        pair = (closed, open_)
        for one, other in ((closed, open_), (open_, closed)):
            for written in (f"{one}({other})", f"{one}/{other}", f"({one}/{other})", f"({one}){other}"):
                forms[written] = pair
    for closed, open_ in (("으로", "로"), ("이라고", "라고"), ("이랑", "랑"), ("이나", "나")):
        forms[f"({closed[0]}){open_}"] = (closed, open_)
    return forms


_FORMS = _forms()
LONGEST = max(map(len, _FORMS))

ALTERNATION = "|".join(re.escape(form) for form in sorted(_FORMS, key=lambda form: (-len(form), form)))
"""Regex source: any form, longest first."""
BOUNDARY = "(?![가-힣ㄱ-ㅎㅏ-ㅣ])"
"""What follows a particle is not another syllable."""


def write_prefixes(words: list[str]) -> str:
    """Regex source of every prefix of `words`, themselves and the empty one included, as a trie."""
    heads: dict[str, list[str]] = {}
    for word in words:
        if word:
            heads.setdefault(word[0], []).append(word[1:])
    if not heads:
        return ""
    branches = "|".join(re.escape(head) + write_prefixes(rests) for head, rests in sorted(heads.items()))
    return f"(?:{branches})?"


PREFIXES = write_prefixes(list(_FORMS))
"""Regex source of what may still become a particle."""


def _last_sound(value: str) -> int | None:
    last = value.rstrip("\"'”’`)]} \n.")[-1:]
    if "가" <= last <= "힣":
        jong = (ord(last) - 0xAC00) % 28
        return _NONE if jong == 0 else _RIEUL if jong == 8 else _CLOSED
    if last.isascii() and last.isdigit():
        return _DIGITS.get(last, _NONE)
    return None


def has_final(value: str) -> bool | None:
    """Whether the last syllable is closed by a consonant; None when its reading is not known."""
    sound = _last_sound(value)
    return None if sound is None else sound != _NONE


def correct(value: str, particle: str) -> str:
    """`particle` as it is said after `value`; unchanged when it is none or the reading is not known."""
    pair = _FORMS.get(particle)
    sound = _last_sound(value)
    if pair is None or sound is None:
        return particle
    if sound == _RIEUL and pair[0].startswith("으로"):
        return pair[1]
    return pair[1] if sound == _NONE else pair[0]
