import datetime as dt
import re
import subprocess
import sys

import pytest
from tests.unit.trust.mask.tools import masked_text, restored_text

from naru.trust.mask import Conversation, Rules, fakes
from naru.trust.mask.particles import has_final

RULES = Rules(fakes=frozenset(["PERSON", "PHONE", "EMAIL", "BIRTH_DATE"]), note=True)


def never(_):
    return False


@pytest.mark.parametrize("name", ["김민수", "홍길동"])
def test_a_name_keeps_its_last_sound(name):
    """Particles the model writes for the fake fit the name."""
    for number in range(1, 60):
        fake = fakes.make("PERSON", name, number, "c", never)
        assert fake != name
        assert has_final(fake) == has_final(name)


def test_fakes_belong_to_nobody():
    """010-0000, example.com, a failing Luhn digit, a day that does not exist."""
    assert fakes.make("PHONE", "010-1234-5678", 1, "c", never) == "010-0000-0001"
    assert fakes.make("EMAIL", "a@b.kr", 2, "c", never) == "user2@example.com"
    card = fakes.make("CARD", "4111-1111-1111-1111", 3, "c", never)
    digits = [int(char) for char in card if char.isdigit()]
    assert len(digits) == 16
    assert sum(d if at % 2 else sum(divmod(2 * d, 10)) for at, d in enumerate(digits)) % 10 != 0
    rrn = fakes.make("KR_RRN", "900101-1234568", 1, "c", never)
    assert re.fullmatch(r"\d{2}0231-[1-4]\d{6}", rrn)
    assert rrn == fakes.make("KR_RRN", "850707-2234568", 1, "c", never)  # neither year nor sex shows
    assert re.fullmatch(r"\d{2}0231-[5-8]\d{6}", fakes.make("KR_FRN", "900101-5234568", 1, "c", never))


def test_a_fake_that_occurs_is_not_used():
    """The next one is tried; with none left it is a placeholder."""
    first = fakes.make("PHONE", "010-1234-5678", 1, "c", never)
    assert fakes.make("PHONE", "010-1234-5678", 1, "c", lambda fake: fake == first) != first
    assert fakes.make("PHONE", "010-1234-5678", 1, "c", lambda fake: True) is None
    assert fakes.make("API_KEY", "sk", 1, "c", never) is None


def test_dates_move_together():
    """All dates of a conversation move by the same days, so what lies between them stays."""

    def moved(value):
        return dt.date.fromisoformat(fakes.make("BIRTH_DATE", value, 1, "conversation", never))

    assert moved("1990-03-01") - moved("1990-01-01") == dt.date(1990, 3, 1) - dt.date(1990, 1, 1)
    assert fakes.make("BIRTH_DATE", "1990년 1월 5일", 1, "c", never).startswith("1990년 ")


def test_a_shift_cannot_be_worked_out():
    """Not from the conversation's name in another process; and one known date gives away no other's."""
    code = (
        "from naru.trust.mask import fakes\n"
        "print(*[fakes.make('BIRTH_DATE', '1990-01-01', 1, c, lambda _: False) for c in 'abcdef'])"
    )
    told = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert told != [fakes.make("BIRTH_DATE", "1990-01-01", 1, c, never) for c in "abcdef"]
    dates = [dt.date(1990, 1, day) for day in range(1, 29)]
    shifts = {dt.date.fromisoformat(fakes.make("BIRTH_DATE", str(d), 1, "", never)) - d for d in dates}
    assert len(shifts) > 10


def test_fakes_go_out_and_values_come_back():
    """A fake is restored where it stands by itself, with its particle; streams hold what may become one."""
    conversation = Conversation("c")
    text = masked_text("김민수 010-1234-5678 1990-01-01", conversation, RULES)
    assert "김민수" not in text
    assert "<" not in text
    name, phone, date = text.split(" ")
    assert (
        restored_text(f"{name}는 {phone} ({date}), {phone}9", conversation)
        == f"김민수는 010-1234-5678 (1990-01-01), {phone}9"
    )


def test_a_fake_somebody_writes_is_no_fake():
    """The same text typed by the user later comes back as typed."""
    conversation = Conversation("c")
    fake = masked_text("김민수", conversation, RULES)
    assert masked_text(f"진짜 {fake} 씨", conversation, RULES) == "진짜 <LITERAL_1> 씨"
    assert restored_text(f"<LITERAL_1>, {fake}", conversation) == f"{fake}, 김민수"
