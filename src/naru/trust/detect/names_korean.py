"""Korean personal names by additive evidence: surname, syllables, particle, neighbours, and no common word there.

Every judgement looks at one run of Hangul and a bounded window around it, so the whole is linear in the text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from naru.trust.detect.names_foreign import ForeignNames, looks_foreign
from naru.trust.detect.names_lexicon import FIRST_SYLLABLES, SECOND_SYLLABLES, Lexicon, lexicon
from naru.trust.entity import Entity

THRESHOLD = 1.75
"""Evidence (log-odds-like points) from which a candidate is a name; it is the score 0.5."""

_AFTER_CONSONANT = "이|은|을|과|이랑|이라|이란|이라는|이라고|이라며|이라면|이라서|이나|이며|이고|이면|이었다|이었습니다|이에요|이에게|으로|으로서|으로부터|아|이야|이여|이가|이는|이를|이의|이도|이한테|이네|이지만|이던|이죠|이지"
_AFTER_VOWEL = "가|는|를|와|랑|라|란|라는|라고|라며|라면|라서|나|며|고|면|였다|였습니다|예요|로|로서|로부터|야|여|네|지만|던|죠|지|다"
_AFTER_ANY = (
    "의|에|에게|에게서|에게는|에게도|에겐|에서|께|께서|께서는|께서도|께선|께도|한테|한테서|한테는|한테도|도|만|만은|만이|만을|만의|부터|까지|까지도|처럼|보다|보다는|보다도|조차|마저|밖에|뿐|뿐만|같이|같은|"
    "대로|하고|님|씨|입니다|이다|인|인데|인가|인지|일|이신|이세요|이십니다|입니까|인가요|와의|과의|와는|과는|와도|과도|들|측|측은|측이|등|외|역|역의|역을|역에|역은|때문에|빼고|땜에|이랑은|랑은|만큼|만큼은|이란|이요|요|식|표"
)
_CONSONANT_TAILS = frozenset(_AFTER_CONSONANT.split("|"))
_VOWEL_TAILS = frozenset(_AFTER_VOWEL.split("|"))
_ANY_TAILS = frozenset(_AFTER_ANY.split("|"))
_NOUN_SUFFIXES = frozenset(
    "하한해할함했시된될됨되돼됐들적상성화용자인식일서안비율률장점권법실과부팀지금액표국회사관대료물품형별제주단선문중후전내외측등"
    "건차호급력론증집판계체처청간구역수도기원진로은이만나가명정남여세시생조천년동산리여해생설연당난경열학분망모"
)
"""Syllables that make a noun of two into a longer one, or a particle or verb ending right after it."""


_USUAL_FIRST = frozenset(
    "영성재정상동지승경종병수기현진태용인원민창윤석명은희준주혜선우형광미세유규호도문남소연순덕효하예시철찬한"
)
_USUAL_SECOND = frozenset(
    "수영호진희현원우석환준철식기훈민성선규정경주연욱근섭용아숙은미화형태순윤재혁옥인국웅자길덕홍남범권찬혜종만렬학택헌빈균열익"
)


def has_final(syllable: str) -> bool:
    """Whether a Hangul syllable ends in a consonant (받침)."""
    return (ord(syllable) - 0xAC00) % 28 != 0


def score_of(points: float) -> float:
    """Points as a score: 0.5 at THRESHOLD, near 1 four points above."""
    return 1.0 / (1.0 + math.exp(THRESHOLD - points))


_RUN = re.compile(r"[가-힣]+")
_NEXT = re.compile(r" ?\(?([가-힣]{1,6})")
_AGE = re.compile(r" ?\((?:\d{1,3}(?:세|살)?(?:[)·,]|·)|[\u4e00-\u9fff]{2,4}[),·]|본명|가명|남[,·)]|여[,·)])")
_BEFORE = re.compile(r"([가-힣]{1,6})(?:[ ]?[(:：'\"“‘]?[ ]?|\s*[:：|]\s*)$")
_LABEL = re.compile(r"([가-힣]{1,7}(?: ?[가-힣]{1,4})?)(?:\([^)\n]{1,10}\))?\s{0,3}[:：=|]\s{0,3}[\"'“]?$")
_NEXT_RUN = re.compile(r" ?([가-힣]{1,8})")
_JOINED = re.compile(r"[ ·ㆍ・\-]([가-힣]{1,9})")
_MASKED = re.compile(r" ?(?:씨|군|양|\(|[가-힣]{2,3} ?\(\d)")
_SHORT_MASK = re.compile(r"(?:[O○◯ＯX*＊●]{1,3})(?![A-Za-z])")
_TITLED = frozenset("김박최정강조윤장임오서권황안송류유홍문배백허심곽변채엄노손남차진민")
"""Surnames that before a title are hardly another word (이 is `this`, 전 `former`, 한 `one`, 고 `late`)."""
_OFFICE = frozenset(
    ["과장", "대리", "부장", "차장", "팀장", "실장", "상무", "전무", "사장", "부사장", "회장", "부회장", "의원", "총리", "장관", "총장", "교수", "박사", "변호사", "주임", "본부장", "원장"]
)
_FAMILIAR = frozenset(
    ["누나", "오빠", "언니", "형", "형님", "누님", "엄마", "아빠", "어머니", "아버지", "할머니", "할아버지", "이모", "삼촌", "고모", "선생님", "선배", "선배님", "후배", "쌤", "대리", "과장", "부장", "팀장", "매니저", "프로"]
)
_SCREEN = frozenset(["연기", "팬", "주연", "목소리", "출연", "등장", "열연", "나오는", "나온", "캐릭터"])
_ACTING = re.compile("의")
_SCREEN_NEXT = re.compile(r" (?:[가-힣]{1,5} )?(?:연기|팬|목소리|열연|매력|캐스팅|액션|캐릭터|작품)")
_NEXT_WORD = re.compile(r" ([A-Z]{0,5}[가-힣]{1,12})")
_TITLE_ENDS = (
    "회장",
    "사장",
    "위원장",
    "장관",
    "차관",
    "교수",
    "의원",
    "소장",
    "원장",
    "총장",
    "국장",
    "대표",
    "감독",
    "변호사",
    "판사",
    "이사장",
    "지사",
    "비서관",
    "대변인",
    "위원",
    "팀장",
    "실장",
    "본부장",
    "총리",
    "대통령",
    "박사",
    "작가",
    "선수",
)
_FOND_TAILS = frozenset(["가", "는", "를", "랑", "도", "한테", "한테서", "의", "야", "네", "가요", "나", "처럼", "보다"])
_LETTER = re.compile(
    r"(?<![A-Za-z0-9.\-/])[A-Z](?=(?:\(\d{1,3}[^)\n]{0,8}\))? ?(?:씨|군|양)(?:[은는이가을를의도와과측 ,.(]|에게|$))"
)
_LIST = re.compile(r"(?:, ?|·|ㆍ|・|、|/ ?| 및 | 와 | 과 |\s?&\s?)$")


class KoreanNames:
    """Judges runs of Hangul."""

    def __init__(self, words: Lexicon | None = None) -> None:
        self._w = words or lexicon()
        self._given = self._w.common_given | self._w.known_given
        self._foreign = ForeignNames(self._w)
        tails = _ANY_TAILS | _CONSONANT_TAILS | _VOWEL_TAILS
        self._longest_tail = max(map(len, tails)) + 8

    def find(self, text: str) -> Iterator[Entity]:
        """Every Korean name of the text, none overlapping."""
        last_end = -1
        for m in _LETTER.finditer(text):
            yield Entity("PERSON", m.start(), m.start() + 1, 0.7, "letter for a name")
        for run in _RUN.finditer(text):
            i, j = run.span()
            if i < last_end:
                continue
            hit = self._judge(text, i, j, last_end)
            if hit is None:
                continue
            length, points, reason = hit
            if points >= THRESHOLD:
                last_end = i + length
                yield Entity("PERSON", i, i + length, score_of(points), reason)

    def _judge(self, text: str, i: int, j: int, last_end: int) -> tuple[int, float, str] | None:
        w = self._w
        run = text[i:j]
        best: tuple[int, float, str] | None = None
        if run[0] in w.surnames:
            for n in (3, 2, 4):
                if len(run) < n:
                    continue
                points, reason = self._points(text, i, j, n, run, last_end)
                if best is None or points > best[1]:
                    best = (n, points, reason)
            one = self._single(text, i, j, run)
            if one is not None and (best is None or one[1] > best[1]):
                best = one
        given = self._given_only(text, i, j, run)
        if given is not None and (best is None or given[1] > best[1]):
            best = given
        if best is None or best[1] < THRESHOLD:
            fond = self._fond(run)
            if fond is not None and (best is None or fond[1] > best[1]):
                best = fond
        other = self._foreign_name(text, i, j, run)
        if other is not None and (best is None or other[1] > best[1]):
            best = other
        return best

    def _points(self, text: str, i: int, j: int, n: int, run: str, last_end: int) -> tuple[float, str]:
        w = self._w
        name = run[:n]
        if name in w.foreign_places or run in w.foreign_places:
            return -9.0, ""
        points = w.surnames[run[0]]
        reason = "surname and given name"
        if n == 3:
            given = name[1:]
            if given in w.common_given:
                points += 2.0
            elif given in w.known_given:
                points += 1.2
            elif given[0] in _USUAL_FIRST and given[1] in _USUAL_SECOND:
                points += 0.9
            elif given[0] in FIRST_SYLLABLES and given[1] in SECOND_SYLLABLES:
                points += 0.3
            elif given[0] in FIRST_SYLLABLES or given[1] in SECOND_SYLLABLES:
                points -= 1.5
            else:
                points -= 4.0
            if given in w.two_nouns:
                points -= 1.0 if given in w.common_given else 3.0
        elif n == 4:
            if name[:2] in w.double_surnames:
                points = 1.0 + (1.5 if name[2:] in self._given else -0.5)
            elif run[1] in w.surnames and name[2:] in self._given:
                points += -1.5
            else:
                return -9.0, ""
        elif name in w.double_surnames or run[2:] == "이":
            return -9.0, ""
        else:
            points += -1.5 if name[1] in SECOND_SYLLABLES else -3.0
        tail = self._tail(run, n)
        if tail is None:
            return -9.0, ""
        points += tail
        common = self._common_word(run, n)
        after, why = self._after(text, j if tail < 2 else -1)
        if not after and tail and _ACTING.match(run, len(run) - 1) and _SCREEN_NEXT.match(text, j):
            after, why = 1.0, "acting after it"
        points += after
        points -= common * 0.5 if max(tail, after) >= 2.5 else common
        before, why2 = self._before(text, i, last_end)
        points += before
        return points, why2 or why or reason

    def _tail(self, run: str, n: int) -> float | None:
        """Points for what follows the name in the run; None when nothing that follows a name."""
        rest = run[n:]
        if not rest:
            return 0.0
        final = has_final(run[n - 1])
        if rest in _ANY_TAILS or rest in (_CONSONANT_TAILS if final else _VOWEL_TAILS):
            return 3.0 if rest[0] in "씨님" else 0.3
        w = self._w
        for k in range(min(6, len(rest)), 0, -1):
            head = rest[:k]
            if head in w.honorifics or head in w.titles or (head in w.kin):
                left = rest[k:]
                if not left:
                    return 2.5
                final = has_final(head[-1])
                if left in _ANY_TAILS or left in (_CONSONANT_TAILS if final else _VOWEL_TAILS):
                    return 2.5
        return None

    def _common_word(self, run: str, n: int) -> float:
        """Points off when the run reads as a common word."""
        w = self._w
        if run in w.nouns or run in w.verbs:
            return 4.0
        worst = 0.0
        for k in range(min(len(run), 6), 1, -1):
            word = run[:k]
            noun = word in w.nouns
            if not noun and word not in w.verbs:
                continue
            rest = run[k:]
            if k >= 3:
                final = has_final(word[-1])
                if rest in _ANY_TAILS or rest in (_CONSONANT_TAILS if final else _VOWEL_TAILS) or k > n:
                    return 4.0
                worst = max(worst, 2.0)
            elif noun:
                if n == 2:
                    return 4.0
                final = has_final(word[-1])
                if rest in _ANY_TAILS or rest in (_CONSONANT_TAILS if final else _VOWEL_TAILS):
                    worst = max(worst, 1.5 if run[1:3] in w.common_given else 4.0)
                elif rest[0] in "하한해할함했되된됩돼됐시" and len(rest) > 1:
                    worst = max(worst, 3.5)
                elif rest[0] in _NOUN_SUFFIXES:
                    worst = max(worst, 0.6 if run[1:3] in w.common_given else 2.5)
                elif run[1:3] not in w.common_given:
                    worst = max(worst, 0.6)
        return worst

    def _after(self, text: str, j: int) -> tuple[float, str]:
        if j < 0:
            return 0.0, ""
        if _AGE.match(text, j):
            return 2.0, "age or Hanja after it"
        m = _NEXT.match(text, j)
        if m is None or m.start(1) == j:
            return 0.0, ""
        w = self._w
        word = m.group(1)
        if word == "전":
            return (2.5, "title after it") if self._title_soon(text, m.end(), 3) else (0.0, "")
        if word[0] in "씨님" and (len(word) == 1 or self._is_tail(word, 1)):
            return 3.5, "honorific after it"
        if self._begins(word, w.titles) or self._begins(word, w.honorifics):
            return 2.5, "title after it"
        if self._begins(word, w.kin):
            return 1.5, "kinship after it"
        if self._title_soon(text, j, 2):
            return 1.5, "title after it"
        if self._begins(word, _SCREEN):
            return 1.0, "acting after it"
        return 0.0, ""

    def _title_soon(self, text: str, j: int, words: int) -> bool:
        """Whether one of the next words ends in a title: 외교부 장관, 인권연구소장."""
        for _ in range(words):
            m = _NEXT_WORD.match(text, j)
            if m is None:
                return False
            word = m.group(1)
            if any(
                word[:k].endswith(_TITLE_ENDS) and (k == len(word) or self._is_tail(word, k))
                for k in range(2, len(word) + 1)
            ):
                return True
            if word[-1] in "은는이가을를의에도":
                return False
            j = m.end()
        return False

    def _begins(self, word: str, among: frozenset[str]) -> bool:
        return any(
            word[:k] in among and (k == len(word) or self._is_tail(word, k))
            for k in range(min(5, len(word)), 0, -1)
        )

    def _is_tail(self, word: str, k: int) -> bool:
        rest = word[k:]
        return rest in _ANY_TAILS or rest in (_CONSONANT_TAILS if has_final(word[k - 1]) else _VOWEL_TAILS)

    def _before(self, text: str, i: int, last_end: int) -> tuple[float, str]:
        window = text[max(0, i - 24) : i]
        m = _LABEL.search(window)
        w = self._w
        if m is not None and m.group(1).replace(" ", "") in w.labels:
            return 3.5, "label before it"
        if (
            last_end >= 0
            and i - last_end <= 5
            and _LIST.search(window)
            and _LIST.sub("", window)[-1:] == text[last_end - 1]
        ):
            return 1.5, "in a list of names"
        m = _BEFORE.search(window)
        if m is not None:
            word = m.group(1)
            if word in w.roles or (word[-3:] in w.roles and len(word) > 3):
                return 1.8, "role before it"
        return 0.0, ""

    def _single(self, text: str, i: int, j: int, run: str) -> tuple[int, float, str] | None:
        """A surname alone: 김씨, 김 씨, 김모(33)씨, 박 전 차관, 이 대표."""
        s = run[0]
        if s == "모":
            return None
        if len(run) > 1:
            if run[1] == "씨" and (len(run) == 2 or self._is_tail(run, 2)) and run not in self._w.nouns:
                return 1, 5.0, "honorific after it"
            if run[1] == "모" and (
                (len(run) == 2 and _MASKED.match(text, j))
                or (run[2:3] in ("씨", "군", "양") and (len(run) == 3 or self._is_tail(run, 3)))
            ):
                return 1, 5.0, "masked name"
            return None
        m = _NEXT_RUN.match(text, j)
        if m is None:
            return (1, 4.0, "masked name") if _SHORT_MASK.match(text, j) else None
        word = m.group(1)
        if word[0] == "씨" and (len(word) == 1 or self._is_tail(word, 1)):
            return 1, 4.5, "honorific after it"
        if (
            word[0] == "모"
            and (len(word) == 1 or word[1] in "씨군양")
            and _MASKED.match(text, m.end(1) if len(word) == 1 else m.start(1) + 1)
        ):
            return 1, 4.0, "masked name"
        former = word == "전"
        if former:
            m = _NEXT_RUN.match(text, m.end())
            if m is None:
                return None
            word = m.group(1)
        title = next((word[:k] for k in range(min(5, len(word)), 1, -1) if word[:k] in self._w.titles), None)
        if title is None or not (len(word) == len(title) or self._is_tail(word, len(title))):
            if word in ("군", "양") or (word[0] in "군양" and self._is_tail(word, 1)):
                return (1, 2.5, "honorific after it") if s in _TITLED else None
            return None
        polite = word[len(title) :].startswith("님")
        if (
            former
            or s in _TITLED
            or (s == "이" and (title in _OFFICE or polite))
            or (s in "한신고" and (polite or title == "회장"))
        ):
            return 1, 3.0, "title after it"
        return None

    def _given_only(self, text: str, i: int, j: int, run: str) -> tuple[int, float, str] | None:
        """A given name alone with an honorific or a family word: 민수 씨, 지혜누나."""
        w = self._w
        name = run[:2]
        if len(name) < 2 or name not in w.common_given:
            return None
        rest = run[2:]
        if rest:
            if rest[0] == "이" and len(rest) > 1:
                rest = rest[1:]
            if rest[0] == "씨" and (len(rest) == 1 or self._is_tail(rest, 1)):
                return 2, 4.0, "honorific after it"
            if rest[0] == "님" and name not in w.nouns and (len(rest) == 1 or self._is_tail(rest, 1)):
                return 2, 3.0, "honorific after it"
            if self._begins(rest, _FAMILIAR):
                return 2, 2.5, "kinship after it"
            return None
        m = _NEXT_RUN.match(text, j)
        if m is None:
            return None
        word = m.group(1)
        if word[0] == "씨" and (len(word) == 1 or self._is_tail(word, 1)):
            return 2, 4.0, "honorific after it"
        if word[0] in "님군양" and name not in w.nouns and (len(word) == 1 or self._is_tail(word, 1)):
            return 2, 2.5, "honorific after it"
        if name not in w.nouns and self._begins(word, _FAMILIAR):
            return 2, 2.0, "kinship after it"
        return None

    def _fond(self, run: str) -> tuple[int, float, str] | None:
        """A given name with the fond 이 and a particle: 서영이가, 유경이를."""
        if len(run) > 3 and run[2] == "이" and has_final(run[1]) and run[:2] in self._w.common_given:
            if run[:2] not in self._w.nouns and run[:2] not in self._w.two_nouns and run[3:] in _FOND_TAILS:
                return 2, 2.0, "given name"
        return None

    def _foreign_name(self, text: str, i: int, j: int, run: str) -> tuple[int, float, str] | None:
        foreign = self._foreign
        first = foreign.read(run, self._ends) if run[:1] in foreign.starts else None
        if first is None:
            return self._spelled(text, i, j, run)
        length, kind = first
        end = i + length
        kinds = [kind]
        while end == j and len(kinds) < 4:
            m = _JOINED.match(text, end)
            if m is None:
                break
            following = m.group(1)
            more = foreign.read(following, self._ends)
            if more is None:
                k = foreign.unknown(following, self._ends)
                if not k or "spelled" in kinds or self._begins(following, self._w.titles):
                    break
                more = k, "spelled"
            end, j = m.start(1) + more[0], m.end(1)
            kinds.append(more[1])
        if kinds.count("sure") + kinds.count("glued"):
            return end - i, 2.2 + 0.8 * (len(kinds) - 1), "foreign name"
        if kinds.count("weak") > 1 or (len(kinds) > 1 and length > 1):
            return end - i, 2.0, "foreign name"
        after, why = self._after(text, end if end == j else -1)
        if length > 1 and (after >= 2.0 or (end < j and (self._tail(run, length) or 0.0) >= 2.5)):
            return end - i, 2.5, why or "title after it"
        return None

    def _spelled(self, text: str, i: int, j: int, run: str) -> tuple[int, float, str] | None:
        """An unknown transliteration that a title follows: 치프라스 총리."""
        if (
            not 2 < len(run) < 8
            or not looks_foreign(run)
            or self._foreign.is_place(run)
            or run in self._w.loans
        ):
            return None
        after, why = self._after(text, j)
        if after >= 2.5:
            return len(run), 2.2, why
        return None

    def _ends(self, run: str, k: int) -> bool:
        return k == len(run) or self._is_tail(run, k) or self._tail(run, k) is not None
