"""Each kind of provider sends exactly what its upstream expects, and of the client only what may pass."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import sys
import threading
from datetime import timedelta
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from yarl import URL

from naru import __version__
from naru.kernel.clock import FrozenClock
from naru.kernel.errors import BadRequest, ConfigError, NotFound, UpstreamError, UpstreamUnavailable
from naru.providers.aws import Signer
from naru.providers.redact import Redactor
from naru.providers.registry import build_provider
from naru.providers.transport import Transport
from naru.settings.model import Provider
from naru.testing.upstream import Upstream
from naru.wire.eventstream import EventStreamFraming
from naru.wire.sse import SseFraming

KEY = "plain-key-1234567890"
CLIENTS = ("chat", "responses", "completions", "messages")
# Everything a client may send that is not for the upstream to see, and what some providers do take.
CLIENT_HEADERS = {
    "authorization": "Bearer client-key",
    "x-api-key": "client-key",
    "cookie": "session=client",
    "idempotency-key": "client-chosen",
    "x-forwarded-for": "203.0.113.9",
    "anthropic-beta": "beta-1",
    "openai-beta": "beta-2",
    "anthropic-version": "1999-01-01",
}


def build(kind, **fields):
    fields.setdefault("api_key", SecretStr(KEY))
    return build_provider("acme", Provider(kind=kind, **fields))


def prepare(provider, dialect="chat", model="m-1", *, is_stream=False, headers=CLIENT_HEADERS):
    return provider.prepare(dialect, model, b"{}", is_stream=is_stream, client_headers=headers)


OPENAI = {"kind": "openai"}
VLLM = {"kind": "openai-compatible", "base_url": "http://gpu.example:8000/v1"}
AZURE = {"kind": "azure", "base_url": "https://res.openai.azure.example"}
ANTHROPIC = {"kind": "anthropic"}
GEMINI = {"kind": "gemini"}
BEDROCK = {"kind": "bedrock", "region": "ap-northeast-2"}
CLASSIC = {**AZURE, "api_version": "2024-10-21"}


@pytest.mark.parametrize(
    ("fields", "dialect", "is_stream", "url"),
    [
        (OPENAI, "chat", False, "https://api.openai.com/v1/chat/completions"),
        (OPENAI, "completions", True, "https://api.openai.com/v1/completions"),
        (OPENAI, "responses", False, "https://api.openai.com/v1/responses"),
        (
            {**OPENAI, "base_url": "https://eu.example"},
            "chat",
            False,
            "https://eu.example/v1/chat/completions",
        ),
        (VLLM, "chat", True, "http://gpu.example:8000/v1/chat/completions"),
        ({**VLLM, "base_url": "http://x.example/"}, "chat", False, "http://x.example/chat/completions"),
        (AZURE, "chat", False, "https://res.openai.azure.example/openai/v1/chat/completions"),
        (
            {**AZURE, "base_url": "https://res.openai.azure.example/openai/v1/", "api_version": "preview"},
            "responses",
            False,
            "https://res.openai.azure.example/openai/v1/responses?api-version=preview",
        ),
        (
            CLASSIC,
            "chat",
            True,
            "https://res.openai.azure.example/openai/deployments/m-1/chat/completions?api-version=2024-10-21",
        ),
        (
            {**CLASSIC, "base_url": "https://res.openai.azure.example/openai"},
            "completions",
            False,
            "https://res.openai.azure.example/openai/deployments/m-1/completions?api-version=2024-10-21",
        ),
        (
            {**CLASSIC, "api_version": "2025-04-01-preview"},
            "responses",
            False,
            "https://res.openai.azure.example/openai/responses?api-version=2025-04-01-preview",
        ),
        (ANTHROPIC, "messages", True, "https://api.anthropic.com/v1/messages"),
        (
            {**ANTHROPIC, "base_url": "https://proxy.example"},
            "messages",
            False,
            "https://proxy.example/v1/messages",
        ),
        (
            GEMINI,
            "gemini",
            False,
            "https://generativelanguage.googleapis.com/v1beta/models/m-1:generateContent",
        ),
        (
            GEMINI,
            "gemini",
            True,
            "https://generativelanguage.googleapis.com/v1beta/models/m-1:streamGenerateContent?alt=sse",
        ),
        (
            BEDROCK,
            "converse",
            False,
            "https://bedrock-runtime.ap-northeast-2.amazonaws.com/model/m-1/converse",
        ),
        (
            BEDROCK,
            "converse",
            True,
            "https://bedrock-runtime.ap-northeast-2.amazonaws.com/model/m-1/converse-stream",
        ),
    ],
)
def test_each_call_has_its_address(fields, dialect, is_stream, url):
    """As the provider's own documentation writes it."""
    assert prepare(build(**fields), dialect, is_stream=is_stream).url == url


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (OPENAI, {"authorization": f"Bearer {KEY}", "openai-beta": "beta-2"}),
        (VLLM, {"authorization": f"Bearer {KEY}", "openai-beta": "beta-2"}),
        (AZURE, {"api-key": KEY}),
        (ANTHROPIC, {"x-api-key": KEY, "anthropic-version": "2023-06-01", "anthropic-beta": "beta-1"}),
        (GEMINI, {"x-goog-api-key": KEY}),
        (BEDROCK, {"authorization": f"Bearer {KEY}"}),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
