"""The control plane without a road: how commands administer a database while no Naru runs, or beside one.

It decides and records as the running one does, and a running one on the same database takes over within
two seconds.
"""

from __future__ import annotations

import os
import secrets
import time
import tomllib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from naru import __version__
from naru.audit import KEY_FILE, WITNESS_FILE, AuditLog
from naru.engines.sql.base import SqlEngine
from naru.engines.sql.registry import open_engine
from naru.identity import Keys, Units, ensure_admin_key
from naru.identity.people_directory import Directory
from naru.kernel.clock import SystemClock
from naru.kernel.errors import ConfigError
from naru.metering import LedgerReader
from naru.quota import BudgetBook
from naru.settings import Settings, load
from naru.settings.secretfile import ensure_secret
from naru.trust.book import PolicyBook
from naru.trust.detect import Scanner
from naru.trust.records import Records
from naru.trust.words import KEY_FILE as WORDS_KEY_FILE
from naru.trust.words import WordVault
from naru.web.context import ControlContext, StatusInfo
from naru.web.control import create_control_app
from naru.web.root import AsgiApp

_CONFIG: Final = Path("naru.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalNaru:
    """The control API on a local database; `close` it."""

    asgi: AsgiApp
    admin_key: str
    engine: SqlEngine
    audit: AuditLog

    def close(self) -> None:
        """Write what is still in memory and close the database."""
        try:
            self.audit.close()
        finally:
            self.engine.close()


def open_local(home: Path, config: Path | None = None) -> LocalNaru:
    """The control API on the database of `home`, both made when missing.

    Args:
        config: says where the database is when it is not in `home`; default: naru.toml in this folder.

    Raises:
        ConfigError: the settings are wrong, or the database is newer than this program.
    """
    settings = read_settings(config)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    admin_key = ensure_admin_key(_secrets_folder(settings, home))
    engine = open_engine(settings.database, home)
    try:
        engine.migrate()
        audit = _audit_log(engine, settings, home)
        context = _context(engine, settings, admin_key, audit, _secrets_folder(settings, home))
        return LocalNaru(asgi=create_control_app(context), admin_key=admin_key, engine=engine, audit=audit)
    except BaseException:
        engine.close()
        raise


def read_settings(config: Path | None) -> Settings:
    path = config or (_CONFIG if _CONFIG.exists() else None)
    try:
        return load(path, os.environ)
    except ConfigError:
        # A shell for administration need not hold the providers' keys. Only what says where the database
        # and its keys lie must be right.
        if path is None or _names_a_place(path):
            raise
        return Settings()


def _names_a_place(path: Path) -> bool:
    try:
        said = tomllib.loads(path.read_text("utf-8-sig"))
        return not {"database", "secrets"}.isdisjoint(said) or "vault_key_file" in said.get("trust", {})
    except (OSError, ValueError):
        return True


def _secrets_folder(settings: Settings, home: Path) -> Path:
    return Path(settings.secrets.folder) if settings.secrets.folder else home


def _audit_log(engine: SqlEngine, settings: Settings, home: Path) -> AuditLog:
    audit = AuditLog(
        engine,
        _secrets_folder(settings, home) / KEY_FILE,
        SystemClock(),
        settings.audit,
        witness_paths=[home / WITNESS_FILE, *map(Path, settings.audit.witness_files)],
    )
    audit.open()
    return audit


def _context(
    engine: SqlEngine, settings: Settings, admin_key: str, audit: AuditLog, secrets_folder: Path
) -> ControlContext:
    started_at = time.monotonic()
    clock = SystemClock()
    units = Units(engine, clock=clock, audit=audit, on_change=_nobody_waits)
    policies = PolicyBook(
        engine,
        clock,
        audit,
        vault=WordVault(
            engine, ensure_secret(secrets_folder / WORDS_KEY_FILE, partial(secrets.token_bytes, 32))
        ),
        read_settings=lambda: settings.trust,
    )
    return ControlContext(
        ledger=LedgerReader(engine),
        units=units,
        keys=Keys(engine, units=units, clock=clock, audit=audit, on_change=_nobody_waits),
        directory=Directory(
            engine,
            clock=clock,
            audit=audit,
            secret=secrets.token_bytes(32),  # nothing is sealed or opened here
            rules=settings.identity,
            find_org=units.find_org,
        ),
        audit=audit,
        audit_log=audit,
        budgets=BudgetBook(engine, clock, audit),
        policies=policies,
        records=Records(
            engine,
            clock,
            audit,
            settings.trust,
            secrets_folder=secrets_folder,
            retention_days=settings.ledger.retention_days,
            has_consent=lambda org, team, project: (
                policies.read_table().resolve(org, team, project, None, "").capture_consent
            ),
            find=lambda text: Scanner().scan(text),
        ),
        models=list,  # no road, so no models, no providers and nothing in flight
        providers=list,
        status=lambda: StatusInfo(
            uptime_s=time.monotonic() - started_at,
            in_flight=0,
            ledger_pending=0,
            ledger_written=0,
            config_path=None,
            config_loaded_at_ns=None,
            config_error=None,
        ),
        settings_redacted=lambda: settings.model_dump(
            mode="json", exclude={"providers": {"__all__": {"base_url", "headers"}}}
        ),
        verify_admin_key=lambda key: secrets.compare_digest(key.encode(), admin_key.encode()),
        session_secret=secrets.token_bytes(32),  # nobody signs in here
        version=__version__,
        clock=clock,
    )


def _nobody_waits() -> None:
    """No keyring here: a running Naru asks the database by itself."""
