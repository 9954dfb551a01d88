"""Names where a text keeps a place for one: after a label or a role, before 드림 or an age, introduced.

One pass of an automaton finds the places; each is read within a bounded window. A place says more than the
syllables do, so that rare surnames and unusual given names are found here, which prose alone never shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from naru.trust.detect import names_spelled
from naru.trust.detect.folding import code_points
from naru.trust.detect.literals import Matcher
from naru.trust.detect.names_foreign import looks_foreign
from naru.trust.detect.names_lexicon import sections
from naru.trust.detect.names_rows import Rows
from naru.trust.detect.names_shapes import Shapes
from naru.trust.detect.names_spelled import HIDDEN, SURNAMES
from naru.trust.entity import Entity

_H, _GAP = "[가-힣]", "[ \t\u00a0]"
_REGIONS = "서울|부산|대구|인천|광주|대전|울산|경기|강원|충북|충남|전북|전남|경북|경남|제주|세종"
_AGED = rf"\([0-9]{{2}}세?[),·]|\((?:{_REGIONS})(?:시청|도청)?\)"
_SEXED = r" ?[/,|(\t] ?(?:남|여|M|F|남성|여성|만? ?[0-9]{2}세) ?[/,|)\t]| [MF]/[0-9]"
_SIGNED = rf"(?:{_GAP}?\([0-9A-Za-z\-. ]{{5,20}}\))?(?: ?드림| 올림| 배상)"
_CALLED = (
    "이?라고 ?[합하해불]|입니다|였습니다|이었습니다|이고요|쌤"
    f"|{_GAP}(?:씨|님|고객님|어르신|학생|[박교대과팀][사수표장리]님)"
)
_TIMED = "오[전후] [0-9]{1,2}:[0-9]{2}, "
_SAYS = r" ?(?::|[0-9]{1,2}:[0-9]{2} ?[AP\n])"
_IN_LATIN = (
    r"(?:성명|성함|이름|영문|신청인|수취인|수령인|예금주|받는 ?분|피보험자|탑승자|승객)"
    r" ?[:：]? ?(?:\([A-Z]{1,10}\) ?)?[A-Z]"
)

_ENDED = re.compile(rf"(?<![가-힣A-Za-z])([가-힣]{{2,4}}?)(?:({_AGED}|{_SEXED})|({_SIGNED})|{_CALLED})\Z")
_SPOKEN = re.compile(rf"(?:{_TIMED}|\n@?|\n[-*•] ?|@|^|\[)([가-힣]{{2,4}})(?:{_SAYS}|\] \[오[전후])\Z")
_FAMILY = "아들|딸|손자|손녀|조카|동생|남편|아내|아이"
_CAPITALS = re.compile(r"[A-Z]{2,} [A-Z]{2,} ?\Z")
_OTHER_WORD = re.compile(r"[가-힣](?<![가는를의도와께에])")
_TEAM = re.compile(r"[가-힣A-Z0-9]{2}(?:팀|부|과|실|센터|점|과정|은행|생명|에너지|그룹|지사) \Z")
_EDGE = re.compile(
    r" ?(?:[\n\t,/|)\]}\"'”’;:(<·%\[→]|-|[0-9]|\Z)|  |[님씨] | (?:님|씨|고객|드림|명의|외 )"
    "| (?:등록|주민|생년|전화|주소|연락처|휴대|성별|나이|직책|소속|사업자|여권|계좌|외국인|운전면허|면허)"
    "|입니다|이라고|라고|예요|이에요|였습|이었습"
)
_KINDS = (
    "자|인|원|[팀소원회부실반단교]장|[의강교기약]사|호사|담사|교수|선수|학생|감독|대표|이사|담당|[가차건화]주"
)
"""How words for kinds of people end."""
_BEFORE_TITLE = re.compile(r"(?<![가-힣])([가-힣]{3}) [가-힣]+\Z")
_AFTER_TITLE = re.compile("님?(?:[^가-힣]|[은는이가을를의과와도께에]|\\Z)")
_ENDINGS = frozenset("은는이가을를의에도만로한된할던인적고")
_QUOTES, _CLOSING = "\"'“‘*「 \t\u00a0", "\"'”*]】 \t\u00a0"
_FIRST = re.compile("([가-힣]{2,3}), ?([가-힣]{3})(?![가-힣])")
_NAMING = "성 {0,4}명|이 {0,4}름|대표이사|대표자|신청인"
_SIGNING = "서명|[위수]임인|임[차대]인|매[도수]인|보호자|작성자|예금주|[발수]신인|수령인|인[수계]자"
_BLANKS = frozenset(" \t\u00a0")
_APART = re.compile(rf"(?<![가-힣])({_H}){_GAP}{{1,6}}({_H})(?:{_GAP}{{1,6}}({_H}))?\Z")
"""A label with blanks in it: 성 명, 신 청 인."""
_ASIDE = re.compile(r" ?\([^()\n]{1,10}\)\Z")
_WHOLE = 3
_BACK = 32
LABELLED, TOLD, CALLED, PLAIN = -6.2, -5.0, -4.6, -0.3
"""Points that a name's syllables must have at such places: nearly none after a label with a colon."""
_IN_PROSE, _KIND, _TITLED = -1.4, -1.2, -2.2
"""What they must have where the sentence goes on after the name."""


