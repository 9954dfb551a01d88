"""Keys as an attacker sends them, byte for byte: who is let in is who holds a key, once, and nobody else."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import AsyncExitStack
from time import monotonic, time_ns

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from naru.app import App
from naru.gateway.endpoints import ENDPOINTS, Endpoint
from naru.identity import ADMIN_KEY, KeyScope
from naru.settings import load
from tests.integration.conftest import CONFIG, running

MODEL = "openai/gpt-4o-mini"
BODY = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}).encode()
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: naru\r\ncontent-type: application/json\r\n"


@pytest.fixture
def issue(naru):
    async def issue(name="k", **scope):
        make = naru.app._keys.create
        made = await asyncio.to_thread(make, ADMIN_KEY, name, scope=KeyScope(**scope))
        return made.key.id, made.secret

    return issue


class Line:
    """One connection that is kept open."""

    def __init__(self, naru) -> None:
        self._naru = naru

    async def __aenter__(self):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._naru.port)
        return self

    async def __aexit__(self, *_) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def ask(self, *headers: bytes, head: bytes = POST, body: bytes = BODY) -> tuple[int, bytes]:
        lines = b"".join(line + b"\r\n" for line in headers)
        self._writer.write(head + lines + b"content-length: %d\r\n\r\n" % len(body) + body)
        async with asyncio.timeout(10):
            start = await self._reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", start)
            return int(start.split()[1]), await self._reader.readexactly(int(length[1]) if length else 0)


async def ask(naru, *headers: bytes, **more) -> tuple[int, bytes]:
    async with Line(naru) as line:
        return await line.ask(*headers, **more)


async def test_how_a_key_may_be_written(naru, issue):
    """Any case of `Bearer`, blanks around the key, and the two headers of other SDKs; nothing else."""
    _, secret = await issue()
    key = secret.encode()
    for good in (
        b"Authorization: Bearer " + key,
        b"AUTHORIZATION: bEARER " + key,
        b"authorization:Bearer   " + key + b"  ",
        b"x-api-key: " + key,
        b"api-key: " + key,
    ):
        assert (await ask(naru, good))[0] == 200, good
    for bad in (
        b"authorization: " + key,
        b"authorization: Bearer" + key,
        b"authorization: Bearer\t" + key,
        b"authorization: Bearer:" + key,
        b"authorization: Bearer " + key + b" x",
        b"authorization: Bearer " + key + b",",
        b"authorization: Bearer x, Bearer " + key,
        b'authorization: Bearer "' + key + b'"',
        b"authorization: Bearer " + key.upper(),
        b"authorization: Bearer " + key[:-1],
        b"authorization: Bearer " + key + b"0",
        b"authorization: Bearer " + key.replace(b"_", b"-"),
        b"authorization: Bearer " + key.replace(b"_", b"%5f"),
        b"authorization: Bearer " + "ｎaru".encode() + key[4:],
        b"authorization: Token " + key,
        b"authorization: Basic " + key,
        b"authorisation: Bearer " + key,
        b"x-authorization: Bearer " + key,
        b"proxy-authorization: Bearer " + key,
        b"x-api-key: Bearer " + key,
        b"cookie: authorization=Bearer " + key,
        b"authorization: Bearer " + "키".encode(),
        b"authorization: Bearer " + b"\xff" * 60,
        b"authorization: Bearer " + b"a" * 60_000,
    ):
        status, answer = await ask(naru, bad)
        assert status == 401, (bad[:60], status)
        assert key not in answer
    assert (await ask(naru, head=POST.replace(b" HTTP", b"?api_key=" + key + b" HTTP")))[0] == 401


async def test_what_is_no_http_opens_nothing(naru, issue):
    """Folded lines, a blank before the colon, NUL and other controls in a value: refused as no request."""
    _, secret = await issue()
    key = secret.encode()
    for bad in (
        b"authorization: Bearer\r\n " + key,
        b"authorization:\r\n\tBearer " + key,
        b"authorization : Bearer " + key,
        b" authorization: Bearer " + key,
        b"authorization: Bearer " + key + b"\x00",
        b"authorization: Bearer \x00" + key,
        b"x: y\nauthorization: Bearer " + key + b"\x01",
        b"author\x00ization: Bearer " + key,
    ):
        status, answer = await ask(naru, bad)
        assert status in (400, 401), (bad, status)
        assert key not in answer
    assert (await ask(naru, b"authorization: Bearer " + b"a" * 80_000))[0] == 431
    assert await naru.calls() == []


async def test_two_keys_are_none(naru, issue):
    """Twice the same header, valid or not, in any order: a proxy in front may have checked the other one."""
    _, one = await issue("one")
    _, other = await issue("other")
    for name, scheme in ((b"authorization", b"Bearer "), (b"x-api-key", b""), (b"api-key", b"")):
        for pair in (
            (one, other),
            (one, one),
            (one, "naru_wrong"),
            ("naru_wrong", one),
            ("", one),
            (one, ""),
        ):
            lines = [name + b": " + scheme + key.encode() for key in pair]
            status, answer = await ask(naru, *lines)
            assert status == 401, (name, pair)
            assert b"twice" in answer
        lines = [name.upper() + b": " + scheme + one.encode(), name + b": " + scheme + other.encode()]
        assert (await ask(naru, *lines))[0] == 401
    admin = b"authorization: Bearer " + naru.key.encode()
    get = b"GET /api/keys HTTP/1.1\r\nhost: naru\r\n"
    assert (await ask(naru, admin, head=get, body=b""))[0] == 200
    for pair in ((admin, admin), (admin, b"authorization: Bearer x"), (b"authorization: Bearer x", admin)):
        assert (await ask(naru, *pair, head=get, body=b""))[0] == 401
    assert (await ask(naru, b"x-a: 1", b"x-a: 2", b"x-api-key: " + one.encode()))[0] == 200, "others may"


async def test_of_two_headers_the_bearer_counts(naru, issue):
    """A key in `Authorization: Bearer` is the caller's, whatever else is sent; it is not made up for."""
    one_id, one = await issue("one")
    _, other = await issue("other", models=("nothing",))
    both = (b"x-api-key: " + other.encode(), b"authorization: Bearer " + one.encode())
    assert (await ask(naru, *both))[0] == 200
    assert (await ask(naru, *reversed(both)))[0] == 200
    assert {call.key_id for call in await naru.calls()} == {one_id}
    assert (await ask(naru, b"authorization: Bearer wrong", b"x-api-key: " + one.encode()))[0] == 401
    assert (await ask(naru, b"authorization: Bearer ", b"x-api-key: " + one.encode()))[0] in (200, 401)


