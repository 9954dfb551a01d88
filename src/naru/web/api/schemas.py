"""The shapes `/api` answers with, made from the ledger's values. null is unknown, never 0."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from naru.kernel.money import format_usd
from naru.kernel.tokens import Usage
from naru.metering.models import Attempt, Bucket, Call, CallStatus, Cost, CostState, Totals
from naru.web.context import ModelInfo, ProviderInfo, StatusInfo
from naru.web.window import time_from_ns


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class CostOut(_Answer):
    """What was spent."""

    usd: str | None = Field(description="Exact decimal text; null when nobody can say.")
    nano_usd: int | None = Field(description="The same in integer nano-USD (10⁻⁹ USD).")
    state: CostState = Field(
        description="`priced`; `estimated` from estimated tokens; `unpriced`: the model has no known price; "
        "`unknown`: sent, and nobody can say; `none`: nothing was sent."
    )
    price_version: str | None = Field(description="The price row used, frozen with the call.")

    @classmethod
    def of(cls, cost: Cost) -> CostOut:
        usd = None if cost.nano_usd is None else format_usd(cost.nano_usd)
        return cls(usd=usd, nano_usd=cost.nano_usd, state=cost.state, price_version=cost.price_version)


class UsageOut(_Answer):
    """Tokens, each in exactly one bucket; the sum is what the provider billed."""

    input_tokens: int | None = Field(description="Fresh text input.")
    cache_read_tokens: int | None
    cache_write_5m_tokens: int | None
    cache_write_1h_tokens: int | None
    input_audio_tokens: int | None
    input_image_tokens: int | None
    output_tokens: int | None = Field(description="Text output, reasoning excluded.")
    reasoning_tokens: int | None
    output_audio_tokens: int | None
    output_image_tokens: int | None
    total_input_tokens: int
    total_output_tokens: int
    service_tier: str | None
    is_estimated: bool = Field(description="Some bucket was counted by Naru: the provider did not report it.")

    @classmethod
    def of(cls, usage: Usage | None) -> UsageOut | None:
        if usage is None:
            return None
        return cls.model_validate(usage, from_attributes=True)


class AttemptOut(_Answer):
    """One try at one target."""

    id: str
    number: int = Field(description="From 1, in the order they were made.")
    started_at: datetime
    provider: str
    vendor: str
    site: str
    model: str = Field(description="The model name sent to the provider.")
    status: CallStatus
    upstream_status: int | None
    error_code: str | None
    finish_reason: str | None
    first_token_ms: float | None
    duration_ms: float
    usage: UsageOut | None
    cost: CostOut

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptOut:
        return cls(
            id=attempt.id,
            number=attempt.number,
            started_at=time_from_ns(attempt.started_at_ns),
            provider=attempt.provider,
            vendor=attempt.vendor,
            site=attempt.site,
            model=attempt.model,
            status=attempt.status,
            upstream_status=attempt.upstream_status,
            error_code=attempt.error_code,
            finish_reason=attempt.finish_reason,
            first_token_ms=attempt.first_token_ms,
            duration_ms=attempt.duration_ms,
            usage=UsageOut.of(attempt.usage),
            cost=CostOut.of(attempt.cost),
        )


class CallOut(_Answer):
    """One request of a client. Never its text."""

    id: str
    started_at: datetime
    endpoint: str = Field(description="`chat`, `responses`, `completions`, `messages` or `embeddings`.")
    is_stream: bool
    key_id: str | None
    org: str | None
    team: str | None
    project: str | None
    user: str | None
    tags: dict[str, str]
    route: str | None
    model_asked: str | None
    model_served: str | None
    provider: str | None
    site: str | None
    status: CallStatus = Field(
        description="`partial`: broke off after content; `cancelled`: the client went away; `rejected`: Naru "
        "refused it before any provider saw it."
    )
    http_status: int
    error_code: str | None
    error_class: str | None = Field(description="Who is at fault: `client`, `naru`, `upstream` or null.")
    finish_reason: str | None
    first_token_ms: float | None
    duration_ms: float
    overhead_ms: float | None = Field(description="Naru's own share of the time to the first byte.")
    usage: UsageOut | None
    cost: CostOut
    cache: str
    masked_count: int | None
    energy_wh: float | None
    energy_source: str | None
    policy: str | None
    attempts: list[AttemptOut]

    @classmethod
    def of(cls, call: Call) -> CallOut:
        return cls(
            id=call.id,
            started_at=time_from_ns(call.started_at_ns),
            endpoint=call.endpoint,
            is_stream=call.is_stream,
            key_id=call.key_id,
            org=call.org,
            team=call.team,
            project=call.project,
            user=call.user,
            tags=call.tags,
            route=call.route,
            model_asked=call.model_asked,
            model_served=call.model_served,
            provider=call.provider,
            site=call.site,
            status=call.status,
            http_status=call.http_status,
            error_code=call.error_code,
            error_class=call.error_class,
            finish_reason=call.finish_reason,
            first_token_ms=call.first_token_ms,
            duration_ms=call.duration_ms,
            overhead_ms=call.overhead_ms,
            usage=UsageOut.of(call.usage),
            cost=CostOut.of(call.cost),
            cache=call.cache,
            masked_count=call.masked_count,
            energy_wh=call.energy_wh,
            energy_source=call.energy_source,
            policy=call.policy,
            attempts=[AttemptOut.of(attempt) for attempt in call.attempts],
        )


class CallPage(_Answer):
    """Calls, newest first."""

    calls: list[CallOut]
    next_before: str | None = Field(description="Pass as `before` for the next page; null at the end.")


class StatusOut(_Answer):
    """This process, now."""

    version: str
    uptime_s: float
    in_flight: int = Field(description="Calls being answered.")
    ledger_pending: int = Field(description="Calls that wait to be written to the ledger.")
    ledger_written: int = Field(description="Calls written since the start.")
    config_path: str | None
    config_loaded_at: datetime | None
    config_error: str | None = Field(
        description="Why the newest naru.toml was refused, with line and reason; the one before it stays in "
        "force. null when it was taken."
    )
    settings: dict[str, object] = Field(description="In force now; secrets and addresses taken out.")

    @classmethod
    def of(cls, status: StatusInfo, version: str, settings: dict[str, object]) -> StatusOut:
        loaded = status.config_loaded_at_ns
        return cls(
            version=version,
            uptime_s=status.uptime_s,
            in_flight=status.in_flight,
            ledger_pending=status.ledger_pending,
            ledger_written=status.ledger_written,
            config_path=status.config_path,
            config_loaded_at=None if loaded is None else time_from_ns(loaded),
            config_error=status.config_error,
            settings=settings,
        )


class ModelOut(_Answer):
    """A name clients may ask for."""

    id: str
    targets: list[str] = Field(description="`provider/model`, first choice first.")
    provider: str
    site: str
    description: str

    @classmethod
    def of(cls, model: ModelInfo) -> ModelOut:
        return cls.model_validate(model, from_attributes=True)


class ModelList(_Answer):
    models: list[ModelOut]


class ProviderOut(_Answer):
    """One upstream account and how it is now."""

    name: str
    kind: str
    site: str
    circuit: str = Field(description="`closed` (in use), `open` (resting) or `half_open` (one trial).")
    last_error_code: str | None
    in_flight: int
    retention: str = Field(description="`none`: it is told to keep nothing; `default`: clients decide.")
    retention_flags: tuple[str, ...] = Field(description="Set in each request, e.g. `chat: store=false`.")

    @classmethod
    def of(cls, provider: ProviderInfo) -> ProviderOut:
        return cls.model_validate(provider, from_attributes=True)


class ProviderList(_Answer):
    providers: list[ProviderOut]


class FiguresOut(_Answer):
    """Sums over a set of calls."""

    requests: int
    errors: int = Field(description="Calls that ended with an error.")
    partials: int = Field(description="Calls whose answer broke off.")
    cancelled: int = Field(description="Calls whose client went away.")
    rejected: int = Field(description="Calls Naru refused before any provider saw them.")
    usage: UsageOut = Field(description="Bucket by bucket; null where no call said anything of that bucket.")
    unmetered: int = Field(description="Calls whose tokens nobody knows.")
    cost_nano_usd: int = Field(description="Sum of the known costs; read it together with `unpriced`.")
    cost_usd: str
    unpriced: int = Field(description="Calls that were sent and whose cost is not known: not in the sum.")
    estimated: int = Field(description="Calls priced from estimated tokens.")
    duration_p50_ms: float | None
    duration_p95_ms: float | None
    first_token_p50_ms: float | None
    first_token_p95_ms: float | None

    @classmethod
    def of(cls, totals: Totals) -> Self:
        fields = msgspec.structs.asdict(totals)
        fields["usage"] = UsageOut.of(totals.usage)
        fields["cost_usd"] = format_usd(totals.cost_nano_usd)
        if isinstance(totals, Bucket):
            fields["start"] = time_from_ns(totals.start_ns)
        return cls.model_validate(fields)


class BucketOut(FiguresOut):
    """The figures of one step of time."""

    start: datetime


class GroupOut(FiguresOut):
    """The figures of the calls that share one value."""

    value: str | None = Field(description="null: the calls that had none, e.g. refused before any provider.")


class OverviewOut(_Answer):
    """A window of time, as a whole, over time and by group."""

    from_: datetime = Field(serialization_alias="from")
    to: datetime
    bucket_s: int
    totals: FiguresOut
    series: list[BucketOut] = Field(description="Every step of the window, empty ones included.")
    by_model: list[GroupOut]
    by_provider: list[GroupOut]
