"""Invented values of every structured type, as people write them, and numbers that are none.

Check digits are right where the real thing has one, since the rivals need them; nothing here is anybody's.
"""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable

Value = Callable[[random.Random], str]

_RRN_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_BRN_KINDS = ("81", "86", "87", "88", "82", "01", "12", "33", "45", "90")
_CRN_KINDS = ("11", "12", "14", "21", "71", "81")
_REGISTRIES = ("1101", "1301", "2001", "1741", "1350")
_FULL_WIDTH = str.maketrans("0123456789-", "０１２３４５６７８９－")


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _text(rng: random.Random, count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


def _resident(rng: random.Random, is_foreign: bool) -> str:
    year = rng.randint(1935, 2024)
    month, day = rng.randint(1, 12), rng.randint(1, 28)
    first = (5 if is_foreign else 1) + (2 if year >= 2000 else 0) + rng.randint(0, 1)
    head = f"{year % 100:02}{month:02}{day:02}{first}"
    is_random = (year, month, day) >= (2020, 10, 5)
    body = head + _digits(rng, 5)
    total = sum(int(d) * w for d, w in zip(body, _RRN_WEIGHTS, strict=True))
    check = ((13 if is_foreign else 11) - total % 11) % 10
    number = body + (str(check) if not is_random else _digits(rng, 1))
    front, back = number[:6], number[6:]
    form = rng.random()
    if form < 0.72:
        return f"{front}-{back}"
    if form < 0.8:
        return f"{front} - {back}"
    if form < 0.85:
        return f"{front}–{back}"
    if form < 0.9:
        return f"{front}-{back[0]}******"
    if form < 0.94:
        return f"{front}-{back}".translate(_FULL_WIDTH)
    return front + back if not is_random else f"{front}-{back}"


def rrn(rng: random.Random) -> str:
    return _resident(rng, is_foreign=False)


def frn(rng: random.Random) -> str:
    return _resident(rng, is_foreign=True)


def brn(rng: random.Random) -> str:
    body = f"{rng.randint(101, 899)}{rng.choice(_BRN_KINDS)}{_digits(rng, 4)}"
    total = (
        sum(int(d) * w for d, w in zip(body, (1, 3, 7, 1, 3, 7, 1, 3, 5), strict=True))
        + int(body[8]) * 5 // 10
    )
    number = body + str((10 - total % 10) % 10)
    return f"{number[:3]}-{number[3:5]}-{number[5:]}"


def crn(rng: random.Random) -> str:
    body = f"{rng.choice(_REGISTRIES)}{rng.choice(_CRN_KINDS)}{_digits(rng, 6)}"
    total = sum(int(d) * (1 + i % 2) for i, d in enumerate(body))
    return f"{body[:6]}-{body[6:]}{(10 - total % 10) % 10}"


def passport(rng: random.Random) -> str:
    letter = rng.choice("MMMSRD")
    if rng.random() < 0.5:
        return letter + _digits(rng, 8)
    return letter + _digits(rng, 3) + rng.choice(string.ascii_uppercase) + _digits(rng, 4)


def license_kr(rng: random.Random) -> str:
    if rng.random() < 0.15:
        region = rng.choice(["서울", "경기", "부산", "충남"])
        return f"{region} {_digits(rng, 2)}-{_digits(rng, 6)}-{_digits(rng, 2)}"
    region = rng.choice([*range(11, 27), 28])
    return f"{region}-{_digits(rng, 2)}-{_digits(rng, 6)}-{_digits(rng, 2)}"


def health(rng: random.Random) -> str:
    return rng.choice("12578") + _digits(rng, 10)


def plate(rng: random.Random) -> str:
    kinds = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주바사아자허하호배"
    body = f"{rng.randint(100, 999) if rng.random() < 0.6 else rng.randint(10, 99)}{rng.choice(kinds)}"
    gap = " " if rng.random() < 0.25 else ""
    return f"{body}{gap}{rng.randint(1000, 9999)}"


def mobile(rng: random.Random) -> str:
    a, b = rng.randint(2000, 9999), _digits(rng, 4)
    form = rng.random()
    if form < 0.6:
        return f"010-{a}-{b}"
    if form < 0.7:
        return f"010{a}{b}"
    if form < 0.78:
        return f"010.{a}.{b}"
    if form < 0.85:
        return f"010 {a} {b}"
    if form < 0.92:
        return f"+82-10-{a}-{b}" if rng.random() < 0.5 else f"+82 10-{a}-{b}"
    if form < 0.96:
        return f"010-{a}-{b}".translate(_FULL_WIDTH)
    return f"01{rng.choice('16789')}-{rng.randint(200, 999)}-{b}"


def landline(rng: random.Random) -> str:
    form = rng.random()
    b = _digits(rng, 4)
    if form < 0.3:
        return f"02-{rng.randint(300, 9999)}-{b}"
    if form < 0.4:
        return f"02){rng.randint(300, 999)}-{b}"
    if form < 0.7:
        area = rng.choice(
            [
                "031",
                "032",
                "033",
                "041",
                "042",
                "043",
                "044",
                "051",
                "052",
                "053",
                "054",
                "055",
                "061",
                "062",
                "063",
                "064",
            ]
        )
        return f"{area}-{rng.randint(200, 999)}-{b}"
    if form < 0.8:
        return f"070-{rng.randint(4000, 8999)}-{b}"
    if form < 0.9:
        return f"{rng.choice(['1588', '1577', '1544', '1600', '1644', '1688', '1899', '1800'])}-{b}"
    return f"0{rng.choice(['502', '505', '507', '508'])}-{rng.randint(100, 9999)}-{b}"


def us_phone(rng: random.Random) -> str:
    a, e, b = rng.choice(["212", "415", "617", "303", "786", "512"]), rng.randint(200, 999), _digits(rng, 4)
    form = rng.randrange(6)
    return (
        f"({a}) {e}-{b}",
        f"{a}-{e}-{b}",
        f"{a}.{e}.{b}",
        f"+1 {a} {e} {b}",
        f"+1-{a}-{e}-{b}",
        f"{a}-{e}-{b} ext. {rng.randint(10, 999)}",
    )[form]


def foreign_phone(rng: random.Random) -> str:
    return rng.choice(
        [
            f"+44 20 {_digits(rng, 4)} {_digits(rng, 4)}",
            f"+49 30 {rng.randint(1, 9)}{_digits(rng, 6)}",
            f"+33 1 {_digits(rng, 2)} {_digits(rng, 2)} {_digits(rng, 2)} {_digits(rng, 2)}",
            f"+81-3-{_digits(rng, 4)}-{_digits(rng, 4)}",
            f"+86 138 {_digits(rng, 4)} {_digits(rng, 4)}",
            f"+61 4{_digits(rng, 2)} {_digits(rng, 3)} {_digits(rng, 3)}",
            f"+65 {rng.choice('689')}{_digits(rng, 3)} {_digits(rng, 4)}",
        ]
    )


def _with_luhn(body: str) -> str:
    total = 0
    for i, d in enumerate(reversed(body)):
        n = int(d) * (1 if i % 2 else 2)
        total += n - 9 if n > 9 else n
    return body + str((10 - total % 10) % 10)


def card(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.12:
        number = _with_luhn(rng.choice(["34", "37"]) + _digits(rng, 12))
        return f"{number[:4]}-{number[4:10]}-{number[10:]}" if rng.random() < 0.7 else number
    prefix = rng.choice(["4", "51", "53", "55", str(rng.randint(2221, 2720)), "62", "9", "94", "3560"])
    number = _with_luhn(prefix + _digits(rng, 15 - len(prefix)))
    mark = rng.choice(["-", "-", " ", ""]) if prefix[0] != "9" else "-"
    return mark.join(number[i : i + 4] for i in range(0, 16, 4))


def account(rng: random.Random) -> str:
    d = lambda n: _digits(rng, n)  # noqa: E731 - a list of layouts reads best like this
    return rng.choice(
        [
            f"{d(6)}-0{d(1)}-{d(6)}",
            f"110-{d(3)}-{d(6)}",
            f"1002-{d(3)}-{d(6)}",
            f"{rng.randint(100, 999)}-{d(6)}-{d(5)}",
            f"{rng.choice(['301', '302', '352'])}-{d(4)}-{d(4)}-{d(2)}",
            f"{rng.randint(100, 999)}-{d(6)}-{d(2)}-{d(3)}",
            f"3333-{d(2)}-{d(7)}",
            f"1000-{d(4)}-{d(4)}",
            f"{rng.randint(100, 999)}-{d(2)}-{d(4)}-{d(3)}",
            f"{rng.randint(2, 9)}{d(11)}",
            f"{rng.randint(2, 9)}{d(13)}",
        ]
    )


def us_account(rng: random.Random) -> str:
    return str(rng.randint(1, 9)) + _digits(rng, rng.choice([8, 9, 11]))


_IBANS = {"DE": (18,), "FR": (23,), "NL": (14,), "GB": (18,), "ES": (20,), "CH": (17,), "AT": (16,)}


def iban(rng: random.Random) -> str:
    country = rng.choice(sorted(_IBANS))
    size = _IBANS[country][0]
    if country in ("GB", "NL"):
        bban = _text(rng, 4, string.ascii_uppercase) + _digits(rng, size - 4)
    else:
        bban = _digits(rng, size)
    number = int("".join(str(int(c, 36)) for c in bban + country + "00"))
    whole = f"{country}{98 - number % 97:02}{bban}"
    return " ".join(whole[i : i + 4] for i in range(0, len(whole), 4)) if rng.random() < 0.5 else whole


def ssn(rng: random.Random) -> str:
    area = rng.choice([n for n in range(1, 899, 7) if n != 666])
    return f"{area:03}-{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}"


def email(rng: random.Random) -> str:
    user = rng.choice(
        ["minsu", "jiyoung.kim", "hong_gd", "a.smith", "mary-ann", "support+kr", "lee1987", "x9"]
    )
    host = rng.choice(
        ["example.com", "naver.com", "mail.company.co.kr", "gmail.com", "uni.ac.kr", "sub.example.org"]
    )
    return f"{user}{rng.randint(1, 99) if rng.random() < 0.4 else ''}@{host}"


def ip(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return rng.choice(
            [
                f"2001:db8:{_text(rng, 4, '0123456789abcdef')}::{_text(rng, 3, '123456789abcdef')}",
                "fe80::" + ":".join(_text(rng, 4, "123456789abcdef") for _ in range(4)),
                ":".join(_text(rng, 4, "123456789abcdef") for _ in range(8)),
            ]
        )
    first = rng.choice([10, 172, 192, 203, 121, 8, 52])
    return f"{first}.{rng.randint(10, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def url(rng: random.Random) -> str:
    word = _text(rng, 12)
    return rng.choice(
        [
            f"https://admin:{word}@db.example.com/main",
            f"postgres://svc:{word}@10.1.2.3:5432/orders",
            f"https://api.example.com/v1/files?id=7&access_token={_text(rng, 24)}",
            f"https://files.example.net/a.pdf?sig={_text(rng, 30)}&se=2027",
            f"redis://:{word}@cache.internal:6379/0",
            f"https://hooks.slack.com/services/T{_digits(rng, 8)}/B{_digits(rng, 8)}/{_text(rng, 24)}",
        ]
    )


def api_key(rng: random.Random) -> str:
    upper = string.ascii_uppercase + string.digits
    return rng.choice(
        [
            f"sk-proj-{_text(rng, 48)}",
            f"sk-ant-api03-{_text(rng, 60)}",
            f"AKIA{_text(rng, 16, upper)}",
            f"AIza{_text(rng, 35)}",
            f"ghp_{_text(rng, 36)}",
            f"github_pat_{_text(rng, 22)}_{_text(rng, 59)}",
            f"glpat-{_text(rng, 20)}",
            f"xoxb-{_digits(rng, 12)}-{_digits(rng, 12)}-{_text(rng, 24)}",
            f"sk_live_{_text(rng, 24)}",
            f"npm_{_text(rng, 36)}",
            f"hf_{_text(rng, 34)}",
            f"SG.{_text(rng, 22)}.{_text(rng, 43)}",
            f"{_digits(rng, 10)}:AA{_text(rng, 33)}",
            f"SK{_text(rng, 32, '0123456789abcdef')}",
        ]
    )


def labelled_key(rng: random.Random) -> str:
    return _text(rng, rng.choice([32, 40]), string.ascii_letters + string.digits) + _digits(rng, 2)


def jwt(rng: random.Random) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(f'{{"sub":"{_digits(rng, 10)}"}}'.encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{_text(rng, 43, string.ascii_letters + string.digits + '-_')[:-1]}x"


def private_key(rng: random.Random) -> str:
    kind = rng.choice(["RSA ", "EC ", "OPENSSH ", ""])
    body = "\n".join(
        _text(rng, 64, string.ascii_letters + string.digits + "+/") for _ in range(rng.randint(3, 8))
    )
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def password(rng: random.Random) -> str:
    return rng.choice(
        [
            _text(rng, 8, string.ascii_letters) + str(rng.randint(1, 99)) + rng.choice("!@#$%"),
            rng.choice(["Summer", "qwer", "Naru", "hunter", "Winter"])
            + str(rng.randint(10, 9999))
            + rng.choice(["!", "", "@", "#"]),
            _text(rng, 12, string.ascii_letters + string.digits) + "7a",
        ]
    )


def postal(rng: random.Random) -> str:
    return f"{rng.randint(1, 63):02}{_digits(rng, 3)}"


def zip_code(rng: random.Random) -> str:
    return f"{rng.randint(1, 99):02}{_digits(rng, 3)}" + (f"-{_digits(rng, 4)}" if rng.random() < 0.3 else "")


# Numbers that are nobody's: what must not be found.


def order(rng: random.Random) -> str:
    return rng.choice(
        [
            f"2026{rng.randint(1, 12):02}{rng.randint(1, 28):02}{_digits(rng, 4)}",
            f"2026{rng.randint(1, 12):02}{rng.randint(1, 28):02}-{_digits(rng, 7)}",
            _digits(rng, 10),
            _digits(rng, 12),
            _digits(rng, 16),
            f"ORD-{_digits(rng, 6)}-{_digits(rng, 4)}",
            f"{_digits(rng, 3)}-{_digits(rng, 7)}-{_digits(rng, 7)}",
        ]
    )


def tracking(rng: random.Random) -> str:
    return rng.choice(
        [
            _digits(rng, 12),
            _digits(rng, 13),
            f"{_digits(rng, 4)}-{_digits(rng, 4)}-{_digits(rng, 4)}",
            f"1Z{_text(rng, 16, string.ascii_uppercase + string.digits)}",
            f"EE{_digits(rng, 9)}KR",
            f"{_digits(rng, 4)} {_digits(rng, 4)} {_digits(rng, 4)}",
        ]
    )


def random_digits(rng: random.Random) -> str:
    return str(rng.randint(1, 9)) + _digits(rng, rng.randint(6, 19))


def date(rng: random.Random) -> str:
    y, m, d = rng.randint(1999, 2027), rng.randint(1, 12), rng.randint(1, 28)
    return rng.choice(
        [
            f"{y}-{m:02}-{d:02}",
            f"{y}.{m:02}.{d:02}",
            f"{y}{m:02}{d:02}",
            f"{y}-{m:02}-{d:02} {m:02}:30:15",
            f"{y}/{m}/{d}",
        ]
    )


def version(rng: random.Random) -> str:
    r = rng.randint
    return rng.choice(
        [
            f"{r(1, 20)}.{r(0, 30)}.{r(0, 20)}",
            f"{r(1, 9)}.{r(0, 9)}.{r(0, 9)}.{r(0, 9999)}",
            f"{r(1, 20)}.{r(0, 30)}.{r(0, 99)}.{r(0, 9)}",
        ]
    )


def price(rng: random.Random) -> str:
    return rng.choice(
        [
            f"{rng.randint(1, 999)},{_digits(rng, 3)},{_digits(rng, 3)}",
            f"{rng.randint(10000, 99999999)}",
            f"{rng.randint(1, 999)},{_digits(rng, 3)}",
        ]
    )


def isbn(rng: random.Random) -> str:
    body = "97889" + _digits(rng, 7)
    check = (10 - sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body)) % 10) % 10
    whole = f"{body}{check}"
    return whole if rng.random() < 0.4 else f"{whole[:3]}-{whole[3:5]}-{whole[5:9]}-{whole[9:12]}-{whole[12]}"


def ean(rng: random.Random) -> str:
    body = "880" + _digits(rng, 9)
    return body + str((10 - sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body)) % 10) % 10)


