"""A policy or a dictionary set by API holds on the road: here at once, elsewhere within two seconds."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.audit import NoAudit
from naru.kernel.clock import SystemClock
from naru.settings.model import Trust
from naru.trust import Desk, new_room
from naru.trust.book import PolicyBook
from naru.trust.policy import Rules
from naru.trust.watch import PolicyWatch
from naru.trust.words import KEY_FILE, WordVault
from tests.integration.conftest import CONFIG

TEXT = "우리 고객은 나루상사이고 주민번호는 850101-1234567 입니다."
PROJECT = "/api/policies/project/proj_default"
WORDS = "/api/dictionaries/team/team_default/customers"


class House:
    """A Naru, its API, and a key of the default project."""

    def __init__(self, naru, http, secret: str) -> None:
        self.naru = naru
        self.http = http
        self.secret = secret

    async def api(self, method: str, path: str, **body) -> dict | None:
        url = f"{self.naru.base}{path}"
        async with self.http.request(method, url, json=body or None, headers=self.naru.headers) as answer:
            assert answer.status < 300, await answer.text()
            return None if answer.status == 204 else await answer.json()

    async def ask(self, text: str = TEXT) -> None:
        async with openai.AsyncOpenAI(
            base_url=f"{self.naru.base}/v1", api_key=self.secret, max_retries=0, timeout=15
        ) as client:
            messages = [{"role": "user", "content": text}]
            await client.chat.completions.create(model="openai/m", messages=messages)


@pytest.fixture
async def house(naru, http) -> House:
    async with http.post(f"{naru.base}/api/keys", json={"name": "k"}, headers=naru.headers) as answer:
        return House(naru, http, (await answer.json())["secret"])


def last(upstream) -> str:
    return json.dumps(json.loads(upstream.requests[-1].body), ensure_ascii=False)


async def test_a_policy_and_words_hold_when_the_answer_comes(house, upstream):
    """Blocked, let through, masked by a dictionary, and as before when all is taken away."""
    await house.ask()
    assert "850101" not in last(upstream)
    assert "나루상사" in last(upstream)
    await house.api("PUT", PROJECT, actions={"KR_RRN": "block"})
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await house.ask()
    assert caught.value.body["code"] == "blocked_by_policy"
    await house.api("PUT", PROJECT, actions={"KR_RRN": "allow"})
    await house.api("PUT", WORDS, terms=["나루상사"])
    await house.ask()
    assert "850101-1234567" in last(upstream)
    assert "<CUSTOM_CUSTOMERS_1>" in last(upstream)
    await house.api("DELETE", PROJECT)
    await house.api("DELETE", WORDS)
    await house.ask()
    assert "850101" not in last(upstream)
    assert "나루상사" in last(upstream)


async def test_a_reload_of_the_settings_keeps_what_is_stored(house, upstream):
    """naru.toml changes what holds for everybody; the project's own line stays above it."""
    await house.api("PUT", PROJECT, actions={"KR_RRN": "allow"})
    await house.api("PUT", WORDS, terms=["나루상사"])
    text = CONFIG.format(url=upstream.url) + '[trust.actions]\nKR_RRN = "block"\nPHONE = "block"\n'
    house.naru.config_path.write_text(text)
    async with asyncio.timeout(10):
        while house.naru.app.settings.trust.actions == {}:  # noqa: ASYNC110 - the watcher polls
            await asyncio.sleep(0.02)
    await house.ask()
    assert "850101-1234567" in last(upstream)
    assert "나루상사" not in last(upstream)
    with pytest.raises(openai.PermissionDeniedError):
        await house.ask("번호 010-2345-6789")


async def test_another_replica_follows_within_two_seconds(house, tmp_path):
    """One that shares the database and the secrets folder, and is told by nobody."""
    home = tmp_path / "home"
    engine = SqliteEngine(home / FILE_NAME)
    desk = Desk(new_room(Trust()), SystemClock())
    watch = PolicyWatch(engine, desk, WordVault(engine, (home / KEY_FILE).read_bytes()), Trust())
    watch.start()
    try:
        await house.api("PUT", PROJECT, actions={"KR_RRN": "block"})
        await house.api("PUT", WORDS, terms=["나루상사"])

        def follows() -> bool:
            found = desk.find_scanner("org_default", "team_default").scan("나루상사")
            policy = desk.room.table.resolve("org_default", "team_default", "proj_default", None, "")
            return policy.action_of("KR_RRN") == "block" and len(found) == 1

        async with asyncio.timeout(2):
            while not follows():  # noqa: ASYNC110 - it asks the database by itself
                await asyncio.sleep(0.02)
    finally:
        await asyncio.to_thread(watch.stop)
        desk.close()
        engine.close()


def test_a_watch_outlives_a_database_that_is_away(tmp_path, caplog):
    """What it knew holds; it says so once, and goes on when the database is back."""
    engine = SqliteEngine(tmp_path / "away" / FILE_NAME)
    engine.migrate()
    desk = Desk(new_room(Trust()), SystemClock())
    watch = PolicyWatch(engine, desk, WordVault(engine, b"k" * 32), Trust())
    book = PolicyBook(
        engine, SystemClock(), NoAudit(), vault=WordVault(engine, b"k" * 32), read_settings=Trust
    )
    book.set_policy("org", "o", Rules(actions={"IP": "block"}), org_id="o", actor="t")
    watch.refresh()
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE trust_revision RENAME TO away")
    watch.catch_up()
    assert desk.room.table.resolve("o", None, None, None, "").action_of("IP") == "block"
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO trust_revision")
    book.delete_policy("org", "o", org_id="o", actor="t")
    watch.catch_up()
    assert desk.room.table.resolve("o", None, None, None, "").action_of("IP") == "mask"
    assert [r.message for r in caplog.records if "policies" in r.message] != []
    desk.close()
    engine.close()
