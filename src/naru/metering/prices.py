"""What tokens cost: list prices with their first days, resolved by name, applied in exact integers.

A price that is not known is never guessed and never 0: the call is `unpriced`. The rules that fill a gap are
the few that vendors publish; docs/prices.md lists them.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from naru.kernel.tokens import Usage
from naru.metering import aliases
from naru.metering.models import Cost
from naru.metering.usage import MAX_TOKENS
from naru.settings.model import Price, Rates, ServiceTier

ANY = "*"
"""A row with this model applies where its vendor's list names no other (the machine's own models)."""

_FEMTO_PER_NANO = 1_000_000
_FEMTO_A_TOKEN = Decimal(1_000_000_000)
"""1 USD per million tokens in femto-USD (10⁻¹⁵) per token: rates stay integers down to nine decimals."""
_NS = 1_000_000_000
_CACHE_SIZE = 4_096
"""Clients may ask for any name under a `*`; the cache must not grow with their imagination."""
_STANDARD = frozenset({"", "default", "standard", "auto", "on_demand", "on-demand", "standard_only"})
_UNKNOWN = Cost(nano_usd=None, state="unknown", price_version=None)
_UNPRICED = Cost(nano_usd=None, state="unpriced", price_version=None)

_CACHE_WRITE_RULES = {"anthropic": (Decimal("1.25"), Decimal(2))}
"""Published multiples of the input rate for the 5-minute and the 1-hour cache, per vendor."""

_Rate = int | None


class _Tariff(NamedTuple):
    """Femto-USD a token, bucket by bucket as in `Usage`; None: not known."""

    input: _Rate
    cache_read: _Rate
    cache_write_5m: _Rate
    cache_write_1h: _Rate
    input_audio: _Rate
    input_image: _Rate
    output: _Rate
    reasoning: _Rate
    output_audio: _Rate
    output_image: _Rate


class _Ceiling(NamedTuple):
    """The dearest rates that text in and out can meet, femto-USD a token; None: not known."""

    input: _Rate
    cached_input: _Rate
    """Where the request asks the provider to write its prompt cache."""
    output: _Rate


class _Tier(NamedTuple):
    """A tariff, and those that replace it above a size of input, the largest first."""

    tariff: _Tariff
    above: tuple[tuple[int, _Tariff], ...]
    ceilings: tuple[tuple[int, _Ceiling], ...]


class _Row(NamedTuple):
    price: Price
    version: str
    tiers: dict[str, _Tier]


class _Segment(NamedTuple):
    """The row that holds from a moment until the next segment's."""

    start_ns: int
    row: _Row | None


