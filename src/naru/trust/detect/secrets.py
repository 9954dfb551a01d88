"""Keys, tokens and passwords: by the prefixes that vendors give them, or by a label and how random they look.

Each rule has two halves: a short expression that all texts are scanned for at once, and an exact one that is
tried only where the first was found.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

from naru.trust.entity import Entity, entity_of

_KEY = "API_KEY"
_END = r"(?![A-Za-z0-9_\-])"


@dataclass(frozen=True, slots=True)
class Secret:
    """A kind of secret.

    Attributes:
        vendor: whose it is; part of the reason.
        trigger: found by the scan; matches a fixed number of bytes, all ASCII.
        length: that number.
        exact: matches the secret from where the trigger began.
    """

    vendor: str
    trigger: str
    length: int
    exact: re.Pattern[str]
    type: str = _KEY


def _key(vendor: str, prefix: str, tail: str, low: int, high: int, end: str = _END) -> Secret:
    """A prefix and then `low` to `high` signs of a class. The trigger stops at the first few of them."""
    first = min(low, 12)
    return Secret(
        vendor,
        rf"\b{re.escape(prefix)}{tail}{{{first}}}",
        len(prefix) + first,
        re.compile(rf"{re.escape(prefix)}{tail}{{{low},{high}}}{end}"),
    )


_W = "[A-Za-z0-9]"
_D = r"[A-Za-z0-9_\-]"
SECRETS: tuple[Secret, ...] = (
    _key("OpenAI or alike", "sk-", _D, 20, 220),
    _key("AWS", "AKIA", "[A-Z0-9]", 16, 16),
    _key("AWS", "ASIA", "[A-Z0-9]", 16, 16),
    _key("AWS", "ABIA", "[A-Z0-9]", 16, 16),
    _key("AWS Bedrock", "ABSK", "[A-Za-z0-9+/=]", 40, 300),
    _key("Google", "AIza", _D, 30, 45),
    _key("Google", "ya29.", _D, 20, 512),
    _key("Google", "GOCSPX-", _D, 20, 40),
    _key("GitHub", "ghp_", _W, 30, 255),
    _key("GitHub", "gho_", _W, 30, 255),
    _key("GitHub", "ghu_", _W, 30, 255),
    _key("GitHub", "ghs_", _W, 30, 255),
    _key("GitHub", "ghr_", _W, 30, 255),
    _key("GitHub", "github_pat_", "[A-Za-z0-9_]", 40, 255),
    _key("GitLab", "glpat-", r"[A-Za-z0-9_.\-]", 20, 64),
    _key("GitLab", "gldt-", _D, 20, 64),
    _key("GitLab", "glrt-", _D, 20, 64),
    _key("Slack", "xoxb-", "[A-Za-z0-9-]", 20, 255),
    _key("Slack", "xoxp-", "[A-Za-z0-9-]", 20, 255),
    _key("Slack", "xoxa-", "[A-Za-z0-9-]", 20, 255),
    _key("Slack", "xoxs-", "[A-Za-z0-9-]", 20, 255),
    _key("Slack", "xoxe-", "[A-Za-z0-9-]", 20, 255),
    _key("Slack", "xapp-", "[A-Za-z0-9-]", 20, 255),
    _key("Stripe", "sk_live_", _W, 16, 128),
    _key("Stripe", "sk_test_", _W, 16, 128),
    _key("Stripe", "rk_live_", _W, 16, 128),
    _key("Stripe", "rk_test_", _W, 16, 128),
    _key("Stripe", "pk_live_", _W, 16, 128),
    _key("Stripe", "pk_test_", _W, 16, 128),
    _key("Stripe", "whsec_", "[A-Za-z0-9+/=]", 24, 128),
    _key("npm", "npm_", _W, 30, 64),
    _key("Hugging Face", "hf_", _W, 28, 64),
    _key("SendGrid", "SG.", r"[A-Za-z0-9_.\-]", 40, 90),
    _key("Replicate", "r8_", _W, 30, 64),
    _key("Groq", "gsk_", _W, 40, 80),
    _key("xAI", "xai-", _W, 40, 120),
    _key("Perplexity", "pplx-", _W, 32, 80),
    _key("Databricks", "dapi", "[a-f0-9]", 32, 34),
    _key("DigitalOcean", "dop_v1_", "[a-f0-9]", 64, 64),
    _key("PyPI", "pypi-", _D, 50, 300),
    _key("Shopify", "shpat_", "[A-Fa-f0-9]", 32, 32),
    _key("Linear", "lin_api_", _W, 32, 64),
    _key("Notion", "ntn_", _W, 40, 60),
    _key("Vault", "hvs.", _D, 24, 200),
    _key("Doppler", "dp.pt.", _W, 40, 48),
    _key("Pinecone", "pcsk_", "[A-Za-z0-9_]", 40, 100),
    _key("New Relic", "NRAK-", "[A-Z0-9]", 27, 27),
    _key("Sentry", "sntrys_", r"[A-Za-z0-9_=+/]", 40, 300),
    _key("Langfuse", "sk-lf-", _D, 30, 60),
    Secret("Naru or alike", rf"\bnr_{_W}{{12}}", 15, re.compile(rf"nr_{_W}{{24,128}}{_END}")),
    Secret("Mailgun", r"\bkey-[a-f0-9]{12}", 16, re.compile(rf"key-[a-f0-9]{{32}}{_END}")),
    Secret("Twilio", r"\b(?:SK|AC)[a-f0-9]{12}", 14, re.compile(rf"(?:SK|AC)[a-f0-9]{{32}}{_END}")),
    Secret("Telegram", r":AA[A-Za-z0-9_\-]{12}", 15, re.compile(rf":AA[A-Za-z0-9_\-]{{31,34}}{_END}")),
    Secret(
        "Azure Storage",
        r"AccountKey=[A-Za-z0-9+/]{12}",
        23,
        re.compile(r"AccountKey=([A-Za-z0-9+/]{80,90}={0,2})"),
    ),
    Secret(
        "Azure",
        r"SharedAccessKey=[A-Za-z0-9+/]{12}",
        28,
        re.compile(r"SharedAccessKey=([A-Za-z0-9+/]{40,50}={0,2})"),
    ),
    Secret("Azure AD", r"[0-9]Q~[A-Za-z0-9_.~\-]{12}", 15, re.compile(r"[0-9]Q~[A-Za-z0-9_.~\-]{31,34}")),
    Secret(
        "JWT",
        r"\beyJ[A-Za-z0-9_\-]{8}",
        11,
        re.compile(r"eyJ[A-Za-z0-9_\-]{8,2048}\.[A-Za-z0-9_\-]{4,8192}(?:\.[A-Za-z0-9_\-]{0,2048}){0,3}"),
        "JWT",
    ),
)

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
PEM_TRIGGER = "-----BEGIN "
_PEM_BODY = re.compile(r"(?:[A-Za-z0-9+/=\s\\:,.-]){0,20000}")
_MAX_PEM = 20_000
_TELLING = 64
_FEW, _VARIED = 16, 8

# What stands between a label and its value. Only words are told in either case: it takes time at every sign.
_GLUE = (
    r"(?:[\"'`*]{0,3}\s{0,3}+(?: {1,21}+(?=[:=]))?+"
    r"(?P<sign>[:=]{1,2}>?|->|→|는|은|이|가|(?i:is|as|to|was)|=>)"
    r"[\"'`*]{0,3}\s{0,3}|(?P<blank> {1,2}))"
)
_VALUE = re.compile(
    r"(?:[_ -]?(?i:번호|값|key|키|value|token|id))?(?:\s?\([^)\n]{0,20}\))?"
    + _GLUE
    + r"(?:(?i:Bearer|Basic|Token)\s{1,3})?(?P<open>[\"'`“‘<(\[{$]{0,2})(?P<value>[!-~]{4,512}+)"
)
_LABELS_OF_ENTRY = """
password; passwd; passphrase; pwd; passcode; 비밀번호; 비밀 번호; 패스워드; 비번; 암호는; 암호:; 암호 :;
db_pass; 임시비번; pass:; pass=; pass :; pass =; _pw
"""
_WHOLE_LABELS_OF_ENTRY = """
pw; pin; p/w; otp
"""
_LABELS_OF_KEYS = """
api key; api_key; apikey; api-key; api 키; api키; secret; access key; access_key; accesskey;
access token; access_token; auth_token; auth token; bearer; client_secret; private_key; 인증키; 인증 키;
서비스키; 서비스 키; 시크릿; 비밀키; 비밀 키; 액세스 키; 액세스키; 토큰; token; encryption key;
subscription key; account_key; app key; appkey; rest api 키; admin key; license key; webhook key
"""


def _words(listed: str) -> list[str]:
    return [re.escape(word) for word in listed.strip().replace("\n", " ").split("; ")]


LABELS: tuple[tuple[str, str], ...] = (
    *(("PASSWORD", word) for word in _words(_LABELS_OF_ENTRY)),
    *(("PASSWORD", rf"\b{word}\b") for word in _words(_WHOLE_LABELS_OF_ENTRY)),
    (
        "PASSWORD",
        r"\b(?:admin|ftp|imap|ldap|login|mail|mysql|pg|proxy|redis|root|smtp|ssh|sudo|user|wifi)_?pass\b",
    ),
    *((_KEY, word) for word in _words(_LABELS_OF_KEYS)),
)
"""Type and expression of the labels whose value follows."""

_DULL_WORDS = (
    "also been changed changeit disabled empty enabled encrypted example expired false field forgot has "
    "hashed hidden incorrect invalid manager masked missing must needed none not null optional passwd "
    "password policy protected redacted removed required reset secret should strength string strong "
    "text that the this token too true undefined very weak will wrong your-password your_password "
    "yourpassword"
)
_DULL = frozenset(_DULL_WORDS.split())
_PLACEHOLDER = re.compile(
    r"(?:[*xX•.\-_]+|your[_-].*|<.*|\$?\{.*|\$\w+|%\w+%|os\.|process\.|getenv|env\.)\Z", re.IGNORECASE
)
_OPENING = frozenset("<{$([")
_CLOSING = {"“": "”", "‘": "’"}
_PLAIN_SIGNS = frozenset([":", "=", "==", ":=", "->", "=>", "→"])
_MIN_KEY = 16
_MIN_PASSWORD, _SURE_PASSWORD, _MAX_PASSWORD, _MAX_PIN = 4, 6, 128, 12
_CALL = re.compile(r"[A-Za-z_](?:[A-Za-z_.]*+[(\[]|[A-Za-z0-9_.]*+[(\[].*[)\]])|[a-z_]++\.[a-z_.]++\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z_.]*+,?\Z")
_TRAIL = ".,;:)]}\"'`”’>"
_DIGITS, _LETTERS = string.digits.encode(), string.ascii_letters.encode()
_DIGIT_SIGNS, _LETTER_SIGNS = frozenset(string.digits), frozenset(string.ascii_letters)
_UPPERS = string.ascii_uppercase.encode()


def match_secret(rule: Secret, text: str, start: int) -> Entity | None:
    """The secret at an offset, by its vendor's rule."""
    if rule.vendor == "Telegram":
        digits = len(text[max(0, start - 11) : start]) - len(
            text[max(0, start - 11) : start].rstrip("0123456789")
        )
        found = rule.exact.match(text, start)
        if found is None or not 8 <= digits <= 10:
            return None
        return Entity(_KEY, start - digits, found.end(), 0.95, "shape of a Telegram key")
    if rule.vendor == "Azure AD":
        start -= 3
        if (
            start < 0
            or (found := re.compile(r"[A-Za-z0-9_.~\-]{3}" + rule.exact.pattern).match(text, start)) is None
        ):
            return None
        return Entity(_KEY, start, found.end(), 0.9, "shape of an Azure key")
    found = rule.exact.match(text, start)
    if found is None:
        return None
    group = 1 if found.re.groups else 0
    if rule.type == _KEY and not group:
        body = found.group()
        if rule.vendor == "OpenAI or alike" and not looks_random(body[3:]):
            return None
    start, end = found.span(group)
    return entity_of((rule.type, start, end, 0.95, f"prefix of {rule.vendor}"))


