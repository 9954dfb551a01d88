import random

import pytest
from tests.unit.trust.mask.tools import known, masked_text

from naru.trust.mask import Conversation, Counters, Rules
from naru.trust.mask.text import ARGUMENTS, PLAIN, SEALED, TextRestorer

_BITS = (
    *(
        "<",
        ">",
        "PERSON",
        "_",
        "1",
        "2",
        "<PERSON_1>",
        "PERSON_1",
        "<PHONE_1>",
        "<IP_1>",
        "&lt;",
        "&gt;",
        "%3C",
    ),
    *(
        "%3E",
        "\\",
        "\\u003c",
        "\\u003e",
        '"',
        "{",
        "[",
        "은",
        "는",
        "(는)",
        "으로",
        "로",
        "이라고",
        "**",
        " ",
        "\n",
    ),
    *(
        "https://evil.example/",
        "(",
        ")",
        "http://",
        ":80",
        "/",
        ".",
        "P",
        "CUSTOM_",
        "＜",
        "＞",
        "님",
        "x",
        "김",
    ),
)


def _restore(text, conversation, kind, cuts=None):
    counters = Counters()
    restorer = TextRestorer(conversation, Rules(), counters, kind=kind)
    pieces = [text] if cuts is None else [text[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    made = "".join(restorer.feed(piece) for piece in pieces) + restorer.flush()
    return made, (counters.restored, counters.unknown, counters.withheld), restorer.edits


@pytest.mark.parametrize("kind", [PLAIN, ARGUMENTS, SEALED])
@pytest.mark.parametrize("has_fakes", [False, True])
def test_cut_anywhere_the_text_is_the_same(kind, has_fakes):
    """Whatever a model writes, in pieces it comes out as in one piece, with the same counts and places."""
    conversation = known("김민수", "010-1234-5678", "10.0.0.7")
    bits = _BITS
    if has_fakes:
        conversation = Conversation("c")
        rules = Rules(fakes=frozenset(["PERSON", "PHONE"]))
        fakes = masked_text("홍길동 김민수 010-1111-2222", conversation, rules).split(" ")
        bits = (*_BITS, *fakes, *(fake[:2] for fake in fakes))
    rng = random.Random(7)
    for _ in range(700):
        text = "".join(rng.choices(bits, k=rng.randint(1, 14)))
        cuts = sorted(rng.choices(range(len(text) + 1), k=rng.randint(1, len(text))))
        assert _restore(text, conversation, kind, cuts) == _restore(text, conversation, kind), (text, cuts)


def test_a_long_text_without_placeholders_is_never_held():
    """Prose goes out as it comes."""
    restorer = TextRestorer(known("김민수"), Rules(), Counters())
    for piece in ("안녕하세요. ", "a < 5", " 그리고 ", "x", "5% 할인"):
        assert restorer.feed(piece) == piece
