"""Single sign-on against a provider that lies in every way it can. It signs with real keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from naru.identity.oidc import OidcClient
from naru.identity.oidc_http import MAX_BYTES, Answer, OidcHttp
from naru.identity.oidc_tokens import SigningKeys, UnknownKey, check_id_token
from naru.identity.people_sign_in import FLOW_S
from naru.identity.totp import Sealer
from naru.kernel.clock import FrozenClock
from naru.kernel.errors import BadRequest, Forbidden, NaruError, Unavailable
from naru.settings.model import Oidc, OidcRole

ISSUER = "https://id.example"
CLIENT = "naru"
KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
EC = ECKey.generate_key("P-256", {"kid": "k2"})
ROLES = (OidcRole(group="admins", role="admin"), OidcRole(group="staff", role="viewer", org="org_a"))


def settings(**changes):
    return Oidc(
        **{"issuer": ISSUER, "client_id": CLIENT, "client_secret": "s3 cret", "roles": ROLES} | changes
    )


class LyingProvider:
    """Answers as a provider would; a test changes what it says."""

    def __init__(self, clock):
        self.clock = clock
        self.metadata = {
            "issuer": ISSUER,
            "authorization_endpoint": ISSUER + "/auth?tenant=1",
            "token_endpoint": ISSUER + "/token",
            "jwks_uri": ISSUER + "/jwks",
            "userinfo_endpoint": ISSUER + "/me",
            "end_session_endpoint": ISSUER + "/end",
        }
        self.keys = [KEY, EC]
        self.claims = {}
        self.userinfo = {"sub": "s1"}
        self.sign = self.sign_rs256
        self.asked = []
        self.challenge = self.nonce = None
        self.used = set()

    def begin(self, url):
        query = dict(parse_qsl(urlsplit(url).query))
        self.challenge, self.nonce = query["code_challenge"], query["nonce"]
        assert query["code_challenge_method"] == "S256"
        assert (query["tenant"], query["client_id"], query["response_type"]) == ("1", CLIENT, "code")
        return query

    def id_token(self):
        now = self.clock.now_ns() // 10**9
        claims = {
            "iss": ISSUER,
            "sub": "s1",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": self.nonce,
            "email": "kim@example.com",
            "email_verified": True,
            "name": "Kim",
            "groups": ["admins", "others"],
        } | self.claims
        return self.sign({k: v for k, v in claims.items() if v is not None})

    @staticmethod
    def sign_rs256(claims):
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, KEY)

    async def __call__(self, url, *, timeout_s, form, headers):
        self.asked.append((url, form, headers))
        path = urlsplit(url).path
        if path == "/.well-known/openid-configuration":
            return Answer(200, json.dumps(self.metadata).encode())
        if path == "/jwks":
            return Answer(200, json.dumps({"keys": [k.as_dict(private=False) for k in self.keys]}).encode())
        if path == "/me":
            return Answer(200, json.dumps(self.userinfo).encode())
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        is_right = base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.challenge
        if not is_right or form["code"] in self.used:
            return Answer(400, b'{"error": "invalid_grant"}')
        self.used.add(form["code"])
        answer = {"id_token": self.id_token(), "access_token": "at", "token_type": "Bearer"}
        return Answer(200, json.dumps(answer).encode())


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def provider(clock):
    return LyingProvider(clock)


@pytest.fixture
def new_client(provider, clock):
    return lambda **changes: OidcClient(
        settings(**changes), fetch=provider, sealer=Sealer(b"k" * 32, "oidc flow"), clock=clock
    )


async def go(client, provider, **answer):
    """A whole sign-in; `answer` changes what comes back in the address."""
    url, sealed = await client.start(redirect_uri="https://naru.example/login/oidc/callback", next="/x")
    state = provider.begin(url)["state"]
    query = {"state": state, "code": "c1"} | answer
    query = {name: value for name, value in query.items() if value is not None}
    return await client.finish(client.find_flow(sealed, query), query)


async def refused(client, provider, **answer):
    with pytest.raises(NaruError) as error:
        await go(client, provider, **answer)
    assert isinstance(error.value, Forbidden | BadRequest), error.value
    return error.value


async def test_an_honest_provider_is_believed(new_client, provider):
    """Who it is, their groups as roles, and where they were going."""
    finished = await go(new_client(), provider, iss=ISSUER)
    assert finished.flow.next == "/x"
    assert finished.who.subject == "s1"
    assert finished.who.email == "kim@example.com"
    assert [(g.org, g.role, g.source) for g in finished.who.grants] == [("*", "admin", "oidc")]
    token_request = next(asked for asked in provider.asked if asked[0].endswith("/token"))
    assert token_request[2]["authorization"] == "Basic " + base64.b64encode(b"naru:s3%20cret").decode()
    assert "client_secret" not in token_request[1]


async def test_the_client_speaks_as_the_provider_wants(new_client, provider):
    """The secret in the form where only that is supported; none for a public client."""
    provider.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    await go(new_client(), provider)
    assert provider.asked[-2][1]["client_secret"] == "s3 cret"
    provider.used.clear()
    await go(new_client(client_secret=None), provider)
    form, headers = next(asked for asked in reversed(provider.asked) if asked[0].endswith("/token"))[1:]
    assert form["client_id"] == CLIENT
    assert "authorization" not in headers


@pytest.mark.parametrize("state", [None, "", "x", "wrong" * 20, "é"])
async def test_another_state_is_another_sign_in(new_client, provider, state):
    """A forged or left out state opens nothing, and the code is not even exchanged."""
    error = await refused(new_client(), provider, state=state)
    assert error.code == "oidc_state"
    assert not any(url.endswith("/token") for url, *_ in provider.asked)


@pytest.mark.parametrize("sealed", ["", "v1.", "v1.AAAA", "x" * 5000])
async def test_a_made_up_flow_is_none(new_client, sealed):
    """The browser's note counts only when it was sealed here."""
    with pytest.raises(BadRequest) as error:
        new_client().find_flow(sealed, {"state": ""})
    assert error.value.code == "oidc_state"


