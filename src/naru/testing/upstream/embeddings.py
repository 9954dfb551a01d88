"""Embeddings of OpenAI, Gemini and Bedrock (Titan, Cohere): unit vectors, always the same for a text."""

from __future__ import annotations

import base64
import hashlib
import math
import struct

from naru.testing.upstream.turn import Json, Turn


def vector(text: str, size: int) -> list[float]:
    """The unit vector of `text`; float32 values, so that base64 and JSON say the same."""
    raw = hashlib.shake_128(text.encode()).digest(2 * size)
    values = [value / 32768 for value in struct.unpack(f"<{size}h", raw)]
    norm = math.sqrt(sum(value * value for value in values)) or 1.0
    return [struct.unpack("<f", struct.pack("<f", value / norm))[0] for value in values]


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
        return [",".join(map(str, value))]
    if isinstance(value, list):
        return [item if isinstance(item, str) else str(item) for item in value]
    return []


def openai(turn: Turn) -> Json:
    """A `list` of `embedding`, as floats or (what the SDK asks for) base64."""
    asked = turn.body.get("dimensions")
    size = asked if isinstance(asked, int) else turn.script.dimensions
    data = []
    for index, text in enumerate(_texts(turn.body.get("input"))):
        values: object = vector(text, size)
        if turn.body.get("encoding_format") == "base64":
            values = base64.b64encode(struct.pack(f"<{size}f", *vector(text, size))).decode()
        data.append({"object": "embedding", "index": index, "embedding": values})
    answer: Json = {"object": "list", "data": data, "model": turn.model}
    if turn.wants_usage:
        answer["usage"] = turn.merge_usage(
            {"prompt_tokens": turn.all_input_tokens, "total_tokens": turn.all_input_tokens}
        )
    return answer


def _gemini_values(turn: Turn, request: Json) -> Json:
    asked = request.get("outputDimensionality")
    size = asked if isinstance(asked, int) else turn.script.dimensions
    content = request.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    text = "".join(str(part.get("text", "")) for part in parts or [] if isinstance(part, dict))
    return {"values": vector(text, size)}


def gemini_one(turn: Turn) -> Json:
    """Gemini's embedContent."""
    return {"embedding": _gemini_values(turn, turn.body)}


def gemini_batch(turn: Turn) -> Json:
    """Gemini's batchEmbedContents, which reports no tokens."""
    requests = turn.body.get("requests")
    return {"embeddings": [_gemini_values(turn, r) for r in requests or [] if isinstance(r, dict)]}


def bedrock(turn: Turn) -> Json:
    """What InvokeModel answers for Titan (`inputText`) and Cohere (`texts`)."""
    if "inputText" in turn.body:
        asked = turn.body.get("dimensions")
        size = asked if isinstance(asked, int) else turn.script.dimensions
        text = str(turn.body["inputText"])
        values = vector(text, size)
        return {
            "embedding": values,
            "embeddingsByType": {"float": values},
            "inputTextTokenCount": max(1, len(text) // 4),
        }
    texts = _texts(turn.body.get("texts"))
    asked = turn.body.get("output_dimension")
    size = asked if isinstance(asked, int) else turn.script.dimensions
    vectors = [vector(text, size) for text in texts]
    if turn.body.get("embedding_types"):
        return {
            "id": turn.id,
            "texts": texts,
            "embeddings": {"float": vectors},
            "response_type": "embeddings_by_type",
        }
    return {"id": turn.id, "texts": texts, "embeddings": vectors, "response_type": "embeddings_floats"}
