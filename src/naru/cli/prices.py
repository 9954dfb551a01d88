"""`naru prices`: what models cost, where the figure comes from, and which configured ones have none."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naru.kernel.errors import NotFound

if TYPE_CHECKING:
    from naru.metering import PriceBook
    from naru.settings import Settings
    from naru.settings.model import Provider

app = typer.Typer(
    help="Show and check list prices. Your own, [[prices]] in naru.toml, stand before the builtin ones.",
    no_args_is_help=True,
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings; default: naru.toml here, else the built-in defaults."),
]
_DEFAULT_CONFIG = Path("naru.toml")
_RATES = (
    *("input", "cache_read", "cache_write_5m", "cache_write_1h", "input_audio", "input_image"),
    *("output", "reasoning", "output_audio", "output_image"),
)


@app.command("list")
def list_(
    vendor: Annotated[str | None, typer.Option(help="Only this vendor's list.")] = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print the prices in force today, in USD per million tokens."""
    from naru.metering.aliases import vendor_name

    book, _ = _load(config)
    found = [
        price
        for price in book.list_prices(time.time_ns())
        if vendor is None or vendor_name(price.vendor) == vendor_name(vendor)
    ]
    if as_json:
        for price in found:
            print(price.model_dump_json(exclude_none=True))
        return
    if not found:
        raise NotFound(f"no price list is called {vendor}; `naru prices list` shows all")
    width = max(len(f"{p.vendor}/{p.model}") for p in found)
    print(f"{'model':<{width}}  {'input':>10}  {'cached':>10}  {'output':>10}  from        tiers")
    for price in found:
        tiers = [name for name in ("batch", "flex", "priority", "long_context") if getattr(price, name)]
        rates = "  ".join(f"{_rate(r):>10}" for r in (price.input, price.cache_read, price.output))
        name = f"{price.vendor}/{price.model}"
        print(f"{name:<{width}}  {rates}  {price.valid_from}  {', '.join(tiers)}".rstrip())


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="vendor/model, e.g. openai/gpt-4o-mini.")],
    config: ConfigOption = None,
) -> None:
    """Print the price one model would be billed at today, every rate of it, and where it was read.

    The name is resolved as on the road: exact, then without its date, then without its region or path.
    """
    from naru.metering import price_version

    vendor, _, name = model.partition("/")
    book, _ = _load(config)
    price = book.find(vendor, name, time.time_ns())
    if price is None:
        raise NotFound(
            f"{model} has no price, or its name could mean two; its calls are shown as unpriced. "
            "Add it under [[prices]] in naru.toml, or look at `naru prices list`"
        )
    print(f"{price_version(price)}  (USD per million tokens)\nsource: {price.source}")
    _print_rates("standard", price)
    for tier in ("batch", "flex", "priority"):
        if (rates := getattr(price, tier)) is not None:
            _print_rates(tier, rates)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Name every model in naru.toml that has no price, exit 1 when there is one.

    Such a model works; its calls are shown as unpriced and no budget can see them.
    """
    book, settings = _load(config)
    now_ns = time.time_ns()
    targets = {(p, m) for p, provider in settings.providers.items() for m in provider.models if m != "*"}
    for model in settings.models.values():
        targets |= {(p, m) for p, _, m in (target.partition("/") for target in model.targets)}
    unpriced = 0
    for provider_name, model_name in sorted(targets):
        provider = settings.providers.get(provider_name)
        vendor = _vendor(provider_name, provider)
        if book.find(vendor, model_name, now_ns) is None:
            unpriced += 1
            print(
                f"{provider_name}/{model_name}: no price in the list of {vendor}; "
                f'add one: [[prices]] vendor = "{vendor}" model = "{model_name}"'
            )
    print(f"{len(targets) - unpriced} of {len(targets)} configured models have a price.")
    if unpriced:
        raise typer.Exit(1)


def _vendor(name: str, provider: Provider | None) -> str:
    """As the providers themselves say it: a server of no known vendor has a list of its own name."""
    if provider is None:
        return "local"
    return provider.vendor or (name if provider.kind == "openai-compatible" else provider.kind)


def _load(config: Path | None) -> tuple[PriceBook, Settings]:
    import os

    from naru.metering import PriceBook
    from naru.settings import load

    settings = load(config or (_DEFAULT_CONFIG if _DEFAULT_CONFIG.exists() else None), os.environ)
    return PriceBook.load(settings.prices), settings


def _rate(rate: Any) -> str:
    return "?" if rate is None else f"{rate.normalize():f}"


def _print_rates(title: str, rates: Any) -> None:
    print(f"\n{title}")
    for name in _RATES:
        if (rate := getattr(rates, name)) is not None:
            print(f"  {name:<15}{_rate(rate):>12}")
    for tier in rates.long_context:
        known = [f"{n} {_rate(r)}" for n in _RATES if (r := getattr(tier, n)) is not None]
        print(f"  above {tier.above_tokens} tokens of input: {', '.join(known) or 'not known'}")