def match_pem(text: str, start: int, next_end: int) -> Entity | None:
    """The private key that begins at an offset; with its end cut off, as far as it looks like one.

    Args:
        next_end: where the next `-----END` is, or -1.
    """
    found = _BEGIN.match(text, start)
    if found is None:
        return None
    if 0 <= next_end - start <= _MAX_PEM:
        end = text.find("-----", next_end + 9, next_end + 80)
        if end >= 0:
            return Entity("PRIVATE_KEY", start, end + 5, 0.99, "header of a private key")
    body = _PEM_BODY.match(text, found.end())
    assert body is not None
    end = found.end() + len(body.group().rstrip())
    return Entity("PRIVATE_KEY", start, end, 0.95, "header of a private key, end missing")


def match_labelled(kind: str, text: str, label_end: int) -> Entity | None:
    """The password or key that a label promises: `password: …`, `비밀번호는 …`, `API_KEY="…"`."""
    found = _VALUE.match(text, label_end, label_end + 640)
    if found is None:
        return None
    sign, opening, value = found.group("sign", "open", "value")
    sign = (sign or "").lower()
    start = found.start("value")
    if opening and not _OPENING.isdisjoint(opening):
        return None
    value = _cut(value, opening, is_form=sign == "=")
    if not opening and _is_code(value, f"{text[label_end : label_end + 1]}{sign}" == " ="):
        return None
    value = value.rstrip(_TRAIL)
    if kind == "PASSWORD":
        return _password(value, start, sign, bool(opening))
    value = value.split(",")[0].split(";")[0]
    if len(value) < _MIN_KEY or (not sign and "earer" not in text[max(0, label_end - 6) : label_end]):
        return None
    if is_placeholder(value[:_TELLING]) or "://" in value or not looks_random(value):
        return None
    return entity_of((_KEY, start, start + len(value), 0.8, "label before it"))


