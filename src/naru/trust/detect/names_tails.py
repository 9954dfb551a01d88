"""What may follow a Korean name inside its word: particles (조사), honorifics, titles, family words."""

from __future__ import annotations

from naru.trust.detect.names_lexicon import Lexicon, words

AFTER_CONSONANT = words(
    """
이 은 을 과 이랑 이라 이란 이라는 이라고 이라며 이라면 이라서 이나 이며 이고 이면 이었다 이었습니다 이에요
으로 으로서 으로부터 아 이야 이여 이가 이는 이를 이의 이도 이한테 이네 이지만 이던 이죠 이에게 이랑은
이랑도 이라도 과의 과는 과도
"""
)
AFTER_VOWEL = words(
    """
가 는 를 와 랑 라 란 라는 라고 라며 라면 라서 나 며 고 면 였다 였습니다 예요 로 로서 로부터 야 여 네 지만
던 죠 지 다 와의 와는 와도 라도 랑은 랑도
"""
)
AFTER_ANY = words(
    """
의 에 에게 에게서 에게는 에게도 에겐 에서 께 께서 께서는 께서도 께선 께도 한테 한테서 한테는 한테도 도 만
만은 만이 만을 만의 부터 까지 까지도 처럼 보다 보다는 보다도 조차 마저 밖에 뿐 뿐만 같이 같은 대로 하고 님
씨 입니다 이다 인 인데 인가 인지 일 이신 이세요 이십니다 입니까 인가요 들 측 측은 측이 측의 등 외 역 역의
역을 역에 역은 때문에 빼고 땜에 때매 만큼 만큼은 이란 이요 요 식 표 맞습니다 맞나요 이라는데 님께 님은
님이 님의 님을 님도 님과 님께서 님입니다 씨가 씨는 씨를 씨의 씨도 씨와 씨에게 씨한테 씨입니다 사단 작품
"""
)

_CONSONANT = AFTER_CONSONANT | AFTER_ANY
_VOWEL = AFTER_VOWEL | AFTER_ANY

END, PARTICLE, INTRODUCED, MISMATCH, KINSHIP, TITLE, HONORIFIC = 1, 2, 3, 4, 5, 6, 7
"""What a name is followed by in its word. INTRODUCED is 입니다 and the like; MISMATCH is a particle that
does not agree with the name, as text made from templates has it. KINSHIP and above are signs of a person."""

POINTS = {END: 0.0, PARTICLE: 0.3, INTRODUCED: 0.9, MISMATCH: -0.8, KINSHIP: 2.3, TITLE: 2.5, HONORIFIC: 3.0}
"""Evidence of what is found inside the word."""
_INTRODUCING = words("입니다 이라고 라고 이에요 예요 이라고요 이고 이며 이요")
_MISMATCHED = words(
    """
이 가 은 는 을 를 과 와 이라고 라고 으로 로 이랑 랑 이라는 라는
"""
)


def has_final(syllable: str) -> bool:
    """Whether a Hangul syllable ends in a consonant (받침)."""
    return (ord(syllable) - 0xAC00) % 28 != 0


def is_particle(word: str, k: int) -> bool:
    """Whether all that follows `k` syllables of `word` is a particle that agrees with the last of them."""
    return word[k:] in (_CONSONANT if (ord(word[k - 1]) - 0xAC00) % 28 else _VOWEL)


def ends_or_particle(word: str, k: int) -> bool:
    """Whether `word` ends after `k` syllables or goes on with a particle."""
    return k == len(word) or is_particle(word, k)


class Tails:
    """Reads what follows a name, in its word or in the next one."""

    def __init__(self, words: Lexicon) -> None:
        self._kinds = dict.fromkeys(words.kin, KINSHIP)
        self._kinds |= dict.fromkeys(words.titles, TITLE)
        self._kinds |= dict.fromkeys(words.honorifics, HONORIFIC)
        self.starts = frozenset(word[0] for word in self._kinds)
        self.pairs = frozenset(word[:2] for word in self._kinds)
        """What begins an appellation: its first two letters, or the only one."""
        self.begins = self.starts.union(word[0] for word in _CONSONANT | _VOWEL | _MISMATCHED)

    def kind(self, run: str, k: int) -> int:
        """One of the kinds above for what follows `k` syllables; 0 when it is nothing that follows a name."""
        if k == len(run):
            return END
        rest = run[k:]
        if rest in (_CONSONANT if (ord(run[k - 1]) - 0xAC00) % 28 else _VOWEL):
            if rest[0] in "씨님":
                return HONORIFIC
            return INTRODUCED if rest in _INTRODUCING else PARTICLE
        if rest[0] in self.starts:
            kind = self.appellation(rest)
            if kind:
                return kind
        return MISMATCH if k > 2 and rest in _MISMATCHED else 0

    def appellation(self, word: str) -> int:
        """KINSHIP, TITLE or HONORIFIC when `word` is one, a particle after it or not; else 0."""
        if word[:2] not in self.pairs and word[0] not in self.pairs:
            return 0
        kinds = self._kinds
        for k in range(min(5, len(word)), 0, -1):
            kind = kinds.get(word[:k])
            if kind is not None and ends_or_particle(word, k):
                return kind
        return 0