def _labels() -> frozenset[str]:
    """The labels, each with and without the letter that a question mark follows."""
    found: set[str] = set()
    for label in sections("korean_places.txt")["label"]:
        before, optional, after = label.replace("_", " ").partition("?")
        found |= {before + after, before[:-1] + after} if optional else {before}
    return frozenset(found)


def _expressions(labels: frozenset[str]) -> list[str]:
    """What the automaton looks for, in the order of the readers. A place ends one syllable into the name.

    It asks for any syllables and the readers for a name's, since classes of many syllables and words before
    brackets make an automaton large and slow to build.
    """
    places = sections("korean_places.txt")
    key, header = ("|".join(places[kind]) for kind in ("key", "header"))
    role = "|".join(places["role"]).replace("_", " ")
    h = _H
    title = "|".join(sections("korean_titles.txt")["title"])
    ends = "".join(sorted({label[-1] for label in labels} | set("님)")))
    begins = f"{_GAP}{{0,4}}[\"'“‘*「]{{0,2}}{h}"
    listed = f"(?:, ?| ?[·、] ?){h}{{2,4}}"
    return [
        f"[:：]{begins}|[{ends}][\"'”*\\]】]{{0,3}}{_GAP}{{0,4}}[=|>\t]{begins}",
        f"(?:{key})[\"'”]{{0,2}} {{0,2}}(?:[:=>]|like) {{0,2}}[\"'“]?{h}",
        f"(?:^|[^가-힣0-9A-Za-z])(?:{role}){_GAP}{{1,3}}{h}",
        f"{h}{{2,4}}(?:{_AGED}|{_SEXED}|{_SIGNED}|{_CALLED})",
        f"(?:(?:{_NAMING})[ :：]{{1,6}}|(?:{_SIGNING}) ?[:：] {{0,3}}){h} {{1,3}}{h} {{1,3}}{h}",
        f"(?:{SURNAMES}) ?(?:티|반) ?{h}",
        f"{HIDDEN} ?(?:님|씨|고객|학생|회원|환자|\\()",
        f"(?:{_TIMED}|\n@?|\n[\\-*•] ?|@|^){h}{{2,4}}{_SAYS}|\\[{h}{{2,4}}\\] \\[오[전후]",
        _IN_LATIN,
        f"[A-Z]{{2,}} [A-Z]{{2,}} ?\\({h}{{2,4}}\\)",
        f'(?:^|[\n,\t|/]) ?"?(?:{header})"? ?[,\t|/]',
        f"(?:[:：—\\-] |^|\n){h}{{2,4}}(?:{listed}){{2}}",
        f"{h}(?:{_KINDS}) ?[:：]{_GAP}{{0,3}}{h}{{2}}",
        f"{h}(?:{_KINDS}) {h}{{2,3}} ?[,(·/]",
        f"{h}{{3}} (?:{title})",
        f"(?:^|[^가-힣])(?:{_FAMILY}) {h}{{2}} ?[0-9(]",
        "한자 ?[:：] ?[\\x{4e00}-\\x{9fff}]{2,4}[^\\x{4e00}-\\x{9fff}]",
    ]


