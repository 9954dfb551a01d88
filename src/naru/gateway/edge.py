"""The data plane as an ASGI application: paths in, error objects of the right shape out."""

from __future__ import annotations

import asyncio
import logging
import math

import msgspec

from naru.gateway.endpoints import ENDPOINTS, Endpoint
from naru.gateway.exchange import Exchange, Receive, Scope, Send
from naru.gateway.feedback import MAX_BYTES
from naru.gateway.feedback import PATH as FEEDBACK
from naru.gateway.pipeline import Road, serve
from naru.gateway.steps.admit import read_body
from naru.gateway.steps.authenticate import authenticate
from naru.gateway.steps.authorize import may_see
from naru.identity import Principal
from naru.kernel.errors import BadRequest, NaruError, NotFound, PayloadTooLarge, Unavailable, UpstreamError
from naru.quota import LimitReached

_log = logging.getLogger(__name__)
_MODELS = "/v1/models"
_JSON = (b"content-type", b"application/json")


class MethodNotAllowed(BadRequest):
    """The path exists and wants another method."""

    status = 405
    default_code = "method_not_allowed"


class Gateway:
    """Everything under `/v1`.

    Args:
        road: shared state of all calls; its `rules` are replaced at a reload.
    """

    def __init__(self, road: Road) -> None:
        self.road = road
        self._started_at_s = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        endpoint = ENDPOINTS.get(path)
        if endpoint is not None and scope["method"] == "POST":
            x = Exchange(endpoint, scope, receive, send)
            try:
                await serve(x, self.road)
            except NaruError as error:
                self.road.refusals.note(x, error)
                await _send_error(x, error)
            except asyncio.CancelledError:
                # The client left, or the server stops; either way this task is at its end.
                task = asyncio.current_task()
                if task is not None:
                    task.uncancel()
                await _send_error(x, Unavailable("Naru is stopping. Try again in a moment.", retry_after_s=1))
            except Exception as error:  # noqa: BLE001 - the edge of the process: a bug must not show its insides
                # The type alone: a message could hold text of the prompt.
                _log.error("call %s failed inside naru: %s", x.id, _where(error))
                await _send_error(x, x.error or NaruError("Naru failed on this request."))
            return
        x = Exchange(endpoint or _endpoint_near(path), scope, receive, send)
        try:
            x.principal = authenticate(x, self.road.keyring)
            await self._answer_other(x, path, scope["method"], is_known=endpoint is not None)
        except NaruError as error:
            self.road.refusals.note(x, error)
            await _send_error(x, error)

    async def _answer_other(self, x: Exchange, path: str, method: str, *, is_known: bool) -> None:
        if path == FEEDBACK and self.road.feedback is not None:
            if method != "POST":
                raise MethodNotAllowed("Use POST here.")
            assert x.principal is not None
            said = await read_body(x, MAX_BYTES)
            body = await self.road.feedback.take(x.principal, said)
            await x.answer(200, [_JSON, (b"x-naru-request-id", x.id.encode())], body)
            return
        is_models = path == _MODELS or path.startswith(_MODELS + "/")
        if not is_known and not is_models:
            raise NotFound(
                f"There is no {method} {path[:100]!r} here. See docs/api.md for the paths there are."
            )
        if is_known or method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"Use {'POST' if is_known else 'GET'} here.")
        entries = self._models(x.principal)
        if path == _MODELS:
            found: object = {
                "object": "list",
                "data": entries,
                "has_more": False,
                "first_id": entries[0]["id"] if entries else None,
                "last_id": entries[-1]["id"] if entries else None,
            }
        else:
            name = path.removeprefix(_MODELS + "/")
            found = next((entry for entry in entries if entry["id"] == name), None)
            if found is None:
                raise NotFound("This model does not exist here.", code="model_not_found", param="model")
        await x.answer(200, [_JSON, (b"x-naru-request-id", x.id.encode())], msgspec.json.encode(found))

    def _models(self, principal: Principal | None) -> list[dict[str, object]]:
        """Entries that are at once OpenAI's and Anthropic's, whose SDKs both ask this path: of the models
        this key may call, and of none for nobody."""
        table = self.road.rules.table
        return [
            {
                "id": model.id,
                "object": "model",
                "created": 0,
                "owned_by": model.provider,
                "type": "model",
                "display_name": model.id,
                "created_at": "1970-01-01T00:00:00Z",
            }
            for model in table.list_models()
            if principal is not None and may_see(principal, model.id, table)
        ]


def _endpoint_near(path: str) -> Endpoint:
    """Whose error shape an unknown path gets."""
    return ENDPOINTS["/v1/messages" if path.startswith("/v1/messages") else "/v1/chat/completions"]


def _where(error: Exception) -> str:
    """Type and place of an exception, without its message."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rpartition('/naru/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}"


async def _send_error(x: Exchange, error: NaruError) -> None:
    """Word `error` in the client's language. After the first byte nothing more can be said but the end."""
    if x.is_client_gone or x.has_started:
        return  # the server sees an unfinished answer and cuts the connection
    body = msgspec.json.encode(
        x.endpoint.dialect.encode_error(
            status=error.status,
            type=error.type,
            code=error.code,
            message=error.message,
            param=error.param,
            request_id=x.id,
        )
    )
    headers = [_JSON, (b"x-naru-request-id", x.id.encode()), (b"x-request-id", x.id.encode())]
    headers += x.limit_headers
    if x.attempts:
        headers.append((b"x-naru-attempts", b"%d" % len(x.attempts)))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after_s))))
        if isinstance(error, LimitReached):  # the SDKs prefer it, and wait no longer than they must
            headers.append((b"retry-after-ms", b"%d" % math.ceil(error.retry_after_s * 1000)))
    if (x.attempts and isinstance(error, UpstreamError)) or error.type == "insufficient_quota":
        # Naru has retried already as much as is wise; an SDK doing so again would multiply the load.
        headers.append((b"x-should-retry", b"false"))
    if isinstance(error, PayloadTooLarge):
        headers.append((b"connection", b"close"))
    await x.answer(error.status, headers, body)
