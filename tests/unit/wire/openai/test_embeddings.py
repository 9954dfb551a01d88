"""Embeddings: the request checked, the bill read, the vectors left alone."""

from __future__ import annotations

import pytest

from naru.kernel.errors import BadRequest
from naru.kernel.tokens import Usage
from naru.wire.embeddings import decode_embeddings_request, summarize_embeddings


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "a"}, "model"),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": 7}, "input"),
        ({"model": "m", "input": []}, "input"),
        ({"model": "m", "input": ["a"] * 2049}, "input"),
        ({"model": "m", "input": ""}, "input.0"),
        ({"model": "m", "input": ["a", ""]}, "input.1"),
        ({"model": "m", "input": ["a", {}]}, "input.1"),
        ({"model": "m", "input": [[1], []]}, "input.1"),
        ({"model": "m", "input": "a", "dimensions": 0}, "dimensions"),
        ({"model": "m", "input": "a", "encoding_format": "int8"}, "encoding_format"),
    ],
)
def test_a_malformed_request_is_refused_with_the_field_at_fault(body, param):
    """Before an upstream is asked."""
    with pytest.raises(BadRequest) as caught:
        decode_embeddings_request(body)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("value", "counts"),
    [("ab", (1, 2, 0)), (["ab", "c"], (2, 3, 0)), ([1, 2, 3], (1, 0, 3)), ([[1, 2], [3]], (2, 0, 3))],
)
def test_every_form_of_input_is_counted(value, counts):
    """Characters or token ids: what an estimate stands on when the answer has no usage."""
    assert decode_embeddings_request({"model": "m", "input": value}) == ("m", *counts)


@pytest.mark.parametrize("usage", [{"prompt_tokens": 8, "total_tokens": 8}, {"total_tokens": 8}])
def test_all_tokens_of_an_embedding_are_input(usage):
    """Some servers give only the total; output is none, not unknown."""
    body = (
        b'{"model":"m","data":[{"embedding":[0.1,0.2]}],"usage":%s}' % str(usage).replace("'", '"').encode()
    )
    summary = summarize_embeddings(body)
    assert summary.usage == Usage(input_tokens=8, output_tokens=0)
    assert summary.model == "m"


def test_an_answer_without_usage_is_unknown():
    """Not free."""
    assert summarize_embeddings(b'{"data":[]}').usage is None
