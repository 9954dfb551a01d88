"""Keys on a running Naru: who gets through, who does not, and what no header changes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from time import monotonic

import openai
import pytest
from typer.testing import CliRunner

from naru.cli import app as cli
from naru.identity import ADMIN_KEY, KeyScope
from naru.kernel.errors import NotFound, Unauthenticated
from tests.integration.conftest import CONFIG, running

QUESTION = [{"role": "user", "content": "hi"}]
MODEL = "openai/gpt-4o-mini"


@pytest.fixture
def issue(naru):
    """Makes a key with a scope and gives back its id and secret."""

    async def issue(name="k", project=None, **scope):
        made = await asyncio.to_thread(
            naru.app._keys.create, ADMIN_KEY, name, project=project, scope=KeyScope(**scope)
        )
        return made.key.id, made.secret

    return issue


async def ask(http, naru, secret, *, model=MODEL, path="/v1/chat/completions", headers=None, **fields):
    """Status, error code and body of a call."""
    own = {"authorization": f"Bearer {secret}"} | (headers or {})
    body = {"model": model, "messages": QUESTION} | fields
    async with http.post(naru.base + path, json=body, headers=own) as answer:
        content = await answer.json()
        return answer.status, (content.get("error") or {}).get("code"), content


async def test_a_key_opens_and_its_calls_are_booked_on_its_project(naru, http, issue):
    """Organisation, team, project and key are in the ledger, with the key's tags."""
    id, secret = await issue(tags={"env": "prod"})
    status, _, _ = await ask(http, naru, secret, headers={"x-naru-tags": "env=dev,who=me"})
    assert status == 200
    call = await naru.wait_call()
    assert (call.org, call.team, call.project) == ("org_default", "team_default", "proj_default")
    assert call.key_id == id
    assert call.tags == {"env": "prod", "who": "me"}, "a client's header must not move a call elsewhere"


@pytest.mark.parametrize(
    "headers",
    [
        {"openai-organization": "org_other", "openai-project": "proj_other"},
        {"x-naru-org": "org_other", "x-naru-project": "proj_other", "x-naru-user": "usr_other"},
        {"x-naru-key-id": "admin", "x-naru-principal": '{"is_admin": true}', "naru.principal": "admin"},
        {"x-forwarded-user": "admin", "x-real-ip": "127.0.0.1", "x-forwarded-for": "127.0.0.1"},
        {"cookie": "naru_session=admin"},
        {"x-api-key": "naru_admin_wrong", "api-key": "also wrong"},
    ],
)
async def test_no_header_makes_a_key_somebody_else(naru, http, issue, headers):
    """Whatever a client claims, it is who its key is."""
    id, secret = await issue(models=(MODEL,))
    status, code, _ = await ask(http, naru, secret, headers=headers, model="openai/gpt-4o")
    assert (status, code) == (403, "model_not_allowed")
    status, _, _ = await ask(http, naru, secret, headers=headers)
    assert status == 200
    call = await naru.wait_call(2)
    assert (call.key_id, call.org, call.project, call.user) == (id, "org_default", "proj_default", None)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer null"},
        {"authorization": "Basic YWRtaW46YWRtaW4="},
        {"authorization": "Bearer naru_admin_"},
        {"authorization": "Bearer ' OR 1=1 --"},
        {"authorization": "Bearer " + "a" * 4000},
        {"x-api-key": "' OR '1'='1"},
        {"api-key": "\xff\xfe"},
        {"cookie": "naru_session=x", "authorization": "Bearer x"},
    ],
)
async def test_what_is_no_key_opens_nothing(naru, http, headers):
    """401 on every path of the data plane, the lists too."""
    for path in ("chat/completions", "completions", "responses", "messages", "embeddings"):
        body = {"model": MODEL, "messages": QUESTION}
        async with http.post(f"{naru.base}/v1/{path}", json=body, headers=headers) as answer:
            assert answer.status == 401, path
    for path in ("/v1/models", "/v1/models/x", "/v1/nothing", "/console/v1/models"):
        async with http.get(naru.base + path, headers=headers) as answer:
            assert answer.status == 401, path