def test_each_request_carries_these_headers_and_no_others(fields, expected, is_stream):
    """The client's own key, cookie, address and idempotency key stay here."""
    request = prepare(build(**fields), is_stream=is_stream)
    accept = "application/json"
    if is_stream:
        accept = "application/vnd.amazon.eventstream" if fields["kind"] == "bedrock" else "text/event-stream"
    assert request.headers == {
        "accept": accept,
        "content-type": "application/json",
        "user-agent": f"naru/{__version__}",
        **expected,
    }
    assert KEY not in request.url


def test_extra_headers_are_sent_and_betas_are_joined():
    """An operator's headers win; a client's beta adds to the operator's."""
    provider = build("anthropic", headers={"Anthropic-Beta": "ours", "X-Team": "blue"})
    headers = prepare(provider).headers
    assert headers["anthropic-beta"] == "ours,beta-1"
    assert headers["x-team"] == "blue"
    assert prepare(provider, headers={}).headers["anthropic-beta"] == "ours"


def test_a_server_without_a_key_gets_no_credentials():
    """vLLM on one's own machine often has none."""
    assert "authorization" not in prepare(build(**VLLM, api_key=None)).headers


def test_requests_do_not_share_their_headers():
    """One call's headers must not show up in the next."""
    provider = build(**ANTHROPIC)
    prepare(provider).headers["x"] = "y"
    assert "x" not in prepare(provider, headers={}).headers
    assert "anthropic-beta" not in prepare(provider, headers={}).headers


@pytest.mark.parametrize(
    ("fields", "languages"),
    [
        (OPENAI, ("chat", "responses", "completions", "chat")),
        (VLLM, ("chat", "chat", "completions", "chat")),
        ({**VLLM, "supports_responses": True}, ("chat", "responses", "completions", "chat")),
        ({**VLLM, "supports_completions": False}, ("chat", "chat", "chat", "chat")),
        ({**OPENAI, "supports_responses": False}, ("chat", "chat", "completions", "chat")),
        (AZURE, ("chat", "responses", "completions", "chat")),
        (CLASSIC, ("chat", "chat", "completions", "chat")),
        (ANTHROPIC, ("messages",) * 4),
        (GEMINI, ("gemini",) * 4),
        (BEDROCK, ("converse",) * 4),
    ],
)
def test_every_client_language_is_served(fields, languages):
    """In the same language where the upstream speaks it, else in its own."""
    provider = build(**fields)
    assert tuple(provider.find_dialect(client).name for client in CLIENTS) == languages


@pytest.mark.parametrize("fields", [CLASSIC, GEMINI, BEDROCK])
@pytest.mark.parametrize("model", ["..", ".", "", "..."])
def test_a_model_name_cannot_leave_its_place_in_the_path(fields, model):
    """With `models = ["*"]` the name comes from a client."""
    with pytest.raises(NotFound):
        prepare(build(**fields), model=model)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=30).filter(lambda name: name.strip(".")))
