"""English street addresses, romanised Korean ones, and post office boxes; every part is bounded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from naru.trust.detect.addresses_postal import COUNTRY, UNIT_BEFORE
from naru.trust.detect.leaps import Leaps
from naru.trust.detect.names_latin import GIVEN, PLACE, WORD, kinds, plain
from naru.trust.detect.names_lexicon import sections
from naru.trust.entity import Entity

_WORD = r"[A-Z][A-Za-z'’.\-]{0,18}"


_SURE = re.compile(
    r"\b(?:Street|St|Avenue|Ave|Boulevard|Blvd|Road|Rd"
    r"|Lane|Ln|Drive|Dr|Court|Ct|Parkway|Pkwy|Highway|Hwy|Way|Crescent|Close|Terrace|Mews|Gardens)\b"
    r"|(?:Apt|Suite|Unit|#)"
)


_TOWN = re.compile(
    rf"(?:, ?|\n\s{{0,4}})({_WORD}(?: {_WORD})?)"
    r"((?:,? \d{4}|,? \d{6}| \d{1,2})\b)?(?![\w'])"
)
_HOUSE = re.compile(
    r" (?:[A-Z](?:(?<=[0-9] [A-Z])|(?<=[0-9][A-Za-z] [A-Z]))(?=[A-Za-z'’.\-]{0,18} )"
    r"|\d(?:(?<=[0-9] \d)|(?<=[0-9][A-Za-z] \d))(?=\d{0,2}[snrt]))"
)
_HOUSE = re.compile(r"(?<![0-9A-Za-z_가-힣.,$€£#-])[0-9]{1,6}[A-Za-z]?(?:-[0-9]{1,4})?\Z")
_HOUSE_REACH = 12
_BLOCK = re.compile(r"\b(?:Blk|Block) \Z")
_BOXES = Leaps(r"x(?<= [Bb][Oo]x) (?=\d)", r"X(?<= [Bb][Oo]X) (?=\d)")
_BOX_SIZE = len(" box ")
_POST_OFFICE = re.compile(r"[Pp](?<!\w[Pp])\.? ?[Oo]\.?\Z")
_OFFICE_REACH = 5
_AVENUES = (" Avenue of the Americas", " Broadway", " Park Avenue", " Wall Street")
"""Streets that need no word for a street after them."""
_ROMAN_ENDS = re.compile("-(?:ro|gil|d(?:aero|ong))")


class EnglishAddresses:
    """Finds addresses that begin with a house number."""

    def __init__(self) -> None:
        self._kinds = kinds()
        places = sections("us_places.txt")
        usual = "|".join(sorted(places["streets"], key=len, reverse=True))
        states = "|".join([*places["states"], *(s.replace("_", " ") for s in places["states2"])])
        codes = "|".join(places["codes"])
        units = "|".join(sorted(places["units"], key=len, reverse=True))
        unit = (
            rf"(?:,? ?(?:(?:{units})\.? ?#?\w{{1,6}}|#\s?\w{{1,6}}(?:-\w{{1,5}})?"
            r"|\d{1,3}(?:st|nd|rd|th) [Ff]loor))"
        )
        zip_code = r"(?:\d{5}(?:-\d{4})?(?!\d)|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|[A-Z]\d[A-Z] ?\d[A-Z]\d\b)"
        state = rf"(?:(?:{codes})\b|{states})"
        city = rf"{_WORD}(?: {_WORD}){{0,2}}"
        region = (
            rf"(?:,?\sSingapore \d{{6}}\b)?"
            rf"(?:,?\s(?!(?:{codes})\b){city}(?=,?\s(?:{state}|{zip_code})))?"
            rf"(?:,?\s{state})?(?:,?\s{zip_code})?(?:,\s(?:USA|U\.S\.A\."
            rf"|United States|UK|United Kingdom|Canada))?"
        )
        self._street = re.compile(
            rf"[0-9](?<![0-9A-Za-z_가-힣.,$€£#-][0-9])[0-9]{{0,5}}+[A-Za-z]?+(?:-[0-9]{{1,4}}+)?+ "
            rf"(?=[A-Z0-9])(?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.? )?"
            rf"(?:(?:{_WORD}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,4}}(?:{usual})\b\.?"
            rf"(?: \d{{1,2}}(?=,? #))?(?: (?:N"
            rf"|S|E|W|NE|NW|SE|SW)\b\.?)?"
            rf"{unit}{{0,2}}"
            rf"(?P<region>{region}|(?:, {city}){{1,3}}(?:,? (?:{zip_code}|\d{{4}}\b|\d{{6}}\b))?)"
        )
        avenues = "|".join(name[1:] for name in _AVENUES)
        self._avenue = re.compile(rf"\d(?<![\w.,$€£#-]\d)\d{{0,5}}+ (?:{avenues}){unit}?{region}")
        self._roman = re.compile(
            r"[AURS#\d](?<![\w.-][AURS#\d])(?:(?:(?<=A)pt|(?<=U)nit|(?<=R)oom|(?<=S)uite|(?<=#))\.? ?"
            r"\w{1,6}(?:-ho)?,? (?:\d{1,4}-(?:dong|ho|ga),? ){0,2}\d{1,5}"
            r"|(?<=\d)(?:\d{0,3}-(?:dong|ho|ga),? (?:\d{1,4}-(?:dong|ho|ga),? )?\d{1,5}|\d{0,4}+))"
            r"(?:-\d{1,4}+)?+,?+ "
            r"(?:[A-Z][a-z]{1,18}(?:-[a-z]{2,6})? ?)?(?:\d{1,4}(?:beon)?-?gil"
            r"|[A-Z][A-Za-z]{1,20}(?:\d{0,3}(?:beon)?)?-?(?:daero"
            r"|ro|gil|dong))"
            r"(?:\d{0,3}(?:beon)?-gil)?(?:, ?[A-Z][a-z]{1,14}-(?:dong"
            r"|gu|si|gun|do|myeon|eup)){0,4}(?:, ?[A-Z][a-z]{2,12}){0,2}(?:,? \d{5})?(?:, (?:Republi"
            r"c of Korea|South Korea|Korea))?"
        )
        self._box = re.compile(rf"(?i: Box \d{{1,7}}{region})")

    def _is_town(self, text: str, town: re.Match[str]) -> bool:
        """A code after it, or a word that is no name and no more than a place where something ends."""
        if town.group(2):
            return True
        kind = self._kinds.get(plain(town.group(1)), 0)
        is_end = text[town.end() : town.end() + 1] in ("", ".", "\n", ";", '"', ")", "<", "|", "'")
        return kind & PLACE != 0 or (is_end and not kind & (GIVEN | WORD))

    def _read_towns(self, text: str, at: int) -> int:
        """Where the quarter, the town and the country after a street end; `at` where none follows."""
        end = at
        for is_first in (True, False, False):
            town = _TOWN.match(text, at) if is_first or text.startswith(",", at) else None
            if town is None:
                break
            at = town.end()
            kinds = [self._kinds.get(plain(word), 0) for word in town.group(1).split(" ")]
            is_name = kinds[0] & PLACE == 0 and any(kind & (GIVEN | WORD) for kind in kinds)
            if self._is_town(text, town) and (is_first or town.group(2) or not is_name):
                end = at
            elif is_name:
                break
            if town.group(2):
                break
        return end

    def find(self, text: str, houses: Iterable[int]) -> Iterator[Entity]:
        """English addresses; `houses` are the blanks after what may be a house's number."""
        yield from self._streets(text, houses)
        if _ROMAN_ENDS.search(text):
            for m in self._roman.finditer(text):
                yield Entity("ADDRESS", m.start(), m.end(), 0.85, "romanised Korean address")
        yield from self._boxes(text)

    def _boxes(self, text: str) -> Iterator[Entity]:
        read = 0
        for box in _BOXES.find(text):
            at = box.end() - _BOX_SIZE
            office = _POST_OFFICE.search(text, max(read, at - _OFFICE_REACH), at) if at > read else None
            if office is not None and (number := self._box.match(text, at)):
                read = number.end()
                yield Entity("ADDRESS", office.start(), read, 0.9, "post office box")

    def _streets(self, text: str, houses: Iterable[int]) -> Iterator[Entity]:
        read = 0
        for at in houses:
            house = _HOUSE.search(text, max(0, at - _HOUSE_REACH), at)
            if house is None:
                continue
            if text.startswith(_AVENUES, at) and (m := self._avenue.match(text, house.start())):
                yield Entity("ADDRESS", m.start(), m.end(), 0.7, "street and number")
            if house.start() < read or (m := self._street.match(text, house.start())) is None:
                continue
            read = m.end()
            region = m.group("region") or ""
            street = text[m.start() : m.start("region")]
            sure = region or _SURE.search(street)
            end = m.end() if region else self._read_towns(text, m.end())
            sure = sure or end > m.end()
            if end > m.end() and (country := COUNTRY.match(text, end)):
                end = country.end()
            region = text[m.start("region") : end]
            end -= text[end - 1] == "."
            lead = UNIT_BEFORE.search(text, max(0, m.start() - 24), m.start())
            start = lead.start() if lead else m.start()
            if block := _BLOCK.search(text, max(0, start - _HOUSE_REACH), start):
                start = block.start()
            yield Entity("ADDRESS", start, end, 0.9 if region else 0.6 if sure else 0.4, "street and number")
