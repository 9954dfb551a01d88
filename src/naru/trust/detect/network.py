"""E-mail addresses, IP addresses, and URLs that carry a credential. A plain URL identifies nobody."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

from naru.trust.detect.labels import Labels
from naru.trust.entity import Entity, entity_of

_LOCAL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-"
_MAX_LOCAL = 64
_DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}+(?:\.[A-Za-z0-9-]{1,63}+){1,8}+")
_TOP = re.compile(r"(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})\Z")
_IPV4 = re.compile(
    r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}(?![0-9A-Za-z_]|\.[0-9]|-[0-9])"
)
# Loopback, masks and the like are the same on every machine.
_NOBODY = re.compile(r"127\.|0\.|255\.255\.|169\.254\.169\.254\Z")
_HEX = "0123456789abcdefABCDEF:."
_MAX_IPV6 = 45
# Begins with one class, so that the engine runs over all else in a tight loop.
_SECTIONS = re.compile(
    r"(?:§|(?i:section|sect?\.|clause|chapter|article|paragraph|appendix|step|item|rule)) ?\Z"
)
# Further back in the line only what no log says: a version's list, a least version in brackets.
_VERSION_LINE = re.compile(
    r"[BDFMPRVbdfmprv](?<!\w.)(?i:(?<=f)(?:irmware|w)|(?<=v)ersions?|(?<=r)eleases?|(?<=b)(?:uilds?|ios)"
    r"|(?<=d)rivers?|(?<=m)inimum|(?<=p)atch)\b"
    r"(?P<gap>[\w ,.:;()\-–]{0,72})\Z"
)
_MACHINES = re.compile(
    r"\b(?i:on|at|by|from|via|to|ip|ips|hosts?|servers?|clients?|nodes?|address(?:es)?|gateway|dns|ping|runs|network)\b"
)
_VERSION_HEAD = re.compile(r"\b(?:firmware|version|release|build|fw|software|driver|image|ios|os)\b")
_PRIVATE = re.compile(r"10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.")
_HEAD_REACH, _MAX_LINE = 1_500, 240
_NETWORK = re.compile(r"/(?:[0-9]|[12][0-9])(?![0-9])")
"""The mask of a whole network of machines: nobody's own address."""
_VERSIONS = re.compile(
    r"[버펌릴파자크윈안vVrRbBfFpPjJnNcCwWaAiIİı](?:(?<=버)[전젼]|(?<=펌)웨어|(?<=릴)리스|(?<=파)이썬|(?<=자)바|(?<=크)롬"
    r"|(?<=윈)도우|(?<=안)드로이드|(?<!\w.)(?i:(?<=v)(?:ersion|er\b|(?![a-z]))|(?<=r)elease|(?<=b)uild|(?<=f)irmware|(?<=p)ython"
    r"|(?<=j)ava|(?<=n)ode|(?<=c)hrome|(?<=w)indows|(?<=a)ndroid|(?<=i)os))"
    r"[^0-9\n]{0,8}(?:[0-9][0-9.]{0,20}[^0-9\n]{1,8})?\Z"
)

_URL = re.compile(r"[^\s\"'<>`\\가-힣ㄱ-ㅎ]{3,2048}+")
_SCHEME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-"
_USER_INFO = re.compile(r"(?:[^/?#@\s:]{0,256}:[^/?#@\s]{1,256}|[0-9a-f]{32})@[^/?#@\s]")
_TOKEN = re.compile(
    r"[?&#;](?:[a-z0-9_.\-]{0,32}(?:token|api[_-]?key|apikey|secret|passw(?:or)?d|pwd|signature|credential|auth|"
    r"session(?:_?id)?|sid|jwt|otp|servicekey|confmkey)|key|sig|code|pw|crtfc_key|access(?==[^&#\s]{0,40}[0-9]))=(?![{<$*]|%7B)[^&#\s]{6,}",
    re.IGNORECASE,
)
_HOOKS = re.compile(
    r"https?://(?:hooks\.slack\.com/(?:services|workflows)/[A-Z0-9]|(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d"
    r"|[\w.-]{1,80}\.webhook\.office\.com/webhookb2/|chat\.googleapis\.com/v1/spaces/\S{1,40}/messages\?key=)"
)
_PAIRS = {")": "(", "]": "[", "}": "{"}


def find_emails(text: str) -> Iterator[Entity]:
    """E-mail addresses, Hangul on either side or not. Each `@` is looked at once, at most 64 signs back."""
    at = text.find("@")
    while at >= 0:
        window = text[max(0, at - _MAX_LOCAL) : at]
        local = window[len(window.rstrip(_LOCAL)) :].lstrip(".-%+")
        found = _DOMAIN.match(text, at + 1) if local and not local.endswith(".") else None
        if found is not None:
            domain = found.group().rstrip("-")
            while "." in domain and not _TOP.search(domain.rpartition(".")[2]):
                domain = domain.rpartition(".")[0].rstrip("-")
            end = at + 1 + len(domain)
            # git@host:path names a repository and no person.
            if "." in domain and not (local == "git" and text[end : end + 1] in (":", "/")):
                yield entity_of(("EMAIL", at - len(local), end, 0.95, "shape of an e-mail address"))
        at = text.find("@", at + 1)


