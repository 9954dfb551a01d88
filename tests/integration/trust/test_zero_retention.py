"""The proof: after a busy run no file, log, table, journal or cache holds a planted value in any writing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import anthropic
import openai
import pytest

from naru.testing.upstream import ToolCall
from tests.integration.conftest import CONFIG, PROVIDERS
from tests.integration.trust.conftest import (
    API_KEY,
    CARD,
    MAIL,
    NAME,
    PHONE,
    PLANTED,
    PROMPT,
    REPLY,
    RRN,
    find_in_bytes,
    find_in_folder,
    find_in_tables,
    forms_of,
)

BUSY = (
    CONFIG.replace("retry_base_s", "breaker_failures = 100000\nretry_base_s")
    + """
[trust]
vault = "sealed"
[trust.guard]
injection = "log"
toxicity = "log"
secret = "flag"

[[trust.policies]]
route = "closed"
actions = {{ "*" = "block" }}

[[trust.policies]]
route = "inner"
actions = {{ "*" = "keep_inside" }}

[models.closed]
targets = ["openai/m"]
[models.inner]
targets = ["openai/m"]
[models.chain]
targets = ["azure/m", "openai/m"]
"""
)
# A whole Naru whose every logger writes everything into one file.
LAUNCH = (
    "import logging, sys; logging.basicConfig(level=logging.DEBUG, filename=sys.argv[1]); "
    "logging.getLogger('sqlalchemy').setLevel(logging.DEBUG); "
    "sys.argv[1:2] = []; from naru.cli import main; main()"
)


class Process:
    """A `naru up` of its own that logs at debug level."""

    def __init__(self, process, base: str, key: str) -> None:
        self.process = process
        self.base = base
        self.key = key
        self.headers = {"authorization": f"Bearer {key}"}

    def openai(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.base}/v1", api_key=self.key, max_retries=0, timeout=15)

    def anthropic(self) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(base_url=self.base, api_key=self.key, max_retries=0, timeout=15)


@asynccontextmanager
async def spawned(folder: Path, config: str, **environ: str):
    """Started in `folder`; whatever it says or writes stays in there."""
    path = folder / "naru.toml"
    path.write_text(config)
    with (folder / "output.log").open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LAUNCH, folder / "debug.log",
            "up", "--config", path, "--home", folder / "home", "--port", "0",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environ},
            cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=output,
        )  # fmt: skip
    said: list[bytes] = []
    try:
        async with asyncio.timeout(30):
            while True:
                line = await process.stdout.readline()
                assert line, "naru up ended"
                said.append(line)
                if b"http://127.0.0.1:" in line:
                    port = line.split(b"http://127.0.0.1:")[1].split(b"/")[0].split()[0].decode()
                    break
        key = (folder / "home" / "admin.key").read_text().strip()
        yield Process(process, f"http://127.0.0.1:{port}", key)
    finally:
        if process.returncode is None:
            process.terminate()
            said.append(await asyncio.wait_for(process.stdout.read(), 30))
            assert await process.wait() == 0, "a stop in good order"
        with (folder / "stdout.log").open("ab") as file:
            file.write(b"".join(said))


async def quietly(*calls) -> None:
    """Calls whose errors are meant."""
    for call in calls:
        with contextlib.suppress(openai.OpenAIError, anthropic.AnthropicError):
            answer = await call
            if hasattr(answer, "__aiter__"):
                [_ async for _ in answer]


TOOL = {
    "type": "function",
    "function": {
        "name": "book",
        "description": f"books for {NAME}",
        "parameters": {"type": "object", "properties": {"who": {"type": "string", "enum": [NAME, PHONE]}}},
    },
}
HISTORY = [
    {"role": "system", "content": f"고객은 {NAME}, {RRN}"},
    {"role": "user", "content": PROMPT},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "book", "arguments": json.dumps({"who": NAME, "card": CARD})},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": f"ok {MAIL} {API_KEY}"},
    {"role": "user", "content": f"{NAME} {PHONE} 확인"},
]


async def be_busy(naru: Process, upstream) -> None:
    """Every endpoint and provider, streamed and not, with tools, names, errors, retries and refusals."""
    named = {"x-naru-conversation": f"conversation of {MAIL} {PHONE}"}
    async with naru.openai() as client, naru.anthropic() as claude:
        for provider in PROVIDERS:
            upstream.script(reply=REPLY)
            for stream in (False, True):
                await quietly(
                    client.chat.completions.create(
                        model=f"{provider}/m", messages=HISTORY, tools=[TOOL], stream=stream,
                        extra_headers=named, metadata={"customer": NAME, "phone": PHONE},
                    ),
                    client.responses.create(model=f"{provider}/m", input=PROMPT, stream=stream),
                    client.completions.create(model=f"{provider}/m", prompt=PROMPT, stream=stream),
                    claude.messages.create(
                        model=f"{provider}/m", max_tokens=50, system=PROMPT, stream=stream,
                        messages=[{"role": "user", "content": PROMPT}],
                    ),
                )  # fmt: skip
            await quietly(client.embeddings.create(model=f"{provider}/m", input=[PROMPT, NAME]))
        upstream.script(echo=True)
        first = await client.responses.create(model="openai/m", input=PROMPT)
        await quietly(
            client.responses.create(model="openai/m", input=f"{NAME}?", previous_response_id=first.id)
        )
        upstream.script(
            tool_calls=[ToolCall(name="book", arguments='{"who": "<PERSON_1>", "at": "<PHONE_1>"}')]
        )
        for stream in (False, True):
            await quietly(
                client.chat.completions.create(
                    model="openai/m", messages=HISTORY, tools=[TOOL], stream=stream
                )
            )
        # Upstreams that fail, and tell the whole prompt while they do.
        for status in (400, 401, 429, 500, 503):
            upstream.script(error_status=status, error_message=f"cannot serve: {PROMPT}", error_times=3)
            for stream in (False, True):
                await quietly(
                    client.chat.completions.create(model="chain", messages=HISTORY, stream=stream),
                    claude.messages.create(
                        model="anthropic/m", max_tokens=50, messages=[{"role": "user", "content": PROMPT}]
                    ),
                )
        upstream.script(error_status=500, error_body=f"<html>{PROMPT}</html>")
        await quietly(client.chat.completions.create(model="chain", messages=HISTORY))
        for fault in ({"close_at_byte": 300}, {"reset_at_byte": 300}, {"truncate_utf8": True}):
            upstream.script(reply=REPLY * 3, **fault)
            for stream in (False, True):
                await quietly(
                    client.chat.completions.create(model="openai/m", messages=HISTORY, stream=stream)
                )
        upstream.script(reply=f"an answer that says {PROMPT} by itself")
        await quietly(client.chat.completions.create(model="gemini/m", messages=HISTORY))
        for model in ("closed", "inner", "nowhere", "openai/"):
            await quietly(client.chat.completions.create(model=model, messages=HISTORY))


async def be_hostile(naru: Process, upstream) -> None:
    """What is no valid call, what comes from the console, and what people say of calls."""
    upstream.script(reply=REPLY)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:

        async def ask(method, path, *, headers=naru.headers, **body):
            async with http.request(method, naru.base + path, headers=headers, **body) as answer:
                return answer.status, answer.headers, await answer.text()

        chat = {"model": "openai/m", "messages": [{"role": "user", "content": PROMPT}]}
        for data in (
            f'{{"model": "openai/m", "messages": "{PROMPT}"}}',
            f'{{"model": "openai/m", "messages": [{{"role": "user", "content": "{PROMPT}"',
            f'{{"model": 5, "messages": [{{"role": "{PHONE}", "content": ["{RRN}"]}}]}}',
            json.dumps(chat | {"temperature": PROMPT}),
            json.dumps(chat | {"tools": PROMPT}),
            PROMPT,
        ):
            for path in ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"):
                status, _, _ = await ask("POST", path, data=data.encode())
                assert status < 500, path
        await ask("GET", f"/v1/models/{MAIL}")
        await ask("POST", "/v1/chat/completions", headers={"authorization": f"Bearer {API_KEY}"}, json=chat)
        await ask("GET", "/api/calls", headers={"authorization": f"Bearer {API_KEY}"})
        _, headers, _ = await ask("POST", "/v1/chat/completions", json=chat)
        call = headers["x-naru-request-id"]
        for said in ({"comment": PROMPT}, {"correction": PROMPT}, {"label": PHONE}, {"thumb": PROMPT}):
            status, _, _ = await ask("POST", "/v1/feedback", json={"call_id": call, **said})
            assert status in (400, 403), said
            status, _, _ = await ask("POST", f"/api/calls/{call}/feedback", json=said)
            assert status in (400, 403, 422), said
        assert (await ask("POST", "/v1/feedback", json={"call_id": call, "thumb": "up"}))[0] == 200
        await ask("POST", f"/api/reviews/{call}", json={"decision": "harmful", "note": PROMPT})
        await ask(
            "POST",
            "/api/vault/shred",
            json={"conversation": f"conversation of {MAIL} {PHONE}", "owner": "admin"},
        )
        await ask("POST", "/api/policies/try", json={"text": PROMPT})
        await ask("GET", f"/api/calls?model={NAME}&team={PHONE}")
        # The console's playground, as somebody who signed in.
        own = {"sec-fetch-site": "same-origin"}
        async with http.post(
            f"{naru.base}/login", data={"key": naru.key}, headers=own, allow_redirects=False
        ) as answer:
            assert answer.status == 303
        for stream in (False, True):
            status, _, text = await ask(
                "POST", "/console/v1/chat/completions", headers=own, json=chat | {"stream": stream}
            )
            assert status == 200
            assert NAME in text, "it was restored"
        # A client that leaves in the middle.
        upstream.script(reply=REPLY * 20, delay_token_ms=20)
        async with http.post(
            f"{naru.base}/v1/chat/completions", headers=naru.headers, json=chat | {"stream": True}
        ) as answer:
            await answer.content.read(200)
            answer.close()


def assert_nothing_kept(folder: Path) -> None:
    assert find_in_folder(folder, but=("naru.toml",)) == {}
    assert find_in_tables(folder / "home" / "naru.db") == {}


def test_the_search_finds_what_it_looks_for(tmp_path):
    """Each writing of each value is found when it is there, wherever in a file."""
    for value in PLANTED:
        for name, form in forms_of(value).items():
            assert find_in_bytes(b"\0\1 some bytes " + form + b" and more"), (value, name)
    import base64

    for shift in range(6):
        text = ("x" * shift + NAME + "y" * shift).encode()
        assert find_in_bytes(base64.b64encode(text)), shift
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "log").write_text(f"x {json.dumps(NAME)} y")
    assert list(find_in_folder(tmp_path)) == ["sub/log"]


@pytest.mark.slow
async def test_a_busy_naru_keeps_nothing(upstream, tmp_path):
    """HOME (database, log beside it, journals, checkpoints, keys), every log at debug level, every table:
    while it runs, after kill -9 in the middle of calls, and after a restart and a stop in good order."""
    config = BUSY.format(url=upstream.url)
    async with spawned(tmp_path, config) as naru:
        async with aiohttp.ClientSession(headers=naru.headers) as http:
            budget = {"scope": "org:org_default", "period": "month", "amount": "100000", "currency": "USD"}
            async with http.post(f"{naru.base}/api/budgets", json=budget) as answer:
                assert answer.status in (200, 201), await answer.text()
        await be_busy(naru, upstream)
        await be_hostile(naru, upstream)
        assert upstream.received > 100, "it was busy"
        masked = [r for r in upstream.requests if NAME.encode() in r.body or b"\\uae40" in r.body]
        assert not masked, "nothing left the house either"
        assert_nothing_kept(tmp_path)
        upstream.script(reply=REPLY, delay_headers_ms=5_000)
        async with naru.openai() as client:
            calls = [
                asyncio.create_task(
                    quietly(
                        client.chat.completions.create(
                            model="openai/m", messages=HISTORY, stream=n % 2 == 0,
                            extra_headers={"x-naru-conversation": f"{PHONE} {n}"},
                        )
                    )
                )
                for n in range(8)
            ]  # fmt: skip
            await upstream.wait_active(8)
            naru.process.send_signal(signal.SIGKILL)
            await naru.process.wait()
            await asyncio.gather(*calls)
    assert_nothing_kept(tmp_path)
    async with spawned(tmp_path, config) as naru:
        await be_hostile(naru, upstream)
        assert_nothing_kept(tmp_path)
    assert_nothing_kept(tmp_path)
    log = (tmp_path / "debug.log").read_text()
    assert "DEBUG:sqlalchemy" in log, "the logs were captured at debug level"


@pytest.mark.service
async def test_neither_do_postgresql_and_redis(upstream, tmp_path, postgres_server, redis_server):
    """The same where state lies in servers: every table, and every key of the cache."""
    import redis

    url = postgres_server.create_database()
    config = (
        BUSY.format(url=upstream.url)
        + f'[database]\nurl = "{url}"\n[redis]\nurl = "{redis_server.url}"\nprefix = "zero"\n'
    )
    async with spawned(tmp_path, config) as naru:
        await be_busy(naru, upstream)
        await be_hostile(naru, upstream)
    name = url.rpartition("/")[2].partition("?")[0]
    tables = postgres_server.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'", database=name
    )
    assert len(tables) > 10
    for (table,) in tables:
        rows = postgres_server.execute(f'SELECT * FROM "{table}"', database=name)
        for row in rows:
            for value in row:
                content = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                assert find_in_bytes(content) == [], table
    client = redis.Redis.from_url(redis_server.url)
    for key in client.scan_iter("*"):
        assert find_in_bytes(key + b" " + (client.dump(key) or b"")) == []
    client.close()
    assert find_in_folder(tmp_path, but=("naru.toml",)) == {}
