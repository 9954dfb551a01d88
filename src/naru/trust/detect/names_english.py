"""English and romanised names: labels, titles, salutations, and first and family names from lists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from naru.trust.detect.names_lexicon import sections, words
from naru.trust.entity import Entity

_FIRST = "[A-Z]"
_REST = r"(?:[a-zà-öø-ÿ'’]+(?:[A-Z][a-z]+)?|')(?:-[A-Za-z][a-z]+)?"
_PART = _FIRST + _REST
# The first letter comes before what must not precede it: for it alone the search stops. What follows it tells
# the three apart: a small letter, a capital, or 씨 and the like (group 2; group 1 is a name in capitals).
_NAME = re.compile(
    rf"{_FIRST}(?<![A-Za-z0-9]{_FIRST})(?:(?<![_@/.\-]{_FIRST}){_REST}(?:(?: (?:van der|van den"
    rf"|van|von|de la|de|del|da|di|al|el|bin|ibn|le|la) "
    rf"| [A-Z]\.? | ){_PART}){{0,3}}(?![A-Za-z0-9_@])"
    rf"|((?<!_{_FIRST})[A-Z]{{1,13}}(?:,? [A-Z]\.?)?(?:,? [A-Z][A-Z'\-]{{1,14}}){{1,2}}(?![A-Za-z0-9_]))"
    rf"|((?<![.\-/]{_FIRST})(?=(?:\(\d{{1,3}}[^)\n]{{0,8}}\))? ?(?:씨|군|양)"
    r"(?:[은는이가을를의도와과측만 ,.(]|에게|$))))"
)
_IN_CAPITALS, _LETTER = 1, 2
_TITLES = words(
    """
Mr Mrs Ms Miss Mx Dr Prof Professor Sir Madam Rev Captain Officer Judge Senator Nurse Doctor Attorney
Detective Coach President Chairman Director Manager Minister Governor Mayor King Queen Saint
"""
)
_TITLE_ENDS = tuple(
    words(
        """
Mr Mrs Ms Miss Mx Dr Prof Professor Sir Madam Rev Capt Captain Lt Sgt Col Gen Officer Judge Senator Nurse
Doctor Attorney Detective Coach
"""
    )
)
_TITLE = re.compile(rf"\b(?:{'|'.join(_TITLE_ENDS)})\.?\s$")
_LABEL = re.compile(
    r"(?:\b(?:[Ff]ull [Nn]ame|[Ff]irst [Nn]ame|[Ll]ast [Nn]ame"
    r"|[Nn]ame|NAME|[Pp]atient(?: [Nn]ame)?|[Cc]ustomer(?: [Nn]ame)?"
    r"|[Cc]lient(?: [Nn]ame)?|[Ee]mployee(?: [Nn]ame)?"
    r"|[Cc]ontact(?: [Pp]erson)?|[Cc]andidate|"
    r"[Aa]pplicant|[Ss]tudent(?: [Nn]ame)?|[Tt]enant|[Ll]andlord"
    r"|[Bb]uyer|[Ss]eller|[Bb]orrower|[Ll]ender|[Ii]nsured"
    r"|[Pp]olicy ?holder|[Bb]eneficiary|[Cc]ardholder(?: [Nn]ame)?"
    r"|[Aa]ccount [Hh]older|[Aa]ccount [Nn]ame|"
    r"[Aa]ttn|[Aa]ttention|[Ff]rom|[Tt]o|[Cc]c|[Ss]igned(?: by)?"
    r"|[Aa]uthor|[Rr]eviewer|[Mm]anager|[Ss]upervisor|[Pp]hysician"
    r"|[Dd]octor|[Aa]gent|[Rr]ecipient|[Ss]ender|[Gg]uest"
    r"|[Pp]assenger|[Gg]uardian|[Pp]arent|"
    r"[Ee]mergency [Cc]ontact|[Rr]eported by|[Pp]repared by"
    r"|[Aa]pproved by|[Aa]ssigned to|[Ss]hip to|[Bb]ill to"
    r"|[Mm]ember(?: [Nn]ame)?|[Uu]ser(?: [Nn]ame)?|[Oo]wner"
    r"|[Dd]river|[Ww]itness|[Pp]laintiff|[Dd]efendant|[Cc]laimant)"
    r"|[가-힣]{2,6}) ?[\"']?\s{0,2}[:=：|]\s{0,3}[\"']?$"
)
_INTRO = re.compile(
    r"(?:\b(?:[Mm]y name is|[Nn]ame is|[Nn]amed|I am|I'm"
    r"|I’m|[Tt]his is|[Cc]all me|[Dd]ear|[Hh]i|[Hh]ello"
    r"|[Hh]ey|[Mm]orning|[Aa]fternoon|[Ee]vening|[Ss]poke with"
    r"|[Tt]alked to|[Mm]eet|[Mm]et with|[Cc]ontact|[Aa]sk for"
    r"|[Aa]ssigned to|[Rr]eported by|[Pp]repared by|[Aa]pproved by"
    r"|[Ss]igned by|[Ss]incerely|[Rr]egards|[Tt]hanks|[Tt]hank you"
    r"|[Cc]heers|[Bb]est)[,!]?\s{1,3})$"
)
_INTRO_WORDS = tuple(
    words(
        """
