"""The one place where money changes hands between processes: leases of a window, in one transaction.

A process reports what it spent, gives back what it does not need and asks for more. The window's row is
locked while that happens, so that spent + all leases never passes the limit, whoever asks at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.kernel.audit import AuditEvent
from naru.kernel.money import nano_from_usd
from naru.quota import store
from naru.quota.calendar import local_day
from naru.quota.models import Budget, TopUp, Window
from naru.quota.tables import budget_leases as leases
from naru.quota.tables import quota_replicas

_PERCENT = 100


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What one process says and wants about one window."""

    budget: Budget
    start_ns: int
    end_ns: int
    spent: int
    """Everything this process ever spent in the window; the bank knows how much of it is news."""
    unknown: int
    overrun: int = 0
    """News only, as the count below."""
    overruns: int = 0
    reserved: int
    kept: int
    """Unreserved, and kept by the process. Below zero after an over-run."""
    offered: int = 0
    """Unreserved, and out of the process's hands until the bank has answered."""
    need: int = 0
    """What waits for money, all together; 0 asks for none."""
    least: int = 0
    """The smallest call that waits."""
    wish: int = 0
    """A useful size of slice."""
    is_refill: bool = False
    """Calls still find enough; more would keep them from waiting."""
    is_idle: bool = False
    """Nobody used the slice lately: what is offered goes back."""
    is_closing: bool = False
    """The last word on this window: nothing is reserved and nothing more will be."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The bank's answer to one Ask."""

    granted: int
    """Unreserved money the process may use from now on, beyond what it kept."""
    is_denied: bool
    """Not even the smallest waiting call could be paid."""
    elsewhere: int
    """Unreserved money in other processes' leases, which may come back."""
    left: int
    """In nobody's lease."""
    is_shared: bool
    """Other processes hold leases of this window, too."""
    until_ns: int
    """Use the slice no longer than this without asking again."""


class Spent(msgspec.Struct, frozen=True):
    """What a journal knows of a window: everything charged, and the share of it that nobody could confirm."""

    nano: int
    unknown: int