def find_ipv4(text: str, start: int, labels: Labels) -> Entity | None:
    """Four numbers under 256 with dots; of one digit each they are rather a version or a section."""
    found = _IPV4.match(text, start)
    if found is None:
        return None
    near = labels.find_before(start)
    label = near[0] if near else ""
    score = 0.8
    if _NOBODY.match(found.group()):
        score = 0.4
    elif label == "IP":
        score = 0.95
    elif _VERSIONS.search(text[max(0, start - 48) : start]) or _SECTIONS.search(
        text[max(0, start - 12) : start]
    ):
        score = 0.2
    elif label in ("", "OTHER") and _is_version(text, start, found.group()):
        score = 0.3
    elif found.group().endswith(".0") and _NETWORK.match(text, found.end()):
        score = 0.4
    elif near is not None and label == "OTHER" and near[1] <= 3:
        score = 0.35
    elif found.end() - start == len("1.2.3.4"):
        score = 0.55 if found.group() in ("8.8.8.8", "1.1.1.1", "8.8.4.4", "1.0.0.1", "9.9.9.9") else 0.4
    return entity_of(("IP", start, found.end(), score, "shape of an IP address"))


def _is_version(text: str, start: int, value: str) -> bool:
    """Whether the line before it speaks of versions, or the head of its column does."""
    if _PRIVATE.match(value):
        return False
    low = text.rfind("\n", max(0, start - _MAX_LINE), start) + 1
    line = text[max(low, start - 96) : start]
    said = _VERSION_LINE.search(line)
    if said is not None and not _MACHINES.search(said["gap"]):
        return True
    if not low or not line.strip():
        return False
    block = text.rfind("\n\n", max(0, low - _HEAD_REACH), low)
    if block < 0 and low > _HEAD_REACH:
        return False
    begin = block + 2 if block >= 0 else 0
    stop = text.find("\n", begin, low)
    head = text[begin:stop].lower() if stop - begin <= _MAX_LINE else ""
    is_headed = _VERSION_HEAD.search(head) is not None
    return is_headed and _is_under_version(head, text[low:start], len(value))


def _is_under_version(head: str, before: str, size: int) -> bool:
    """Whether a cell's head is of versions: by the signs that part the columns, or by where it stands."""
    for delimiter in "|\t,;":
        at = before.count(delimiter)
        if at or delimiter in head:
            cells = head.split(delimiter)
            return 0 < at < len(cells) and _VERSION_HEAD.search(cells[at]) is not None
    # Columns set with blanks: the word above begins or ends about where the number does.
    column = len(before)
    return "  " in before and any(
        abs(word.start() - column) <= 1 or abs(word.end() - column - size) <= 1
        for word in _VERSION_HEAD.finditer(head)
    )


def find_ipv6(text: str, inside: int) -> tuple[Entity | None, int]:
    """The IPv6 address around an offset, and how far another offset would find no other."""
    left = text[max(0, inside - _MAX_IPV6) : inside]
    start = inside - (len(left) - len(left.rstrip(_HEX)))
    right = text[inside : inside + _MAX_IPV6]
    read = end = inside + len(right) - len(right.lstrip(_HEX))
    if inside - start == _MAX_IPV6 or end - inside == _MAX_IPV6:
        read = inside
    while end > start and (text[end - 1] == "." or (text[end - 1] == ":" and text[end - 2 : end] != "::")):
        end -= 1
    while start < end and (text[start] == "." or (text[start] == ":" and text[start : start + 2] != "::")):
        start += 1
    raw = text[start:end]
    colons = raw.count(":")
    is_word = (start > 0 and (text[start - 1].isascii() and text[start - 1].isalnum())) or (
        end < len(text) and text[end].isascii() and (text[end].isalnum() or text[end] == "_")
    )
    if colons < 2 or is_word or len(raw) < 6 or not any(map(str.isdigit, raw)):
        return None, read
    try:
        socket.inet_pton(socket.AF_INET6, raw)
    except OSError:
        return None, read
    return Entity("IP", start, end, 0.85, "shape of an IPv6 address"), read


_NUMBERED = re.compile(
    r"[?&](?:mobile|phone|tel|hp|cell|birth[a-z_]{0,8}|dob|rrn|jumin|ssn)=[0-9+%\-]{6,24}(?![0-9])",
    re.IGNORECASE,
)
_HANGUL_VALUE = re.compile(r"(?:(?<==)[가-힣]{1,20}(?:[&+][^\s\"'<>`\\가-힣ㄱ-ㅎ]{1,512}+)?){1,8}")
_MAILED = re.compile(r"[?&][\w.\-]{1,40}=[\w.+\-]{1,64}(?:@|%40)[\w\-]{1,64}\.\w")


def find_url(text: str, mark: int) -> tuple[Entity | None, int]:
    """The URL around a `://`, when it carries a credential, and how far was read."""
    window = text[max(0, mark - 24) : mark]
    start = mark - (len(window) - len(window.rstrip(_SCHEME)))
    while start < mark and not text[start].isalpha():
        start += 1
    found = _URL.match(text, mark + 3) if start < mark else None
    if found is None:
        return None, mark + 3
    read = end = found.end()
    if text[end - 1] == "=" and (more := _HANGUL_VALUE.match(text, end)) is not None:
        read = end = more.end()
    while end > mark and (text[end - 1] in ".,;:!?*_|" or text[end - 1] in ")]}"):
        last = text[end - 1]
        if last in _PAIRS and _PAIRS[last] in text[mark:end]:
            break
        end -= 1
    body = text[start:end]
    if (pair := _USER_INFO.match(body, mark + 3 - start)) and not re.search(r":[<{$*]", pair.group()):
        return Entity("URL", start, end, 0.95, "user and password in a URL"), read
    if _HOOKS.match(body):
        return Entity("URL", start, end, 0.9, "secret path of a webhook"), read
    if _TOKEN.search(body):
        return Entity("URL", start, end, 0.85, "token in a URL"), read
    if _MAILED.search(body) or _NUMBERED.search(body):
        return Entity("URL", start, end, 0.85, "address or number of a person in a URL"), read
    return None, read
