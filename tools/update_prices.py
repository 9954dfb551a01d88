"""Reads LiteLLM's public price list and writes src/naru/metering/prices.toml from its figures.

Usage: python -m tools.update_prices PATH_TO_JSON VERSION READ_ON VALID_FROM

Only figures are taken. Rows that cannot be right are left out and named on stderr, so that a person looks:
an unpriced call is shown as unpriced, a wrongly priced one is not shown at all.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from naru.metering.aliases import REGION, stem

Row = dict[str, Any]
Rates = dict[str, Decimal]

TARGET = Path(__file__).parents[1] / "src/naru/metering/prices.toml"
MODES = {"chat", "responses", "completion", "embedding"}
VENDORS = {
    "openai": "openai",
    "azure": "azure",
    "anthropic": "anthropic",
    "gemini": "google",
    "bedrock": "amazon",
    "bedrock_converse": "amazon",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "xai": "xai",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "groq": "groq",
    "cerebras": "cerebras",
    "moonshot": "moonshot",
    "dashscope": "alibaba",
    "zai": "zai",
    "minimax": "minimax",
    "meta": "meta",
    "perplexity": "perplexity",
    "ai21": "ai21",
    "voyage": "voyage",
}
FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_5m": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "reasoning": "output_cost_per_reasoning_token",
    "input_audio": "input_cost_per_audio_token",
    "output_audio": "output_cost_per_audio_token",
    "input_image": "input_cost_per_image_token",
    "output_image": "output_cost_per_image_token",
}
SIZES = (100, 128, 200, 256, 272, 512)
TIERS = {"batch": "_batches", "flex": "_flex", "priority": "_priority"}
SKIP = re.compile(  # priced by other units, or long gone from the vendors' own lists
    r"ft:|container|realtime|-tts|lyria|deep-research|computer-use|search-preview|rerank|twelvelabs|stability"
    r"|us-gov|experimental|-beta|guard-|safeguard|robotics|j2-|jamba-1.5|jamba-1-5|jamba-instruct|claude-v"
    r"|claude-instant|claude-3-|claude-mythos-preview|llama2|llama3-8b|llama3-70b|llama3-1-|titan-text"
    r"|mistral-7b|mixtral|-2402|command-light|command-text|command-nightly|gpt-35|gpt-3.5|gpt-4-|gpt-4.5"
    r"|o1-preview|o1-mini|voyage-2|voyage-3|voyage-l|voyage-code-2|voyage-[fm]|moonshot-v1|mistral-tiny|vibe-cli"
    r"|contributor|codestral-mamba|azure/ada|gemini-gemma|gemini-exp|gv2"
)
HALF = Decimal("0.5")
REASONS: list[str] = []


def main(path: str, version: str, read_on: str, valid_from: str) -> None:
    """Write the file."""
    listed = json.loads(Path(path).read_text(), parse_float=Decimal, parse_int=Decimal)
    found: dict[tuple[str, str], tuple[Row, bool]] = {}
    for key, value in listed.items():
        vendor = VENDORS.get(value.get("litellm_provider", ""))
        if vendor is None or value.get("mode") not in MODES or SKIP.search(key):
            continue
        model = _model(vendor, key)
        row = _read(vendor, model, value) if model is not None else None
        if row is None or ((vendor, model) in found and "/" not in key):
            continue
        is_gone = str(value.get("deprecation_date") or "9999") < read_on
        found[vendor, str(model)] = (row, is_gone)
    found = {key: value for key, value in found.items() if _is_needed(key, value, found)}
    rows = [(vendor, model, row) for (vendor, model), (row, _) in sorted(found.items())]
    TARGET.write_text(_write(rows, version, read_on, valid_from))
    for reason in sorted(set(REASONS)):
        sys.stderr.write(f"left out: {reason}\n")
    sys.stderr.write(f"{len(rows)} models of {len({v for v, _, _ in rows})} vendors\n")


def _model(vendor: str, key: str) -> str | None:
    """The name the vendor's own interface knows, or None for rows of regions and commitments."""
    prefix, _, rest = key.partition("/")
    if not rest:
        return key
    if vendor == "amazon":
        return None
    if vendor == "azure" and "/" in rest:
        return None
    if vendor == "perplexity" and not rest.startswith("sonar"):
        return None
    return rest if prefix in VENDORS else None