async def test_a_revocation_reaches_connections_that_stay_open(upstream, tmp_path, http):
    """On one connection kept alive at the other replica: open, then closed within two seconds; a key that is
    disabled, or whose project is, the same; and each opens again when it is switched on again."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(running(tmp_path, CONFIG.format(url=upstream.url)))
        there = await stack.enter_async_context(running(tmp_path, CONFIG.format(url=upstream.url)))
        admin = {"authorization": f"Bearer {here.key}"}

        async def call(method, path, **body):
            async with http.request(method, f"{here.base}/api{path}", json=body, headers=admin) as answer:
                assert answer.status < 300, await answer.text()
                return await answer.json()

        team = await call("POST", "/teams", name="t")
        project = await call("POST", "/projects", name="p", team=team["id"])
        made = await call("POST", "/keys", name="k", project=project["id"])
        key = b"authorization: Bearer " + made["secret"].encode()
        line = await stack.enter_async_context(Line(there))

        async def until(status: int) -> float:
            began = monotonic()
            async with asyncio.timeout(5):
                while (await line.ask(key))[0] != status:  # noqa: ASYNC110 - asked as a client would
                    await asyncio.sleep(0.02)
            return monotonic() - began

        assert await until(200) < 2
        for path in (f"/projects/{project['id']}", f"/teams/{team['id']}", f"/keys/{made['id']}"):
            await call("PATCH", path, disabled=True)
            assert await until(401) < 2, path
            await call("PATCH", path, disabled=False)
            assert await until(200) < 2, path
        await call("POST", f"/keys/{made['id']}/revoke")
        assert await until(401) < 2
        assert (await ask(here, key))[0] == 401, "at once where it was done"


async def test_keys_end_at_their_second_and_rotate_with_an_overlap(naru, issue):
    """An expiry needs nobody to look; a rotated key's old secret opens during the overlap and not after."""
    async with Line(naru) as line:

        async def state(secret: str) -> tuple[int, str | None]:
            status, answer = await line.ask(b"authorization: Bearer " + secret.encode())
            return status, (json.loads(answer).get("error") or {}).get("code")

        async def until_closed(secret: str, not_before_ns: int) -> str:
            async with asyncio.timeout(5):
                while (found := await state(secret))[0] == 200:  # noqa: ASYNC110 - the clock has no event
                    await asyncio.sleep(0.02)
            assert time_ns() >= not_before_ns
            assert found[0] == 401
            return found[1]

        end_ns = time_ns() + 700_000_000
        _, short = await issue("short", expires_at_ns=end_ns)
        assert (await state(short))[0] == 200
        assert await until_closed(short, end_ns) == "expired_api_key"
        id, old = await issue("turned")
        rotated_ns = time_ns()
        new = (await asyncio.to_thread(lambda: naru.app._keys.rotate(ADMIN_KEY, id, overlap_s=1))).secret
        assert (await state(old))[0] == (await state(new))[0] == 200
        assert await until_closed(old, rotated_ns + 1_000_000_000) in ("expired_api_key", "invalid_api_key")
        assert (await state(new))[0] == 200
        third = (await asyncio.to_thread(lambda: naru.app._keys.rotate(ADMIN_KEY, id, overlap_s=0))).secret
        assert (await state(new))[0] == 401, "no overlap: at once"
        assert (await state(third))[0] == 200


