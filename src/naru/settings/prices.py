"""List prices, as an operator may write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import Field

from naru.settings.table import Table


class Rates(Table):
    """USD per million tokens. Missing = the price list does not say, which is not the same as free."""

    input: Decimal | None = Field(None, ge=0, description="Fresh input.")
    output: Decimal | None = Field(None, ge=0, description="Text output.")
    cache_read: Decimal | None = Field(None, ge=0, description="Input read from the prompt cache.")
    cache_write_5m: Decimal | None = Field(None, ge=0, description="Input written to the 5-minute cache.")
    cache_write_1h: Decimal | None = Field(None, ge=0, description="Input written to the 1-hour cache.")
    reasoning: Decimal | None = Field(None, ge=0, description="Reasoning output; default: as output.")
    input_audio: Decimal | None = Field(None, ge=0, description="Audio input.")
    output_audio: Decimal | None = Field(None, ge=0, description="Audio output.")
    input_image: Decimal | None = Field(None, ge=0, description="Image input, where priced apart from text.")
    output_image: Decimal | None = Field(None, ge=0, description="Image output.")


class LongContext(Rates):
    """Rates of the whole request once its input is over a size."""

    above_tokens: int = Field(
        ge=1, description="Applies to every token of requests with more input than this."
    )


class ServiceTier(Rates):
    """Rates of one service tier, whole: what it does not say is not taken from the standard rates."""

    long_context: tuple[LongContext, ...] = Field((), description="Tiers by input size, ascending.")


class Price(Rates):
    """One model's list price from one day on; the newest row not after the call's day applies."""

    vendor: str = Field(description="Price list it belongs to, e.g. `openai`.")
    model: str = Field(description="The vendor's model name.")
    valid_from: date = Field(description="First day (UTC) this row applies.")
    source: str = Field("operator", description="Where the figure was read.")
    batch: ServiceTier | None = Field(None, description="Rates of the batch tier.")
    flex: ServiceTier | None = Field(None, description="Rates of the flex tier.")
    priority: ServiceTier | None = Field(None, description="Rates of the priority tier.")
    long_context: tuple[LongContext, ...] = Field((), description="Tiers by input size, ascending.")
