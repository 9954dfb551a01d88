"""Addresses around a postal code: from a state's, a British, Canadian, Irish or Australian code backwards.

And those that a label promises, and the ways of other countries in Europe. Every look is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from naru.trust.detect.leaps import Leaps
from naru.trust.detect.names_lexicon import sections, words
from naru.trust.entity import Entity

_REACH = 150
_REGION_REACH = 40
"""A state's name and the signs after it are shorter."""


def _at_end(*forms: str) -> re.Pattern[str]:
    """The longest part of a text, from one of its words on, that has one of the forms."""
    return re.compile(rf"(?:^|(?<=\s))(?:{'|'.join(forms)})$")


_CAP = "A-ZÀ-ÖØ-Þ"
_WORD = rf"(?:(?:No|St|Co|Dr|Mt|Ft|Rd|Ave|Apt|Ste|Blvd)\.|[{_CAP}0-9#][\w'’/#\-]*)"
_WORDS = rf"{_WORD}(?: (?:{_WORD}|of|the|upon|on|de|la|le|du|des|&)){{0,5}}"
_BRITISH = re.compile(r"(?<![A-Za-z0-9])(?:[A-Z]{1,2}[0-9][A-Z0-9]?|[A-Z][0-9][A-Z]) \Z")
_TOWN = re.compile(rf"[,\n] ?\s?[{_CAP}][a-zß-öø-ÿ][\w'’\-]*(?: [{_CAP}][\w'’\-]+)?,?(?: [A-Z]{{2}})? \Z")
_CENTURIES = words("15 16 17 18 19 20")
_IRISH = re.compile(r"(?<![A-Za-z0-9])[A-Z]\Z")
COUNTRY = re.compile(
    r"(?:,\s?|\n\s*)(?:USA|U\.S\.A\.|US|United States(?: of America)?|UK|U\.K\.|United Kingdom"
    r"|England|Scotland|Wales|Northern Ireland|Ireland|Canada|Australia|New Zealand|Germany|France|Austria"
    r"|Switzerland|Czech Republic|(?:The )?Netherlands|Bangladesh|Pakistan"
    r"|Sri Lanka|Kenya|Nigeria|Ghana|South Africa|Japan|China|Malaysia|Brazil|Mexico"
    r"|Belgium|Spain|Italy|Portugal|Poland"
    r"|Sweden|Norway|Denmark|Finland|India|Singapore)\b"
)
# One class of signs, for which alone the search stops; then what makes an end of each.
_STOP = re.compile(
    r"[:|>;\"“”()\[\]{}=<\t \n!?.](?:(?<= )(?<![\n ] ) |(?<=[:|>;\"“”()\[\]{}=<\t])|(?<=\n)\s*\n|(?<=[!?])\s"
    r"|(?<=\.)(?<!\b(?:No|St|Co|Av|Rd|Dr)\.)(?<!\b(?:Apt|Ave|Ste)\.)(?<!O\.)\s)"
)
_PIECE = re.compile(r"[^,\n]+")
_NUMBERED = (
    rf"(?:No\.? ?)?[NSEW]?[0-9]{{1,5}}[A-Za-z]?(?:[\-/][0-9]{{1,4}}[A-Za-z]?){{0,2}}(?: {_WORDS})?"
    rf"|(?:Av\.?|Avenida|Calle|Rua|Via|Viale|Rue|Jalan|Jl\.?|Carrer|Paseo) {_WORDS} ?[0-9]{{1,5}}"
)
_IS_NUMBERED = re.compile(_NUMBERED)
_UNIT = (
    r"(?:Flat|Unit|Apt|Apartment|Suite|Ste|Room|Rm|Floor|Fl|Level|Lot|Shop|House|Villa|Block|Tower"
    r"|Bldg|Building|Box|Door|Plot|Blk|Road|Sector|Studio|Penthouse|No)\b\.? ?#?[A-Z0-9][\w/\-]{0,6}"
    r"|(?:RR|RFD|R\.R\.|Route|Rte|HC|Rural Route|Star Route) ?#?[0-9]{1,4}(?:,? Box [0-9]{1,6}[A-Z]?)?"
    r"|P\.? ?O\.? Box [0-9]{1,7}|[0-9]{1,2}(?:st|nd|rd|th) [Ff]loor|[0-9]{1,3}[A-Z]?/[0-9]{1,3}"
    r"|#[0-9]{1,5}[A-Z]?|[A-Z]-?[0-9]{1,4}"
)
UNIT_BEFORE = re.compile(rf"(?:^|(?<=\s))(?:{_UNIT}),\s$")
_HOUSES = (
    "House|Cottage|Hall|Farm|Farmhouse|Lodge|Tower|Towers|Mansions|Manor|Mill|Barn|Schoolhouse|Rectory|Vicarage"
    "|Villa|Villas|Heights|Apartments|Residency|Residences|Hotel|Inn|Building|Buildings|Chambers|Cottages|Grange"
    "|Bungalow|Court|Point|Wharf|Works|Stables|Priory|Abbey|Castle|Croft"
)
_HOUSE = (
    rf"(?:The|Hotel) [{_CAP}][\w'’\-]+(?: [{_CAP}][\w'’\-]+){{0,3}}"
    rf"|[{_CAP}][\w'’\-]+(?: [{_CAP}][\w'’\-]+){{0,2}} (?:{_HOUSES})"
)
_HAS_HOUSE, _HAS_HOUSE_OR_UNIT = _at_end(_HOUSE), _at_end(_HOUSE, _UNIT)
_PLACE = re.compile(
    rf"\s*[{_CAP}][\w'’\-]+\.?(?: (?:[{_CAP}][\w'’\-]+\.?|of|the|upon|on|in|by|de|la|le)|-){{0,3}}\s*"
    rf"|\s*[0-9]{{1,3}}(?:st|nd|rd|th|[A-Z]) (?:[A-Z] )?(?:Main|Cross|Block|Stage|Phase|Sector|Floor)\s*"
)
_LABELS = Leaps(
    *(
        word + r"\b[\"'*]{0,2}(?: ?(?i:line \d|is|was|at|in|of record)){0,2}[\"'*\s:=|>]{1,12}[\"'(]?"
        for word in ("ddr(?:ess)?(?:es)?", "esid(?:ence|ing|es?)")
    )
)
_VALUE = re.compile(rf"{_WORDS}(?:, {_WORDS}){{0,6}}")
_NO_STREETS = words(
    """
January February March April June July August September October November December
Jan Feb Mar Apr Jun Jul Aug Sep Oct Nov Dec May RR Route Box Flat Unit Apt Suite Room Lot
"""
)
"""Months and units: a number after them is no house's."""
# Where an address may have a number, told by the blank beside it, for digits are everywhere: a French street
# after its house; a number or a word after what may be a house's (an empty group each), or the middle of an
# Irish code; a code or a German house after its street.
_BLANK = re.compile(
    r" [A-Z0-9abcipqr](?:(?<=[0-9,rs] [abcipqr])(?=(?:ue|venue|oulevard|lace|uai|hemin|llée|mpasse) )"
    r"|(?<=[0-9])(?<=[0-9A-Za-z.,] .)(?:(?=[0-9]{0,2}(?:st|nd|rd|th) )(?:(?<=[0-9] .)|(?<=[0-9][A-Za-z] .))()"
    r"|(?=[A-Z][A-Z0-9](?![A-Za-z0-9\-]))(?<=[A-Z0-9] .)"
    r"|(?=[0-9]{2,5}(?:-[0-9]{3,4})?(?![A-Za-z0-9\-]))(?<=[A-Za-z.,] .)"
    r"|(?<=(?:[a-z]weg|latz|asse|raße|llee|damm|str\.) .))"
    r"|(?<=[A-Z])(?:(?<=[0-9] .)|(?<=[0-9][A-Za-z] .))(?=[A-Za-z'’.\-]{0,18} |roadway|[A-Z0-9]{3})())"
)
_IRISH_END = re.compile(r"(?<=[A-Z][0-9])[0-9W] [A-Z][A-Z0-9]{3}")
_TOWN_CODE = re.compile(r", (?:[A-Z]{1,2}-)?[0-9](?:[0-9]|[ºª°])")
_HOUSE_NUMBER = re.compile(r"(?<![\w.,:\-])[0-9]{1,4}(?:(?: bis| ter)?,?|[a-zA-Z]?(?:/[0-9]{1,4})?)\Z")
_HOUSE_REACH = 12
# From a number's first digit on. What stands before a code's last part, or after a house's number, tells
# which it may be.
_NUMBER = re.compile(
    r"[0-9](?<![0-9.,:\-][0-9])(?:(?P<code>(?:(?<=[A-Z0-9] [0-9])[A-Z]{2}|(?<=[A-Z] [0-9])[A-Z][0-9]"
    r"|(?<=[A-Z] [0-9])[0-9]{4}-[0-9]{3}|(?<=[a-z] [0-9])[0-9]{2}-[0-9]{4}|(?<=[a-z] [0-9])[0-9]{5}"
    r"|(?<=[A-Za-z.,] [0-9])[0-9]{4}(?:-[0-9]{4})?|(?<=[A-Za-z] [0-9])[0-9]{3}"
    r"|(?<=[A-Z][0-9])[0-9W] [A-Z][A-Z0-9]{3})(?![A-Za-z0-9\-]))"
    r"|(?P<german>(?<=(?:[a-z]weg|latz|asse|raße|llee|damm|str\.) [0-9])[0-9]{0,3} ?[a-z]?\b"
    rf"(?:, (?:[A-Z]{{1,2}}-)?[0-9]{{4,5}} [{_CAP}][\w\-]+(?: [{_CAP}][\w\-]+)?)?)"
    r"|(?P<romance>(?<!\w[0-9])[0-9]{0,3}(?: bis| ter)?,?"
    r" (?:rue|avenue|boulevard|place|quai|chemin|allée|impasse) (?:de la |de l['’]|des |de |du |d['’]|l['’])?"
    rf"[{_CAP}][\w'’\-]+(?: (?:de |la |du )?[{_CAP}][\w'’\-]+){{0,3}}"
    rf"(?:, [0-9]{{5}} [{_CAP}][\w\-]+(?: [0-9]{{1,2}}\b)?)?)"
    r"|(?P<continent>(?<!\w[0-9])[0-9]{0,3}[a-zA-Z]?(?:/[0-9]{1,4})?,"
    r"(?: [0-9]{1,2}[ºª°] ?(?:[A-Z]|izq|dcha|piso|andar)?,)? (?:[A-Z]{1,2}-)?"
    r"(?:(?!(?:19|20)[0-9]{2} )[0-9]{4,5}|[0-9]{3} [0-9]{2}|[0-9]{2}-[0-9]{3}|[0-9]{4} [A-Z]{2})"
    rf" [{_CAP}][\w\-]+(?: [{_CAP}0-9][\w\-]*){{0,2}}))"
)
_GERMAN_BEFORE = re.compile(
    rf"[{_CAP}][a-zäöüß\-]{{1,24}}(?:straße|strasse|str\.|weg|platz|gasse|allee|damm) \Z"
)
_STREET_BEFORE = re.compile(
    rf"(?:\b(?:ul|al|os)\. )?[{_CAP}][\w'’.\-]*"
    rf"(?: (?:[{_CAP}][\w'’.\-]*|de|la|del|van|der|den|dos|da|di|pod|nad)){{0,4}} $"
)