is named am 'm ’m me dear hi hello hey morning afternoon evening with to meet contact for by sincerely
regards thanks you cheers best
"""
    )
)
"""What an introduction ends with, in small letters: a quick look before the long one."""
_INTRO_ENDS = " \t\n\r\f\v,!"
_WITH = re.compile(
    r"\b(?:with|by|from|to|and|for|tell|told|ask|asked"
    r"|call|called|email|emailed|cc|that|when|if|patient"
    r"|client|customer|colleague|manager|wife|husband|son"
    r"|daughter|brother|sister|friend|mother|father|boss"
    r"|is|of|after|before|sees?|saw|meet|met|help|helped)\s$",
    re.IGNORECASE,
)
_DOES = re.compile(
    r"(?:'s|’s)?,? (?:said|says|called|will|has|had|is"
    r"|was|and|asked|wants|wanted|lives|lived|works|worked"
    r"|told|sent|wrote|emailed|needs|would|can|could|did"
    r"|does|from|at|paid|moved|reported|confirmed|requested"
    r"|signed|joined|visited|born|aged|\()|(?:'s|’s)\b"
    r"|씨|님| 씨| 님"
)
_ORGANISATION = words(
    """
University College School Hospital Institute Inc Corp Corporation Ltd LLC Company Co Bank Airport Street
St Avenue Ave Road Rd Boulevard Lane Drive Park County City Island Beach River Lake Mountain Foundation
Center Centre Museum Church Group Holdings Partners Theorem Law Test Method Award Prize Stadium Station
Hotel Press House Square Bridge Tower Library Building Clinic Plaza Mall Court Place Parkway Way Valley
Hills Springs Cup League Act Kors Systems Services Solutions Technologies Technology Software Studio
Studios Times Journal Effect Cycle Syndrome Disease Algorithm Index Scale Model Day Week Club Team Union
Code Stanley
"""
)
_NOT_NAMES = words(
    """