def _read(vendor: str, model: str, value: dict[str, object]) -> Row | None:
    name = f"{vendor}/{model}"
    tiers = value.get("tiered_pricing")
    if isinstance(tiers, list):
        return _read_ranges(name, tiers)
    base = _rates(value, "")
    if not base.get("input") or _is_odd(name, base):
        return None
    row: Row = {**base}
    long = list(_long(name, value, "", base))
    if long:
        row["long_context"] = long
    for tier, suffix in TIERS.items():
        rates = _tier(name, tier, suffix, value, row)
        if rates is not None:
            row[tier] = rates
    if vendor == "groq":
        row["flex"] = {**base}  # published: flex is billed as on demand
    return row


def _tier(name: str, tier: str, suffix: str, value: dict[str, object], base: Row) -> Row | None:
    rates = _rates(value, suffix)
    if "input" not in rates or ("output" in base and "output" not in rates):
        return None
    if name.startswith("anthropic/") and "cache_write_5m" in rates:
        rates["cache_write_1h"] = rates["input"] * 2  # published: an hour costs twice the input
    ratio = rates["input"] / base["input"]
    if _is_odd(f"{name} {tier}", rates) or not _is_plausible(name, tier, ratio):
        return None
    bigger = list(_long(f"{name} {tier}", value, suffix, rates))
    if bigger or "long_context" not in base:
        return {**rates, **({"long_context": bigger} if bigger else {})}
    if tier != "priority" and ratio == HALF:  # published: half of the standard rates
        halves = [
            {k: v if k == "above_tokens" else v * HALF for k, v in x.items()} for x in base["long_context"]
        ]
        return {**rates, "long_context": halves}
    REASONS.append(f"{name}: rates of long input in the tier {tier}; such calls stay unpriced")
    return {**rates, "long_context": [{"above_tokens": x["above_tokens"]} for x in base["long_context"]]}


def _rates(value: dict[str, object], suffix: str) -> Rates:
    rates = {}
    for field, key in FIELDS.items():
        number = value.get(key + suffix)
        if isinstance(number, Decimal):
            rates[field] = number * 1_000_000
    if rates.get("reasoning") == rates.get("output"):
        rates.pop("reasoning", None)
    if value.get("mode") == "embedding":
        rates.pop("output", None)
    return rates


def _long(name: str, value: dict[str, object], suffix: str, base: Rates) -> Iterator[Rates]:
    for size in SIZES:
        rates = _rates(value, f"_above_{size}k_tokens{suffix}")
        if "input" not in rates:
            continue
        hour = value.get(f"{FIELDS['cache_write_1h']}_above_{size}k_tokens{suffix}")
        if isinstance(hour, Decimal):
            rates["cache_write_1h"] = hour * 1_000_000
        grown = rates["input"] / base["input"]
        for field in ("output", "cache_read", "cache_write_5m"):
            if field not in base or field in rates:
                continue
            if field == "output":
                REASONS.append(f"{name}: output above {size}k is not listed")
            else:
                rates[field] = base[field] * grown  # cache rates are a share of the input's
        if rates["input"] < base["input"] or _is_odd(f"{name} above {size}k", rates):
            REASONS.append(f"{name}: cheaper above {size}k")
            continue
        yield {"above_tokens": Decimal(size * 1000), **rates}


def _read_ranges(name: str, tiers: list[dict[str, object]]) -> Row | None:
    """Alibaba's form: rates by size of input, from 0 up."""
    steps: list[Rates] = []
    for tier in tiers:
        rates = _rates(tier, "")
        start = tier["range"][0]  # type: ignore[index]  # the list's own form
        if "input" not in rates or "output" not in rates or _is_odd(name, rates):
            REASONS.append(f"{name}: a size without rates")
            return None
        steps.append({"above_tokens": Decimal(start), **rates} if start else rates)
    return {**steps[0], **({"long_context": steps[1:]} if steps[1:] else {})}


