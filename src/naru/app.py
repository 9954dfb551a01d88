"""The composition root: wires the parts into one running Naru, and decides nothing itself."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from naru import __version__
from naru.audit import KEY_FILE, WITNESS_FILE, AuditLog
from naru.engines.sql.registry import open_engine
from naru.gateway import Capture, FeedbackDoor, Gateway, Refusals, RetryRules, Road, Rules, rescue
from naru.hosting import LocalModel, is_available
from naru.hosting.provider import LocalProvider
from naru.identity import Keyring, Keys, KeyWatch, Units, ensure_admin_key
from naru.identity.people_directory import Directory
from naru.kernel.audit import AuditEvent, Outcome
from naru.kernel.clock import Clock, SystemClock
from naru.kernel.errors import ConfigError, NaruError
from naru.metering import LedgerReader, LedgerWriter, PriceBook, RetentionClock
from naru.providers.base import Provider
from naru.providers.redact import Redactor
from naru.providers.registry import build_provider
from naru.providers.retention import list_flags
from naru.providers.transport import Transport
from naru.quota import BudgetBook, Quota, Timing
from naru.routing import CircuitBook, RetryBudget, RouteTable, Timeouts, Upstream
from naru.settings import ConfigWatcher, Settings
from naru.settings.model import LOCAL_PROVIDER as _LOCAL
from naru.settings.model import Local
from naru.settings.model import Provider as ProviderSettings
from naru.settings.secretfile import ensure_secret
from naru.trust import Desk, new_room
from naru.trust.book import PolicyBook
from naru.trust.entity import Entity
from naru.trust.records import Records
from naru.trust.watch import PolicyWatch
from naru.trust.words import KEY_FILE as WORDS_KEY_FILE
from naru.trust.words import WordVault
from naru.web.context import ControlContext, ModelInfo, ProviderInfo, StatusInfo
from naru.web.control import create_control_app
from naru.web.root import AsgiApp, Root

_log = logging.getLogger(__name__)
_DRAIN_S = 5.0


class App:
    """One Naru: `start`, then serve `asgi`, then `stop`.

    Args:
        settings: what runs first; later versions come through `watcher`.
        home: database and admin key; made when missing.
        config_path: watched for changes; it need not exist yet.
        environ: where provider keys are read.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        home: Path,
        config_path: Path,
        environ: Mapping[str, str],
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.home = home
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Replicas share these, or a session would be good at one of them alone.
            secrets_folder = home if settings.secrets.folder is None else Path(settings.secrets.folder)
            self.admin_key_path = secrets_folder / "admin.key"
            self.admin_key = ensure_admin_key(secrets_folder)
            # Signs console sessions; kept over restarts so that nobody is signed out by one.
            self._session_secret = ensure_secret(
                secrets_folder / "session.key", partial(secrets.token_bytes, 32)
            )
            # Seals custom words in the database; kept apart from it, and shared by replicas.
            words_secret = ensure_secret(secrets_folder / WORDS_KEY_FILE, partial(secrets.token_bytes, 32))
            self._engine = open_engine(settings.database, home)
        except OSError as error:
            raise ConfigError(
                f"cannot be the home folder ({error.strerror}). Choose another with --home.", path=str(home)
            ) from None
        self.local: LocalModel | None = None
        self.local_reason = ""
        """Why the embedded model does not run; "" when it does or was switched off."""
        self._clock = clock or SystemClock()
        self._started_at = time.monotonic()
        self._retention_clock = RetentionClock(self._clock)
        self._ledger = LedgerWriter(self._engine, settings.ledger, self._retention_clock)
        self._audit = AuditLog(
            self._engine,
            secrets_folder / KEY_FILE,
            self._clock,
            settings.audit,
            witness_paths=[home / WITNESS_FILE, *map(Path, settings.audit.witness_files)],
        )
        self._quota = Quota(
            self._engine,
            folder=home / "journal",
            clock=self._clock,
            audit=self._audit,
            ledger=self._ledger,
            rescue=partial(rescue, self._ledger),
            lease_s=settings.resilience.total_timeout_s + _DRAIN_S,
            timing=Timing(ttl_s=settings.quota.lease_ttl_s),
        )
        self._budgets = BudgetBook(self._engine, self._clock, self._audit, self._quota.refresh_soon)
        self._transports: dict[str, tuple[ProviderSettings | None, Transport]] = {}
        self._providers: dict[str, Provider] = {}
        self._circuits = CircuitBook(
            failures=settings.resilience.breaker_failures,
            open_s=settings.resilience.breaker_open_s,
            clock=self._clock,
        )
        self._budget = RetryBudget(settings.resilience.retry_budget)
        self._keyring = Keyring(self.admin_key, self._clock)
        self._key_watch = KeyWatch(self._engine, self._keyring, self._clock)
        self._units = Units(
            self._engine, clock=self._clock, audit=self._audit, on_change=self._key_watch.catch_up
        )
        self._keys = Keys(
            self._engine,
            units=self._units,
            clock=self._clock,
            audit=self._audit,
            on_change=self._key_watch.catch_up,
        )
        self._directory = Directory(
            self._engine,
            clock=self._clock,
            audit=self._audit,
            secret=self._session_secret,
            rules=settings.identity,
            find_org=self._units.find_org,
        )
        self._refusals = Refusals(self._audit)
        self._records = Records(
            self._engine,
            self._clock,
            self._audit,
            settings.trust,
            secrets_folder=secrets_folder,
            retention_days=settings.ledger.retention_days,
            has_consent=self._has_consent,
            find=self._scan,
        )
        self._trust = Desk(
            new_room(settings.trust),
            self._clock,
            vault=self._records.conversations,
            secret=self._session_secret,
            ttl_s=settings.trust.conversation_ttl_s,
            max_conversations=settings.trust.max_conversations,
        )
        vault = WordVault(self._engine, words_secret)
        self._policy_watch = PolicyWatch(self._engine, self._trust, vault, settings.trust)
        self._policies = PolicyBook(
            self._engine,
            self._clock,
            self._audit,
            vault=vault,
            read_settings=lambda: self.settings.trust,
            find_scanner=self._trust.find_scanner,
            on_change=self._policy_watch.catch_up,
        )
        self._closing: set[asyncio.Task[None]] = set()
        self.watcher = ConfigWatcher(
            config_path,
            environ,
            self._apply,
            current=settings,
            clock=self._clock,
            on_outcome=self._record_reload,
        )
        self._config_path = config_path
        self._road: Road | None = None
        self._root: Root | None = None

    @property
    def asgi(self) -> AsgiApp:
        """The ASGI application; there after `start`."""
        if self._root is None:
            raise RuntimeError("call start() first")
        return self._root

    def list_models(self) -> list[str]:
        """Names clients may ask for; there after `start`."""
        return [] if self._road is None else [model.id for model in self._road.rules.table.list_models()]

    async def start(self) -> None:
        """Bring the database up to date, start the ledger and the embedded model, and wire the road."""
        self._engine.migrate()
        newest = LedgerReader(self._engine).list_calls(limit=1)
        self._retention_clock.begin(newest[0].started_at_ns if newest else None)
        self._ledger.start()
        self._audit.start()
        self._audit.record(_own_act("naru.start", version=__version__))
        self._key_watch.start()
        self._records.start()
        self._policy_watch.start()
        await self._directory.start()
        await self._quota.start()
        await self._start_local(self.settings.local)
        self._road = Road(
            self._rules(self.settings, _build_providers(self.settings), PriceBook.load(self.settings.prices)),
            keyring=self._keyring,
            ledger=self._ledger,
            budget=self._budget,
            quota=self._quota,
            is_audit_full=lambda: self._audit.is_full,
            refusals=self._refusals,
            trust=self._trust,
            capture=Capture(self._trust, self._records.captures.put),
            reviews=self._records.review_queue,
            feedback=FeedbackDoor(
                self._records.feedback,
                find_call=LedgerReader(self._engine).find_call,
                flush=self._ledger.flush,
            ),
        )
        context = self._context(self._road)
        self._root = Root(
            gateway=Gateway(self._road),
            control=create_control_app(context),
            context=context,
            find_unready=self._find_unready,
        )
        self.watcher.start()

    async def stop(self) -> None:
        """Stop everything; every call that was answered is in the ledger afterwards."""
        await self.watcher.stop()
        if self.local is not None:
            await self.local.stop()
        for _, transport in self._transports.values():
            await transport.close()
        for task in list(self._closing):
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._quota.stop()
        await self._ledger.stop()
        await self._quota.close()
        self._trust.close()
        await self._records.stop()
        await asyncio.to_thread(self._key_watch.stop)
        await asyncio.to_thread(self._policy_watch.stop)
        await self._directory.stop()
        if self._audit.is_started:
            self._refusals.close()
            self._audit.record(_own_act("naru.stop"))
        await self._audit.stop()
        self._engine.close()

    async def _start_local(self, settings: Local) -> None:
        self.local, self.local_reason = None, ""
        if not settings.is_enabled:
            return
        can_run, self.local_reason = is_available(settings)
        if can_run:
            self.local = LocalModel(settings)
            await self.local.start()

    async def _apply(self, settings: Settings) -> None:
        """Make new settings the running ones. Calls in flight end with those they began with."""
        assert self._road is not None
        # First what can fail (credentials that are not there), then what changes anything.
        providers = _build_providers(settings)
        prices = PriceBook.load(settings.prices)
        old, self.settings = self.settings, settings
        await asyncio.to_thread(self._directory.configure, settings.identity)
        if settings.local != old.local:
            if self.local is not None:
                await self.local.stop()
            await self._start_local(settings.local)
        resilience = settings.resilience
        self._circuits.configure(failures=resilience.breaker_failures, open_s=resilience.breaker_open_s)
        self._budget.configure(resilience.retry_budget)
        self._records.configure(settings.trust)
        self._policy_watch.configure(settings.trust)
        self._road.rules = self._rules(settings, providers, prices)

    def _record_reload(self, changed: Sequence[str], error: NaruError | None) -> None:
        """Names of fields alone: values may be secrets."""
        self._audit.record(
            _own_act(
                "config.reload",
                "done" if error is None else "denied",
                changed=", ".join(changed),
                line=error.line if isinstance(error, ConfigError) else None,
            )
        )

    def _rules(self, settings: Settings, providers: dict[str, Provider], prices: PriceBook) -> Rules:
        resilience = settings.resilience
        self._providers = providers
        upstreams = {
            name: self._upstream(name, provider, settings, settings.providers[name])
            for name, provider in providers.items()
        }
        models: dict[str, tuple[tuple[str, ...], str]] = {}
        if self.local is not None:
            provider = LocalProvider(self.local, _LOCAL)
            self._providers[_LOCAL] = provider
            upstreams[_LOCAL] = self._upstream(_LOCAL, provider, settings, None)
            models[self.local.name] = ((f"{_LOCAL}/{self.local.name}",), "The embedded model.")
        for name, model in settings.models.items():
            # `local/...` is a valid target on a machine that cannot run the embedded model.
            targets = tuple(t for t in model.targets if t.partition("/")[0] in upstreams)
            if targets:
                models[name] = (targets, model.description)
            else:
                _log.warning("model %s has no target on this machine: %s", name, self.local_reason)
        table = RouteTable(upstreams, models, self._circuits)
        self._close_unused(set(upstreams))
        return Rules(
            table=table,
            prices=prices,
            retries=RetryRules(
                max_retries=resilience.max_retries,
                base_s=resilience.retry_base_s,
                max_s=resilience.retry_max_s,
            ),
            max_body_bytes=settings.server.max_body_bytes,
            max_concurrent_calls=settings.server.max_concurrent_calls,
            default_output_tokens=settings.quota.default_output_tokens,
        )

    def _upstream(
        self, name: str, provider: Provider, settings: Settings, own: ProviderSettings | None
    ) -> Upstream:
        resilience = settings.resilience
        connect_s = (own and own.connect_timeout_s) or resilience.connect_timeout_s
        transport = self._transport(name, own, connect_s)
        return Upstream(
            provider=provider,
            transport=transport,
            redactor=Redactor(provider.secrets),
            timeouts=Timeouts(
                first_token_s=(own and own.first_token_timeout_s) or resilience.first_token_timeout_s,
                idle_s=(own and own.idle_timeout_s) or resilience.idle_timeout_s,
                total_s=resilience.total_timeout_s,
            ),
            allowed_models=own.models if own is not None else (),
        )

    def _transport(self, name: str, own: ProviderSettings | None, connect_s: float) -> Transport:
        """The connections to an upstream; a reload that does not touch it keeps them open."""
        known = self._transports.get(name)
        if known is not None and known[0] == own and known[1].connect_timeout_s == connect_s:
            return known[1]
        if known is not None:
            self._close_later(known[1])
        transport = Transport(
            connect_timeout_s=connect_s, max_connections=own.max_connections if own is not None else 64
        )
        self._transports[name] = (own, transport)
        return transport

    def _close_unused(self, used: set[str]) -> None:
        for name in set(self._transports) - used:
            self._close_later(self._transports.pop(name)[1])

    def _close_later(self, transport: Transport) -> None:
        """Close replaced connections once no call can be on them any more."""
        delay_s = self.settings.resilience.total_timeout_s + _DRAIN_S

        async def close() -> None:
            try:
                await asyncio.sleep(delay_s)
            finally:
                await transport.close()

        task = asyncio.create_task(close(), name="naru-close-transport")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _find_unready(self) -> str:
        if self.local is not None and self.local.state in ("starting", "restarting"):
            return "the embedded model is loading"
        if self._audit.is_full:
            return "the audit log is behind"
        return "the ledger is behind" if self._ledger.is_full else ""

    def _context(self, road: Road) -> ControlContext:
        def models() -> list[ModelInfo]:
            return [
                ModelInfo(
                    id=m.id, targets=m.targets, provider=m.provider, site=m.site, description=m.description
                )
                for m in road.rules.table.list_models()
            ]

        def status() -> StatusInfo:
            error = self.watcher.last_error
            return StatusInfo(
                uptime_s=time.monotonic() - self._started_at,
                in_flight=road.in_flight,
                ledger_pending=self._ledger.pending,
                ledger_written=self._ledger.written,
                config_path=str(self._config_path) if self._config_path.exists() else None,
                config_loaded_at_ns=self.watcher.loaded_at_ns,
                config_error=error.message if error is not None else None,
            )

        return ControlContext(
            ledger=LedgerReader(self._engine),
            units=self._units,
            budgets=self._budgets,
            policies=self._policies,
            records=self._records,
            report_spending=self._quota.report,
            keys=self._keys,
            directory=self._directory,
            audit=self._audit,
            audit_log=self._audit,
            models=models,
            providers=self._provider_infos,
            status=status,
            settings_redacted=self._settings_redacted,
            public_url=lambda: self.settings.server.public_url,
            verify_admin_key=self._is_admin_key,
            # With the key in it, a new admin key signs everybody out.
            session_secret=self._session_secret + self.admin_key.encode(),
            version=__version__,
            clock=self._clock,
            # Anyone who reaches the sign-in page reads this: no absolute path of the machine.
            admin_key_hint="HOME/admin.key" if self.home.is_absolute() else str(self.admin_key_path),
        )

    def _has_consent(self, org: str | None, team: str | None, project: str | None) -> bool:
        return self._trust.room.table.resolve(org, team, project, None, "").capture_consent

    def _scan(self, text: str) -> Sequence[Entity]:
        return self._trust.room.scanner.scan(text)

    def _is_admin_key(self, key: str) -> bool:
        principal = self._keyring.find(key.encode())
        return principal is not None and principal.is_admin

    def _settings_redacted(self) -> dict[str, object]:
        # pydantic writes every SecretStr as stars. Operators put credentials into headers, too.
        return self.settings.model_dump(
            mode="json", exclude={"providers": {"__all__": {"base_url", "headers"}}}
        )

    def _provider_infos(self) -> list[ProviderInfo]:
        infos = []
        for name, provider in self._providers.items():
            circuits = self._circuits.of_provider(name).values()
            states = {circuit.state for circuit in circuits}
            worst = next((s for s in ("open", "half_open") if s in states), "closed")
            errors = [c.last_error_code for c in circuits if c.last_error_code is not None]
            infos.append(
                ProviderInfo(
                    name=name,
                    kind=provider.kind,
                    site=provider.site,
                    circuit=worst,
                    last_error_code=errors[-1] if errors else None,
                    retention=provider.retention,
                    retention_flags=list_flags(provider.kind, provider.retention),
                )
            )
        return infos


def _own_act(action: str, outcome: Outcome = "done", **facts: str | int | None) -> AuditEvent:
    """What a process does by itself."""
    host = f"process:{socket.gethostname()}/{os.getpid()}"
    return AuditEvent(action=action, actor="naru", target=host, outcome=outcome, facts=facts)


def _build_providers(settings: Settings) -> dict[str, Provider]:
    return {name: build_provider(name, own) for name, own in settings.providers.items()}