def test_any_model_name_is_one_segment_that_the_http_client_leaves_alone(name):
    """What is sent is what was signed; `/`, `?`, `#` and `..` cannot address another resource."""
    name = name.encode("utf-8", "replace").decode()
    for fields in (CLASSIC, GEMINI, BEDROCK):
        provider = build(**fields)
        url = prepare(provider, model=name).url
        assert str(URL(url)) == url
        plain = prepare(provider, model="m").url
        extra = name.startswith(("models/", "tunedModels/")) and fields is GEMINI
        assert extra or url.count("/") == plain.count("/")
        assert url.count("?") == plain.count("?")


def test_gemini_takes_names_with_their_collection():
    """As its own SDKs write them."""
    provider = build(**GEMINI)
    assert "/v1beta/models/a:gen" in prepare(provider, model="models/a").url
    assert "/v1beta/tunedModels/a:gen" in prepare(provider, model="tunedModels/a").url


@pytest.mark.parametrize(
    ("fields", "vendor"),
    [
        (OPENAI, "openai"),
        (VLLM, "acme"),
        ({**VLLM, "vendor": "upstage"}, "upstage"),
        (AZURE, "azure"),
        (ANTHROPIC, "anthropic"),
        (GEMINI, "google"),
        (BEDROCK, "amazon"),
    ],
)
def test_each_provider_knows_its_price_list(fields, vendor):
    """A server of no known vendor is priced under its own name: unpriced until somebody says."""
    assert build(**fields).vendor == vendor


def test_framing_is_the_upstreams():
    """Binary at Bedrock, server-sent events elsewhere."""
    assert isinstance(build(**BEDROCK).new_framing(), EventStreamFraming)
    for fields in (OPENAI, AZURE, ANTHROPIC, GEMINI):
        assert isinstance(build(**fields).new_framing(), SseFraming)


@pytest.mark.parametrize("fields", [OPENAI, VLLM, AZURE, CLASSIC, ANTHROPIC, GEMINI, BEDROCK])
def test_nothing_that_addresses_the_upstream_gets_past_its_redactor(fields):
    """Neither the key nor the address, in whole or as a bare host."""
    provider = build(**fields, headers={"x-token": "extra-credential"})
    request = prepare(provider)
    host = URL(request.url).host
    text = f"POST {request.url} ({host}) with {request.headers!r}"
    cleaned = Redactor(provider.secrets).clean(text)
    for secret in (KEY, "extra-credential", host):
        assert secret not in cleaned


# --- Bedrock's signature -----------------------------------------------------------------------------------


@pytest.fixture
def aws(monkeypatch, tmp_path):
    """Credentials as AWS users have them, and no other place to find any."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


@pytest.mark.parametrize(
    "model",
    [
        "anthropic.claude-3-haiku-20240307-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
        "한국어 (모델) {x}",
    ],
)
async def test_bedrock_without_a_key_is_signed_for_the_bytes_that_are_sent(aws, model):
    """Recomputed by AWS's published recipe from what the upstream received."""
    async with Upstream() as upstream:
        provider = build("bedrock", region="us-east-1", base_url=upstream.url, api_key=None)
        await send(prepare(provider, "converse", model, headers={}))
        (received,) = upstream.requests
    assert received.path == f"/model/{model}/converse"
    assert received.headers["x-amz-security-token"] == "session-token-1"
    assert received.headers["authorization"] == expected_signature(received)