class Bank:
    """Leases of all windows in one database. Every method blocks; call it from a thread.

    Args:
        engine: the database.
        ttl_ns: how long a lease stands without a word from its owner.
    """

    def __init__(self, engine: SqlEngine, *, ttl_ns: int) -> None:
        self._engine = engine
        self._ttl_ns = ttl_ns

    def exchange(self, owner: str, asks: Iterable[Ask], now_ns: int) -> tuple[list[Grant], list[AuditEvent]]:
        """Settle up with one process about several windows, all or none of it."""
        grants: list[Grant] = []
        events: list[AuditEvent] = []
        with self._engine.begin() as connection:
            # The same order in every process: two that ask for the same windows must not lock crosswise.
            ordered = sorted(enumerate(asks), key=lambda item: (item[1].budget.id, item[1].start_ns))
            answers = {n: self._answer(connection, owner, ask, now_ns, events) for n, ask in ordered}
            grants = [answers[n] for n in range(len(answers))]
        return grants, events

    def _answer(
        self, connection: sa.Connection, owner: str, ask: Ask, now_ns: int, events: list[AuditEvent]
    ) -> Grant:
        window = open_window(connection, ask.budget, ask.start_ns, ask.end_ns)
        top_ups = store.list_top_ups(connection, ask.budget.id, ask.start_ns)
        mine, others = _read_leases(connection, window, owner)
        expired = [lease for lease in others if lease.expires_at_ns < now_ns]
        reported, reported_unknown = (
            (mine.reported_nano, mine.reported_unknown_nano) if mine is not None else (0, 0)
        )
        window = msgspec.structs.replace(
            window,
            spent_nano=window.spent_nano + ask.spent - reported,
            unknown_nano=window.unknown_nano + ask.unknown - reported_unknown,
            overrun_nano=window.overrun_nano + ask.overrun,
            overruns=window.overruns + ask.overruns,
        )
        held = max(0, ask.reserved + ask.kept)
        limit = store.limit_of(window, top_ups, now_ns)
        left = limit - window.spent_nano - held - sum(lease.amount_nano for lease in others)
        elsewhere = sum(
            max(0, lease.amount_nano - lease.reserved_nano) for lease in others if lease not in expired
        )
        granted, is_denied = _share(ask, left, len(others) - len(expired))
        if is_denied and not elsewhere and window.stopped_at_ns is None:
            window = msgspec.structs.replace(window, stopped_at_ns=now_ns)
            events.append(_event("budget.stop", ask.budget, window))
        elif window.stopped_at_ns is not None and ask.need and not is_denied:
            window = msgspec.structs.replace(window, stopped_at_ns=None)
        window = _warn(ask.budget, window, events)
        store.update_window(connection, window)
        amount = held + granted
        # More is spent and held than there is, since the limit sank. What calls give back must not pay for
        # others then, so each is asked about.
        until_ns = now_ns if left < 0 else _usable_until(ask.end_ns, top_ups, now_ns, self._ttl_ns)
        _write_lease(connection, owner, ask, mine is not None, amount, now_ns + self._ttl_ns)
        return Grant(
            granted=granted,
            is_denied=is_denied,
            elsewhere=elsewhere,
            left=left - granted,
            is_shared=len(others) > len(expired),
            until_ns=until_ns,
        )

    def renew(self, owner: str, now_ns: int) -> tuple[int, int]:
        """Keep every lease of a process, and its name among the living.

        Returns:
            Its place among the replicas that are alive, and how many there are.
        """
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(leases).where(leases.c.owner == owner).values(expires_at_ns=now_ns + self._ttl_ns)
            )
            c = quota_replicas.c
            seen = sa.update(quota_replicas).where(c.owner == owner).values(seen_at_ns=now_ns)
            if not connection.execute(seen).rowcount:
                connection.execute(sa.insert(quota_replicas).values(owner=owner, seen_at_ns=now_ns))
            connection.execute(sa.delete(quota_replicas).where(c.seen_at_ns < now_ns - 2 * self._ttl_ns))
            alive = sa.select(c.owner).where(c.seen_at_ns >= now_ns - self._ttl_ns).order_by(c.owner)
            owners = list(connection.execute(alive).scalars())
            return owners.index(owner), len(owners)

    def leave(self, owner: str) -> None:
        """A process ends in good order, with every lease settled."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(quota_replicas).where(quota_replicas.c.owner == owner))

    def reconcile(
        self, owner: str, spent: Mapping[tuple[str, int], Spent], *, is_complete: bool
    ) -> dict[tuple[str, int], int]:
        """Close every lease of a process that is gone, with what its journal says it spent.

        Args:
            spent: by budget and window start.
            is_complete: False when the journal may lack its last lines (the machine itself went down): then
                the whole lease counts as spent.

        Returns:
            By window, what was added to its spending. Running it again changes nothing.
        """
        added: dict[tuple[str, int], int] = {}
        with self._engine.begin() as connection:
            query = sa.select(leases).where(leases.c.owner == owner)
            for lease in connection.execute(
                query.order_by(leases.c.budget_id, leases.c.window_start_ns)
            ).all():
                key = (lease.budget_id, lease.window_start_ns)
                window = store.find_window(connection, *key, is_locked=True)
                assert window is not None
                known = spent.get(key, Spent(lease.reported_nano, lease.reported_unknown_nano))
                news = known.nano - lease.reported_nano
                unknown = known.unknown - lease.reported_unknown_nano
                if not is_complete and news < lease.amount_nano:
                    unknown += lease.amount_nano - news
                    news = lease.amount_nano
                store.update_window(
                    connection,
                    msgspec.structs.replace(
                        window,
                        spent_nano=window.spent_nano + news,
                        unknown_nano=window.unknown_nano + unknown,
                    ),
                )
                connection.execute(
                    sa.delete(leases).where(
                        leases.c.owner == owner,
                        leases.c.budget_id == key[0],
                        leases.c.window_start_ns == key[1],
                    )
                )
                added[key] = news
            connection.execute(sa.delete(quota_replicas).where(quota_replicas.c.owner == owner))
        return added

    def list_expired(self, now_ns: int) -> set[str]:
        """Owners of leases that nobody renewed."""
        with self._engine.connect() as connection:
            query = sa.select(leases.c.owner).where(leases.c.expires_at_ns < now_ns).distinct()
            return set(connection.execute(query).scalars())


def open_window(connection: sa.Connection, budget: Budget, start_ns: int, end_ns: int) -> Window:
    """The window, locked; opened at the exchange rate of its first day when it is new."""
    window = store.find_window(connection, budget.id, start_ns, is_locked=True)
    if window is not None:
        return window
    usd_per_unit = store.find_rate(connection, budget.currency, local_day(start_ns, budget.time_zone))
    assert usd_per_unit is not None, "a budget in a currency without a rate is refused when it is created"
    amount_nano = nano_from_usd(budget.amount * usd_per_unit)
    store.insert_window(
        connection,
        Window(
            budget_id=budget.id,
            start_ns=start_ns,
            end_ns=end_ns,
            amount_nano=amount_nano,
            stop_nano=stop_nano(amount_nano, budget.stop_percent),
            usd_per_unit=usd_per_unit,
        ),
    )
    window = store.find_window(connection, budget.id, start_ns, is_locked=True)
    assert window is not None
    return window


def stop_nano(amount_nano: int, stop_percent: int | None) -> int | None:
    """Where spending stops; rounded down, so that it is never more than the share that was set."""
    return None if stop_percent is None else amount_nano * stop_percent // _PERCENT


def _share(ask: Ask, left: int, others: int) -> tuple[int, bool]:
    """How much of what is left goes to this process, and whether it is refused.

    A slice is at most a share of what is left, so that slices shrink towards the end of a budget and no
    process sits on money that another one needs.
    """
    if ask.is_closing or ask.is_idle:
        return 0, False
    if ask.is_refill:
        return min(max(ask.wish, ask.offered), max(0, left) // (2 * (others + 1))), False
    if not ask.need:
        # Offered while others may be short: the rest goes back to all.
        return min(ask.offered, max(0, left) // (others + 1)), False
    if left < ask.least:
        return 0, True
    fair = left // (2 * (others + 1))
    return min(left, max(ask.need, min(ask.wish, fair))), False


def _usable_until(end_ns: int, top_ups: list[TopUp], now_ns: int, ttl_ns: int) -> int:
    """A third of the lease's time is kept for clocks that differ and for a database that hesitates."""
    ends = [t.expires_at_ns for t in top_ups if t.expires_at_ns > now_ns]
    return min(now_ns + ttl_ns * 2 // 3, end_ns, *ends)


def _read_leases(
    connection: sa.Connection, window: Window, owner: str
) -> tuple[sa.Row[tuple[object, ...]] | None, list[sa.Row[tuple[object, ...]]]]:
    query = sa.select(leases).where(
        leases.c.budget_id == window.budget_id, leases.c.window_start_ns == window.start_ns
    )
    rows = connection.execute(query).all()
    mine = next((row for row in rows if row.owner == owner), None)
    return mine, [row for row in rows if row.owner != owner]


def _write_lease(
    connection: sa.Connection, owner: str, ask: Ask, is_known: bool, amount: int, expires_at_ns: int
) -> None:
    where = sa.and_(
        leases.c.budget_id == ask.budget.id,
        leases.c.window_start_ns == ask.start_ns,
        leases.c.owner == owner,
    )
    if ask.is_closing:
        connection.execute(sa.delete(leases).where(where))
        return
    values = {
        "amount_nano": amount,
        "reserved_nano": ask.reserved,
        "reported_nano": ask.spent,
        "reported_unknown_nano": ask.unknown,
        "expires_at_ns": expires_at_ns,
    }
    if is_known:
        connection.execute(sa.update(leases).where(where).values(**values))
    else:
        connection.execute(
            sa.insert(leases).values(
                budget_id=ask.budget.id, window_start_ns=ask.start_ns, owner=owner, **values
            )
        )


def _warn(budget: Budget, window: Window, events: list[AuditEvent]) -> Window:
    """One event for each threshold in each window, whichever process passes it."""
    passed = [
        percent
        for percent in budget.warn_percents
        if percent > window.warned_percent and window.spent_nano * _PERCENT >= window.amount_nano * percent
    ]
    if not passed:
        return window
    window = msgspec.structs.replace(window, warned_percent=max(passed))
    events.append(_event("budget.warn", budget, window))
    return window


def _event(action: str, budget: Budget, window: Window) -> AuditEvent:
    return AuditEvent(
        action=action,
        actor="naru",
        target=f"budget:{budget.id}",
        facts={
            "spent_nano_usd": window.spent_nano,
            "amount_nano_usd": window.amount_nano,
            "window_start_ns": window.start_ns,
            **({"percent": window.warned_percent} if action == "budget.warn" else {}),
        },
    )