async def test_a_scope_holds_on_every_endpoint(naru, http, issue):
    """Endpoint and model are checked wherever a model is named; names outside are refused alike, whether
    they exist or not."""
    _, secret = await issue(models=("openai/gpt-4o*",), endpoints=("chat", "embeddings"))
    assert (await ask(http, naru, secret))[0] == 200
    for model in ("openai/o3", "anthropic/claude", "does/not-exist", "' OR 1=1", "*"):
        status, code, _ = await ask(http, naru, secret, model=model)
        assert (status, code) == (403, "model_not_allowed"), model
    for path in ("completions", "responses", "messages"):
        status, _, content = await ask(
            http, naru, secret, path=f"/v1/{path}", prompt="x", input="x", max_tokens=1
        )
        assert status == 403, path
        assert "endpoint" in str(content)
    status, code, _ = await ask(http, naru, secret, path="/v1/embeddings", model="openai/ada", input="x")
    assert (status, code) == (403, "model_not_allowed")


async def test_the_second_model_of_a_body_counts_for_nothing(naru, http, issue, upstream):
    """A body with two `model` fields is checked by the one that is used."""
    _, secret = await issue(models=(MODEL,))
    for first, second in ((MODEL, "openai/gpt-4o"), ("openai/gpt-4o", MODEL)):
        raw = f'{{"model": "{first}", "model": "{second}", "messages": [{{"role":"user","content":"x"}}]}}'
        headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
        async with http.post(f"{naru.base}/v1/chat/completions", data=raw, headers=headers) as answer:
            await answer.read()
    assert all(request.body.count(b'"gpt-4o-mini"') == 1 for request in upstream.requests)
    assert not any(b'"gpt-4o"' in request.body for request in upstream.requests)


async def test_sites_bound_where_a_call_may_go(naru, http, issue):
    """A model that runs nowhere else is refused, before anything is sent."""
    _, secret = await issue(sites=("edge-1",))
    status, code, _ = await ask(http, naru, secret)
    assert (status, code) == (403, "site_not_allowed")
    call = await naru.wait_call()
    assert (call.status, call.attempts) == ("rejected", ())


async def test_models_that_a_key_may_not_use_are_not_listed(upstream, tmp_path, http):
    """One that is outside its scope reads as none at all."""
    config = CONFIG.format(url=upstream.url) + (
        '\n[models.inside]\ntargets = ["openai/gpt-4o-mini"]\n[models.outside]\ntargets = ["openai/o3"]\n'
    )
    async with running(tmp_path, config) as naru:
        made = await asyncio.to_thread(naru.app._keys.create, ADMIN_KEY, "k", scope=KeyScope(models=("in*",)))
        client = openai.AsyncOpenAI(base_url=f"{naru.base}/v1", api_key=made.secret, max_retries=0)
        async with client:
            assert [model.id async for model in client.models.list()] == ["inside"]
            assert (await client.models.retrieve("inside")).id == "inside"
            with pytest.raises(openai.NotFoundError, match="does not exist"):
                await client.models.retrieve("outside")
            with pytest.raises(openai.PermissionDeniedError):
                await client.chat.completions.create(model="outside", messages=QUESTION)


async def test_closed_keys_say_what_became_of_them(naru, http, issue):
    """Revoked, disabled and expired ones: 401, and not a byte goes to a provider."""
    keys = naru.app._keys
    revoked_id, revoked = await issue("revoked")
    disabled_id, disabled = await issue("disabled")
    await asyncio.to_thread(keys.revoke, ADMIN_KEY, revoked_id)
    await asyncio.to_thread(lambda: keys.update(ADMIN_KEY, disabled_id, is_disabled=True))
    expired_id, expired = await issue("expired")
    await asyncio.to_thread(lambda: keys.rotate(ADMIN_KEY, expired_id, overlap_s=0))
    for secret, expected in (
        (revoked, {"invalid_api_key"}),
        (disabled, {"disabled_api_key"}),
        (expired, {"expired_api_key", "invalid_api_key"}),
    ):
        status, code, content = await ask(http, naru, secret)
        assert status == 401
        assert code in expected
        assert secret not in str(content)
    assert await naru.calls() == []


