"""Secrets that words before them tell: any service's key, and a password after its user and a stroke."""

from __future__ import annotations

import re

from naru.trust.detect.names_lexicon import words
from naru.trust.detect.secrets import is_placeholder, looks_random
from naru.trust.entity import Entity

# Any other key, `datadog_key = …`, `Datadog key if you need it: …`: what it opens looks like nothing else.
_KEY_LABEL = r"[a-z0-9][_ ]key(?:[\"'`*]{0,3} {0,24}|,? [a-z ,]{1,24})[:=] {0,3}[\"'`]?[a-z0-9]{32}"
_KEY_BEGIN, _KEY_REACH = 32, 72
_OTHER_KEY = re.compile(
    r"(?=[A-Za-z]*[0-9][A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])"
    r"(?:[0-9a-f]{32,64}|[A-Za-z0-9]{32,64}={0,2})(?![\w\-+/.])"
)
_KEYS_OF_DATA = words(
    """
cache public partition primary foreign sort idempotency object dedup dedupe deduplication unique duplicate
storage lookup file index group etag hash event s3 bucket host routing message merge join session commit row
"""
)
_LABELLED = words("api access secret private account app admin license encryption subscription")
"""Read by labels of their own, where nothing stands before the sign."""
_SERVICE = re.compile(r"[a-z0-9]+\Z")
# `user admin / Pass#123`, `basic auth of the old one: ci / …`: who, a stroke, and the word that lets them in.
_PAIR_LABEL = r"\b(?:user(?:name)?|log-?in|auth|cred(?:ential)?s)\b[^\n/]{1,48} / [!-~]{6}"
_PAIR = re.compile(
    r"\b(?i:user(?:name)?|log-?in|auth|cred(?:ential)?s)"
    r"(?P<said>(?: [\w ]{1,32})?[:=] ?| is | )(?P<who>[\w.@\-]{2,40}) / \Z"
)
_NO_USERS = words(
    "account agent data error flow form group guide id interface manual name page role screen session story"
)
_PAIR_REACH, _PAIR_BEGIN, _LONGEST = 100, 6, 128
_SIGNS_OF_PASSWORDS = frozenset("!#$%^&*?~+@")


def match_key(text: str, end: int) -> Entity | None:
    """The long random value that a word with `key` at its end promises."""
    start = end - _KEY_BEGIN
    before = text[max(0, start - _KEY_REACH) : start].lower()
    at = before.rfind("key")
    service = _SERVICE.search(before, 0, at - 1)
    if service is None or service[0] in _KEYS_OF_DATA:
        return None
    if service[0] in _LABELLED and not any(map(str.isalpha, before[at + 3 :])):
        return None
    found = _OTHER_KEY.match(text, start)
    if found is None or not looks_random(found[0]):
        return None
    return Entity("API_KEY", start, found.end(), 0.75, "label before it")


def match_pair(text: str, end: int) -> Entity | None:
    """The password after a user's name and a stroke: letters and digits with a sign or in both cases."""
    start = end - _PAIR_BEGIN
    who = _PAIR.search(text, max(0, start - _PAIR_REACH), start)
    if who is None or who["who"].lower() in _NO_USERS:
        return None
    value = text[start : start + _LONGEST].split(maxsplit=1)[0]
    value = value.rstrip(".,;:)]}\"'`>")
    is_mixed = any(map(str.isalpha, value)) and any(map(str.isdigit, value)) and value != value.lower()
    has_sign = not _SIGNS_OF_PASSWORDS.isdisjoint(value)
    is_told = who["said"] != " " and len(value) > _PAIR_BEGIN and sum(map(str.isdigit, value)) > 1
    is_mixed = is_mixed or (is_told and any(map(str.isalpha, value)))
    if len(value) < _PAIR_BEGIN or "/" in value or is_placeholder(value) or not (is_mixed or has_sign):
        return None
    return Entity("PASSWORD", start, start + len(value), 0.75, "user before it")


TRIGGERS = ((_KEY_LABEL, match_key), (_PAIR_LABEL, match_pair))
"""What all texts are scanned for at once, and who reads on where it ends."""