async def test_an_endpoint_without_a_rule_answers_nobody(naru, issue, monkeypatch, upstream):
    """A path added to the data plane tomorrow is closed, for the admin key too, until it has a rule."""
    _, secret = await issue()
    monkeypatch.setitem(ENDPOINTS, "/v1/tomorrow", Endpoint("tomorrow", ENDPOINTS["/v1/embeddings"].dialect))
    head = POST.replace(b"/v1/chat/completions", b"/v1/tomorrow")
    for key in (secret, naru.key):
        status, answer = await ask(naru, b"authorization: Bearer " + key.encode(), head=head)
        assert status == 403
        assert json.loads(answer)["error"]["code"] == "route_without_rule"
    assert not upstream.requests


@pytest.mark.parametrize("path", sorted(ENDPOINTS))
async def test_every_endpoint_holds_every_scope(naru, issue, upstream, path):
    """Model, endpoint and site, on each path of the data plane: refused before a byte goes to a provider."""
    name = ENDPOINTS[path].name
    others = tuple(sorted({e.name for e in ENDPOINTS.values()} - {name}))
    fields = {"messages": [{"role": "user", "content": "x"}], "input": "x", "prompt": "x", "max_tokens": 1}
    body = json.dumps({"model": MODEL} | fields).encode()
    head = POST.replace(b"/v1/chat/completions", path.encode())
    for number, (scope, code) in enumerate(
        (
            ({"endpoints": others}, "endpoint_not_allowed"),
            ({"models": ("openai/gpt-4",)}, "model_not_allowed"),
            ({"models": ("gpt-4o-mini",)}, "model_not_allowed"),
            ({"sites": ("elsewhere",)}, "site_not_allowed"),
        )
    ):
        _, secret = await issue(f"k{number}", **scope)
        status, answer = await ask(naru, b"x-api-key: " + secret.encode(), head=head, body=body)
        assert status == 403, (scope, answer)
        assert code in answer.decode() or path == "/v1/messages"
    assert not upstream.requests
    _, secret = await issue("open", endpoints=(name,), models=("openai/gpt-4o-*",))
    status, answer = await ask(naru, b"x-api-key: " + secret.encode(), head=head, body=body)
    assert status not in (401, 403), answer


async def test_refusals_stand_in_the_audit_log_once_a_minute(naru, issue):
    """Who was refused, why and how often; no model's name, no text, no key; and no client fills the log."""
    id, secret = await issue(models=("nothing",))
    for _ in range(50):
        assert (await ask(naru, b"x-api-key: " + secret.encode()))[0] == 403
        assert (await ask(naru, b"x-api-key: naru_guess"))[0] == 401
    await naru.app.stop()
    # Its database is read once more, as `naru audit list` does it.
    from naru.local import open_local

    local = await asyncio.to_thread(open_local, naru.app.home)
    try:
        entries = await asyncio.to_thread(lambda: local.audit.reader.list_entries(limit=100))
        told = [entry for entry in entries if entry.action == "call.refuse"]
        by_actor = {
            actor: sorted(e.read_facts()["times"] for e in told if e.actor == actor)
            for actor in {entry.actor for entry in told}
        }
        assert by_actor == {f"key:{id}": [1, 49], "unknown": [1, 49]}
        assert {entry.outcome for entry in told} == {"denied"}
        assert {e.read_facts()["code"] for e in told} == {"model_not_allowed", "invalid_api_key"}
        text = " ".join(entry.facts + entry.target for entry in told)
        assert "gpt" not in text
        assert "hi" not in text.split()
        assert secret not in text
        assert (await asyncio.to_thread(local.audit.reader.verify)).is_intact
    finally:
        await asyncio.to_thread(local.close)


