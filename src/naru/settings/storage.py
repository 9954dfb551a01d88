"""Where state lies: ledger, audit log, databases, secrets."""

from __future__ import annotations

from pathlib import PurePath
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from naru.settings.table import RESTART, Name, Seconds, Table


class Ledger(Table):
    """The one ledger of calls. Never holds text of prompts or answers."""

    queue_size: int = Field(
        50_000,
        ge=100,
        description="Calls waiting to be written; when full, new calls get 503 (nothing is lost).",
        json_schema_extra=RESTART,
    )
    flush_interval_s: Seconds = Field(
        0.25, description="Longest wait before a batch is written.", json_schema_extra=RESTART
    )
    retention_days: int = Field(
        400, ge=1, description="Older rows are deleted, a day at a time.", json_schema_extra=RESTART
    )


class Audit(Table):
    """The audit log: when checkpoints are signed and where copies of them go."""

    queue_size: int = Field(
        10_000,
        ge=100,
        description="Entries waiting to be written; when full, new calls get 503 (nothing is lost).",
        json_schema_extra=RESTART,
    )
    checkpoint_entries: int = Field(
        1_000, ge=1, description="New entries after which a checkpoint is signed.", json_schema_extra=RESTART
    )
    checkpoint_interval_s: Seconds = Field(
        60,
        description="Longest wait for the checkpoint over a new entry.",
        json_schema_extra=RESTART,
    )
    witness_files: tuple[str, ...] = Field(
        (),
        description="Further files that each checkpoint is appended to: absolute paths, best on another "
        "machine's disk. HOME/audit-checkpoints.txt always is one.",
        json_schema_extra=RESTART,
    )

    @field_validator("witness_files")
    @classmethod
    def _are_absolute(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(PurePath(path).is_absolute() for path in value):
            raise ValueError("must be absolute paths")
        return value


class Database(Table):
    """Where state and ledger lie. Without this table: SQLite in HOME, for one Naru. More than one replica
    needs PostgreSQL; `naru database move` takes everything over."""

    url_env: str | None = Field(
        None,
        description="Environment variable that holds the address, "
        "postgresql://user:password@host:5432/naru?sslmode=verify-full.",
        json_schema_extra=RESTART,
    )
    url_file: str | None = Field(
        None, description="File that holds the address, one line.", json_schema_extra=RESTART
    )
    url: SecretStr | None = Field(
        None,
        description="The address itself; prefer the two above when it has a password.",
        json_schema_extra=RESTART,
    )
    pool_size: int = Field(
        8,
        ge=2,
        le=100,
        description="Connections of one process to PostgreSQL at most; all replicas together must stay "
        "under the server's max_connections.",
        json_schema_extra=RESTART,
    )
    statement_timeout_s: Seconds = Field(
        30, description="PostgreSQL cancels a statement after this.", json_schema_extra=RESTART
    )

    @model_validator(mode="after")
    def _is_one_address(self) -> Self:
        _refuse_two_addresses(self.url_env, self.url_file, self.url)
        if self.url is not None and not self.url.get_secret_value().startswith(
            ("postgresql://", "postgres://")
        ):
            raise ValueError("url must begin with postgresql://; without [database] it is SQLite in HOME")
        return self


class Redis(Table):
    """A Redis 7+ or Valkey that all replicas share, for what they count together; one alone needs none."""

    url_env: str | None = Field(
        None,
        description="Environment variable that holds the address, rediss://user:password@host:6379/0.",
        json_schema_extra=RESTART,
    )
    url_file: str | None = Field(
        None, description="File that holds the address, one line.", json_schema_extra=RESTART
    )
    url: SecretStr | None = Field(
        None,
        description="The address itself (redis://, rediss:// for TLS, unix://); prefer the two above when it "
        "has a password.",
        json_schema_extra=RESTART,
    )
    prefix: Name = Field(
        "naru",
        description="What every key in it begins with; replicas of one Naru have the same.",
        json_schema_extra=RESTART,
    )
    timeout_s: Seconds = Field(
        0.25,
        description="Longest wait for an answer; after it Redis counts as gone until it answers again.",
        json_schema_extra=RESTART,
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


class Secrets(Table):
    """Secrets that every replica must have alike: admin.key, session.key and what else HOME holds of them."""

    folder: str | None = Field(
        None,
        description="Folder of these files, e.g. a mounted secret alike for every replica; default: HOME.",
        json_schema_extra=RESTART,
    )
