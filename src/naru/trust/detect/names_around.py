"""What around a capitalised word makes it a person: labels, titles, greetings, roles, verbs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from naru.trust.detect.names_beside import is_monument
from naru.trust.detect.names_latin import FAMILY, GIVEN, NAME, THING, WORD
from naru.trust.detect.names_lexicon import words
from naru.trust.entity import Entity

_WINDOW = 48
# A search that begins within a word would only find again what its beginning has not.
_LAST_WORD = re.compile(
    r"([^\W\d_](?<![^\W\d_].)[^\W\d_]*+(?:'s|’s)?)(?:\(s\)|\([^)\n]{1,14}\))?[\"'*\s\])’”]*$"
)
_WORD_END = re.compile(r"(?:[^\W\d_]|['’])+\Z")
_FIRM = re.compile(
    r",? (?:Inc|Ltd|LLC|LLP|PLC|GmbH|AG|BV|B\.V|AB|SA|S\.A|Co|Corp|KG|Oyj?|Pty|Pte|Bros"
    r"|A/S|ApS|S\.p\.A|SARL|s\.r\.o|& (?:Co|Sons|Partners))\b"
    r"|(?:, [A-Z]\w+)?,? & [A-Z]\w+ (?:LLP|LLC|Inc|Ltd|Co|PLC)\b"
)
_TAG = re.compile(r"<([A-Za-z_]{1,20})(?:\s[^<>]{0,40}?[\"']([A-Za-z_-]{1,20})[\"'])?>$")
_LIST_GAP = re.compile(r"(?: ?\([^)\n]{1,30}\))?(?:,|;| and| &| or|, and|,? ->| \+| /|\||<br>)\s{1,2}$")
_AFTER = (
    r" \((?:\d\d?|he|she|they|mother|father|wife|husband|on call|chair|head|room parent)\b|,? (?:here|xx?)\b"
    r"|씨|님| 씨| 님"
)
_CONTACT = re.compile(
    r",? ?[(<\[]?(?:mailto:)?(?:(?!\d{4}-\d\d-|\d{1,2}[./]\d)\+?\d[\d ()./-]{6,}"
    r"|\(\d{2,4}\)|[\w.+-]{2,40}@"
    r"|DOB\b|born\b|aged\b|passport\b|SSN\b)"
)
_CLOSINGS = (
    *words(
        """
regards sincerely thanks cheers best yours faithfully truly love warmly respectfully wishes xoxo hugs
cordially everything advance help again care
"""
    ),
    "thank you",
)
_SMALL = re.compile(r"([a-z]{3,14})(?=[ ,.!?\n]|$)(?: ([a-z]{3,14})(?=[,.!?\n]|$))?")
# The engine skips to a blank; few stand after the last two, then three signs of a cue.
_BLANK = re.compile(
    r" [a-z](?<=(?:im|hi|'m|’m|is|'s|ts|ey|me|e:|ll|sk|ks) [a-z])"
    r"(?:(?<=[ih][mi] [a-z])|(?<=(?:i'm|i’m| is|[et]'s|its|hey| me|me:|ell|ask|nks) [a-z]))"
)
_CUE = re.compile(
    r"(?<![^\W_])(?:im|i['’]m|my name is|this is|name's|it's|hey its|hey|call me|name:|tell|ask|hi|thanks)\Z"
)
_CUE_REACH = 12
_SPEAKING = re.compile(r"\b[Yy]ou(?:['’]re| are) (?:speaking|through|talking) (?:to|with)\Z")
_NOUN = re.compile(r"[a-z]+")
_OWNED = frozenset(
    ("company", "team", "house", "plan", "number", "bank", "farm", "file", "order", "account", "day")
)
NEVER = -1.0
TITLED, LABEL, STRONG, ROLE, WEAK, LINE = 0.6, 0.55, 0.5, 0.35, 0.12, 0.1


def _closes(before: str) -> bool:
    """Whether a letter's closing and the end of its line are the last of what stands before."""
    said = before.rstrip()
    if "\n" not in before[len(said) :]:
        return False
    return (said[:-1] if said[-1:] in (",", ".", "!") else said).lower().endswith(_CLOSINGS)