def _is_odd(name: str, rates: Rates) -> bool:
    """Figures that cannot be right: a slipped power of ten, or a cache dearer than no cache."""
    fresh, out = rates["input"], rates.get("output")
    if fresh > (200 if out is not None else 5) or (
        out is not None and (out > 1000 or out > fresh * 20 or (out < fresh and fresh > 1))
    ):
        REASONS.append(f"{name}: input {fresh}, output {out}")
        return True
    read, write = rates.get("cache_read"), rates.get("cache_write_5m")
    hour = rates.get("cache_write_1h")
    if write == 0:  # means "no charge of its own" in some rows and "not known" in others
        del rates["cache_write_5m"]
        write = None
    if read is not None and not fresh * Decimal("0.01") <= read <= fresh:
        REASONS.append(f"{name}: cache_read {read} of input {fresh}; kept without it")
        del rates["cache_read"]
    if write is not None and not fresh * Decimal("0.9") <= write <= fresh * 2:
        REASONS.append(f"{name}: cache_write_5m {write} of input {fresh}; kept without it")
        del rates["cache_write_5m"]
    if hour is not None and not fresh <= hour <= fresh * Decimal("2.5"):
        REASONS.append(f"{name}: cache_write_1h {hour} of input {fresh}; kept without it")
        del rates["cache_write_1h"]
    return False


def _is_plausible(name: str, tier: str, ratio: Decimal) -> bool:
    low, high = {"batch": ("0.2", "1"), "flex": ("0.2", "1"), "priority": ("1", "4")}[tier]
    if Decimal(low) <= ratio <= Decimal(high):
        return True
    REASONS.append(f"{name}: {tier} at {ratio} of the standard rate")
    return False


def _is_needed(
    key: tuple[str, str], value: tuple[Row, bool], found: dict[tuple[str, str], tuple[Row, bool]]
) -> bool:
    """Not when name resolution finds the same rates elsewhere, nor when the model is gone and nothing else
    would be found in its place."""
    vendor, model = key
    row, is_gone = value
    shorter = [stem(model), REGION.sub("", model), stem(REGION.sub("", model))]
    bases = [found[vendor, name][0] for name in shorter if name != model and (vendor, name) in found]
    if bases and not REGION.match(
        model
    ):  # of regions all are kept: an unlisted one must not look like another
        return bool(row != bases[0])
    return not is_gone


def _write(rows: list[tuple[str, str, Row]], version: str, read_on: str, valid_from: str) -> str:
    lines = [
        "# List prices of models, in USD per million tokens. Written by tools/update_prices.py; add rows, do",
        "# not edit old ones: a row's first day is part of the price version kept with each call.",
        "#",
        f"# Source: the public price list of BerriAI/litellm {version} (MIT licence), figures only, read on",
        f"# {read_on} and checked for rows that cannot be right. The list does not say since when a price",
        f"# holds: these rows are used for every call from {valid_from} on.",
        "#",
        "# A rate that is missing is not known, which is not the same as free. docs/prices.md has the rules.",
        "# Correct or add prices in naru.toml under [[prices]], in this same form.",
        "",
        'source = "' + f"BerriAI/litellm {version} price list, read {read_on}" + '"',
        f"valid_from = {valid_from}",
        "",
        "# This machine's own models: tokens are metered, and cost nothing until the operator prices them.",
        "[[prices]]",
        'vendor = "local"',
        'model = "*"',
        'source = "no bill is sent for them"',
        *(f"{field} = 0" for field in FIELDS if field != "reasoning"),
        "",
    ]
    for vendor, model, row in rows:
        lines += ["[[prices]]", f'vendor = "{vendor}"', f'model = "{model}"']
        lines += [f"{field} = {_toml(value)}" for field, value in row.items()]
        lines.append("")
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    raise TypeError(type(value).__name__)


if __name__ == "__main__":
    main(*sys.argv[1:])
