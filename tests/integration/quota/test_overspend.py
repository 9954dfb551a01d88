"""Every way a call can cost, all at once, against budgets in every scope: none pays a nano too much."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import AsyncExitStack

import aiohttp
import pytest

from naru.identity import ADMIN_KEY, KeyScope
from naru.kernel.audit import NoAudit
from naru.kernel.clock import SystemClock
from naru.metering import LedgerReader
from naru.quota import BudgetBook, Scope
from tests.integration.quota.conftest import BODY, CONFIG, COST, TOKENS, new_budget
from tests.integration.quota.test_crash import spawned, wait_for

INPUT = 40
EMBED = {"model": "first/embedder", "input": "x" * 80}
"""Reserves for more tokens than the upstream will count."""
WAYS = ("whole", "stream", "retry", "fallback", "embeddings", "leave")
LIMITS = {"project": 100, "team": 130, "org": 160, "tag": 190, "key": 70}
"""In calls. Two keys of 70: the project's hundred is what decides."""
EXPECTED = {
    (200, None),
    (429, "insufficient_quota"),
    (503, "upstream_reset"),
    (499, None),
    (503, "budget_unavailable"),  # a machine too busy to ask in time refuses; it never guesses
}


class Tree:
    """An organisation with one team, one project and two keys, and a budget on each of them and on a tag."""

    def __init__(self, scopes: dict[str, Scope], secrets: list[str]) -> None:
        self.scopes = scopes
        self.secrets = secrets
        self.budgets: dict[str, str] = {}

    async def set_budgets(self, book: BudgetBook) -> None:
        for name, scope in self.scopes.items():
            budget = new_budget(LIMITS[scope.kind] * COST, scope=scope, period="month")
            made = await asyncio.to_thread(book.create_budget, budget, actor="test")
            self.budgets[name] = made.id


def plant(units, keys) -> Tree:
    """Blocks."""
    org, _ = units.create(ADMIN_KEY, "org", "acme")
    team, _ = units.create(ADMIN_KEY, "team", "search", parent=org.id)
    project, _ = units.create(ADMIN_KEY, "project", "bot", parent=team.id)
    scope = KeyScope(tags={"env": "prod"})
    issued = [keys.create(ADMIN_KEY, name, project=project.id, scope=scope) for name in ("one", "other")]
    scopes = {
        "org": Scope("org", org.id),
        "team": Scope("team", team.id),
        "project": Scope("project", project.id),
        "tag": Scope("tag", "env=prod"),
        "one": Scope("key", issued[0].key.id),
        "other": Scope("key", issued[1].key.id),
    }
    return Tree(scopes, [made.secret for made in issued])


async def storm(
    base: str, secrets: list[str], count: int, *, seed: int = 1, model: str = "round"
) -> list[tuple[str, int]]:
    """`count` calls at once, of every way by turns; way and status of each, 0 where nothing came back."""
    random_ = random.Random(seed)
    connector = aiohttp.TCPConnector(limit=300)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one(number: int) -> tuple[str, int]:
            way = WAYS[number % len(WAYS)]
            body = dict(EMBED if way == "embeddings" else BODY)
            path = "embeddings" if way == "embeddings" else "chat/completions"
            if way != "embeddings":
                body["model"] = {"retry": f"broken/{model}", "fallback": "chain"}.get(way, f"first/{model}")
            body["stream"] = way == "stream" or (way == "leave" and number % 2 == 0)
            headers = {"authorization": f"Bearer {secrets[number // len(WAYS) % len(secrets)]}"}
            patience = random_.uniform(0.005, 0.2) if way == "leave" else 60
            try:
                async with asyncio.timeout(patience):
                    async with session.post(f"{base}/v1/{path}", json=body, headers=headers) as answer:
                        await answer.read()
                        return way, answer.status
            except (TimeoutError, aiohttp.ClientError):
                return way, 0

        return await asyncio.gather(*(one(number) for number in range(count)))


def charged(calls, scope: Scope) -> int:
    """What the ledger says the calls of a scope cost."""

    def counts(call) -> bool:
        if scope.kind == "tag":
            return f"env={call.tags.get('env')}" == scope.value
        return getattr(call, "key_id" if scope.kind == "key" else scope.kind) == scope.value

    return sum(a.cost.nano_usd or 0 for call in calls if counts(call) for a in call.attempts)


def check_books(book: BudgetBook, tree: Tree, calls) -> None:
    """In every scope: spent + reserved + left = limit, nothing over, and the ledger says the same."""
    for name, scope in tree.scopes.items():
        standing = book.read_budget(tree.budgets[name])
        limit = LIMITS[scope.kind] * COST
        assert standing.limit_nano == limit
        assert standing.window.spent_nano + standing.reserved_nano + standing.left_nano == limit, name
        assert (standing.reserved_nano, standing.lost_nano) == (0, 0), name
        assert 0 <= standing.window.spent_nano <= limit, name
        assert (standing.window.overruns, standing.window.overrun_nano) == (0, 0), name
        assert charged(calls, scope) == standing.window.spent_nano, name


def count_of(upstream, model: bytes) -> int:
    return sum(model in request.body for request in upstream.requests)


def really_spent(upstream) -> int:
    """What the upstream would put on its bill, if it finished all it was asked for."""
    embeddings = sum(request.path.endswith("/embeddings") for request in upstream.requests)
    return (len(upstream.requests) - embeddings) * COST + embeddings * INPUT * 1000