def expected_signature(received):
    """AWS Signature Version 4, written out from its documentation."""
    headers = received.headers
    scheme, _, fields = headers["authorization"].partition(" ")
    parts = dict(field.strip().split("=", 1) for field in fields.split(","))
    scope = parts["Credential"].split("/", 1)[1]
    date, region, service, _ = scope.split("/")
    assert (scheme, region, service) == ("AWS4-HMAC-SHA256", "us-east-1", "bedrock")
    names = parts["SignedHeaders"].split(";")
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(names)
    canonical = "\n".join(
        [
            received.method,
            quote(received.target, safe="/~"),
            "",
            *(f"{name}:{headers[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(received.body).hexdigest(),
        ]
    )
    to_sign = "\n".join(
        [scheme, headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = b"AWS4wJalrXUtnFEMI/K7MDENG"
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{scheme} Credential=AKIDEXAMPLE/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"


def test_aws_credentials_are_secrets(aws):
    """An upstream that echoes them reaches no client."""
    provider = build(**BEDROCK, api_key=None)
    cleaned = Redactor(provider.secrets).clean(
        "id AKIDEXAMPLE secret wJalrXUtnFEMI/K7MDENG t session-token-1"
    )
    assert cleaned == "id *** secret *** t ***"


def test_bedrock_without_any_credentials_is_refused_at_load(aws):
    """Not at the first call."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        aws.delenv(name)
    with pytest.raises(ConfigError, match=r"providers\.acme: no AWS credentials"):
        build(**BEDROCK, api_key=None)
    with pytest.raises(ConfigError, match=r"providers\.acme: AWS credentials cannot be read"):
        build(**BEDROCK, api_key=None, aws_profile="nobody")


@pytest.fixture
def issuer(aws, tmp_path):
    """Credentials that expire: a profile whose command gives key number 1, then 2, and so on."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        aws.delenv(name)
    (tmp_path / "lives").write_text("")
    (tmp_path / "issue.py").write_text(
        "import json, pathlib, sys\n"
        "from datetime import UTC, datetime, timedelta\n"
        "folder = pathlib.Path(__file__).parent\n"
        "minutes, *rest = (folder / 'lives').read_text().split()\n"
        "(folder / 'lives').write_text(' '.join(rest))\n"
        "until = (datetime.now(UTC) + timedelta(minutes=float(minutes))).isoformat()\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'KEY-{minutes}', 'SecretAccessKey': 's',\n"
        "                  'SessionToken': 't', 'Expiration': until}))\n"
    )
    (tmp_path / "config").write_text(
        f"[profile p]\ncredential_process = {sys.executable} {tmp_path / 'issue.py'}\n"
    )
    return lambda *lives: (tmp_path / "lives").write_text(" ".join(map(str, lives)))


def key_of(signer):
    return re.search(r"Credential=([^/]+)/", signer.sign("https://x.example/", b"")["authorization"])[1]


def test_credentials_are_renewed_ahead_without_holding_up_a_call(issuer):
    """Fourteen minutes left: this call goes with the old ones, a later one with the new."""
    issuer(90, 60)
    signer = Signer("acme", "us-east-1", "p", clock=FrozenClock())
    assert key_of(signer) == "KEY-90"
    signer._credentials._expiry_time -= timedelta(minutes=76)
    assert key_of(signer) == "KEY-90"
    for thread in threading.enumerate():
        if thread.name == "naru-aws-credentials":
            thread.join(30)
    assert key_of(signer) == "KEY-60"


def test_credentials_that_have_run_out_are_renewed_before_the_call(issuer):
    """Signing with them would only fetch a 403; when no new ones can be had, that is said."""
    issuer(90)
    signer = Signer("acme", "us-east-1", "p", clock=FrozenClock())
    signer._credentials._expiry_time -= timedelta(minutes=90)
    with pytest.raises(UpstreamUnavailable, match="run out"):
        key_of(signer)
    issuer(60)
    assert key_of(signer) == "KEY-60"


# --- Embeddings --------------------------------------------------------------------------------------------


async def send(request):
    transport = Transport(connect_timeout_s=5, max_connections=1)
    try:
        response = await transport.open(request)
        body = await response.read()
        response.close()
        assert response.status == 200, body
        return body
    finally:
        await transport.close()


async def embed(fields, model, body, **options):
    """What a client gets, and what the upstream got."""
    async with Upstream() as upstream:
        url = upstream.url + ("/v1" if fields["kind"] != "bedrock" and fields["kind"] != "azure" else "")
        provider = build(**{**fields, "base_url": url})
        encoded = provider.encode_embeddings(msgspec.json.encode(body), model)
        answer = await send(provider.prepare_embeddings(model, encoded))
        (received,) = upstream.requests
    return msgspec.json.decode(provider.decode_embeddings(answer, model, **options)), received


EMBEDDERS = [
    (OPENAI, "text-embedding-3-small", True),
    (AZURE, "text-embedding-3-small", True),
    (CLASSIC, "text-embedding-3-small", True),
    (GEMINI, "gemini-embedding-001", False),
    (BEDROCK, "amazon.titan-embed-text-v2:0", True),
    (BEDROCK, "cohere.embed-multilingual-v3", False),
    (BEDROCK, "cohere.embed-v4:0", False),
]


@pytest.mark.parametrize(("fields", "model", "reports_tokens"), EMBEDDERS)
async def test_embeddings_come_in_openais_shape_from_everyone(fields, model, reports_tokens):
    """And the tokens are there only when the upstream counted them: unknown is not 0."""
    answer, _ = await embed(fields, model, {"model": "alias", "input": "나루", "dimensions": 4})
    assert answer["object"] == "list"
    assert answer["model"] == model
    (row,) = answer["data"]
    assert (row["object"], row["index"], len(row["embedding"])) == ("embedding", 0, 4)
    assert ("usage" in answer) == reports_tokens
    if reports_tokens:
        assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 0


@pytest.mark.parametrize(("fields", "model", "_"), [e for e in EMBEDDERS if "titan" not in e[1]])
async def test_several_texts_keep_their_order(fields, model, _):
    """The same texts the other way round give the same vectors the other way round."""
    forth, _ = await embed(fields, model, {"model": "a", "input": ["one", "two"]})
    back, _ = await embed(fields, model, {"model": "a", "input": ["two", "one"]})
    vectors = [row["embedding"] for row in forth["data"]]
    assert vectors == [row["embedding"] for row in back["data"]][::-1]
    assert vectors[0] != vectors[1]


@pytest.mark.parametrize(("fields", "model", "_"), [e for e in EMBEDDERS if e[0] in (GEMINI, BEDROCK)])
async def test_base64_holds_the_same_numbers(fields, model, _):
    """What OpenAI's JavaScript SDK asks for and cannot do without."""
    body = {"model": "a", "input": "x", "encoding_format": "base64"}
    plain, _ = await embed(fields, model, body)
    packed, _ = await embed(fields, model, body, is_base64=True)
    raw = base64.b64decode(packed["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(raw) // 4}f", raw)) == pytest.approx(plain["data"][0]["embedding"])


async def test_gemini_counts_tokens_when_it_says_so():
    """`usageMetadata`, which newer models send."""
    provider = build(**GEMINI)
    body = b'{"embeddings":[{"values":[0.5]}],"usageMetadata":{"promptTokenCount":7}}'
    usage = msgspec.json.decode(provider.decode_embeddings(body, "m"))["usage"]
    assert usage == {"prompt_tokens": 7, "total_tokens": 7}


async def test_openai_embeddings_keep_every_field_of_the_client():
    """Token numbers, unknown fields and all; only the model's name is ours."""
    body = {"model": "alias", "input": [[1, 2], [3]], "user": "u", "x_new": {"deep": [1.50]}}
    _, received = await embed(OPENAI, "real", body)
    assert received.json == {**body, "model": "real"}


@pytest.mark.parametrize(
    ("fields", "model", "body", "param"),
    [
        (GEMINI, "g", {"input": [1, 2]}, "input"),
        (GEMINI, "g", {"input": [[1], [2]]}, "input"),
        (GEMINI, "g", {"input": []}, "input"),
        (GEMINI, "g", {"input": ""}, "input"),
        (GEMINI, "g", {"input": "x", "dimensions": 0}, "dimensions"),
        (BEDROCK, "amazon.titan-embed-text-v2:0", {"input": ["a", "b"]}, "input"),
        (BEDROCK, "anthropic.claude-3-haiku-20240307-v1:0", {"input": "a"}, "model"),
    ],
)
def test_what_cannot_be_embedded_is_a_clear_bad_request(fields, model, body, param):
    """Before anything is sent."""
    with pytest.raises(BadRequest) as caught:
        build(**fields).encode_embeddings(msgspec.json.encode({"model": "a", **body}), model)
    assert caught.value.param == param


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"embeddings":3}', b'{"embedding":["x"]}', b"[1]"])
@pytest.mark.parametrize("fields", [GEMINI, BEDROCK])
def test_an_answer_without_embeddings_is_the_upstreams_fault(fields, body):
    """Never an exception nobody knows."""
    with pytest.raises(UpstreamError, match="no embeddings"):
        build(**fields).decode_embeddings(body, "m")


def test_anthropic_has_no_embeddings():
    """None is how the road learns it."""
    provider = build(**ANTHROPIC)
    assert provider.prepare_embeddings("m", provider.encode_embeddings(b"{}", "m")) is None
