"""Addresses in an answer that lead off the list, or carry data with them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import islice
from urllib.parse import unquote

_URL = re.compile(
    r"(?P<image>!\[[^\]\n]{0,200}\]\(\s{0,4}<?|<(?:img|iframe|script|video|audio|source|embed|object|link)\b[^>]{0,200}?"
    r"(?:src|href|data|poster)\s{0,4}=\s{0,4}[\"']?|url\([\"']?|^\s{0,3}\[[^\]\n]{1,80}\]:\s{0,4}<?)?"
    r"(?P<url>(?:(?P<scheme>https?|ftp|wss?|file)[:：](?:/|\\|／){2}|(?<=\()//|(?<=[\"'])//|\bwww\.)"
    r"(?P<rest>[^\s<>\"'`\\)\]}]{1,2048})|(?P<active>(?:javascript|vbscript|data):[^\s<>\"'`)]{1,2048}))",
    re.IGNORECASE | re.MULTILINE,
)
_HOST = re.compile(r"(?P<user>[^/?#@\s]*@)?(?P<host>\[[0-9a-fA-F:.]+\]|[^/?#:@\s]+)")
_NUMERIC = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|\d{8,10}|0x[0-9a-f]{8}|\[[0-9a-f:.]+\]")
_LONG_DATA = re.compile(r"[?&#/=;][^?&#/=;]{40,}")
_DATA_NAME = re.compile(
    r"[?&](?:data|q|query|secret|info|text|msg|message|prompt|history|chat|content|payload|leak|email|token|key|user|name|pw|password)=[^&\s]{6,}",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?…。，"
MAX_URLS = 200


def is_allowed(host: str, allowed_hosts: Collection[str]) -> bool:
    """Whether a host is on the list: `example.com` is that host alone, `*.example.com` those below it too."""
    for allowed in allowed_hosts:
        name = allowed.lower().rstrip(".")
        if name.startswith("*."):
            if host == name[2:] or host.endswith(name[1:]):
                return True
        elif host == name:
            return True
    return False


def read_urls(text: str, allowed_hosts: Collection[str] = ()) -> Iterator[tuple[float, str]]:
    """What speaks against the addresses of a text, as (score, reason) pairs.

    Args:
        text: an answer; the first MAX_URLS addresses count.
        allowed_hosts: where answers may lead; with an empty list there is no list, and only addresses that
            hide their host, run code or carry data away are told of.
    """
    if ":" not in text and "//" not in text and "www." not in text.lower():
        return
    for match in islice(_URL.finditer(text), MAX_URLS):
        if match["active"]:
            yield from _judge_active(match)
        elif (match["scheme"] or "").lower() == "file":
            yield 0.6, "address of a local file"
        elif (found := _HOST.match(match["rest"].rstrip(_TRAILING))) is not None:
            yield from _judge_host(match, found, allowed_hosts)


def _judge_active(match: re.Match[str]) -> Iterator[tuple[float, str]]:
    address = match["active"].lower()
    if not address.startswith("data:"):
        yield 0.85, "address that runs code"
    elif match["image"] is None or "html" in address[:40]:
        yield 0.4, "address that is a document itself"


def _judge_host(
    match: re.Match[str], found: re.Match[str], allowed_hosts: Collection[str]
) -> Iterator[tuple[float, str]]:
    host = unicodedata.normalize("NFKC", unquote(found["host"])).lower().rstrip(".")
    if match["url"].lower().startswith("www."):
        host = f"www.{host}"
    if found["user"]:
        yield 0.7, "user information before the host"
    elif is_allowed(host, allowed_hosts):
        return
    query = found.string[found.end() :]
    carries = bool(_LONG_DATA.search(query) or _DATA_NAME.search(query))
    is_loaded = match["image"] is not None
    if allowed_hosts and not is_allowed(host, allowed_hosts):
        yield 0.9 if is_loaded else 0.75 if carries else 0.6, "host off the list"
    if is_loaded and (carries or "?" in query):
        yield 0.8, "picture that sends data to its host"
    elif carries:
        yield 0.35, "long data in an address"
    if _NUMERIC.fullmatch(host):
        yield 0.5, "numeric host"
    if host.startswith("xn--") or ".xn--" in host or not host.isascii():
        yield 0.5, "host in look-alike letters"
