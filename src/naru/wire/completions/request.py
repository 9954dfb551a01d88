"""A legacy completions request, to a chat of one user turn and back."""

from __future__ import annotations

from naru.kernel.errors import BadRequest
from naru.wire.chat.request import write_sampling
from naru.wire.fields import Fields, extra_for
from naru.wire.model import Json, Message, Request, Text


class CompletionsRequest(Request, kw_only=True):
    """A request that came in this language. `echoed`: the prompt, when the answer is to repeat it."""

    echoed: str = ""


def decode_request(body: Json) -> CompletionsRequest:
    """Raises BadRequest with `param` naming the field at fault, also for what no other language can say."""
    fields = Fields(body)
    model = fields.required_string("model")
    prompt = _read_prompt(fields)
    n = fields.integer("n", minimum=1)
    best_of = fields.integer("best_of", minimum=1)
    if best_of is not None and best_of > (n or 1):
        raise _untranslatable("best_of", "more candidates than answers")
    if fields.string("suffix"):
        raise _untranslatable("suffix", "text after the gap to fill")
    echo = fields.boolean("echo") or False
    logprobs = fields.integer("logprobs", minimum=0)
    options = fields.mapping("stream_options")
    bias = fields.mapping("logit_bias")
    request = CompletionsRequest(
        model=model,
        messages=[Message(role="user", parts=[Text(text=prompt)])],
        max_tokens=fields.integer("max_tokens", minimum=0),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),
        stop=fields.strings("stop"),
        n=n,
        seed=fields.integer("seed"),
        frequency_penalty=fields.number("frequency_penalty"),
        presence_penalty=fields.number("presence_penalty"),
        logit_bias=None if bias is None else {k: Fields(bias, "logit_bias").number(k) or 0 for k in bias},
        wants_logprobs=True if logprobs is not None else None,
        top_logprobs=logprobs,
        user=fields.string("user"),
        is_stream=fields.boolean("stream") or False,
        wants_stream_usage=options is not None and options.get("include_usage") is True,
        echoed=prompt if echo else "",
    )
    request.extra = {key: value for key, value in fields.rest().items() if value is not None}
    return request


def _read_prompt(fields: Fields) -> str:
    prompt = fields.take("prompt")
    if prompt is None:
        raise fields.missing("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        return prompt[0]
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and prompt and all(isinstance(item, str) for item in prompt):
        raise _untranslatable("prompt", "several prompts at once; send one request for each")
    if isinstance(prompt, list) and prompt:
        raise _untranslatable("prompt", "token ids; send the prompt as text")
    raise fields.wrong("prompt", "a string or an array of strings")


def _untranslatable(field: str, what: str) -> BadRequest:
    return BadRequest(
        f"{field}: this model's provider has no completions endpoint, and its language cannot say {what}.",
        param=field,
        code="unsupported_parameter",
    )


def encode_request(request: Request, model: str) -> Json:
    """Raises BadRequest when the request is more than one prompt: this language has no turns and no tools."""
    body: Json = {"model": model, "prompt": _write_prompt(request)}
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    body.update(write_sampling(request, model))
    for key in ("logprobs", "top_logprobs", "service_tier"):
        body.pop(key, None)
    if request.wants_logprobs:
        body["logprobs"] = request.top_logprobs or 0
    if isinstance(request, CompletionsRequest) and request.echoed:
        body["echo"] = True
    if request.is_stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    for key, value in extra_for("openai", request.extra).items():
        if key != "stream_options":
            body.setdefault(key, value)
    return body


def _write_prompt(request: Request) -> str:
    if request.tools:
        raise _unsayable("tools", "tools")
    if request.format is not None and request.format.kind != "text":
        raise _unsayable("response_format", "a demand for JSON")
    texts: list[str] = []
    for i, message in enumerate(request.messages):
        if message.role == "assistant":
            raise _unsayable(f"messages.{i}", "an earlier answer")
        for part in message.parts:
            if not isinstance(part, Text):
                raise _unsayable(f"messages.{i}.content", "anything but text")
            texts.append(part.text)
    return "\n\n".join(texts)


def _unsayable(param: str, what: str) -> BadRequest:
    return BadRequest(
        f"This model's provider serves it through legacy completions only, which cannot carry {what}.",
        param=param,
        code="unsupported_parameter",
    )