class Around:
    """Reads the words around a candidate.

    Args:
        listed: sections of `english_words.txt`.
    """

    def __init__(self, listed: Mapping[str, tuple[str, ...]]) -> None:
        self._titles = frozenset(listed["titles"])
        self._roles = frozenset(listed["roles"])
        self._labels = self._roles | frozenset(listed["labels"])
        self._things = frozenset(listed["things_before"])
        self._nouns = frozenset(listed["organisation"])
        self._monuments = self._nouns | frozenset(listed["monuments"])
        self._cues = frozenset(listed["cues"])
        self._weak = frozenset(listed["weak_cues"])
        does, owned = ("|".join(listed[key]).replace("_", " ") for key in ("does", "owned"))
        self._does = re.compile(rf"(?:'s|’s)?,? (?:{does})\b|(?:'s|’s) (?:{owned})\b|{_AFTER}")

    def read(self, text: str, start: int, end: int, cue: str, last: int) -> tuple[float, str]:
        """Points more, and why; negative where it cannot be a person.

        Args:
            cue: the capitalised word before it that was cut off, or "".
            last: where the last person ended.
        """
        more, reason = self._before(text, start, cue)
        if (
            more < 0
            or self._is_eponym(text, end)
            or (text[end : end + 1] in " ," and is_monument(text, start, end, self._monuments))
        ):
            return NEVER, ""
        if last and 0 < start - last <= 36 and more < LABEL and _LIST_GAP.match(text[last:start]):
            more, reason = max(more, 0.25), "in a list of people"
        following = text[end : end + 1]
        if following in " '’,(" and self._does.match(text, end):
            more, reason = more + 0.2, reason or "does what people do"
        if following in " ,<([" and _CONTACT.match(text, end):
            more, reason = more + 0.25, reason or "number or address after it"
        return more, reason

    def is_bare(self, text: str, start: int, end: int) -> bool:
        """Whether a word begins a sentence or a line, and nothing says more than that."""
        if start < 2:
            return text[end : end + 1] == " "
        before = text[start - 2 : start]
        if before[-1] == "\n":
            return text[end : end + 1] not in ("", "\n")
        if before == ". ":
            return text[max(0, start - 12) : start - 2].rpartition(" ")[2].lower() not in self._titles
        return before in ("! ", "? ")

    def _is_eponym(self, text: str, end: int) -> bool:
        """Murphy's sign: named for a person, and none."""
        if text[end : end + 3] not in ("'s ", "’s "):
            return False
        noun = _NOUN.match(text, end + 3)
        return noun is not None and noun.group() in self._nouns and noun.group() not in _OWNED

    @staticmethod
    def is_firm(text: str, end: int, is_doubtful: bool) -> bool:
        """Whether what follows makes a firm of a name."""
        return text[end : end + 1] in " ," and (
            _FIRM.match(text, end) is not None or (is_doubtful and text[end : end + 3] == " & ")
        )

    def _before(self, text: str, start: int, cue: str) -> tuple[float, str]:
        if cue:
            return self._word(cue)
        window = text[max(0, start - _WINDOW) : start]
        bare = window.rstrip(" \t\"'“‘(*[`")
        sign = bare[-1:]
        if not sign or sign == "\n":
            return self._line(text, start)
        if sign in ":=：|" or window.endswith(("  ", "\t")):
            return self._labelled(bare.rstrip(":=：| "), sign)
        if sign.isalpha():
            word = bare.rsplit(None, 1)[-1]
            found = None if word.isalpha() else _WORD_END.search(word)
            return self._word((found.group() if found else word).lower(), bare)
        return self._sign(sign, bare)

    def _labelled(self, label: str, sign: str) -> tuple[float, str]:
        found = _LAST_WORD.search(label)
        word = found.group(1).lower() if found is not None else ""
        if word and (word in self._labels or word.rstrip("s") in self._labels or not word.isascii()):
            return LABEL, "label before it"
        return (0.1, "") if sign == "|" else (0.0, "")

    def _sign(self, sign: str, bare: str) -> tuple[float, str]:
        if sign == ">" and (tag := _TAG.search(bare)):
            named = {w for group in tag.groups() if group for w in re.split("[_-]", group.lower())}
            return (LABEL, "label before it") if named & self._labels else (0.0, "")
        if sign == ",":
            found = _LAST_WORD.search(bare[:-1])
            word = found.group(1).lower() if found else ""
            if word in self._cues:
                return STRONG, "greeting or introduction before it"
            return (ROLE, "role before it") if word in self._roles else (WEAK, "")
        if sign == ".":
            word = bare[:-1].rsplit(maxsplit=1)[-1].lower().lstrip("(\"'") if bare[:-1].strip() else ""
            if word in self._titles:
                return TITLED, "title before it"
            return (NEVER, "") if word == "st" else (0.0, "")
        return (0.1, "") if sign in "/;-#" else (0.0, "")

    def _word(self, word: str, bare: str = "") -> tuple[float, str]:
        word = word.removesuffix("'s").removesuffix("’s") if len(word) > 4 else word
        if word in self._things:
            return NEVER, ""
        if word in self._titles:
            return TITLED, "title before it"
        if word in ("i'm", "i’m"):
            return ROLE, "greeting or introduction before it"
        if word in self._cues:
            return STRONG, "greeting or introduction before it"
        if word in ("is", "am", "i'm", "i’m", "im") and bare.lower().endswith(
            ("name is", "i am", "i'm", "i’m", "im", "this is", "surname is")
        ):
            return (STRONG if "name" in bare[-12:] else 0.35), "greeting or introduction before it"
        if word in self._roles:
            return ROLE, "role before it"
        if word in ("to", "with") and _SPEAKING.search(bare):
            return STRONG, "greeting or introduction before it"
        return (WEAK, "") if word in self._weak else (0.0, "")

    @staticmethod
    def _line(text: str, start: int) -> tuple[float, str]:
        """At the start of a line or of the text."""
        stop = text.find("\n", start)
        line = text[start : stop if stop >= 0 else len(text)].strip() if stop - start < 60 else ""
        if line and _closes(text[max(0, start - 40) : start]):
            return STRONG, "signature"
        return LINE, ""

    @staticmethod
    def find_chat(text: str, known: Mapping[str, int]) -> Iterator[Entity]:
        """im pooja: names in small letters, right after an introduction only."""
        for blank in _BLANK.finditer(text):
            at = blank.start()
            m = _SMALL.match(text, at + 1) if _CUE.search(text, max(0, at - _CUE_REACH), at) else None
            if m is not None and _is_given(known.get(m.group(1), 0)):
                is_two = m.group(2) and known.get(m.group(2), 0) & (NAME | WORD) in (GIVEN, FAMILY, NAME)
                end = m.end(2) if is_two else m.end(1)
                yield Entity("PERSON", m.start(), end, 0.7, "greeting or introduction before it")


def _is_given(kind: int) -> bool:
    return kind & (GIVEN | WORD | THING) == GIVEN
