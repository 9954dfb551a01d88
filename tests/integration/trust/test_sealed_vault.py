"""Named conversations in the sealed vault: they outlive a process, are shared, and can be shredded."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.integration.conftest import CONFIG, running
from tests.integration.trust.conftest import NAME, PROMPT, REPLY, RESTORED, find_in_folder, find_in_tables

TICKET = {"x-naru-conversation": "ticket-17"}
SEALED = CONFIG + '[trust]\nvault = "sealed"\n'


async def ask(naru, text, **headers):
    async with naru.openai() as client:
        answer = await client.chat.completions.create(
            model="openai/m", messages=[{"role": "user", "content": text}], extra_headers=headers or TICKET
        )
    return answer.choices[0].message.content


def last_sent(upstream) -> str:
    return json.loads(upstream.requests[-1].body)["messages"][-1]["content"]


async def test_a_conversation_outlives_the_process(upstream, tmp_path):
    """The second process gives the same placeholders, and restores what the first one masked."""
    upstream.script(reply=REPLY)
    config = SEALED.format(url=upstream.url)
    async with running(tmp_path, config) as naru:
        await ask(naru, "이름: 박서연, 연락처 010-9999-8888")
        await ask(naru, "이름: 김민수")
    assert last_sent(upstream) == "이름: <PERSON_2>"
    async with running(tmp_path, config) as naru:
        assert await ask(naru, "이름: 김민수") == REPLY.replace("<PERSON_1>은", "박서연은").replace(
            "<PHONE_1>", "010-9999-8888"
        )
        assert last_sent(upstream) == "이름: <PERSON_2>"
    assert find_in_folder(tmp_path / "home") == {}
    assert find_in_tables(tmp_path / "home" / "naru.db") == {}


async def test_an_answer_can_be_gone_on_from_after_a_restart(upstream, tmp_path):
    """The provider holds the history; the new process can restore the values of the old one."""
    upstream.script(reply=REPLY)
    config = SEALED.format(url=upstream.url)
    async with running(tmp_path, config) as naru, naru.openai() as client:
        first = await client.responses.create(model="openai/m", input=PROMPT)
        assert first.output_text == RESTORED
    async with running(tmp_path, config) as naru, naru.openai() as client:
        second = await client.responses.create(
            model="openai/m", input="이어서", previous_response_id=first.id
        )
        assert second.output_text == RESTORED
        third = await client.responses.create(
            model="openai/m", input="이어서", previous_response_id=second.id
        )
        assert third.output_text == RESTORED
        unknown = await client.responses.create(
            model="openai/m", input="이름: 박서연", previous_response_id="resp_of_another_time"
        )
        assert "박서연" not in unknown.output_text, "a placeholder of an unknown past is not ours"
    assert find_in_folder(tmp_path / "home") == {}


async def test_replicas_share_a_conversation_and_never_give_a_number_twice(upstream, tmp_path):
    """Two processes mask in one conversation at the same time; each answer gets its own values."""
    config = SEALED.format(url=upstream.url)
    names = ["김민수", "박서연", "이지훈", "최수빈", "정하윤", "강도윤", "조은우", "윤서준"]
    upstream.script(echo=True)
    async with running(tmp_path, config) as one, running(tmp_path, config) as two:

        async def call(naru, name: str) -> None:
            # The upstream repeats what it got: a number that stands for another name would come back as it.
            said = await ask(naru, f"이름: {name}")
            assert name in said
            assert not [other for other in names if other != name and other in said]

        for _ in range(3):
            await asyncio.gather(*(call((one, two)[n % 2], name) for n, name in enumerate(names)))
        assert not [name for name in names for r in upstream.requests if name in r.body.decode()]
        upstream.script(reply=" ".join(f"<PERSON_{n}>" for n in range(1, 9)))
        assert await ask(one, "누구?") == await ask(two, "누구?"), "both know the same"


async def test_a_shredded_conversation_is_gone_for_everybody(upstream, tmp_path, http):
    """After shredding nothing is restored, whatever a process had in memory."""
    upstream.script(reply=REPLY)
    config = SEALED.format(url=upstream.url)
    async with running(tmp_path, config) as naru:
        assert NAME in await ask(naru, PROMPT)
        async with http.get(f"{naru.base}/api/vault", headers=naru.headers) as answer:
            info = await answer.json()
        assert info["mode"] == "sealed"
        assert [h["records"] for h in info["holdings"] if h["name"] == "conversations"] == [1]
        async with http.post(
            f"{naru.base}/api/vault/shred",
            json={"conversation": "ticket-17", "owner": "admin"},
            headers=naru.headers,
        ) as answer:
            assert (await answer.json())["shredded"] == {"conversations": 1}
        assert await ask(naru, "누구였지?") == REPLY, "nothing is restored"
        assert "vault.shred" in {e.action for e in naru.app._audit.reader.list_entries(limit=50)}


async def test_the_key_is_rotated_under_running_calls(upstream, tmp_path, http):
    """Every record is wrapped anew, the old key is gone from the file, and conversations go on."""
    upstream.script(reply=REPLY)
    async with running(tmp_path, SEALED.format(url=upstream.url)) as naru:
        key_file = tmp_path / "home" / "vault.key"
        before = key_file.read_text()
        assert key_file.stat().st_mode & 0o777 == 0o600
        await asyncio.gather(*(ask(naru, PROMPT, **{"x-naru-conversation": f"c{n}"}) for n in range(10)))
        stop = asyncio.Event()

        async def keep_calling() -> int:
            number = 0
            while not stop.is_set():
                assert await ask(naru, f"{PROMPT} 번호 010-1111-{2000 + number}") == RESTORED
                number += 1
            return number

        caller = asyncio.create_task(keep_calling())
        async with http.post(f"{naru.base}/api/vault/rotate", json={}, headers=naru.headers) as answer:
            done = await answer.json()
        stop.set()
        assert await caller
        assert (done["broken"], done["dropped_keys"]) == (0, 1)
        assert done["rewrapped"] >= 10
        old = {line for line in before.splitlines() if line.startswith("key ")}
        assert not old & set(key_file.read_text().splitlines()), "the old key is gone"
        naru.app._trust._vault._held.clear()
        upstream.script(reply=REPLY)
        for n in range(10):
            assert await ask(naru, "누구?", **{"x-naru-conversation": f"c{n}"}) == RESTORED


@pytest.mark.parametrize("fault", ["read", "write"])
async def test_what_cannot_be_read_or_written_restores_nothing_of_others(
    upstream, tmp_path, monkeypatch, fault
):
    """A vault that fails costs the restoring of old values; the call itself is masked, answered, restored."""
    upstream.script(reply=REPLY)
    async with running(tmp_path, SEALED.format(url=upstream.url)) as naru:
        await ask(naru, "이름: 박서연, 연락처 010-9999-8888")
        naru.app._trust._vault._held.clear()
        vault = naru.app._trust._vault

        def fail(*_):
            raise OSError("gone")

        monkeypatch.setattr(vault, "_load" if fault == "read" else "_save", fail)
        assert "박서연" not in await ask(naru, "이름: 김민수")
        placeholder = last_sent(upstream).removeprefix("이름: ")
        assert placeholder.startswith("<PERSON_1_"), "with a nonce of its own"
        assert vault.failures


async def test_a_name_belongs_to_its_key(upstream, tmp_path):
    """Another key's conversation of the same name is another conversation."""
    upstream.script(reply=REPLY)
    async with running(tmp_path, SEALED.format(url=upstream.url)) as naru:
        await ask(naru, PROMPT)
        vault = naru.app._trust._vault
        vault._held.clear()
        assert (await vault.find("admin", "ticket-17", org=None)).count
        assert not (await vault.find("key_other", "ticket-17", org=None)).count
