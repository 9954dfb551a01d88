"""Requests and answers with planted personal values: golden cases of every language, and more in them.

A value is planted in every string that is not structure, and answers are cut anywhere; what must come out is
worked out here, apart from the code under test.
"""

import contextlib
import copy
import json
import random
from pathlib import Path

from naru.trust.entity import Entity

CASES = Path(__file__).parents[1] / "golden" / "cases"
LANGUAGES = ("chat", "completions", "responses", "messages")

# value, type, and the right particle of each pair (은/는, 이/가, 을/를, 과/와, 으로/로) behind it
VALUES = {
    "김민수": ("PERSON", "는가를와로"),
    "홍길동": ("PERSON", "은이을과으로"),
    "이서결": ("PERSON", "은이을과로"),
    "010-2345-6789": ("PHONE", None),
    "010-9876-5430": ("PHONE", "은이을과으로"),
    "minsu.kim@corp.example.kr": ("EMAIL", None),
    "900101-1234568": ("KR_RRN", "은이을과로"),
    "110-234-567892": ("ACCOUNT", "는가를와로"),
    'p"a\\ss\nw0rd/é': ("PASSWORD", None),
    "서울특별시 강남구 테헤란로 152": ("ADDRESS", "는가를와로"),
    "4111-1111-1111-1111": ("CARD", "은이을과로"),
    "직원 A-77": ("CUSTOM:staff", "은이을과로"),
}
PARTICLES = (("은", "는"), ("이", "가"), ("을", "를"), ("과", "와"), ("으로", "로"))
BOTH = (("은(는)", "는(은)", "은/는"), ("이(가)", "(이/가)"), ("을(를)",), ("과(와)", "와/과"), ("(으)로",))

STRUCTURE = frozenset(
    [
        "role",
        "type",
        "id",
        "model",
        "tool_call_id",
        "tool_use_id",
        "call_id",
        "media_type",
        "detail",
        "format",
        "data",
        "file_data",
        "signature",
        "encrypted_content",
        "cache_control",
        "ttl",
        "tool_choice",
        "effort",
        "verbosity",
        "reasoning_effort",
        "service_tier",
        "include",
        "previous_response_id",
        "display",
        "required",
        "enum",
        "stream_options",
        "name",
        "summary_setting",
        "$ref",
    ]
)


def find(text):
    """A detector that knows exactly the planted values."""
    found = []
    for value, (kind, _) in VALUES.items():
        at = text.find(value)
        while at >= 0:
            found.append(Entity(kind, at, at + len(value), 1.0, "planted"))
            at = text.find(value, at + len(value))
    return sorted(found, key=lambda entity: entity.start)


def read_cases(kind, languages=LANGUAGES):
    return [
        (path.parent.parent.name, path)
        for name in languages
        for path in sorted((CASES / name / kind).glob("*"))
    ]


def plant_request(body, rng):
    """The body with values in every string that is text."""
    body = copy.deepcopy(body)
    if isinstance(body.get("reasoning"), dict):
        body["reasoning"].pop("summary", None)
    body["unknown_of_tomorrow"] = {"노트": ["x", {"k": "y"}], "plain": "z"}
    body["metadata"] = {"owner": "o"}
    body["user"] = "u"
    return _plant(body, rng, "")


_SAID = frozenset(
    ["content", "text", "refusal", "reasoning_content", "thinking", "cited_text", "title", "query"]
)


def plant_reply(value, conversation, rng, name=""):
    """An answer with placeholders in every text it says, and in the arguments of its calls."""
    tokens = [conversation.write(entry) for entry in conversation.entries()]
    if isinstance(value, dict):
        if name == "input":
            return {rng.choice(tokens): [f"{rng.choice(tokens)} ", 1]}
        return {
            key: item if key in ("logprobs", "citations") else plant_reply(item, conversation, rng, key)
            for key, item in value.items()
            if key != "annotations"  # their places move with the text: a unit test looks at that
        }
    if isinstance(value, list):
        return [plant_reply(item, conversation, rng, name) for item in value]
    if isinstance(value, str) and name in _SAID:
        return f"{rng.choice(tokens)} {value} {rng.choice(tokens)}"
    if isinstance(value, str) and name == "arguments":
        inner = json.dumps({"in": rng.choice(tokens)})
        return json.dumps({rng.choice(tokens): [rng.choice(tokens), inner]}, ensure_ascii=False)
    return value