I The A An This That These Those My Your His Her Our Their Its It He She We You They What When Where Which
Who Why How If In On At By For From To With And Or But So As Is Are Was Were Be Do Does Did Can Could Will
Would Should May Might Must Please Thank Thanks Dear Hello Hi Hey Regards Sincerely Best Kind Yours
Subject Re Fw Fwd Date Time Name Phone Email Address Company Department Team Monday Tuesday Wednesday
Thursday Friday Saturday Sunday January February March April June July August September October November
December English Korean Korea American America British China Chinese Japan Japanese India Indian France
French Germany German Spain Spanish Italy Italian Russia Russian Europe European Asia Asian Africa African
North South East West New Old First Last Good Great Happy Sorry Yes No Not Order Account Number Card Bank
Customer Client Patient Employee Manager Director Doctor Nurse Service Support Sales Human Resources
Marketing Finance Security Social Insurance Medical Hospital University College School Street Avenue Road
Drive Apt Suite Unit Box City State Zip Code United States Kingdom Invoice Payment Contract Python Java
Google Apple Amazon Microsoft Facebook Twitter Windows Linux Office Excel Word Github Docker Samsung Naver
Kakao Sir Madam Mr Mrs Ms Dr Prof Ignore System Prompt Instructions User Assistant Write Explain Create
Give Tell Describe Translate Summarize Make Let Find List Show Provide Given Consider Imagine Generate Use
Using Based Here There Now Then Also Just Only All Any Some Each Every Both Many Most More Other Another
Such After Before During Since Until While Because Although However Therefore Meanwhile Contact Call Meet
Note Attached Enclosed Confirmed Approved Sent Received Signed Today Tomorrow Yesterday Once Per Via Room
Floor Building Seoul Busan London Paris York Tokyo Chicago Boston Houston Texas California Florida Angeles
Francisco Washington Diego Vegas Jersey Hampshire Mexico Carolina Dakota Springfield Austin Dallas Denver
Seattle Atlanta Miami
"""
)
_SYLLABLES = re.compile(
    r"(?:g[iy]|gil|dong|min|su|soo|ji|jee|hoon|hun|young"
    r"|yeong|yong|hee|hui|ho|jin|jun|joon|june|hyun|hyeon"
    r"|hyeok|hyuk|woo|u|seo|seok|suk|seong|sung|seung|yeon"
    r"|yun|yoon|eun|un|kyung|gyeong|kyoung|mi|mee|na|ah"
    r"|a|sun|seon|sook|"
    r"chul|cheol|sang|tae|dae|jae|in|il|won|wook|uk|ha"
    r"|hye|bin|rin|rim|ra|ri|ryeong|ye|yu|yoo|do|da|ga"
    r"|ka|chan|hwan|hwa|jong|jung|jeong|joo|ju|kwang|gwang"
    r"|kyu|gyu|ki|gi|byung|byeong|dan|jo|sik|shik|sub|seop"
    r"|yul|bo|bum|beom|chang|geun|keun|moon|mun|nam|so"
    r"|han|sol|hyo|jeo|ok|guk|kuk|cheon|hong)+"
)
_LOOSE = ("contact", "best", "thanks", "is", "am")
"""Introductions too loose for a name no list knows."""


class EnglishNames:
    """Finds names in Latin letters."""

    def __init__(self) -> None:
        names = sections("english_names.txt")
        self._given = frozenset(names["given"])
        self._given_weak = frozenset(names["given_weak"]) - self._given
        self._surname = frozenset(names["surname"])
        self._surname_weak = frozenset(names["surname_weak"]) - self._surname
        self._korean = frozenset(names["korean"])
        self._singles = (self._given | self._given_weak | self._surname) - _NOT_NAMES
        self._upper_given = frozenset(n.upper() for n in self._given | self._given_weak)
        self._upper_surname = frozenset(n.upper() for n in self._surname | self._surname_weak | self._korean)

    def find(self, text: str) -> list[Entity]:
        """Names written First Last, or with a title, a label or a greeting, and letters for one: A씨."""
        found: list[Entity] = []
        singles = self._singles
        for m in _NAME.finditer(text):
            if m.lastindex == _IN_CAPITALS:
                found += self._in_capitals(text, m)
                continue
            if m.lastindex == _LETTER:
                found.append(Entity("PERSON", m.start(), m.end(), 0.7, "letter for a name"))
                continue
            sequence = m.group()
            # Most are the first word of a sentence: no name, and no `Mr.` before it.
            if (
                " " in sequence
                or sequence in singles
                or "'" in sequence
                or "’" in sequence
                or text[max(0, m.start() - 2) : m.start() - 1] == "."
            ):
                found += self._sequence(text, m.start(), sequence)
        return found

    def _in_capitals(self, text: str, m: re.Match[str]) -> Iterator[Entity]:
        parts = m.group().replace(",", "").split(" ")
        first, last = parts[0], parts[-1]
        both = (first in self._upper_given and last in self._upper_surname) or (
            last in self._upper_given and first in self._upper_surname
        )
        one = first in self._upper_given or first in self._upper_surname
        if both or (one and _LABEL.search(text[max(0, m.start() - 32) : m.start()])):
            yield Entity(
                "PERSON", m.start(), m.end(), 0.8 if both else 0.6, "first and family name in capitals"
            )

    def _sequence(self, text: str, start: int, sequence: str) -> Iterator[Entity]:
        parts = sequence.split(" ")
        offset, title = start, False
        while len(parts) > 1 and (parts[0] in _TITLES or parts[0] in _NOT_NAMES):
            title = parts[0] in _TITLES
            offset += len(parts[0]) + 1
            parts = parts[1:]
        if len(parts) == 1 and parts[0] in _NOT_NAMES:
            return
        parts = self._trimmed(parts)
        if not parts:
            return
        end = offset + len(" ".join(parts))
        points, reason = self._weighed(text, offset, end, parts, titled=title)
        if points >= 0.3:
            yield Entity("PERSON", offset, end, min(points, 0.97), reason)

    def _trimmed(self, parts: list[str]) -> list[str]:
        """The parts up to the first that is no name; none when they are an organisation's."""
        for k, part in enumerate(parts):
            bare = part.removesuffix("'s").removesuffix("’s")
            if k and (part in _NOT_NAMES or part in _ORGANISATION):
                if (
                    k == 1
                    and part in self._korean
                    and (parts[0] in self._given or parts[0] in self._given_weak)
                ):
                    return parts[:2]
                return [] if part in _ORGANISATION else parts[:k]
            if bare != part:
                return [*parts[:k], bare]
        return parts

    def _weighed(
        self, text: str, start: int, end: int, parts: list[str], *, titled: bool
    ) -> tuple[float, str]:
        """Points with what stands around the name."""
        points, reason = self._points(parts)
        window = text[max(0, start - 40) : start]
        if titled or _is_titled(window):
            return max(points, 0.6) + 0.3, "title before it"
        if points < 0 or (points < 0.25 and len(parts) == 1):
            return 0.0, ""
        if window.rstrip(" \t\"'").endswith((":", "：", "=", "|")) and _LABEL.search(window):
            return max(points, 0.9 if points >= 0.25 else 0.6), "label before it"
        if window.rstrip(_INTRO_ENDS).lower().endswith(_INTRO_WORDS) and _INTRO.search(window):
            if points >= 0.25:
                return max(points, 0.85), "greeting or introduction before it"
            if not window.rstrip().lower().endswith(_LOOSE):
                return 0.6, "greeting or introduction before it"
        if len(parts) == 1 and points >= 0.4:
            points += self._single(text, end, window)
        return points, reason

    @staticmethod
    def _single(text: str, end: int, window: str) -> float:
        """Points more for a given name alone that does something, or signs a letter."""
        more = 0.2 if _DOES.match(text, end) else 0.0
        if _WITH.search(window) or window.endswith("\n"):
            more += 0.15
        if text[end : end + 1] in ("", "\n") and "\n" in window[-3:]:
            more += 0.2
        return more

    def _points(self, parts: list[str]) -> tuple[float, str]:
        first, last = parts[0], parts[-1]
        if first in _NOT_NAMES and first not in self._given_weak:
            return -2.0, ""
        known = first in self._given
        weak = first in self._given_weak
        if len(parts) == 1:
            if known:
                return 0.42, "given name"
            return (0.25, "given name") if weak or first in self._surname else (0.0, "")
        if (first in self._korean and _is_romanised(parts[1:])) or (
            last in self._korean and _is_romanised(parts[:-1])
        ):
            return 0.9, "romanised Korean name"
        if last in self._surname or last in self._korean:
            return (
                0.95 if known else 0.85 if weak else 0.5 if len(parts) < 4 else 0.1
            ), "first and family name"
        if last in self._surname_weak and (known or weak):
            return (0.95 if known else 0.45), "first and family name"
        return (0.7, "given name and another") if known else (0.1, "")


def _is_titled(window: str) -> bool:
    """Whether `Mr.` or the like ends the window."""
    return window[:-1].removesuffix(".").endswith(_TITLE_ENDS) and _TITLE.search(window) is not None


def _is_romanised(parts: list[str]) -> bool:
    return _SYLLABLES.fullmatch("".join(parts).replace("-", "").lower()) is not None
