"""How commands administer: through the control API, of a running Naru or of the database in HOME.

One code path for both: with `--home` the very API is run inside the command, on the local database, so a
command can do nothing that the API could not, and every act is decided and recorded in the same place.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple
from urllib.parse import quote, unquote, urlencode, urlsplit

import typer

from naru.kernel.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NaruError,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    Unauthenticated,
    Unavailable,
)

if TYPE_CHECKING:
    from naru.local import LocalNaru

HOME: Final = Path(".naru")
KEY_VARIABLE: Final = "NARU_KEY"
_TIMEOUT_S: Final = 60
_ERRORS: Final[dict[int, type[NaruError]]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: PayloadTooLarge,
    422: BadRequest,
    429: RateLimited,
    503: Unavailable,
}

HomeOption = Annotated[
    Path, typer.Option("--home", help="Folder of the database, as given to `naru up`; needs no running Naru.")
]
UrlOption = Annotated[
    str | None, typer.Option("--url", help="Address of a running Naru instead, e.g. https://naru.example.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key", help=f"Admin key for --url; better in {KEY_VARIABLE}, where no process list shows it."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


class _Answer(NamedTuple):
    status: int
    media_type: str
    body: bytes


Send = Callable[[str, str, bytes | None], _Answer]


class Control(AbstractContextManager["Control"]):
    """Asks the control API. Use it in a `with` block: the end closes the database."""

    def __init__(self, send: Send, close: Callable[[], None] = lambda: None) -> None:
        self._send = send
        self._close = close

    def request(
        self, method: str, path: str, body: object = None, *, query: Mapping[str, object] | None = None
    ) -> Any:
        """What the API answers: parsed JSON, the text of anything else, None for an empty answer.

        Args:
            path: below the server, e.g. `/api/keys`; parts of it that people typed go through `segment`.
            body: sent as JSON unless it is None.
            query: parameters; None values are left out, sequences are repeated.

        Raises:
            NaruError: the class of the answer's status, with the problem's own words and code.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{path}?{urlencode(given, doseq=True)}" if given else path
        answer = self._send(method, target, None if body is None else json.dumps(body).encode())
        if answer.status >= 400:
            raise _error(answer)
        if not answer.body:
            return None
        text = answer.body.decode("utf-8")
        return json.loads(text) if answer.media_type == "application/json" else text

    def close(self) -> None:
        """Write what is still in memory and close the database."""
        self._close()

    def __exit__(self, *_: object) -> None:
        self.close()


def segment(text: str) -> str:
    """`text` as one part of a path."""
    return quote(text, safe="")


def open_control(
    home: Path = HOME, url: str | None = None, key: str | None = None, config: Path | None = None
) -> Control:
    """The control API of the Naru at `url`, else of the database in `home`, which is made when missing.

    Args:
        key: for `url`; default: the environment's NARU_KEY.
        config: for `home`: settings that say where the database is; default: naru.toml in this folder.

    Raises:
        BadRequest: the address is no http(s) address, or there is no key for it.
    """
    return (
        _open_local(home, config)
        if url is None
        else _open_remote(url, key or os.environ.get(KEY_VARIABLE, ""))
    )


def _open_local(home: Path, config: Path | None) -> Control:
    from naru.local import open_local

    naru = open_local(home, config)

    def send(method: str, target: str, body: bytes | None) -> _Answer:
        return asyncio.run(_call(naru, method, target, body))

    return Control(send, naru.close)


async def _call(naru: LocalNaru, method: str, target: str, body: bytes | None) -> _Answer:
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [
            (b"host", b"localhost"),
            (b"authorization", b"Bearer " + naru.admin_key.encode()),
            (b"content-type", b"application/json"),
            (b"accept", b"application/json"),
        ],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 80),
    }
    sent = False
    status, media_type, parts = 500, "", []

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()  # nobody hangs up here
        sent = True
        return {"type": "http.request", "body": body or b"", "more_body": False}

    async def take(message: Any) -> None:
        nonlocal status, media_type
        if message["type"] == "http.response.start":
            status = message["status"]
            found = dict(message["headers"]).get(b"content-type", b"")
            media_type = found.decode("latin-1").partition(";")[0].strip()
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await naru.asgi(scope, receive, take)
    return _Answer(status, media_type, b"".join(parts))


def _open_remote(url: str, key: str) -> Control:
    base = url.rstrip("/")
    address = urlsplit(base)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise BadRequest(
            "--url must be the address of a running Naru, like https://naru.example.", param="url"
        )
    if not key:
        raise BadRequest(f"--url needs the admin key: set {KEY_VARIABLE}, or give --key.", param="key")

    def send(method: str, target: str, body: bytes | None) -> _Answer:
        return _fetch(base + target, method, key, body)

    return Control(send)


def _fetch(address: str, method: str, key: str, body: bytes | None) -> _Answer:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class NoRedirect(HTTPRedirectHandler):
        """A redirect would carry the admin key to wherever it leads."""

        def redirect_request(self, *_: Any) -> None:
            return None

    headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
    if body is not None:
        headers["content-type"] = "application/json"
    try:
        request = Request(address, body, headers, method=method)  # noqa: S310 - http(s) is checked above
        with build_opener(NoRedirect).open(request, timeout=_TIMEOUT_S) as answer:
            return _Answer(answer.status, answer.headers.get_content_type(), answer.read())
    except HTTPError as refused:
        with refused:
            return _Answer(refused.code, refused.headers.get_content_type(), refused.read())
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise Unavailable(f"No Naru answers at --url: {reason}.", code="naru_unreachable") from None


def _error(answer: _Answer) -> NaruError:
    kind = _ERRORS.get(answer.status, NaruError)
    try:
        problem = json.loads(answer.body)
        detail, stable = str(problem["detail"]), str(problem["code"])
        return kind(detail, code=stable, param=problem.get("param"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return kind(f"--url answered with HTTP {answer.status} and no problem object; is it a Naru?")
