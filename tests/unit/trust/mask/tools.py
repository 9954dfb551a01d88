"""A detector that knows a few values, and short ways to mask and restore."""

import json
import re

import msgspec

from naru.trust.entity import Entity
from naru.trust.mask import Conversation, Restorer, Rules, mask_request

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KINDS = {
    "PERSON": r"김민수|홍길동(?:님)?|이지훈|Kim Minsu",
    "PHONE": r"(?:\+82[ -]?10|010)[- ]?\d{4}[- ]?\d{4}|(?<!\d)10\d{8}(?!\d)",
    "EMAIL": r"(?i:kim@corp\.kr)",
    "IP": r"10\.0\.0\.\d+",
    "BIRTH_DATE": r"19\d\d-\d\d-\d\d",
    "API_KEY": r"sk-[a-z0-9]{8}",
}
_ALL = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS.items()))


def find(text):
    return [Entity(match.lastgroup, *match.span(), 1.0, "known") for match in _ALL.finditer(text)]


def find_nothing(text):
    return []


def fields_of(body):
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return _FIELDS.decode(raw)


def mask(endpoint, body, conversation=None, rules=None, finder=find):
    """(masked body as JSON, the conversation, what mask_request said)"""
    conversation = conversation or Conversation("c")
    made = mask_request(
        endpoint,
        fields_of(body),
        find=finder,
        conversation=conversation,
        rules=rules or Rules(note=False),
    )
    return json.loads(msgspec.json.encode(made.fields)), conversation, made


def masked_text(text, conversation=None, rules=None):
    """One user's message, masked."""
    body, conversation, _ = mask(
        "chat", {"messages": [{"role": "user", "content": text}]}, conversation, rules
    )
    return body["messages"][0]["content"]


def known(*values):
    """A conversation in which these were masked."""
    conversation = Conversation("c")
    masked_text(" / ".join(values), conversation)
    return conversation


def restored_text(text, conversation, rules=None, restorer=None):
    """An answer of this text, restored."""
    restorer = restorer or Restorer("chat", conversation, rules or Rules())
    body = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}).encode()
    return json.loads(restorer.whole(body))["choices"][0]["message"]["content"]


def chunk(content=None, index=0, finish=None, **delta):
    """One chat event."""
    if content is not None:
        delta["content"] = content
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c", "choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"


def data_of(raw):
    """The JSON of every event."""
    lines = [line[6:] for line in raw.replace(b"\r\n", b"\n").split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]
