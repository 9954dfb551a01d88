"""Toxicity: said to hurt, not said about hurtful words."""

import pytest

from naru.trust.guard import Guard
from naru.trust.guard.toxicity import find_first_letters, read_lexicon

GUARD = Guard()


def read(text):
    verdict = GUARD.check_input(text).find("toxicity")
    return (verdict.score, verdict.reasons) if verdict else (0.0, ())


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("씨발 뭐하는 거야", "profanity"),
        ("시1발 진짜", "profanity"),
        ("ㅅㅂ", "profanity"),
        ("시 발 새 끼", "profanity"),
        ("ㅅㅣㅂㅏㄹ", "profanity"),
        ("씨.발", "profanity"),
        ("개새끼야", "profanity"),
        ("병신아 그것도 몰라", "profanity"),
        ("미친놈아", "insult"),
        ("닥쳐", "insult"),
        ("김치녀들 극혐", "hate against a group"),
        ("중국인들은 다 추방해야 한다", "hate against a group"),
        ("죽여버린다", "threat"),
        ("너 밤길 조심해라", "threat"),
        ("자살하고 싶어", "self-harm"),
        ("fuck you", "profanity"),
        ("f u c k you", "profanity"),
        ("what a piece of sh1t", "profanity"),
        ("you are a complete idiot", "insult"),
        ("I will kill you", "threat"),
        ("all muslims are terrorists", "hate against a group"),
        ("send me nudes", "sexual harassment"),
        ("I want to kill myself", "self-harm"),
    ],
)
def test_what_hurts_has_its_category(text, category):
    """Korean and English, spaced, cut into jamo or in digits."""
    score, reasons = read(text)
    assert score >= 0.5
    assert category in reasons


@pytest.mark.parametrize(
    "text",
    [
        "프로젝트의 시발점이 되었다",
        "개발 일정 공유드립니다",
        "오늘 9시 발표가 있습니다",
        "김민수씨 발표 자료",
        "다음 달에 다시 바로 시작합니다",
        "새끼손가락을 다쳤다",
        "고양이가 새끼를 네 마리 낳았다",
        "밤에 자지 않고 영화를 보지 못했다",
        "불이 꺼져 있다",
        "영향을 미친 요인",
        "배고파 죽겠다",
        "죽여주는 맛집",
        "한남동 카페",
        "코로나 시대 발병률",
        "경찰은 살해 협박 혐의로 그를 기소했다",
        "'씨발'이라는 욕설의 어원을 알려 줘",
        "자살 예방 상담 전화번호",
        "유방암 검진 안내",
        "Scunthorpe United won the match",
        "kill the process with kill -9",
        "Dick Cheney and Moby Dick",
        "an assassin's class in Sussex",
        'The court heard that he said "I will kill you"',
        "The word 'nigger' is a slur with a long history",
        "treatment of patients with suicidal thoughts",
    ],
)
def test_what_is_not_said_to_hurt_passes(text):
    """Other words that hold the letters, news, law, medicine and quotations."""
    assert read(text)[0] < 0.5


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_pattern_begins_with_a_letter(language):
    """The dispatch by first letter misses no pattern."""
    rows = read_lexicon()[language, "words"]
    assert len(rows) > 100
    for _, severity, pattern in rows:
        assert 0.5 <= severity <= 1
        assert 1 <= len(find_first_letters(pattern)) <= 40, pattern
