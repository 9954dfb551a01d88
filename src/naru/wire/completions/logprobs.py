"""Log probabilities in the legacy columns (`tokens`, `token_logprobs`, …) and in chat's rows."""

from __future__ import annotations

from naru.wire.model import Json


def rows_from_columns(columns: object) -> Json | None:
    """Chat's shape, None when there is nothing in `columns`."""
    if not isinstance(columns, dict):
        return None
    tokens, logprobs = columns.get("tokens"), columns.get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(logprobs, list):
        return None
    tops = columns.get("top_logprobs")
    tops = tops if isinstance(tops, list) else []
    rows: list[Json] = []
    for i, (token, logprob) in enumerate(zip(tokens, logprobs, strict=False)):
        top = tops[i] if i < len(tops) and isinstance(tops[i], dict) else {}
        row = _row(token, logprob)
        row["top_logprobs"] = [_row(other, value) for other, value in top.items()]
        rows.append(row)
    return {"content": rows}


def _row(token: object, logprob: object) -> Json:
    # The first token of an echoed prompt has none; chat's shape wants a number, and this is its "never".
    value = logprob if isinstance(logprob, int | float) else -9999.0
    return {"token": token, "logprob": value, "bytes": list(str(token).encode())}


def columns_from_rows(rows: Json | None, offset: int) -> Json | None:
    """The legacy shape; `offset` is where in the text of the answer these tokens begin."""
    content = rows.get("content") if rows is not None else None
    if not isinstance(content, list):
        return None
    tokens: list[str] = []
    logprobs: list[object] = []
    tops: list[Json] = []
    offsets: list[int] = []
    for row in content:
        if not isinstance(row, dict) or not isinstance(row.get("token"), str):
            continue
        tokens.append(row["token"])
        logprobs.append(row.get("logprob"))
        others = row.get("top_logprobs")
        others = others if isinstance(others, list) else []
        tops.append({str(other["token"]): other.get("logprob") for other in others if "token" in other})
        offsets.append(offset)
        offset += len(row["token"])
    return {"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": tops, "text_offset": offsets}
