"""Is somebody trying to turn the model, or is the model saying what it must not? Only where a policy asks.

What goes in is judged before it is sent, what comes out while it comes. Verdicts are kinds, scores and
reasons; no word of a text is in one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from naru.gateway.envelope import Envelope
from naru.gateway.exchange import Exchange
from naru.kernel.errors import Forbidden
from naru.trust import Desk, DetectionFailed, Policy
from naru.trust.guard import ActionRule, Guard, OutputGuard, Source, Verdict, Verdicts, strictest
from naru.trust.policy import GuardAction, GuardKind
from naru.trust.remembered import Memory
from naru.wire.model import Refusal, Reply, Text, Thinking, ToolUse

_LINE = 0.5
"""Score from which a policy's action is taken; the guard itself draws its line there."""
_MAX_TEXTS = 20_000
_INLINE_BYTES = 2_048
"""Judged at once: in a millisecond or two."""
_SYSTEM = frozenset(["system", "developer"])
_TEXT_FIELDS = (
    *("content", "text", "output", "input_text", "source", "data", "title", "context", "logs"),
    *("results", "outputs", "filename", "file", "variables"),
)
_RESULTS = frozenset(
    [
        *("tool", "function", "function_call_output", "custom_tool_call_output", "computer_call_output"),
        *("local_shell_call_output", "shell_call_output", "tool_result", "mcp_call", "mcp_tool_result"),
        *("file_search_call", "code_interpreter_call", "code_execution_tool_result"),
        *("web_search_tool_result", "web_fetch_tool_result", "document", "search_result"),
    ]
)
"""Roles and types of what others than the user wrote: results of tools, pages that were found."""
_HELD: tuple[GuardKind, ...] = ("secret", "url", "toxicity")
"""Kinds that are judged by what stands in an answer: where one is blocked, nothing unjudged goes on."""
_decode = msgspec.json.Decoder().decode


@lru_cache(maxsize=256)
def _guard(actions: tuple[tuple[GuardKind, GuardAction], ...]) -> Guard:
    rules = [ActionRule(kind, _LINE, action) for kind, action in actions if action != "off"]
    return Guard(rules=rules, kinds=[rule.kind for rule in rules])


_judged = Memory[Verdicts]()


def find_guard(policy: Policy) -> Guard | None:
    """The guard a policy asks for."""
    return _guard(tuple(sorted(policy.guard.items()))) if policy.is_guarded else None


def list_texts(envelope: Envelope) -> list[tuple[str, Source]]:
    """Every text of a request and who wrote it, oldest first.

    Raises:
        DetectionFailed: more texts than can be judged.
    """
    found: list[tuple[str, Source]] = []
    fields = envelope.fields
    for name in ("system", "instructions"):
        if name in fields:
            _gather(_decode(fields[name]), "system", found)
    for name in ("tools", "functions"):
        if name in fields:
            _gather_all(_decode(fields[name]), found)
    for name in ("messages", "input", "prompt"):
        if name in fields:
            _gather(_decode(fields[name]), "user", found)
    if len(found) > _MAX_TEXTS:
        raise DetectionFailed(
            f"The request has more than {_MAX_TEXTS} texts, too many to be judged. Send less at once."
        )
    return found


def _gather_all(value: object, found: list[tuple[str, Source]]) -> None:
    """Every string in the descriptions of tools: others may have written them, as with MCP."""
    if isinstance(value, str):
        if " " in value:
            found.append((value, "user"))
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _gather_all(item, found)


def _gather(value: object, source: Source, found: list[tuple[str, Source]]) -> None:
    """Texts of a message, a part, or a list of them; the author stands at the outermost that names one."""
    if isinstance(value, str):
        if value:
            found.append((value, source))
    elif isinstance(value, list):
        for item in value:
            _gather(item, source, found)
    elif isinstance(value, dict):
        author = _find_author(value, source)
        if author is not None:
            for name in _TEXT_FIELDS:
                item = value.get(name)
                if name == "variables" and isinstance(item, dict):
                    item = list(item.values())
                _gather(item, author, found)


def _find_author(value: dict[str, object], source: Source) -> Source | None:
    """None for the model's own words: they were judged when it said them."""
    kinds = {kind for kind in (value.get("role"), value.get("type")) if isinstance(kind, str)}
    if "assistant" in kinds:
        return None
    if kinds & _SYSTEM:
        return "system"
    return "tool" if kinds & _RESULTS else source