class PostalAddresses:
    """Finds addresses by their codes, labels and, of the Continent, by their ways of writing."""

    def __init__(self) -> None:
        places = sections("us_places.txt")
        states = [*places["states"], *(s.replace("_", " ") for s in places["states2"]), *places["codes"]]
        provinces = (
            "Ontario|Quebec|Québec|British Columbia|Alberta|Manitoba|Saskatchewan|Nova Scotia|New Brunswick"
            "|Newfoundland and Labrador|Prince Edward Island|ON|QC|BC|AB|MB|SK|NS|NB|NL|PE|YT|NT|NU"
        )
        self._american = re.compile(rf"(?<![A-Za-z])(?=[A-Z])(?:{'|'.join(states)})\.?,? $")
        self._canadian = re.compile(rf"(?<![A-Za-z])(?=[A-Z])(?:{provinces}),? *$")
        self._australian = re.compile(r"(?<![A-Za-z])(?:NSW|VIC|Vic|QLD|Qld|WA|SA|TAS|Tas|ACT|NT),? $")
        streets = "|".join(sorted({*places["streets"], "Brae", "Quay", "Parade", "Steps", "Rise", "Yard"}))
        self._head = _at_end(_UNIT, _HOUSE, _NUMBERED, rf"(?:[{_CAP}][\w'’\-]+ ){{1,3}}(?:{streets})")

    def find(self, text: str, places: Iterable[int]) -> Iterator[Entity]:
        """Every address so written; `places` are those of numbers that may be a code or a house's."""
        done = read = 0
        for at in places:
            m = _NUMBER.match(text, at) if at >= read else None
            if m is None:
                continue
            read = end = m.end()
            way = m.lastgroup
            if way == "code":
                start = self._before_code(text, m, done)
            elif way == "romance":
                start = m.start()
            else:
                start = _before_number(text, m.start(), _GERMAN_BEFORE if way == "german" else _STREET_BEFORE)
            if start is None:
                continue
            if way != "german" and (country := COUNTRY.match(text, end)):
                end = country.end()
            done = end
            yield Entity("ADDRESS", start, end, 0.93 if way == "code" else 0.8, "street and number")
        for label in _LABELS.find(text):
            if entity := self._labelled(text, label.end()):
                yield entity

    def _before_code(self, text: str, code: re.Match[str], done: int) -> int | None:
        """Where the address begins that a code ends; None where no street leads to it."""
        start, value = code.start(), code.group()
        low = max(done, start - _REACH)
        window = text[low:start]
        if value[1:2].isalpha() and len(value) == 3:
            found = _BRITISH.search(window)
        elif " " in value:
            found = _IRISH.search(window)
        else:
            region = self._american if len(value) > 4 else self._australian
            found = region.search(window, max(0, len(window) - _REGION_REACH))
            if found is None:
                return self._before_town(window, value, low)
        if found is None:
            return None
        window = window[: found.start()]
        if value[1:2].isalpha() and (province := self._canadian.search(window)):
            window = window[: province.start()]
        start = self._walk_back(window.rstrip(", "))
        return None if start < 0 else low + start

    def _before_town(self, window: str, value: str, low: int) -> int | None:
        """Where an address begins that ends with a town and its code: Pune 411001."""
        if len(value) == 4 and value[:2] in _CENTURIES:
            return None
        found = _TOWN.search(window)
        start = self._walk_back(window.rstrip()) if found is not None else -1
        # What the town follows is a street or a house, never a number alone.
        is_street = start >= 0 and any(map(str.isalpha, window[start : found.start() if found else start]))
        return low + start if is_street else None

    def _walk_back(self, window: str) -> int:
        """From the town back to the house; -1 where none of the pieces begins an address."""
        cut = 0
        for stop in _STOP.finditer(window):
            cut = stop.end()
        pieces = list(_PIECE.finditer(window, cut))[-7:]
        begin, places, is_open = -1, 0, True
        for piece in reversed(pieces):
            words = piece.group().strip()
            if not words:
                continue
            offset = piece.start() + piece.group().index(words)
            # 77 Larkspur Court is a number and a street, though Larkspur Court may be a house.
            head = (self._head if is_open else _HAS_HOUSE_OR_UNIT).search(words)
            if head is not None:
                begin = offset + head.start()
                is_open = is_open and not words[head.start()].isdigit() and not _HAS_HOUSE.search(words)
                if head.start() > 0:
                    break
                continue
            places += not words[0].isdigit()
            if begin >= 0 or places > 3 or not _PLACE.fullmatch(words):
                break
        return begin

    def _labelled(self, text: str, start: int) -> Entity | None:
        found = _VALUE.match(text, start, start + 120)
        if found is None:
            return None
        value = found.group().rstrip(".")
        has_digit = any(map(str.isdigit, value))
        if not has_digit or len(value) < 8 or not (value.count(",") or _IS_NUMBERED.fullmatch(value)):
            return None
        if value.replace(" ", "").replace("-", "").isdigit():
            return None
        return Entity("ADDRESS", start, start + len(value), 0.75, "label before it")


def find_places(text: str) -> tuple[list[int], list[int]]:
    """The blanks between a house and its street, and the numbers that may be a code or a house's."""
    houses: list[int] = []
    places: set[int] = set()
    streets: list[int] = []
    for found in _BLANK.finditer(text):
        at = found.start()
        sign = text[at + 1]
        if sign.islower():
            streets.append(at)
            continue
        if found.lastindex is not None:
            houses.append(at)
        if sign.isdigit():
            places.add(at + 1)
        elif _IRISH_END.match(text, at - 1):
            places.add(at - 2)
    streets += [found.start() for found in _TOWN_CODE.finditer(text)]
    for at in streets:
        if house := _HOUSE_NUMBER.search(text, max(0, at - _HOUSE_REACH), at):
            # Of 12/34 the second is one, too, where something else has ended with the first.
            places.update((house.start(), text.rfind("/", house.start(), at) + 1 or house.start()))
    return houses, sorted(places)


def _before_number(text: str, at: int, street: re.Pattern[str]) -> int | None:
    """Where a street begins that ends before a house's number; None where it is a month."""
    found = street.search(text, max(0, at - 50), at)
    if found is None or not _NO_STREETS.isdisjoint(found.group().replace(".", "").split()):
        return None
    return found.start()