async def test_a_flow_runs_out(new_client, provider, clock):
    """Ten minutes at the provider, no more."""
    client = new_client()
    url, sealed = await client.start(redirect_uri="https://naru.example/cb", next="/")
    clock.advance(FLOW_S)
    with pytest.raises(BadRequest):
        client.find_flow(sealed, {"state": provider.begin(url)["state"], "code": "c"})


async def test_a_code_is_good_once_and_for_its_own_verifier(new_client, provider):
    """Sent again, or stolen and sent in another browser, the provider refuses it and so do we."""
    client = new_client()
    await go(client, provider)
    assert (await refused(client, provider)).code == "oidc_refused"
    url, _ = await client.start(redirect_uri="https://naru.example/cb", next="/")
    _, other = await client.start(redirect_uri="https://naru.example/cb", next="/")
    provider.begin(url)
    flow_text = Sealer(b"k" * 32, "oidc flow").open(other, "flow")
    query = {"state": json.loads(flow_text)["state"], "code": "stolen"}
    with pytest.raises(Forbidden) as error:
        await client.finish(client.find_flow(other, query), query)
    assert error.value.code == "oidc_refused"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 1},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": []},
        {"aud": None},
        {"aud": {"naru": 1}},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"iss": "https://evil.example"},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "never"},
        {"exp": float("nan")},
        {"exp": True},
        {"nbf": 99999999999},
        {"iat": 99999999999},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "s" * 256},
        {"sub": "s\0"},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_is_refused(new_client, provider, claims):
    """Whoever signed it, if it is not for us, not now, not for this sign-in, it does not count."""
    provider.claims = claims
    assert (await refused(new_client(), provider)).code == "oidc_invalid_token"


def b64(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def none_token(claims):
    return f"{b64({'alg': 'none'})}.{b64(claims)}."


def hs256_with_public_key(claims):
    """The classic: HMAC with the published key as the secret."""
    signed = f"{b64({'alg': 'HS256', 'kid': 'k1'})}.{b64(claims)}"
    signature = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def signed_by_another(claims):
    other = RSAKey.generate_key(2048, {"kid": "k1"})
    return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, other)


def with_own_key(claims):
    """A header that brings the key it was signed with."""
    other = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "jwk": other.as_dict(private=False)}
    return jwt.encode(header, claims, other)


def altered(claims):
    head, _, signature = LyingProvider.sign_rs256(claims).split(".")
    return f"{head}.{b64(claims | {'groups': ['admins'], 'sub': 's2'})}.{signature}"


def unsigned(claims):
    return LyingProvider.sign_rs256(claims).rsplit(".", 1)[0] + "."


def of_another_algorithm(claims):
    same = RSAKey.import_key(KEY.as_pem(private=True))
    return jwt.encode({"alg": "PS256", "kid": "k1"}, claims, same, algorithms=["PS256"])


def critical(claims):
    return jwt.encode({"alg": "RS256", "kid": "k1", "crit": ["b64"], "b64": True}, claims, KEY)