async def test_a_revocation_counts_in_every_replica_within_two_seconds(upstream, tmp_path, http):
    """Two processes' worth of Naru on one database; what one is told, the other heeds."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(running(tmp_path, CONFIG.format(url=upstream.url)))
        there = await stack.enter_async_context(running(tmp_path, CONFIG.format(url=upstream.url)))
        admin = {"authorization": f"Bearer {here.key}"}
        async with http.post(f"{here.base}/api/keys", json={"name": "k"}, headers=admin) as answer:
            made = await answer.json()
        opened_in = await until(lambda: ask(http, there, made["secret"]), 200)
        assert opened_in < 2
        async with http.post(f"{here.base}/api/keys/{made['id']}/revoke", headers=admin) as answer:
            assert answer.status == 200
        assert (await ask(http, here, made["secret"]))[0] == 401, "at once where it was made"
        assert await until(lambda: ask(http, there, made["secret"]), 401) < 2


async def until(call, status):
    """Seconds until a call is answered so."""
    began = monotonic()
    async with asyncio.timeout(10):
        while (await call())[0] != status:  # noqa: ASYNC110 - asked from outside, as a client would
            await asyncio.sleep(0.02)
    return monotonic() - began


async def test_commands_work_on_a_running_naru(naru, http, monkeypatch):
    """With --url as with --home; what they are refused they say in the server's own words."""
    monkeypatch.setenv("NARU_KEY", naru.key)

    def run(*arguments):
        return CliRunner().invoke(cli, [*arguments, "--url", naru.base])

    made = await asyncio.to_thread(run, "key", "create", "ci", "--model", MODEL)
    assert made.exit_code == 0
    assert (await ask(http, naru, made.stdout.strip()))[0] == 200
    assert "ci" in (await asyncio.to_thread(run, "key", "list")).stdout
    unknown = await asyncio.to_thread(run, "key", "show", "nobody")
    assert isinstance(unknown.exception, NotFound)
    assert unknown.exception.code == "key_not_found"
    monkeypatch.setenv("NARU_KEY", "naru_admin_wrong_wrong_wrong_wrong")
    refused = await asyncio.to_thread(run, "key", "list")
    assert isinstance(refused.exception, Unauthenticated)


async def test_commands_beside_a_running_naru_count_there(naru, http):
    """`--home` needs no running Naru, and one that runs on it takes over within two seconds."""
    arguments = ["key", "create", "ci", "--home", str(naru.app.home)]
    made = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
    assert made.exit_code == 0, made.output
    assert await until(lambda: ask(http, naru, made.stdout.strip()), 200) < 2


async def test_the_playground_calls_as_whoever_signed_in(naru, http):
    """Without a session it is nobody, whatever headers say."""
    body = {"model": MODEL, "messages": QUESTION}
    own = {"sec-fetch-site": "same-origin"}
    async with http.post(f"{naru.base}/console/v1/chat/completions", json=body, headers=own) as answer:
        assert answer.status == 401
    async with http.post(
        f"{naru.base}/login", data={"key": naru.key}, headers=own, allow_redirects=False
    ) as answer:
        cookie = answer.headers["set-cookie"].partition(";")[0]
    for headers, status in (({**own, "cookie": cookie}, 200), ({"cookie": cookie}, 401)):
        async with http.post(
            f"{naru.base}/console/v1/chat/completions", json=body, headers=headers
        ) as answer:
            assert answer.status == status
    assert (await naru.wait_call()).key_id == "console"