# --- a fuzzer ------------------------------------------------------------------------------------------

HEADERS = st.sampled_from([b"authorization", b"x-api-key", b"api-key", b"cookie", b"x-forwarded-user", b"x"])
PATHS = st.sampled_from([*ENDPOINTS, "/v1/models", "/v1/models/x", "/api/keys", "/api/session", "/api/audit"])


def mutations(secret: bytes):
    """A real key with something wrong about it, and what is no key at all."""
    spot = st.integers(0, len(secret) - 1)
    return st.one_of(
        st.binary(max_size=300),
        st.text(max_size=80).map(lambda t: t.encode("utf-8", "replace")),
        st.tuples(spot, st.integers(1, 255)).map(
            lambda p: secret[: p[0]] + bytes([secret[p[0]] ^ p[1]]) + secret[p[0] + 1 :]
        ),
        spot.map(lambda at: secret[:at]),
        spot.map(lambda at: secret[at + 1 :]),
        st.binary(min_size=1, max_size=5).map(lambda more: secret + b"." + more),
        st.binary(min_size=1, max_size=5).map(lambda more: more + b"." + secret),
        spot.map(lambda at: secret[:at] + b"\x00" + secret[at:]),
        st.just(secret.upper()),
        st.just(secret[:13]),
        st.just(secret * 2),
        st.sampled_from([b"' OR 1=1 --", b"admin", b"null", b"undefined", b"*", b"%", b"{}", b"naru_" * 30]),
    )


def test_no_bytes_but_a_key_get_in(tmp_path, upstream_url):
    """Any header, any bytes, on data plane and API, against a house with real keys: 401, never a fault."""
    path = tmp_path / "naru.toml"
    path.write_text(CONFIG.format(url=upstream_url))
    with asyncio.Runner() as runner:
        app = App(load(path, {}), home=tmp_path / "home", config_path=path, environ={})
        runner.run(app.start())
        secret = app._keys.create(ADMIN_KEY, "real").secret.encode()
        admin = app.admin_key.encode()

        async def get_in(where: str, headers: list[tuple[bytes, bytes]]) -> int:
            statuses = []
            sent = [{"type": "http.request", "body": BODY, "more_body": False}]

            async def receive():
                return sent.pop() if sent else {"type": "http.disconnect"}

            async def send(message):
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            is_post = where in ENDPOINTS
            scope = {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "scheme": "http",
                "method": "POST" if is_post else "GET",
                "path": where,
                "raw_path": where.encode(),
                "query_string": b"",
                "root_path": "",
                "headers": [(b"host", b"naru"), *headers],
                "client": ("127.0.0.1", 1),
                "server": ("127.0.0.1", 8400),
                "state": {},
            }
            await app.asgi(scope, receive, send)
            return statuses[0]

        @settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(
            where=PATHS,
            name=HEADERS,
            scheme=st.sampled_from([b"", b"Bearer ", b"bearer ", b"Basic ", b"Bearer"]),
            value=mutations(secret) | mutations(admin),
        )
        @example(where="/v1/models", name=b"authorization", scheme=b"Bearer ", value=b"")
        def fuzz(where, name, scheme, value):
            if value.strip() in (secret, admin):
                return
            status = runner.run(get_in(where, [(name, scheme + value)]))
            assert status in (401, 429), (where, name, value, status)  # 429: too many guesses of one address
            assert status == 401 or where.startswith("/api")

        try:
            fuzz()
            opened = [(b"authorization", b"Bearer " + secret)]
            assert runner.run(get_in("/v1/models", opened)) == 200, "the house was open for its key"
        finally:
            runner.run(app.stop())


@pytest.fixture
def upstream_url():
    """Where nobody listens: the fuzzer must never come so far."""
    return "http://127.0.0.1:9"