async def test_a_thousand_calls_of_every_way_overspend_nothing(launch, upstream):
    """Whole, streamed, retried, fallen back, embeddings and clients that leave: the project's budget pays
    for a hundred, and at no moment is more than that spent or reserved in it."""
    naru = await launch(retries=1)
    upstream.script(output_tokens=TOKENS, input_tokens=INPUT, delay_headers_ms=15)
    tree = await asyncio.to_thread(plant, naru.app._units, naru.app._keys)
    await tree.set_budgets(naru.app._budgets)
    await naru.app._quota.report()
    book = naru.app._budgets
    seen = []

    async def watch() -> None:
        while True:
            for name, id in tree.budgets.items():
                standing = await asyncio.to_thread(book.read_budget, id)
                if standing.window is not None:
                    seen.append((name, standing))
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    answers = await storm(naru.base, tree.secrets, 1002)
    watching.cancel()
    await upstream.wait_idle()
    async with asyncio.timeout(10):
        while naru.app._road.in_flight:  # noqa: ASYNC110 - calls whose client left end by themselves
            await asyncio.sleep(0.01)
    await naru.app._quota.report()
    for name, standing in seen:
        limit = LIMITS[tree.scopes[name].kind] * COST
        assert standing.window.spent_nano + standing.reserved_nano <= limit, name
        assert standing.left_nano >= 0
    calls = await naru.calls()
    await asyncio.to_thread(check_books, book, tree, calls)
    assert really_spent(upstream) <= LIMITS["project"] * COST
    served = {way for way, status in answers if status == 200}
    assert served >= {"whole", "stream", "embeddings"}
    assert {(call.http_status, call.error_code) for call in calls} <= EXPECTED
    # What calls gave back after the others had been refused pays for some more, to the last. A client that
    # leaves in such a round gives back again, so it takes a few.
    statuses = set()
    for _ in range(10):
        statuses |= {status for _, status in await storm(naru.base, tree.secrets, 60)}
        await upstream.wait_idle()
        await naru.app._quota.report()
        project = await asyncio.to_thread(book.read_budget, tree.budgets["project"])
        if project.left_nano < COST:
            break
    assert 429 in statuses
    assert project.left_nano < COST, "not a call's worth was left lying"
    assert really_spent(upstream) <= LIMITS["project"] * COST
    assert project.window.unknown_nano > 0, "what nobody could confirm counts as spent"


@pytest.mark.service
@pytest.mark.timeout(180)
@pytest.mark.parametrize("dies", [False, True], ids=["nobody_dies", "one_is_killed"])
async def test_two_replicas_on_postgresql_overspend_nothing(
    tmp_path, postgres_server, upstream, broken, dies
):
    """The same at two replicas with homes of their own; kill -9 of one in the middle, which comes back."""
    from naru.engines.sql.postgres import PostgresEngine
    from naru.identity import Keys, Units

    url = postgres_server.create_database()
    (tmp_path / "url").write_text(url)
    config = CONFIG.format(url=upstream.url, broken=broken.url, retries=1) + (
        f'\n[quota]\nlease_ttl_s = 4\n\n[database]\nurl_file = "{tmp_path / "url"}"\n'
    )
    engine = PostgresEngine(url)
    engine.migrate()
    clock, audit = SystemClock(), NoAudit()
    units = Units(engine, clock=clock, audit=audit, on_change=lambda: None)
    keys = Keys(engine, units=units, clock=clock, audit=audit, on_change=lambda: None)
    book = BudgetBook(engine, clock, audit)
    tree = plant(units, keys)
    await tree.set_budgets(book)
    upstream.script(output_tokens=TOKENS, input_tokens=INPUT, delay_headers_ms=600 if dies else 20)
    homes = [tmp_path / name for name in ("one", "other")]
    for home in homes:
        home.mkdir()
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(spawned(homes[0], homes[0] / "home", config))
        async with spawned(homes[1], homes[1] / "home", config) as other:
            first = asyncio.create_task(storm(other.base, tree.secrets, 510, seed=3, model="victim"))
            await wait_for(lambda: count_of(upstream, b"victim") >= 4, "one is under way")
            second = asyncio.create_task(storm(one.base, tree.secrets, 510, seed=2))
            if dies:
                other.process.send_signal(signal.SIGKILL)
                await other.process.wait()
            await asyncio.gather(first, second)
        assert really_spent(upstream) <= LIMITS["project"] * COST
        if dies:
            async with spawned(homes[1], homes[1] / "home", config) as other:
                await asyncio.gather(
                    storm(one.base, tree.secrets, 240, seed=4), storm(other.base, tree.secrets, 240, seed=5)
                )
    assert really_spent(upstream) <= LIMITS["project"] * COST
    reader = LedgerReader(engine)
    calls = [reader.find_call(call.id) for call in reader.list_calls(limit=5000)]
    check_books(book, tree, calls)
    unknown = [call for call in calls if call.status == "unknown"]
    assert bool(unknown) is dies
    for call in unknown:
        assert call.cost.state == "unknown"
        assert call.cost.nano_usd == sum(attempt.cost.nano_usd or 0 for attempt in call.attempts) > 0
    assert all(list((home / "home" / "journal").iterdir()) == [] for home in homes)
    assert {(call.http_status, call.error_code) for call in calls} <= EXPECTED | {(0, "naru_stopped")}
    engine.close()