FORGERIES = [
    none_token,
    hs256_with_public_key,
    signed_by_another,
    with_own_key,
    altered,
    unsigned,
    of_another_algorithm,
    lambda _: "",
    lambda _: "x.y.z",
    lambda _: "....",
    lambda _: b64([]) + ".e30.e30",
    lambda _: "é.é.é",
    lambda _: "A" * 200_000,
]


@pytest.mark.parametrize("sign", FORGERIES, ids=lambda f: f.__name__)
async def test_a_forged_token_is_refused(new_client, provider, sign):
    """No `none`, no HMAC with a public key, no other key, no altered claim, no garbage; never a 500."""
    provider.sign = sign
    assert (await refused(new_client(), provider)).code == "oidc_invalid_token"


async def test_elliptic_keys_count_too(new_client, provider):
    """A provider signs as it likes among the asymmetric algorithms."""
    provider.sign = lambda claims: jwt.encode({"alg": "ES256", "kid": "k2"}, claims, EC)
    assert (await go(new_client(), provider)).who.subject == "s1"


async def test_mixed_up_providers_are_told_apart(new_client, provider):
    """An answer that names another issuer, or none where it is promised, and a flow begun at another."""
    assert (await refused(new_client(), provider, iss="https://evil.example")).code == "oidc_invalid_token"
    client = new_client()
    _, sealed = await client.start(redirect_uri="https://naru.example/cb", next="/")
    other = new_client(issuer="https://other.example")
    state = json.loads(Sealer(b"k" * 32, "oidc flow").open(sealed, "flow"))["state"]
    with pytest.raises(Forbidden):
        other.find_flow(sealed, {"state": state})
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    assert (await refused(new_client(), provider)).code == "oidc_invalid_token"


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"token_endpoint": "http://id.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"end_session_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
async def test_a_discovery_document_of_another_is_refused(new_client, provider, change):
    """It must name the issuer that was asked, and addresses that are https as its own is."""
    provider.metadata |= change
    with pytest.raises(Forbidden):
        await new_client().start(redirect_uri="https://naru.example/cb", next="/")


async def test_keys_may_change(new_client, provider, clock):
    """A token of a new key makes us ask for the keys again; a flood of made-up names does not."""
    client = new_client()
    await go(client, provider)
    fresh = RSAKey.generate_key(2048, {"kid": "k3"})
    provider.keys = [fresh]
    provider.used.clear()
    provider.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "k3"}, claims, fresh)
    clock.advance(11)
    assert (await go(client, provider)).who.subject == "s1"
    provider.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "made up"}, claims, fresh)
    before = len(provider.asked)
    for number in range(5):
        await refused(client, provider, code=f"c{number}x")
    assert not any(url.endswith("/jwks") for url, *_ in provider.asked[before:])


async def test_a_provider_that_is_away_is_asked_once_in_a_while(new_client, provider, clock):
    """Whoever comes next is told at once, instead of waiting for the same silence."""
    client, asked = new_client(), []

    async def silence(url, **_):
        asked.append(url)
        raise Unavailable("gone", code="oidc_unreachable")

    client._fetch = silence
    for _ in range(5):
        with pytest.raises(Unavailable):
            await client.start(redirect_uri="https://naru.example/cb", next="/")
    assert len(asked) == 1
    clock.advance(4)
    client._fetch = provider
    await client.start(redirect_uri="https://naru.example/cb", next="/")


async def test_an_old_key_no_longer_signs_once_it_is_gone(new_client, provider, clock):
    """After an hour at most a withdrawn key is unknown."""
    client = new_client()
    await go(client, provider)
    provider.keys = [EC]
    provider.used.clear()
    clock.advance(3601)
    assert (await refused(client, provider)).code == "oidc_invalid_token"


async def test_userinfo_adds_and_never_overrides(new_client, provider):
    """Groups may come from there; what the signed token says wins; another's userinfo is refused."""
    provider.claims = {"groups": None, "email": None}
    provider.userinfo = {
        "sub": "s1",
        "groups": ["staff"],
        "email": "kim@example.com",
        "name": "Mallory",
        "email_verified": False,
    }
    who = (await go(new_client(), provider)).who
    assert [(g.org, g.role) for g in who.grants] == [("org_a", "viewer")]
    assert who.name == "Kim"
    assert who.is_email_verified, "the signed token said so"
    provider.used.clear()
    provider.userinfo["sub"] = "s2"
    assert (await refused(new_client(), provider)).code == "oidc_invalid_token"