def _tell(x: Exchange, verdicts: Iterable[Verdict]) -> Verdict | None:
    """Write verdicts down. Returns one that stops the call."""
    stopping = None
    for verdict in verdicts:
        if verdict.action == "pass":
            continue
        x.verdicts.append(
            {
                "kind": verdict.kind,
                "score": verdict.score,
                "action": verdict.action,
                "reasons": list(verdict.reasons),
            }
        )
        if verdict.action == "block":
            stopping = stopping or verdict
    return stopping


def _is_worse(one: Verdict, other: Verdict) -> bool:
    if one.action != other.action:
        return strictest((one.action, other.action)) == one.action
    return one.score > other.score


def _refusal(verdict: Verdict, what: str) -> Forbidden:
    return Forbidden(
        f"A policy stops this {what}: {verdict.kind} (score {verdict.score:.2f}: "
        f"{', '.join(verdict.reasons)}). Whoever is responsible for security can say more.",
        code="blocked_by_guard",
    )


def _judge(envelope: Envelope, policy: Policy, owner: str) -> list[Verdicts]:
    guard = find_guard(policy)
    assert guard is not None
    asked = f"{owner}\0{sorted(policy.guard.items())}"

    def judge(text: str, source: Source) -> Verdicts:
        # A history comes again with every turn, and was judged when it was new.
        return _judged.recall(text, f"{asked}\0{source}", lambda: guard.check_input(text, source=source))

    return [judge(text, source) for text, source in list_texts(envelope)]


async def judge_request(x: Exchange, envelope: Envelope, policy: Policy, desk: Desk) -> None:
    """Judge what goes in.

    Raises:
        Forbidden: a policy blocks it (code `blocked_by_guard`).
        DetectionFailed: it could not be judged in time.
    """
    if not policy.is_guarded or x.endpoint.name == "embeddings":
        return
    assert x.principal is not None
    owner = x.principal.key_id
    # The first guard of a process takes a quarter of a second to make: not on the loop.
    inline = _INLINE_BYTES if _guard.cache_info().currsize else -1
    judged = await desk.run(lambda: _judge(envelope, policy, owner), len(x.body), inline=inline)
    worst: dict[str, Verdict] = {}
    for verdict in (verdict for verdicts in judged for verdict in verdicts):
        known = worst.get(verdict.kind)
        if known is None or _is_worse(verdict, known):
            worst[verdict.kind] = verdict
    stopping = _tell(x, worst.values())
    if stopping is not None:
        raise _refusal(stopping, "request")


class Watch:
    """Judges an answer while it comes; belongs to one attempt.

    Attributes:
        is_holding: what was not judged yet must not go on: a policy blocks what would stand in it.
    """

    __slots__ = ("_guard", "_x", "is_holding")

    def __init__(self, x: Exchange, guard: Guard, policy: Policy, *, canary: str | None) -> None:
        self._x = x
        self.is_holding = any(policy.guard[kind] == "block" for kind in _HELD)
        self._guard = OutputGuard(
            guard, canary=canary, allowed_hosts=policy.restore_hosts, is_awaited=self.is_holding
        )

    @property
    def is_settled(self) -> bool:
        """Whether everything that came was judged."""
        return self._guard.is_settled

    @property
    def is_between_words(self) -> bool:
        """Whether what came last is not the beginning of something longer."""
        return self._guard.is_between_words

    def feed(self, text: str) -> None:
        """Raises Forbidden when the answer must go no further."""
        self._act(self._guard.feed(text))

    def finish(self) -> None:
        """As `feed`, for what has not been judged yet."""
        self._act(self._guard.finish())

    def read(self, reply: Reply) -> None:
        """A whole answer at once. Raises as `feed`."""
        for choice in reply.choices:
            for part in choice.parts:
                if isinstance(part, Text | Thinking | Refusal):
                    self.feed(part.text)
                elif isinstance(part, ToolUse):
                    self.feed(part.arguments)
        self.finish()

    def _act(self, risen: Iterable[Verdict]) -> None:
        stopping = _tell(self._x, risen)
        if stopping is not None:
            raise _refusal(stopping, "answer")