def coordinates(rng: random.Random) -> str:
    return f"{rng.uniform(33, 38):.6f}, {rng.uniform(126, 130):.6f}"


def uuid(rng: random.Random) -> str:
    h = "0123456789abcdef"
    return "-".join(_text(rng, n, h) for n in (8, 4, 4, 4, 12))


def commit(rng: random.Random) -> str:
    return _text(rng, 40, "0123456789abcdef")


def clock(rng: random.Random) -> str:
    return f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"


def mac(rng: random.Random) -> str:
    return ":".join(_text(rng, 2, "0123456789abcdef") for _ in range(6))


def epoch(rng: random.Random) -> str:
    return str(rng.randint(1_600_000_000, 1_800_000_000)) + rng.choice(["", "", "123"])


def plain_url(rng: random.Random) -> str:
    return rng.choice(
        [
            "https://example.com/docs/2026/11/21?page=12",
            "http://blog.example.kr/post/1234567",
            "https://naru.dev/a?utm_source=x&id=998877",
        ]
    )


def money(rng: random.Random) -> str:
    return f"{rng.randint(10, 900)}조 {rng.randint(1000, 9999)}억"


def case_number(rng: random.Random) -> str:
    kind = rng.choice(["다", "도", "나", "가합", "고단"])
    return f"20{rng.randint(10, 26)}{kind}{_digits(rng, rng.choice([4, 5, 6]))}"


def pin6(rng: random.Random) -> str:
    return _digits(rng, 6)


def usps(rng: random.Random) -> str:
    return f"9400 {_digits(rng, 4)} {_digits(rng, 4)} {_digits(rng, 4)} {_digits(rng, 4)} {_digits(rng, 2)}"


def latitude(rng: random.Random) -> str:
    return f"{rng.uniform(-80, 80):.7f}"


def longitude(rng: random.Random) -> str:
    return f"{rng.uniform(-180, 180):.7f}"