def _cut(value: str, opening: str, is_form: bool) -> str:
    """The value up to the quote that closes it; without one, up to where a secret seldom goes on."""
    stops = _CLOSING.get(opening[-1], opening[-1]) if opening else "\"'`<&" if is_form else "\"'`<"
    for stop in stops:
        if stop in value:
            value = value.partition(stop)[0]
    return value


def _is_code(value: str, is_assigned: bool) -> bool:
    """`password = self.ask(url)`: a name, a call or a type stands where a secret would."""
    if _CALL.match(value):
        return True
    return is_assigned and _NAME.match(value) is not None


def is_placeholder(value: str) -> bool:
    """`your_password`, `<secret>`, `${TOKEN}`, `key(…)`: what stands in a manual."""
    lower = value.lower()
    return (
        "example" in lower
        or "placeholder" in lower
        or "redacted" in lower
        or "dummy" in lower
        or ("(" in value and ")" in value[value.index("(") :])
        or _PLACEHOLDER.match(value) is not None
    )


def _password(value: str, start: int, sign: str, is_quoted: bool) -> Entity | None:
    size = len(value)
    if not _MIN_PASSWORD <= size <= _MAX_PASSWORD or value.lower() in _DULL or "://" in value:
        return None
    if is_placeholder(value[:_TELLING]) or not value.strip(string.punctuation):
        return None
    if value.isdigit():
        # 비밀번호 1234 without a sign between may be anything; twelve digits are a number of another kind.
        is_pin = sign != "" and size <= _MAX_PIN
        return Entity("PASSWORD", start, start + size, 0.7, "label before it") if is_pin else None
    has_digit = not _DIGIT_SIGNS.isdisjoint(value)
    has_letter = not _LETTER_SIGNS.isdisjoint(value)
    has_sign = not value.rstrip("!?").isalnum()
    is_long = size >= _SURE_PASSWORD
    if sign in _PLAIN_SIGNS:
        is_likely = has_digit or has_sign or is_quoted or is_long
    elif sign:
        # After a verb or a particle comes an everyday word far more often than a password.
        is_likely = has_digit or (has_sign and is_long)
    else:
        is_likely = has_digit and has_letter and is_long
    return entity_of(("PASSWORD", start, start + size, 0.85, "label before it")) if is_likely else None


def looks_random(value: str) -> bool:
    """Letters and digits mixed, not words joined by dashes. The first few tell."""
    raw = value[:_TELLING].encode("ascii", "replace")
    size = len(raw)
    letters = size - len(raw.translate(None, _LETTERS))
    if letters == 0 or (len(set(raw[:_FEW])) < _VARIED and len(set(raw)) < _VARIED):
        return False
    if size - len(raw.translate(None, _DIGITS)) >= 2:
        return True
    uppers = size - len(raw.translate(None, _UPPERS))
    return size >= 24 and 3 <= uppers <= letters - 3 and b" " not in raw
