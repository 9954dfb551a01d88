"""Forged markup: signs of chat templates, sections, tools and hidden text where a person or a page writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class _Mark(NamedTuple):
    """A sort of markup.

    Attributes:
        needles: in lower case, one of them must be there: texts without cost a search each.
        pattern: the markup itself.
        score: how much it says.
        reason: in words for people.
    """

    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    score: float
    reason: str


def _mark(needles: str, score: float, reason: str, *patterns: str) -> _Mark:
    return _Mark(
        tuple(needles.split("¦")), re.compile("|".join(patterns), re.IGNORECASE | re.MULTILINE), score, reason
    )


_CHAT = "forged chat markup"
_SECTION = "forged section of the prompt"
_SIGNS = r"[-=*#<>\[~_]"

_MARKS = (
    _mark(
        "<|¦|>",
        0.75,
        _CHAT,
        r"<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|end|begin_of_text|eot_id|eom_id)\|>",
        r"<\|(?:start_header_id|end_header_id|channel|message)\|>",
    ),
    _mark("[inst¦[/inst¦<<sys¦<</sys", 0.7, _CHAT, r"\[/?INST\]", r"<</?SYS>>"),
    _mark("<start_of_turn¦<end_of_turn", 0.75, _CHAT, r"<(?:start|end)_of_turn>"),
    _mark("</s>", 0.5, _CHAT, r"</s>\s{0,9}(?:<s>|\[|system|user|assistant|ignore|new)"),
    _mark(
        "<system¦<admin¦<developer¦<instructions¦<assistant",
        0.55,
        _SECTION,
        r"</(?:user|prompt|context|document|data|instructions|user_input|input|query|system)[ _a-z]{0,20}>"
        r"\s{0,9}\S{0,20}\s{0,9}<(?:system|admin|instructions|assistant|developer)",
        r"<(?:system|admin|developer)(?:[ _-][a-z]{1,20})?>[^<]{3}",
    ),
    _mark("<message role=\"system¦<message role='system", 0.55, _SECTION, r"<message role=[\"']system"),
    _mark(
        "##",
        0.3,
        _SECTION,
        r"^ {0,3}#{2,9}\s{0,4}(?:end of |new |begin |start of )?"
        r"(?:system|instructions?|prompt|user input|assistant|human|response|context)"
        r"\s{0,4}(?:prompt|message|override|instructions?|:|#|$)",
    ),
    _mark(
        "---¦===¦***¦###¦<<<¦[[¦>>>¦~~~¦___",
        0.3,
        _SECTION,
        rf"(?<!{_SIGNS})(?:{_SIGNS}{{3,80}}|\[\[)\s{{0,4}}(?:end|begin|start|stop|new|real|actual|updated)?\s{{0,4}}"
        r"(?:of|the|user|above|all)?\s{0,4}(?:system|prompt|instructions?|user input|context|conversation"
        r"|document|admin|developer|rules|data|input|query|ignore|시스템|지시|명령|문서|프롬프트)(?![a-z_])",
    ),
    _mark(
        "[system¦(system¦{system¦[admin¦[developer¦[시스템¦[관리자¦【¦[end of",
        0.35,
        _SECTION,
        r"[\[({【]\s{0,3}(?:end of [a-z]{1,20}|(?:system|admin|developer|시스템|관리자|系统|システム)"
        r"[ _-]{0,3}"
        r"(?:message|prompt|note|override|instruction|notice|update|alert|command|mode|메시지|지시|명령|공지|알림)?)"
        r"[^\])}】\n]{0,30}[\])}】]",
    ),
    _mark(
        "\"role\"¦'role'",
        0.6,
        "forged message in JSON",
        r"[\"']role[\"']\s{0,9}:\s{0,9}[\"'](?:system|developer|assistant|tool)[\"']",
    ),
    _mark(
        'tool_call¦function_call¦tool_use¦tool_result¦invoke¦function_results¦"tool"¦"action"',
        0.35,
        "forged tool call",
        r"\"(?:tool_calls?|function_call|tool_use|tool_result|action|tool|function)\"\s{0,9}:\s{0,9}[\[{\"]",
        r"</?(?:tool_call|function_calls?|function_results|tool_result|tool_response|invoke)[ >]",
    ),
    _mark(
        "system:¦system :¦시스템:¦admin:¦developer:¦시스템 :¦[admin]",
        0.35,
        "forged speaker",
        r"(?:^|[\n\"'>)\].!?]\s{0,9})(?:system|admin|developer|시스템|관리자)\s?:\s",
        r"\[admin\]\s?:",
    ),
    _mark(
        "](http¦](//¦<img",
        0.7,
        "sends data out by a picture's address",
        r"!\[[^\]\n]{0,200}\]\((?:https?:)?//[^)\s]{1,300}[?&/=][^)\s]{0,200}"
        r"(?:\{|\[|%7B|<|\$|data=|q=|info=|secret|history|chat|msg=|text=|prompt)",
        r"<img[^>]{0,80}src=[\"']?(?:https?:)?//[^>]{1,300}(?:\{|\$|<|data=|secret|history|chat)",
    ),
    _mark(
        "<!--",
        0.4,
        "orders inside a comment",
        r"<!--[^>]{0,400}(?:ignore|instruction|assistant|system|\bai\b|prompt|무시|지시)",
    ),
    _mark(
        "style=",
        0.4,
        "text hidden from readers",
        r"style=[\"'][^\"'>]{0,120}(?:display:\s?none|font-size:\s?0|color:\s?(?:white|#fff)|opacity:\s?0"
        r"|visibility:\s?hidden)",
    ),
)


def read_markup(raw: str) -> Iterator[tuple[float, str]]:
    """(score, reason) of each sort of forged markup in a text as it came."""
    lowered = raw.lower()
    for needles, pattern, score, reason in _MARKS:
        if any(needle in lowered for needle in needles) and pattern.search(raw):
            yield score, reason
