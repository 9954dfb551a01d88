"""Texts with planted values, and everything a Naru leaves behind, to look for them in."""

from __future__ import annotations

import base64
import binascii
import json
import re
import sqlite3
from pathlib import Path
from urllib.parse import quote

NAME, PHONE, RRN = "김민수", "010-2345-6789", "850101-1234567"
MAIL, CARD = "minsu.kim@example.com", "4111-1111-1111-1111"
API_KEY = "sk-proj-Zq7Rk2Lm9Xw4Tn8Vb3Hs6Yd1Pf5Gc0Ja"
PLANTED = (NAME, PHONE, RRN, MAIL, CARD, API_KEY)
PROMPT = (
    f"이름: {NAME}, 전화 {PHONE}, 주민번호 {RRN} 로 예약해 주세요. 메일은 {MAIL}입니다. "
    f"카드 {CARD}, api_key={API_KEY}"
)
REPLY = "<PERSON_1>은 <PHONE_1>로 예약되었고 <EMAIL_1>로 보냈습니다."
RESTORED = f"{NAME}는 {PHONE}로 예약되었고 {MAIL}로 보냈습니다."


def forms_of(value: str) -> dict[str, bytes]:
    """A value in every way in which it may stand in a file."""
    raw = value.encode()
    forms = {
        "plain": raw,
        "utf-16": value.encode("utf-16-le"),
        "percent": quote(value, safe="").encode(),
        "hex": binascii.hexlify(raw),
        "HEX": binascii.hexlify(raw).upper(),
        "json escapes": json.dumps(value)[1:-1].encode(),
        "JSON ESCAPES": re.sub(
            r"\\u[0-9a-f]{4}", lambda m: "\\u" + m[0][2:].upper(), json.dumps(value)[1:-1]
        ).encode(),
        "python repr of bytes": repr(raw)[2:-1].encode(),
    }
    for shift in range(3):  # base64 of the value at each place in a text
        for alphabet in (b"+/", b"-_"):
            whole = base64.b64encode(b"\0" * shift + raw, alphabet)
            # Signs at the ends also hold bits of what stands before and behind.
            skip = -(-shift * 8 // 6)
            forms[f"base64 {shift} {alphabet.decode()}"] = whole[skip : (len(raw) + shift) * 8 // 6]
    digits = re.sub(r"\D", "", value)
    if len(digits) >= 8:
        forms["digits"] = digits.encode()
    return {name: form for name, form in forms.items() if form}


def needles() -> dict[str, bytes]:
    return {f"{value[:2]}… {name}": form for value in PLANTED for name, form in forms_of(value).items()}


def find_in_bytes(content: bytes) -> list[str]:
    """Which planted values stand in some bytes, and how."""
    return [name for name, form in needles().items() if form in content]


def find_in_folder(folder: Path, *, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Which files of a folder hold planted values."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in but:
            hits = find_in_bytes(path.read_bytes())
            if hits:
                found[str(path.relative_to(folder))] = hits
    return found


def find_in_tables(database: Path) -> dict[str, list[str]]:
    """Which columns of which tables hold planted values; whatever page they lie on."""
    found = {}
    with sqlite3.connect(database) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor:
                for name, value in zip(names, row, strict=True):
                    content = value if isinstance(value, bytes) else str(value).encode()
                    if hits := find_in_bytes(content):
                        found[f"{table}.{name}"] = hits
    connection.close()
    assert tables
    return found
