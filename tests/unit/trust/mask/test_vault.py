import copy
import pickle

import pytest
from tests.unit.trust.mask.tools import known, masked_text, restored_text

from naru.trust.mask import Conversation
from naru.trust.mask.normal import normalise


def test_a_conversation_shows_no_value():
    """Neither a repr nor a pickle nor an entry tells what was masked."""
    conversation = known("김민수", "010-1234-5678")
    assert repr(conversation) == "Conversation(entries=2)"
    assert "김민수" not in repr(list(conversation.entries()))
    with pytest.raises(TypeError):
        pickle.dumps(conversation)
    with pytest.raises(TypeError):
        copy.copy(conversation)


def test_a_snapshot_brings_everything_back():
    """Numbers, values, fakes and what is shut without brackets survive a store."""
    conversation = known("김민수", "010-1234-5678", "PERSON_1")
    again = Conversation.restore("c", conversation.snapshot())
    assert restored_text("<PERSON_1> PERSON_1 <PHONE_1>", again) == "김민수 PERSON_1 010-1234-5678"
    assert masked_text("홍길동 김민수", again) == "<PERSON_2> <PERSON_1>"
    with pytest.raises(ValueError, match="no snapshot") as caught:
        Conversation.restore("c", b'{"entries": "secret"}')
    assert "secret" not in str(caught.value)


def test_a_nonce_is_part_of_every_placeholder():
    """With a nonce, a placeholder without it (or with another) is nobody's."""
    conversation = Conversation("c", nonce="k7")
    assert masked_text("김민수", conversation) == "<PERSON_1_k7>"
    assert (
        restored_text("<PERSON_1_k7>은 <PERSON_1> <PERSON_1_k8>", conversation)
        == "김민수는 <PERSON_1> <PERSON_1_k8>"
    )
    with pytest.raises(ValueError, match="nonce"):
        Conversation("c", nonce="TOO LONG")


@pytest.mark.parametrize(
    ("type", "one", "other"),
    [
        ("PHONE", "010-1234-5678", "+82 10 1234 5678"),
        ("PHONE", "０１０-1234-5678", "01012345678"),
        ("EMAIL", "Kim@Corp.KR", "kim@corp.kr"),
        ("KR_RRN", "850101 - 1234567", "8501011234567"),
        ("VEHICLE", "12가 3456", "12가3456"),
        ("ADDRESS", "서울 강남구  1", "서울 강남구 1"),
        ("BIRTH_DATE", "1985년 1월 2일", "1985-01-02"),
    ],
)
def test_two_ways_of_writing_are_one_value(type, one, other):
    """Numbering goes by the value, not by its layout."""
    assert normalise(type, one) == normalise(type, other)


@pytest.mark.parametrize(
    ("type", "one", "other"),
    [
        ("PASSWORD", "Abc12", "abc12"),
        ("DRIVER_LICENSE", "서울 12-345678-90", "부산 12-345678-90"),
        ("BIRTH_DATE", "1985-1-11", "1985-11-1"),
    ],
)
def test_two_values_stay_two(type, one, other):
    """What differs is not merged."""
    assert normalise(type, one) != normalise(type, other)