class SlotNames:
    """Finds names at the places that forms, letters and records keep for them."""

    def __init__(self, shapes: Shapes, rows: Rows) -> None:
        self._shapes = shapes
        self._readers = (
            self._signed,
            self._labelled,
            self._told,
            self._ended,
            names_spelled.read_spaced,
            names_spelled.read_vietnamese,
            names_spelled.read_masked,
            self._spoken,
            names_spelled.read_latin,
            self._bracketed,
            rows.read_header,
            rows.read_list,
            self._of_a_kind,
            self._of_a_kind_listed,
            self._titled,
            self._of_a_family,
            names_spelled.read_hanja,
        )
        self._labels = _labels()
        self._label_ends = frozenset("님)").union(label[-1] for label in self._labels)
        self._label_sizes = tuple(sorted({len(label) for label in self._labels}))
        self._matcher = Matcher(_expressions(self._labels), is_unicode=True)

    def find(self, text: str, known: Iterable[Entity]) -> list[Entity]:
        """Names at such places, but those that are known and as long."""
        data = text.encode("utf-8", "replace")
        places, ends = self._matcher.scan_ends(data)
        if not places:
            return []
        found: list[Entity] = []
        taken = {e.start: e.end for e in known}
        for place, end in zip(places, code_points(data, ends), strict=True):
            read = self._readers[place](text, end)
            if not read:
                continue
            for entity in read if isinstance(read, list) else (read,):
                if taken.get(entity.start, 0) < entity.end:
                    taken[entity.start] = entity.end
                    found.append(entity)
        return found

    def _read(self, text: str, start: int, floor: float) -> int:
        stop = self._shapes.read(text, start, floor)
        if stop == start or text[stop : stop + 1] in (" ", "·"):
            foreign = self._shapes.read_foreign(text, start)
            if foreign > stop and self._is_edge(text, foreign):
                return foreign
        if stop > start and not self._is_edge(text, stop):
            stop = self._shapes.read(text, start, _IN_PROSE)
        return stop

    def _is_edge(self, text: str, at: int) -> bool:
        """Whether a name that ends at `at` is all that the place holds."""
        if _EDGE.match(text, at) is not None:
            return True
        return self._shapes.is_appellation(text, at + 1 if text[at] == " " else at)

    def _signed(self, text: str, end: int) -> Entity | None:
        """After a sign that a label is before: 성명: 홍길동, 담당자(서울) | 홍길동."""
        label = text[max(0, end - _BACK) : end - 1].rstrip(_QUOTES)[:-1].rstrip(_CLOSING)
        if label[-1:] not in self._label_ends:
            return None
        if label[-1:] == ")":
            aside = _ASIDE.search(label)
            if aside is None:
                return None
            label = label[: aside.start()]
        if label[-1:] == "님":
            label = label[:-1]
        if label[-2:-1] in _BLANKS:
            apart = _APART.search(label)
            label = "".join(filter(None, apart.groups())) if apart is not None else label
        for size in self._label_sizes:
            if label[-size:] in self._labels:
                return (
                    self._labelled(text, end)
                    or self._long(text, end - 1, 0.9, "label before it")
                    or self._first(text, end - 1)
                )
        return None

    def _labelled(self, text: str, end: int) -> Entity | None:
        start = end - 1
        stop = self._read(text, start, LABELLED)
        if stop == start:
            return None
        return Entity("PERSON", start, stop, 0.9, "label before it")

    def _first(self, text: str, start: int) -> Entity | None:
        """A word that may be a name as well, first in a list of names after a label: 학생: 노을, 김민수."""
        m = _FIRST.match(text, start)
        if m is None or m.group(1)[0] not in self._shapes.usual or m.group(1) in self._shapes.never:
            return None
        is_list = self._shapes.read(m.group(2), 0, _IN_PROSE) == _WHOLE
        return Entity("PERSON", start, m.end(1), 0.7, "in a list of names") if is_list else None

    def _long(self, text: str, start: int, score: float, reason: str) -> Entity | None:
        """A name of more syllables than most, which is all that the place holds."""
        stop = self._shapes.read_long(text, start)
        is_name = stop > start and self._is_edge(text, stop)
        return Entity("PERSON", start, stop, score, reason) if is_name else None

    def _told(self, text: str, end: int) -> Entity | None:
        start = end - 1
        stop = self._read(text, start, TOLD)
        name = text[start:stop]
        if not name:
            return self._long(text, start, 0.75, "role before it")
        if len(name) < 3 and not (text[stop : stop + 2] == " (" and name[0] in self._shapes.usual):
            return None
        if " " not in name and not self._shapes.is_likely_given(name[1:]):
            return None
        return Entity("PERSON", start, stop, 0.75, "role before it")

    def _ended(self, text: str, end: int) -> Entity | None:
        window = max(0, end - _BACK)
        m = _ENDED.search(text[window:end])
        if m is None:
            return None
        name = m.group(1)
        start = window + m.start(1)
        is_long = len(name) > 2
        tail = text[window + m.end(1) : end]
        is_plain = "니다" in tail or "이고" in tail or "라고" in tail
        if tail == " 학생" and name[-1] in "고대초중여":
            return None
        if tail == " 씨" and _OTHER_WORD.match(text, end):
            return None
        floor = CALLED
        if is_plain and _TEAM.search(text, max(0, start - 6), start) is None:
            floor = PLAIN
        if not is_long and not (m.group(3) or tail == "쌤"):
            return None
        stop = self._shapes.read(name, 0, floor if is_long else LABELLED)
        if (
            name[-1] == "하"
            or stop != len(name)
            or not (is_long or name not in _WHOM)
            or not self._shapes.is_likely_given(name[1:])
        ):
            return None
        if is_plain and floor == PLAIN:
            if looks_foreign(name):
                return None
            return Entity("PERSON", start, start + stop, 0.7, "introduction after it")
        return Entity("PERSON", start, start + stop, 0.8, "age, signature or introduction")

    def _spoken(self, text: str, end: int) -> Entity | None:
        """Who says a line of a chat: a time and a colon, or a name in brackets."""
        window = max(0, end - _BACK)
        m = _SPOKEN.search(text[window:end])
        if m is None:
            return None
        start = window + m.start(1)
        name = m.group(1)
        is_timed = m.group().count(":") > 1 or "[" in m.group() or "@" in m.group() or text[end - 1] != ":"
        stop = self._shapes.read(name, 0, LABELLED if is_timed else _IN_PROSE, is_cell=is_timed)
        return Entity("PERSON", start, start + stop, 0.8, "speaker of a line") if stop == len(name) else None

    def _bracketed(self, text: str, end: int) -> Entity | None:
        start = text.rfind("(", 0, end) + 1
        is_name = _CAPITALS.search(text[max(0, start - _BACK) : start - 1]) is not None
        if not is_name or self._shapes.read(text, start, CALLED, is_cell=True) != end - 1:
            return None
        return Entity("PERSON", start, end - 1, 0.8, "the name before it, written otherwise")

    def _of_a_kind(self, text: str, end: int) -> Entity | None:
        """목격자: 홍길동: any word for a kind of person is a label."""
        start = end - 2
        stop = self._shapes.read(text, start, _KIND)
        if stop - start < _WHOLE or not self._is_edge(text, stop):
            return None
        return Entity("PERSON", start, stop, 0.75, "label before it")

    def _of_a_kind_listed(self, text: str, end: int) -> Entity | None:
        start = text.rfind(" ", 0, end - 2) + 1
        stop = self._shapes.read(text, start, _KIND)
        if stop - start < _WHOLE or stop < end - 2:
            return None
        return Entity("PERSON", start, stop, 0.7, "role before it")

    def _titled(self, text: str, end: int) -> Entity | None:
        """A rare name before a title: 홍길솔 수석."""
        m = _BEFORE_TITLE.search(text, max(0, end - _BACK), end) if _AFTER_TITLE.match(text, end) else None
        if m is None or self._shapes.read(m.group(1), 0, _TITLED) != _WHOLE or m.group(1)[-1] in _ENDINGS:
            return None
        if not self._shapes.is_likely_given(m.group(1)[1:]):
            return None
        return Entity("PERSON", m.start(1), m.end(1), 0.7, "title after it")

    def _of_a_family(self, text: str, end: int) -> Entity | None:
        """A given name alone beside a number: 아들 차돌 010-…, 딸 다솜(7세)."""
        start = text.rfind(" ", 0, end - 2) + 1
        is_name = self._shapes.is_known(text[start : start + 2])
        return Entity("PERSON", start, start + 2, 0.7, "role before it") if is_name else None


_WHOM = frozenset(("고객", "선생", "담당", "원장", "실장", "우리", "저희", "부모", "학생", "회원"))
