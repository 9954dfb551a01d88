"""Secrets in an answer: what the detectors find when they are given, else the common vendors' key shapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from naru.trust.entity import Entity

Find = Callable[[str], Iterable[Entity]]

SECRET_TYPES = frozenset({"API_KEY", "PRIVATE_KEY", "JWT", "PASSWORD"})

# Each shape with letters that must be there: texts without them cost one `in`.
_SHAPES: tuple[tuple[str, re.Pattern[str], float, str], ...] = tuple(
    (needle, re.compile(pattern), score, reason)
    for needle, pattern, score, reason in (
        ("-----BEGIN", r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY", 0.98, "private key"),
        ("AKIA", r"(?<![A-Z0-9])AKIA[0-9A-Z]{16}(?![A-Z0-9])", 0.95, "AWS access key"),
        ("ASIA", r"(?<![A-Z0-9])ASIA[0-9A-Z]{16}(?![A-Z0-9])", 0.9, "AWS access key"),
        ("gh", r"(?<!\w)gh[pousr]_[A-Za-z0-9]{36,255}(?!\w)", 0.97, "GitHub token"),
        ("github_pat_", r"(?<!\w)github_pat_\w{22,255}(?!\w)", 0.97, "GitHub token"),
        ("glpat-", r"(?<!\w)glpat-[\w-]{20,64}", 0.95, "GitLab token"),
        ("sk-", r"(?<![\w-])sk-[A-Za-z0-9_-]{20,200}(?![\w-])", 0.9, "model provider's key"),
        ("xox", r"(?<!\w)xox[abeoprs]-[A-Za-z0-9-]{10,250}", 0.95, "Slack token"),
        ("hooks.slack", r"hooks\.slack\.com/services/T\w{6,12}/B\w{6,12}/\w{16,32}", 0.9, "Slack webhook"),
        ("AIza", r"(?<!\w)AIza[\w-]{35}(?![\w-])", 0.95, "Google key"),
        ("ya29.", r"(?<!\w)ya29\.[\w-]{30,300}", 0.9, "Google token"),
        ("_live_", r"(?<!\w)(?:sk|rk|pk)_live_[A-Za-z0-9]{16,100}", 0.95, "Stripe key"),
        ("hf_", r"(?<!\w)hf_[A-Za-z]{30,40}(?!\w)", 0.9, "Hugging Face token"),
        ("npm_", r"(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)", 0.95, "npm token"),
        ("pypi-", r"(?<!\w)pypi-[\w-]{60,300}", 0.95, "package index token"),
        ("SG.", r"(?<!\w)SG\.[\w-]{16,32}\.[\w-]{32,64}", 0.95, "SendGrid key"),
        ("AccountKey=", r"AccountKey=[A-Za-z0-9+/]{60,100}={0,2}", 0.95, "Azure storage key"),
        ("eyJ", r"(?<![\w-])eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000}", 0.8, "signed token (JWT)"),
        ("naru", r"(?<!\w)naru[-_][A-Za-z0-9_-]{30,100}", 0.85, "Naru key"),
        ("://", r"[a-z0-9]{2,20}://[^\s:/@]{1,64}:[^\s:/@]{3,128}@[\w.-]", 0.85, "address with a password"),
    )
)  # fmt: skip
_PASSWORD = re.compile(
    r"(?:password|passwd|pwd|secret|api[_ -]?key|access[_ -]?token|비밀번호|패스워드|비번)[\"']?\s{0,3}"
    r"(?:is|are|=>|[:=]|은|는|:=)\s{0,3}[\"'`*]{0,2}([^\s\"'`*<>{}()\[\],;]{8,128})",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"(?i)\*{3,}|x{4,}|\.{3}|your|example|placeholder|change|redacted|<|\$|%s|null|none|true|false|os\.|env|process"
)


def read_secrets(text: str, find: Find | None = None) -> Iterator[tuple[float, str]]:
    """What secrets a text holds, as (score, reason) pairs; the reason names the kind, never the value.

    Args:
        text: an answer.
        find: the detection's `scan`; None: the shapes of the common vendors' keys, here.
    """
    if find is not None:
        for entity in find(text):
            if entity.type in SECRET_TYPES:
                yield entity.score, entity.type.lower().replace("_", " ")
        return
    for needle, pattern, score, reason in _SHAPES:
        if needle in text and pattern.search(text):
            yield score, reason
    for match in _PASSWORD.finditer(text):
        value = match[1]
        kinds = sum(
            map(
                bool,
                (
                    re.search("[a-z]", value),
                    re.search("[A-Z]", value),
                    re.search(r"\d", value),
                    re.search(r"[^\w]", value),
                ),
            )
        )
        if kinds >= 3 and not _PLACEHOLDER.search(value):
            yield 0.65, "password after its label"
            return
