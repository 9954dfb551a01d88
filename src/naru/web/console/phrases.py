"""What the road and the guard say in English, for pages to say in the reader's language.

The API and the ledger keep the English; what is not listed here is shown as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

REFUSALS: Final[Mapping[str, str]] = {
    "blocked_by_policy": "A policy does not let this request be sent. Take out what is marked in it.",
    "kept_inside": "A policy keeps this request inside, and no target of this model stands there. Choose "
    "another model, or take out what is marked.",
    "blocked_by_guard": "The guard stopped this. Whoever is responsible for security can say more.",
    "detection_failed": "It could not be looked through in time, so it was not sent. Try again.",
    "too_many_masked_values": "The conversation holds more personal values than one may. Begin a new one.",
    "retention_none": "The provider is set to keep nothing, and this needs it to.",
    "context_length_exceeded": "The conversation is longer than the model takes. Begin a new one.",
    "content_filter": "The provider's filter refused it.",
    "model_not_found": "There is no such model, or it is not for you.",
    "model_not_allowed": "There is no such model, or it is not for you.",
    "site_not_allowed": "This site is not allowed.",
    "unit_disabled": "This team or project is switched off.",
    "insufficient_quota": "A budget, or the provider's account, is spent.",
    "unpriced_model": "The price of this model is not known, and a budget takes no such model.",
    "budget_unavailable": "The budgets cannot be checked right now, so nothing was sent. Try again.",
    "rate_limit_exceeded": "Too many requests. Wait a moment and try again.",
    "payload_too_large": "The request is too large.",
    "overloaded": "Naru is busy. Try again in a moment.",
    "ledger_backlog": "Naru is busy. Try again in a moment.",
    "audit_unavailable": "The audit log cannot be written, so no call is made.",
    "model_loading": "The embedded model is loading. Try again in a few seconds.",
    "local_model_not_ready": "The embedded model is loading. Try again in a few seconds.",
    "model_failed": "The embedded model cannot be started; the server's log says why.",
    "connect_timeout": "The provider cannot be reached.",
    "upstream_refused": "The provider cannot be reached.",
    "upstream_unknown_host": "The provider cannot be reached.",
    "upstream_tls": "The provider's certificate is not valid.",
    "upstream_reset": "The provider broke the connection.",
    "first_token_timeout": "The provider was too slow to answer.",
    "upstream_timeout": "The provider was too slow to answer.",
    "idle_timeout": "The provider fell silent in the middle of the answer.",
    "total_timeout": "The time for this call is up.",
    "upstream_auth": "The provider refused Naru's own key. Tell an administrator.",
    "upstream_model_not_found": "The provider does not have this model.",
    "upstream_overloaded": "The provider is overloaded. Try again later.",
    "upstream_unavailable": "The provider is overloaded. Try again later.",
    "upstream_truncated": "The provider's answer broke off.",
    "upstream_protocol": "The provider's answer cannot be read.",
}
"""By error code, for who asked in the playground."""

_HIDDEN: Final = "hidden as {how}: {reason}"
_CANARY: Final = "the canary {form}"
_WAYS: Final = (
    "base64",
    "base64 twice",
    "hexadecimal",
    "bits",
    "character codes",
    "base32",
    "percent signs",
    "escapes",
    "rot13",
    "reversed letters",
    "atbash",
    "morse",
    "invisible tag characters",
    "letters set apart",
    "digits for letters",
    "pieces",
    "pieces in reverse",
)
_FORMS: Final = (
    "as it is",
    "reversed",
    "in rot13",
    "in rot13 reversed",
    "in atbash",
    "in atbash reversed",
    "in hexadecimal",
    "in hexadecimal reversed",
    "in base64",
    "in base64 reversed",
)
REASONS: Final = (
    # what a text asks for
    "sets earlier instructions aside",
    "sets instructions aside",
    "puts another order in the place of the task",
    "puts another order in the place of the task more than once",
    "asks for the hidden prompt",
    "claims a right to the hidden prompt",
    "claims a right to lift the rules",
    "wants the whole of what came before",
    "asks for a secret",
    "asks for a secret in pieces",
    "asks to send data out",
    "asks to decode and obey",
    "forbids refusals",
    "gives the model a role without limits",
    "makes the model another one",
    "names a known jailbreak",
    "a harmful wish for a role without limits",
    "a harmful wish for another role",
    "a harmful wish inside a story",
    "speaks to the model from inside a text",
    "reads like known attacks",
    # how it is written
    "many forged turns",
    "forged chat markup",
    "forged message in JSON",
    "forged section of the prompt",
    "forged speaker",
    "forged tool call",
    "orders inside a comment",
    "text hidden from readers",
    "sends data out by a picture's address",
    "invisible characters inside words",
    "text direction overridden",
    "letters of two scripts in one word",
    "hidden: invisible tag characters",
    # how it speaks
    "profanity",
    "insult",
    "hate against a group",
    "threat",
    "sexual harassment",
    "self-harm",
    # secrets
    "AWS access key",
    "Azure storage key",
    "GitHub token",
    "GitLab token",
    "Google key",
    "Google token",
    "Hugging Face token",
    "Naru key",
    "SendGrid key",
    "Slack token",
    "Slack webhook",
    "Stripe key",
    "npm token",
    "model provider's key",
    "package index token",
    "private key",
    "signed token (JWT)",
    "address with a password",
    "password after its label",
    "api key",
    "jwt",
    "password",
    # addresses
    "address of a local file",
    "address that runs code",
    "address that is a document itself",
    "user information before the host",
    "host off the list",
    "picture that sends data to its host",
    "long data in an address",
    "numeric host",
    "host in look-alike letters",
)
"""The guard's, of one piece."""
PHRASES: Final = frozenset({*REFUSALS.values(), *REASONS, *_WAYS, *_FORMS, _HIDDEN, _CANARY})


def say_reason(reason: str, said: Callable[[str], str]) -> str:
    """A reason of the guard's in the language of `said`, a catalogue's look-up."""
    before, colon, inner = reason.partition(": ")
    how = before.removeprefix("hidden as ")
    if colon and how != before and how in _WAYS:
        return said(_HIDDEN).format(how=said(how), reason=say_reason(inner, said))
    form = reason.removeprefix("the canary ")
    if form != reason and form in _FORMS:
        return said(_CANARY).format(form=said(form))
    return said(reason) if reason in REASONS else reason