class PriceBook:
    """Finds and applies prices. Immutable; a changed configuration makes a new one.

    Args:
        builtin: the rows that ship with Naru.
        overlays: the operator's rows; from their first day they stand before builtin rows of the same name.
    """

    def __init__(self, builtin: Iterable[Price], overlays: Iterable[Price] = ()) -> None:
        self._lists: dict[str, dict[str, list[tuple[bool, Price]]]] = defaultdict(lambda: defaultdict(list))
        self._stems: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._cache: dict[tuple[str, str], tuple[_Segment, ...]] = {}
        for is_overlay, prices in ((False, builtin), (True, overlays)):
            for price in prices:
                vendor, model = aliases.vendor_name(price.vendor), price.model.lower()
                self._lists[vendor][model].append((is_overlay, price))
                self._stems[vendor][aliases.stem(model)].add(model)

    @classmethod
    def load(cls, overlays: Iterable[Price] = ()) -> PriceBook:
        """The builtin list with the operator's rows over it."""
        return cls(read_builtin(), overlays)

    def find(self, vendor: str, model: str, at_ns: int) -> Price | None:
        """The row that applies, or None when there is none or the name could mean two prices."""
        row = self._find(vendor, model, at_ns)
        return row.price if row is not None else None

    def list_prices(self, at_ns: int) -> list[Price]:
        """The rows in force, by vendor and model."""
        names = sorted((vendor, model) for vendor, models in self._lists.items() for model in models)
        found = [self._newest(vendor, model, at_ns) for vendor, model in names]
        return [price for price in found if price is not None]

    def price(
        self, vendor: str, model: str, usage: Usage | None, at_ns: int, service_tier: str | None = None
    ) -> Cost:
        """What an attempt cost, rounded once, half to even.

        Args:
            vendor: whose list applies.
            model: the name sent to the upstream.
            usage: tokens; None when nobody knows them.
            at_ns: when the attempt began; its UTC day chooses the row.
            service_tier: the tier asked for, used only where the answer did not say which one it was.
        """
        if usage is None:
            return _UNKNOWN
        row = self._find(vendor, model, at_ns)
        if row is None:
            return _UNPRICED
        tier_name = usage.service_tier or service_tier or ""
        tier = row.tiers.get(tier_name)
        if tier is None:
            tier_name = tier_name.lower()
            tier = row.tiers.get("" if tier_name in _STANDARD else tier_name)
            if tier is None:
                return Cost(nano_usd=None, state="unpriced", price_version=row.version)
        femto_usd = _apply(tier, usage)
        if femto_usd is None:
            return Cost(nano_usd=None, state="unpriced", price_version=row.version)
        if femto_usd < 0:
            return _UNKNOWN
        return Cost(
            nano_usd=_round_half_even(femto_usd),
            state="estimated" if usage.is_estimated else "priced",
            price_version=row.version,
        )

    def price_at_most(
        self,
        vendor: str,
        model: str,
        input_tokens: int,
        output_tokens: int,
        at_ns: int,
        *,
        writes_cache: bool = False,
        chooses_tier: bool = False,
    ) -> int | None:
        """The most an attempt may cost with so many tokens, in nano-USD rounded up; None: not priced.

        Args:
            writes_cache: the request marks parts of itself for the provider's prompt cache.
            chooses_tier: the request names a service tier; the dearest one known is taken.
        """
        row = self._find(vendor, model, at_ns)
        if row is None:
            return None
        dearest: int | None = None
        for name in row.tiers if chooses_tier else ("",):
            tier = row.tiers[name]
            # A prompt may turn out smaller than thought and a longer one need not be dearer: all sizes count.
            for above_tokens, ceiling in tier.ceilings:
                if above_tokens and input_tokens <= above_tokens:
                    continue
                fresh = ceiling.cached_input if writes_cache else ceiling.input
                if (fresh is None and input_tokens) or (ceiling.output is None and output_tokens):
                    return None
                femto_usd = input_tokens * (fresh or 0) + output_tokens * (ceiling.output or 0)
                if dearest is None or femto_usd > dearest:
                    dearest = femto_usd
        return None if dearest is None else -(-dearest // _FEMTO_PER_NANO)

    def _find(self, vendor: str, model: str, at_ns: int) -> _Row | None:
        segments = self._cache.get((vendor, model))
        if segments is None:
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            segments = self._cache[vendor, model] = self._resolve(vendor, model)
        for start_ns, row in segments:
            if start_ns <= at_ns:
                return row
        return None

    def _resolve(self, vendor: str, model: str) -> tuple[_Segment, ...]:
        """Every change of the price a name has, the newest first."""
        vendor = aliases.vendor_name(vendor)
        prices = [p for rows in self._lists.get(vendor, {}).values() for _, p in rows]
        starts = sorted({_start_ns(p) for p in prices}, reverse=True)
        compiled: dict[int, _Row] = {}
        segments = []
        for start_ns in starts:
            price = self._choose(vendor, model, start_ns)
            if price is not None and id(price) not in compiled:
                compiled[id(price)] = _compile(price, vendor)
            segments.append(_Segment(start_ns, compiled[id(price)] if price is not None else None))
        return tuple(segments)

    def _choose(self, vendor: str, model: str, at_ns: int) -> Price | None:
        for name in aliases.candidates(model):
            price = self._newest(vendor, name, at_ns)
            if price is not None:
                return None if self._is_ambiguous(vendor, model, name, price, at_ns) else price
        return self._only_dated(vendor, model, at_ns) or self._newest(vendor, ANY, at_ns)

    def _newest(self, vendor: str, name: str, at_ns: int) -> Price | None:
        best: tuple[bool, int, Price] | None = None
        for is_overlay, price in self._lists.get(vendor, {}).get(name, ()):
            start_ns = _start_ns(price)
            if start_ns <= at_ns and (best is None or (is_overlay, start_ns) >= best[:2]):
                best = (is_overlay, start_ns, price)
        return best[2] if best is not None else None

    def _is_ambiguous(self, vendor: str, model: str, name: str, price: Price, at_ns: int) -> bool:
        """An unlisted region of a model whose price is known to depend on the region."""
        asked = model.lower().rpartition("/")[2]
        if not aliases.REGION.match(asked) or aliases.REGION.match(name):
            return False
        stem = aliases.stem(name)
        siblings = {
            other
            for listed, others in self._stems[vendor].items()
            if aliases.REGION.match(listed) and aliases.REGION.sub("", listed) == stem
            for other in others
        }
        found = [self._newest(vendor, other, at_ns) for other in siblings]
        return any(p is not None and _figures(p) != _figures(price) for p in found)

    def _only_dated(self, vendor: str, model: str, at_ns: int) -> Price | None:
        """A name without a date where only dated rows are listed: theirs, if they all say the same."""
        name = model.lower().rpartition("/")[2].removesuffix("-latest")
        if aliases.stem(name) != name:
            return None
        listed = sorted(self._stems.get(vendor, {}).get(name, ()))
        found = [p for other in listed if (p := self._newest(vendor, other, at_ns)) is not None]
        if not found or any(_figures(p) != _figures(found[0]) for p in found):
            return None
        return found[-1]


@cache
def read_builtin() -> tuple[Price, ...]:
    """The rows of prices.toml; a row's `source` and `valid_from` default to the file's own."""
    data = tomllib.loads((files(__package__) / "prices.toml").read_text("utf-8"), parse_float=Decimal)
    shared = {"source": data["source"], "valid_from": data["valid_from"]}
    return tuple(Price.model_validate(shared | row) for row in data["prices"])


def price_version(price: Price) -> str:
    """The name a price has in the ledger, e.g. `openai/gpt-4o@2026-01-01`."""
    return f"{aliases.vendor_name(price.vendor)}/{price.model}@{price.valid_from.isoformat()}"


def _figures(price: Price) -> dict[str, object]:
    return price.model_dump(exclude={"vendor", "model", "valid_from", "source"})


def _start_ns(price: Price) -> int:
    day = price.valid_from
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * _NS


def _compile(price: Price, vendor: str) -> _Row:
    tiers = {"": _tier(price, vendor)}
    for name in ("batch", "flex", "priority"):
        rates: ServiceTier | None = getattr(price, name)
        if rates is not None:
            tiers[name] = _tier(rates, vendor)
    for name in _STANDARD:
        tiers[name] = tiers[""]
    return _Row(price, price_version(price), tiers)


def _tier(rates: Price | ServiceTier, vendor: str) -> _Tier:
    larger = sorted(rates.long_context, key=lambda r: r.above_tokens, reverse=True)
    tariff = _tariff(rates, vendor)
    above = tuple((r.above_tokens, _tariff(r, vendor)) for r in larger)
    ceilings = tuple((tokens, _ceiling(t, vendor)) for tokens, t in ((0, tariff), *above))
    return _Tier(tariff, above, ceilings)


def _ceiling(tariff: _Tariff, vendor: str) -> _Ceiling:
    writes = (tariff.cache_write_5m, tariff.cache_write_1h)
    # Where writing is the client's choice it costs more only when asked for; elsewhere it may happen.
    plain = (tariff.input, tariff.input_image, *(() if vendor in _CACHE_WRITE_RULES else writes))
    return _Ceiling(
        input=None if tariff.input is None else _dearest(plain),
        cached_input=None if tariff.input is None else _dearest((*plain, *writes)),
        output=None if tariff.output is None else _dearest((tariff.output, tariff.reasoning)),
    )


def _dearest(rates: Iterable[_Rate]) -> int:
    return max(rate for rate in rates if rate is not None)


def _tariff(rates: Rates, vendor: str) -> _Tariff:
    fresh, output = rates.input, rates.output
    write_5m, write_1h = rates.cache_write_5m, rates.cache_write_1h
    rule = _CACHE_WRITE_RULES.get(vendor)
    if rule is not None and fresh is not None:
        write_5m = fresh * rule[0] if write_5m is None else write_5m
        write_1h = fresh * rule[1] if write_1h is None else write_1h
    return _Tariff(
        input=_femto(fresh),
        cache_read=_femto(fresh if rates.cache_read is None else rates.cache_read),
        cache_write_5m=_femto(write_5m),
        cache_write_1h=_femto(write_1h),
        input_audio=_femto(rates.input_audio),
        input_image=_femto(fresh if rates.input_image is None else rates.input_image),
        output=_femto(output),
        reasoning=_femto(output if rates.reasoning is None else rates.reasoning),
        output_audio=_femto(rates.output_audio),
        output_image=_femto(rates.output_image),
    )


def _femto(usd_per_million: Decimal | None) -> int | None:
    return None if usd_per_million is None else round(usd_per_million * _FEMTO_A_TOKEN)


def _apply(tier: _Tier, usage: Usage) -> int | None:
    """Femto-USD, None when a rate is missing, -1 when the usage says nothing or cannot be true."""
    fresh = usage.input_tokens
    output = usage.output_tokens
    read = usage.cache_read_tokens
    write_5m = usage.cache_write_5m_tokens
    write_1h = usage.cache_write_1h_tokens
    in_audio = usage.input_audio_tokens
    in_image = usage.input_image_tokens
    reasoning = usage.reasoning_tokens
    out_audio = usage.output_audio_tokens
    out_image = usage.output_image_tokens
    counts = (fresh, read, write_5m, write_1h, in_audio, in_image, output, reasoning, out_audio, out_image)
    tariff = tier.tariff
    if tier.above:
        total = sum(n for n in counts[:6] if n)
        for above_tokens, larger in tier.above:
            if total > above_tokens:
                tariff = larger
                break
    femto_usd = 0
    for count, rate in zip(counts, tariff, strict=True):
        if count:
            if not 0 < count <= MAX_TOKENS:
                return -1
            if rate is None:
                return None
            femto_usd += count * rate
    if femto_usd == 0 and not any(n is not None for n in counts):
        return -1
    return femto_usd


def _round_half_even(femto_usd: int) -> int:
    nano, rest = divmod(femto_usd, _FEMTO_PER_NANO)
    double = rest * 2
    if double > _FEMTO_PER_NANO or (double == _FEMTO_PER_NANO and nano & 1):
        nano += 1
    return nano
