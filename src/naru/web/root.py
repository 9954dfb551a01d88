"""One port, four houses: the data plane, the console's way into it, health checks, and the control plane."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from naru.gateway import Gateway
from naru.gateway.steps.authenticate import PRINCIPAL
from naru.kernel.errors import NaruError
from naru.web.context import ControlContext
from naru.web.playground_caller import find_caller

Message = MutableMapping[str, Any]
AsgiApp = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]
_CONSOLE_DATA_PLANE = "/console/v1/"


class Root:
    """The ASGI application of one Naru.

    Args:
        gateway: serves `/v1/`.
        control: serves `/api`, the console and everything else.
        context: knows the console's sessions.
        find_unready: what is not ready yet, "" when everything is; for `/readyz`.
    """

    def __init__(
        self, *, gateway: Gateway, control: AsgiApp, context: ControlContext, find_unready: Callable[[], str]
    ) -> None:
        self._gateway = gateway
        self._control = control
        self._context = context
        self._find_unready = find_unready

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path.startswith("/v1/"):
            await self._gateway(scope, receive, send)
        elif path.startswith(_CONSOLE_DATA_PLANE):
            # The playground calls as the operator who is signed in. Without a session the request goes on
            # without a principal, and the road refuses it as any other without a key.
            scope = {**scope, "path": path.removeprefix("/console")}
            try:
                principal = await find_caller(scope, self._context)
            except NaruError as error:
                told = {"message": error.message, "code": error.code, "type": "invalid_request_error"}
                await _answer(send, error.status, {"error": told})
                return
            if principal is not None:
                scope[PRINCIPAL] = principal
            await self._gateway(scope, receive, send)
        elif path == "/healthz":
            await _answer(send, 200, {"status": "ok"})
        elif path == "/readyz":
            waiting = self._find_unready()
            await _answer(send, 503 if waiting else 200, {"status": waiting or "ready"})
        else:
            await self._control(scope, receive, send)


async def _answer(send: Callable[[Message], Awaitable[None]], status: int, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
