"""What becomes of personal data."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from naru.settings.table import RESTART, Name, Seconds, Table

TrustAction = Literal["allow", "mask", "keep_inside", "block"]
TrustGuard = Literal["off", "log", "flag", "block", "review"]
_TRUST_TYPE = r"^(\*|[A-Z_]{2,30}|CUSTOM:[A-Za-z0-9가-힣_.-]{1,40})$"


class TrustRules(Table):
    """What becomes of personal data, and which verdicts are asked for."""

    actions: dict[Annotated[str, Field(pattern=_TRUST_TYPE)], TrustAction] = Field(
        {},
        description="By type (`PERSON`, `KR_RRN`, … see `naru mask --types`), `CUSTOM:<name>`, or `*` for "
        "all others: `mask` (restored in the answer), `keep_inside` (to inside sites), `block`, `allow`.",
    )
    guard: dict[Literal["injection", "toxicity", "prompt_leak", "secret", "url"], TrustGuard] = Field(
        {}, description="By kind of verdict: `off`, `log`, `flag` (a header too), `block`, `review`."
    )
    fakes: tuple[str, ...] | None = Field(
        None, description="Types that get a value that looks real in the place of `<PERSON_1>`."
    )
    restore_hosts: tuple[str, ...] | None = Field(
        None, description="Hosts inside whose URLs values are restored; all others keep the placeholder."
    )
    restore_tools: tuple[str, ...] | None = Field(
        None, description="Tools run by the provider itself whose arguments are restored all the same."
    )
    capture_consent: bool | None = Field(
        None, description="Whether rated answers may be exported as training data, where content is kept."
    )


class TrustPolicy(TrustRules):
    """Rules for the calls of one route or to one site (what holds for organisations, teams and projects lives
    in the database: `naru policy`)."""

    route: str | None = Field(None, description="The model or route that clients ask for.")
    site: Name | None = Field(None, description="Where the target stands.")

    @model_validator(mode="after")
    def _is_for_one(self) -> Self:
        if (self.route is None) == (self.site is None):
            raise ValueError("names either a route or a site")
        return self


class Trust(TrustRules):
    """Personal data: masked before a prompt leaves for a site outside, restored in the answer."""

    is_enabled: bool = Field(True, alias="enabled", description="Off: nothing is looked for at all.")
    inside_sites: tuple[Name, ...] = Field(
        ("edge", "on-prem", "onprem"),
        description="Sites of the company's own: what goes there is masked only by a policy on that site.",
    )
    on_failure: Literal["block", "keep_inside"] = Field(
        "block", description="When detection fails or takes too long. The prompt is never sent outside."
    )
    timeout_s: Seconds = Field(2, description="Longest detection of one request.")
    threshold: float = Field(0.5, gt=0, le=1, description="Score from which a finding counts.")
    conversation_ttl_s: Seconds = Field(
        3600, description="How long values of a named conversation (x-naru-conversation) are kept in memory."
    )
    max_conversations: int = Field(
        10_000, ge=1, description="Named conversations kept at once; the oldest goes first."
    )
    vault: Literal["memory", "sealed"] = Field(
        "memory", description="Where they are kept: `sealed` outlives restarts.", json_schema_extra=RESTART
    )
    vault_key_file: str | None = Field(
        None, pattern=r"^/", description="Default: vault.key with the secrets.", json_schema_extra=RESTART
    )
    capture_days: int = Field(30, ge=1, le=3650, description="How long captured text is kept, with consent.")
    note_to_model: bool = Field(
        True, description="Tell the model, in the system prompt, to copy placeholders as they are."
    )
    policies: tuple[TrustPolicy, ...] = Field(
        (), description="For one route or one site: `[[trust.policies]]`."
    )