@pytest.mark.parametrize(
    ("claims", "path", "roles"),
    [
        ({"groups": "admins"}, "groups", ["admin"]),
        ({"groups": ["staff", "admins"]}, "groups", ["admin", "viewer"]),
        ({"realm_access": {"roles": ["admins"]}}, "realm_access.roles", ["admin"]),
        ({"https://naru/groups.v1": ["admins"]}, "https://naru/groups.v1", ["admin"]),
        ({"groups": [1, None, {"a": 1}, ["admins"]]}, "groups", []),
        ({"groups": {"admins": True}}, "groups", []),
        ({"groups": ["ADMINS", "admins "]}, "groups", []),
        ({"groups": None}, "groups", []),
    ],
    ids=str,
)
async def test_groups_become_roles_only_as_they_are_written(new_client, provider, claims, path, roles):
    """Exactly, wherever the provider puts them; anything else is no role."""
    provider.claims = {"groups": None} | claims
    who = (await go(new_client(group_claim=path), provider)).who
    assert sorted(g.role for g in who.grants) == roles


async def test_the_providers_no_is_said_in_words(new_client, provider):
    """An error instead of a code; its text is not shown, for anybody can write it into a link."""
    error = await refused(new_client(), provider, code=None, error="access_denied", error_description="<b>")
    assert error.code == "oidc_refused"
    assert "<b>" not in error.message


async def test_signing_out_leads_to_the_provider(new_client, provider):
    """With our client id, the way back as a browser calls it, and the token as hint; or to nowhere."""
    url = await new_client().find_logout_url("https://naru.example/login")
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "client_id": CLIENT,
        "post_logout_redirect_uri": "https://naru.example/login",
    }
    hinted = await new_client().find_logout_url("https://naru.example/login", "an.id.token")
    assert dict(parse_qsl(urlsplit(hinted).query))["id_token_hint"] == "an.id.token"
    behind = new_client(redirect_uri="https://naru.example/login/oidc/callback")
    url = await behind.find_logout_url("http://10.0.0.5:8400/login")
    assert dict(parse_qsl(urlsplit(url).query))["post_logout_redirect_uri"] == "https://naru.example/login"
    provider.metadata["end_session_endpoint"] = None
    assert await new_client().find_logout_url("x") is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda v: (
            st.lists(v)
            | st.dictionaries(st.sampled_from(["keys", "kty", "kid", "n", "e", "use", "crv", "x", "alg"]), v)
        ),
    )
)
def test_no_key_document_breaks_us(document):
    """Whatever is published as JWKS, unreadable keys are left out and none of them signs."""
    keys = SigningKeys(document)
    with pytest.raises(UnknownKey):
        keys.find({"alg": "RS256", "kid": "no such key"})


@given(st.text(max_size=300))
def test_no_text_is_a_token(text):
    """Refused, and never anything else."""
    keys = SigningKeys({"keys": [KEY.as_dict(private=False)]})
    with pytest.raises((Forbidden, UnknownKey)):
        check_id_token(text, keys, issuer=ISSUER, client_id=CLIENT, nonce="n", now_ns=time.time_ns())


class Served:
    """What a real HTTP server does wrong, over aiohttp's own server."""

    def __init__(self, answer):
        self.answer = answer

    async def __aenter__(self):
        from aiohttp import web

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        host, port = self.runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def __aexit__(self, *_):
        await self.runner.cleanup()


async def fetch(url, timeout_s=2.0):
    return await OidcHttp()(url, timeout_s=timeout_s, form=None, headers={})


async def test_a_provider_that_floods_hangs_or_redirects_is_cut_off():
    """A megabyte at most, the time that is set at most, and never to another address."""
    import asyncio

    from aiohttp import web

    async def flood(request):
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(4 * MAX_BYTES // 65536):
                await response.write(b"x" * 65536)
        except ConnectionError:
            pass
        return response

    async def hang(request):
        await asyncio.sleep(30)

    async def redirect(request):
        raise web.HTTPFound("http://127.0.0.1:1/secret")

    for answer in (flood, hang):
        async with Served(answer) as url:
            with pytest.raises(Unavailable) as error:
                await fetch(url, timeout_s=0.5)
            assert error.value.code == "oidc_unreachable"
            assert "127.0.0.1" not in error.value.message
    async with Served(redirect) as url:
        assert (await fetch(url)).status == 302
    with pytest.raises(Unavailable):
        await fetch("http://127.0.0.1:1/")