def unmasked(value, conversation):
    """`value` with every placeholder replaced, by plain replacement in the strings that are no JSON."""
    if isinstance(value, dict):
        return {unmasked(key, conversation): unmasked(item, conversation) for key, item in value.items()}
    if isinstance(value, list):
        return [unmasked(item, conversation) for item in value]
    if not isinstance(value, str):
        return value
    if value[:1] in ("{", "["):
        return json.dumps(unmasked(json.loads(value), conversation))
    for entry in conversation.entries():
        value = value.replace(conversation.write(entry), entry.value)
    return value


def _plant(value, rng, name):
    if name in STRUCTURE or value is None:
        return value
    if isinstance(value, dict):
        if name in ("properties", "parameters", "input_schema", "schema"):
            return value | {"description": _words(rng)} if name != "properties" else value
        return {key: _plant(item, rng, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_plant(item, rng, name) for item in value]
    if isinstance(value, str) and not value.startswith("data:"):
        if name == "arguments":
            planted = {_words(rng, 1): [_words(rng), {"deep": json.dumps({"x": _words(rng)})}], "n": 1}
            return json.dumps(planted, ensure_ascii=rng.random() < 0.5)
        return value + " " + _words(rng)
    return value


def _words(rng, count=None):
    chosen = rng.sample(list(VALUES), count or rng.randint(1, 3))
    return " ".join(
        f"{rng.choice(['', '값:', '('])}{value}{rng.choice(['', ' 님', ')', '에게'])}" for value in chosen
    )


def every_string(value):
    """Every string in a JSON value, names too, and those inside strings that hold JSON."""
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            with contextlib.suppress(ValueError):
                yield from every_string(json.loads(value))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from every_string(key)
            yield from every_string(item)
    elif isinstance(value, list):
        for item in value:
            yield from every_string(item)


def read_deep(value):
    """A JSON value with the JSON inside its strings read too."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return read_deep(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, dict):
        return {key: read_deep(item) for key, item in value.items()}
    return [read_deep(item) for item in value] if isinstance(value, list) else value


class Answer:
    """One golden stream with placeholders in every text, and what it has to come out as."""

    def __init__(self, language, path, conversation, rng):
        self.language = language
        self._rng = rng
        self._conversation = conversation
        self._events = _read_events(path)
        self.expected = {}
        texts = {}
        for event in self._events:
            for channel, holder, key in find_deltas(event):
                texts[channel] = texts.get(channel, "") + holder[key]
        self._new = {}
        for channel, text in texts.items():
            if is_arguments(channel):
                self._new[channel], self.expected[channel] = self._plant_json(text)
            else:
                exact = "reasoning" in str(channel) or "thinking" in str(channel)
                self._new[channel], self.expected[channel] = self._plant_text(text, exact=exact)
        self._whole = {text: self._new[channel] for channel, text in texts.items() if text}
        self.whole_expected = {self._new[channel]: self.expected[channel] for channel in texts}

    def _token(self, value, *, is_json=False, exact=False):
        entry = self._conversation.find_value(VALUES[value][0], value)
        token = self._conversation.write(entry)
        if exact:
            return token
        body = token[1:-1]
        forms = [token] * 4 + [
            token.lower(),
            f"< {body} >",
            f"＜{body}＞",
            f"〈{body}〉",
            f"<{body.replace('_', '-')}>",
            f"<{body.replace('_', ' ').title()}>",
        ]
        if is_json:
            forms += [f"\\u003c{body}\\u003e", f"\\u003C{body}\\u003E"]
        else:
            forms += [f"<{body.replace('_', chr(92) + '_')}>"]
        return self._rng.choice(forms)

    def _plant_text(self, text, *, exact):
        rng = self._rng
        cuts = sorted(rng.choices(range(len(text) + 1), k=rng.randint(1, 4)))
        masked, real, at = [], [], 0
        for cut in [*cuts, None]:
            piece = text[at:cut]
            masked.append(piece)
            real.append(piece)
            if cut is None:
                break
            at = cut
            value = rng.choice(list(VALUES))
            right = VALUES[value][1]
            masked.append(self._token(value, exact=exact))
            real.append(value)
            if right is not None and not exact and rng.random() < 0.5:
                pair = rng.randrange(len(PARTICLES))
                said = right[pair] if pair < 4 else right[4:]
                masked.append(rng.choice(PARTICLES[pair] + BOTH[pair]) + " ")
                real.append(said + " ")
            else:
                glue = rng.choice(["", ".", " ", "님", "<", "P", " <PERSON_", "&", "\n", "한테"])
                # An unfinished placeholder in front of what comes next would be read with it: that is meant.
                glue = glue if cut == len(text) or glue not in ("P", "<", " <PERSON_", "&") else " "
                masked.append(glue)
                real.append(glue)
        return "".join(masked), "".join(real)

    def _plant_json(self, text):
        rng = self._rng
        masked = {"@0": {"말": "@1"}, "list": ["@2 <b>", 7]}
        values = rng.sample(list(VALUES), 3)
        template = json.dumps(masked, ensure_ascii=False)
        real = {values[0]: {"말": values[1]}, "list": [values[2] + " <b>", 7]}
        for number, value in enumerate(values):
            template = template.replace(f"@{number}", self._token(value, is_json=True))
        return template, real

    def events(self):
        """The planted stream, its texts cut anew."""
        out = []
        left = dict(self._new)
        remaining = {}
        for event in self._events:
            for channel, _, _ in find_deltas(event):
                remaining[channel] = remaining.get(channel, 0) + 1
        for event in self._events:
            event = copy.deepcopy(event)
            made = [event]
            for channel, holder, key in find_deltas(event):
                remaining[channel] -= 1
                if remaining[channel]:
                    size = self._rng.randint(0, len(left[channel]))
                    holder[key], left[channel] = left[channel][:size], left[channel][size:]
                else:
                    made = self._spread(event, channel, left.pop(channel))
            for item in made:
                if not list(find_deltas(item)):
                    self._repeat(item)
                out.append(item)
        return out

    def _spread(self, event, channel, text):
        """The last event of a channel as several, so that there are more places to cut."""
        pieces = []
        while text:
            size = self._rng.choice([1, 2, 3, 5, 8, 40])
            pieces.append(text[:size])
            text = text[size:]
        made = []
        for piece in pieces or [""]:
            copied = copy.deepcopy(event)
            for other, holder, key in find_deltas(copied):
                holder[key] = piece if other == channel else ""
            made.append(copied)
        for copied in made[:-1]:
            for choice in copied.get("choices", ()):
                choice["finish_reason"] = None
        return made

    def _repeat(self, value):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, str) and item in self._whole and key not in ("type", "id", "name", "item_id"):
                value[key] = self._whole[item]
            elif isinstance(item, dict | list):
                self._repeat(item)

    def stream(self):
        """The bytes, with one kind of line end, comments in between."""
        rng = self._rng
        end = rng.choice(["\n", "\n", "\r\n"])
        out = []
        for event in self.events():
            if rng.random() < 0.1:
                out.append(f": ping{end}{end}")
            name = event.get("type")
            head = f"event: {name}{end}" if isinstance(name, str) else ""
            data = json.dumps(event, ensure_ascii=rng.random() < 0.3)
            out.append(f"{head}data: {data}{end}{end}")
        if self.language in ("chat", "completions"):
            out.append(f"data: [DONE]{end}{end}")
        return "".join(out).encode()


def _read_events(path):
    blocks = path.read_text().split("\n\n")
    lines = [line[6:] for block in blocks for line in block.split("\n") if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def parse_stream(raw):
    """The events of a stream; raises where one is no JSON."""
    text = raw.decode().replace("\r\n", "\n")
    lines = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def find_deltas(event):
    """(channel, holder, key) of every piece of streamed text in an event."""
    for choice in event.get("choices") or ():
        at = choice["index"]
        if isinstance(choice.get("text"), str):
            yield (at, "text"), choice, "text"
        delta = choice.get("delta") or {}
        for name in ("content", "refusal", "reasoning_content"):
            if isinstance(delta.get(name), str):
                yield (at, name), delta, name
        for call in delta.get("tool_calls") or ():
            yield (at, "arguments", call["index"]), call["function"], "arguments"
    kind = event.get("type")
    if kind == "content_block_delta":
        for name in ("text", "thinking", "partial_json"):
            if name in event["delta"]:
                yield (event["index"], "arguments" if name == "partial_json" else name), event["delta"], name
    elif isinstance(kind, str) and kind.endswith(".delta") and isinstance(event.get("delta"), str):
        yield (
            (kind, event["output_index"], event.get("content_index"), event.get("summary_index")),
            event,
            "delta",
        )


def is_arguments(channel):
    return "arguments" in str(channel)


def cut(raw, rng):
    """The bytes in random chunks."""
    at = 0
    while at < len(raw):
        size = rng.choice([1, 2, 3, 7, 50, 400, 5000])
        yield raw[at : at + size]
        at += size


def seeded(seed):
    return random.Random(seed)
