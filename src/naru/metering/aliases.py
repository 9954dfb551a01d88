"""Which row of a price list a model name means. A name that could mean two prices means none."""

from __future__ import annotations

import re
from collections.abc import Iterator

VENDORS = {
    "gemini": "google",
    "vertex": "google",
    "vertex_ai": "google",
    "bedrock": "amazon",
    "aws": "amazon",
    "azure-openai": "azure",
    "dashscope": "alibaba",
    "qwen": "alibaba",
    "z.ai": "zai",
    "x.ai": "xai",
}
"""Other names of a vendor's price list."""

REGION = re.compile(r"^(?:us|eu|apac|global|us-gov|jp|au|ca|in|sa|me|kr)\.")
"""Bedrock's inference profiles: the same model, at prices that differ by region."""

_SUFFIX = re.compile(
    r"(?:-latest"
    r"|[-@]20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])"  # -2024-08-06, -20250929, @20250929
    r"|-2[3-9](?:0[1-9]|1[0-2])"  # Mistral: -2512
    r"|-(?:0[1-9]|1[0-2])-20\d\d"  # Cohere, Gemini: -03-2025
    r"|@(?:\d{3}|default|latest)"  # Vertex: @001
    r"|-v\d+:\d+(?::\w+)?|-v\d+|:\d+)$"  # Bedrock: -v1:0, -v1:0:200k
)


def vendor_name(vendor: str) -> str:
    """The name of the price list."""
    vendor = vendor.lower()
    return VENDORS.get(vendor, vendor)


def stem(model: str) -> str:
    """The name without its dates and versions."""
    while (shorter := _SUFFIX.sub("", model)) not in (model, ""):
        model = shorter
    return model


def candidates(model: str) -> Iterator[str]:
    """Names to look for, the most exact first, all in lower case."""
    model = model.lower()
    seen = set()
    # `models/gemini-2.5-pro`, `anthropic/claude-…`, an ARN's last part
    for whole in (model, model.rpartition("/")[2]):
        for name in (whole, stem(whole), REGION.sub("", whole), stem(REGION.sub("", whole))):
            if name and name not in seen:
                seen.add(name)
                yield name
