"""Two processes of Naru behind a load balancer are one Naru: what one is asked, the other answers for."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.integration.replicas.conftest import call, until_stopped
from tests.services import PASSWORD

pytestmark = [pytest.mark.service, pytest.mark.timeout(120)]


async def test_both_serve_and_write_one_ledger(cluster, balancer):
    """300 calls at once through the balancer, streams among them: both serve, and each has its row."""
    async with cluster.client(balancer.port, max_retries=0) as client:
        ids = await asyncio.gather(*(call(client, is_stream=n % 3 == 0) for n in range(300)))
    written = await cluster.wait_written(set(ids))
    assert len(set(ids)) == len(written) == 300
    assert set(written.values()) == {"ok"}
    assert set(balancer.served) == set(balancer.ports)


async def test_a_stopped_replica_loses_no_call(cluster, balancer):
    """SIGTERM in the middle of the load, as an update does it: every call is answered, each has its row."""
    ids: list[str] = []
    stop = asyncio.Event()
    async with cluster.client(balancer.port) as client, asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(until_stopped(client, stop, ids))
        first = cluster.replicas[0]
        while len(ids) < 100:  # noqa: ASYNC110 - a count of other tasks
            await asyncio.sleep(0.01)
        first.send(signal.SIGTERM)
        assert await first.wait() == 0
        ended_at = len(ids)
        while len(ids) < ended_at + 100:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        stop.set()
    written = await cluster.wait_written(set(ids))
    assert {written[id] for id in ids} == {"ok"}


async def test_a_killed_replica_leaves_the_other_serving(cluster, balancer):
    """kill -9 in the middle: clients that try again are answered, and what the other served has its rows."""
    ids: list[str] = []
    stop = asyncio.Event()
    async with cluster.client(balancer.port) as client, asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(until_stopped(client, stop, ids))
        while len(ids) < 100:  # noqa: ASYNC110 - a count of other tasks
            await asyncio.sleep(0.01)
        cluster.replicas[0].send(signal.SIGKILL)
        await cluster.replicas[0].wait()
        ended_at = len(ids)
        while len(ids) < ended_at + 100:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        stop.set()
    after = set(ids[ended_at + 16 :])  # calls that began when one was left
    written = await cluster.wait_written(after)
    assert {written[id] for id in after} == {"ok"}


async def test_a_restart_of_the_database_loses_no_call(cluster, balancer, http, postgres_server):
    """PostgreSQL stops and comes back under load: every call is answered, the rows wait for it, and what
    needs it meanwhile (the API) says 503 and never 500."""
    ids: list[str] = []
    stop = asyncio.Event()
    statuses: set[int] = set()

    async def ask_api() -> None:
        while not stop.is_set():
            url = f"http://127.0.0.1:{balancer.port}/api/calls"
            async with http.get(url, headers={"authorization": f"Bearer {cluster.key}"}) as response:
                statuses.add(response.status)
                assert PASSWORD not in await response.text()
            await asyncio.sleep(0.05)

    async with cluster.client(balancer.port, max_retries=0) as client, asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(until_stopped(client, stop, ids))
        group.create_task(ask_api())
        for count, act in ((50, postgres_server.stop), (250, postgres_server.start), (350, None)):
            while len(ids) < count or (act is None and statuses != {200, 503}):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            if act is not None:
                await asyncio.to_thread(act)
        stop.set()
    assert statuses == {200, 503}
    written = await cluster.wait_written(set(ids))
    assert {written[id] for id in ids} == {"ok"}
    logs = "".join(replica.log.read_text() for replica in cluster.replicas)
    assert "the ledger cannot be written" in logs
    assert PASSWORD not in logs


async def test_new_settings_reach_both(cluster, balancer, http):
    """One naru.toml, changed once: each replica serves by it, and none was restarted."""
    text = cluster.config.read_text()
    cluster.config.write_text(f'{text}\n[models.new]\ntargets = ["scripted/gpt-4o-mini"]\n')

    async def lists_new(port: int) -> bool:
        headers = {"authorization": f"Bearer {cluster.key}"}
        async with http.get(f"http://127.0.0.1:{port}/v1/models", headers=headers) as response:
            return "new" in {model["id"] for model in (await response.json())["data"]}

    async with asyncio.timeout(15):
        for replica in cluster.replicas:
            while not await lists_new(replica.port):  # noqa: ASYNC110 - another process decides
                await asyncio.sleep(0.05)


async def test_a_session_of_one_is_good_at_the_other(cluster, balancer, http):
    """Whoever signed in at one replica is signed in at all of them: they share key and signing secret."""
    one, other = (f"http://127.0.0.1:{replica.port}" for replica in cluster.replicas)
    form = {"key": cluster.key}
    async with http.post(f"{one}/login", data=form, headers={"origin": one}, allow_redirects=False) as answer:
        assert answer.status == 303
    for base in (one, other):
        async with http.get(f"{base}/api/calls") as answer:
            assert answer.status == 200
    http.cookie_jar.clear()
    async with http.get(f"{other}/api/calls") as answer:
        assert answer.status == 401


async def test_many_start_at_once_on_an_empty_database(cluster):
    """Four at the same moment: one builds the tables and makes the key, the others wait and use them."""
    replicas = await cluster.start(4)
    for replica in replicas:
        async with cluster.client(replica.port, max_retries=0) as client:
            await call(client)
    assert len({replica.port for replica in replicas}) == 4


async def test_a_wrong_password_is_told_without_it(cluster):
    """It ends with one line for the operator; neither password is in it."""
    cluster.environ["NARU_DATABASE_URL"] = cluster.database_url.replace(PASSWORD, "wrong-and-secret")
    with pytest.raises(AssertionError, match="refuses the password") as caught:
        await cluster.start(1)
    assert "wrong-and-secret" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert await cluster.replicas[0].wait() == 2
