"""Single sign-on: to the identity provider, back with its answer, and out again.

Going there is a link, not a form, for the content policy lets no form lead to another host. Coming back is
a request from another site, so the cookie it needs is `lax`, and the session is used from our own page on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from naru.identity.people_sign_in import FLOW_S
from naru.kernel.errors import NaruError, NotFound
from naru.web.access import read_base_url
from naru.web.console.frame import local_path, render
from naru.web.console.sign_in.page import read_directory, set_session
from naru.web.session import LIFETIME_S, is_over_tls

if TYPE_CHECKING:
    from naru.identity.oidc import OidcClient

router = APIRouter()

_FLOW_COOKIE: Final = "naru_oidc"
_HINT_COOKIE: Final = "naru_oidc_hint"
_MAX_HINT: Final = 3800
"""Browsers keep 4,096 characters of a cookie; without the hint the provider asks, that is all."""
_SIGNED_OUT: Final = "/login/signed-out"
_PATH: Final = "/login/oidc"
CALLBACK: Final = "/login/oidc/callback"


@router.get(_PATH, name="oidc_start")
async def start(request: Request, next: str = "/") -> Response:
    """Send the browser to the identity provider."""
    client = _read_client(request)
    try:
        url, flow = await client.start(redirect_uri=read_base_url(request) + CALLBACK, next=local_path(next))
    except NaruError as error:
        return _show_refusal(request, error)
    response = RedirectResponse(url, 303)
    response.set_cookie(
        _FLOW_COOKIE,
        flow,
        max_age=FLOW_S,
        path=_PATH,
        httponly=True,
        samesite="lax",
        secure=is_over_tls(request.scope, client.settings.redirect_uri or read_base_url(request)),
    )
    return response


@router.get(CALLBACK, name="oidc_callback")
async def finish(request: Request) -> Response:
    """Take the identity provider's answer."""
    _, directory, sessions = read_directory(request)
    client = _read_client(request)
    query = dict(request.query_params)
    try:
        flow = client.find_flow(request.cookies.get(_FLOW_COOKIE, ""), query)
        await run_in_threadpool(directory.sign_in.spend_flow, flow.state, flow.until_ns)
        finished = await client.finish(flow, query)
        step = await run_in_threadpool(
            directory.sign_in.sign_in_external,
            finished.who,
            may_link_email=client.settings.link_verified_email,
        )
    except NaruError as error:
        if error.code not in ("no_role", "account_disabled"):  # these two are recorded with the person
            await run_in_threadpool(directory.sign_in.record_denied, method="oidc", reason=error.code)
        return _drop_flow(_show_refusal(request, error))
    # A page of ours that goes on by itself: the browser holds the session, which is `strict`, back from a
    # redirect that began at the provider.
    response = render(request, "sign_in/arrived.html", values={"next": local_path(flow.next)})
    set_session(response, request, sessions.create(step, "oidc"), came_by=flow.redirect_uri)
    if len(finished.id_token) <= _MAX_HINT:
        # It opens nothing here: its nonce is spent. The browser shows it to the provider at the sign-out.
        response.set_cookie(
            _HINT_COOKIE,
            finished.id_token,
            max_age=LIFETIME_S,
            path=_SIGNED_OUT,
            httponly=True,
            samesite="strict",
            secure=is_over_tls(request.scope, flow.redirect_uri),
        )
    return _drop_flow(response)


@router.get(_SIGNED_OUT, name="signed_out")
async def show_signed_out(request: Request) -> Response:
    """Signed out here; offers to sign out at the provider too."""
    url = None
    try:
        url = await _read_client(request).find_logout_url(
            read_base_url(request) + "/login", request.cookies.get(_HINT_COOKIE, "")[:_MAX_HINT]
        )
    except NaruError:
        url = None  # the provider is away, or was taken out of the settings: there is nothing to offer
    response = render(request, "sign_in/signed_out.html", values={"url": url})
    response.delete_cookie(_HINT_COOKIE, path=_SIGNED_OUT, httponly=True, samesite="strict")
    return response


def _read_client(request: Request) -> OidcClient:
    _, directory, _ = read_directory(request)
    if directory.oidc is None:
        raise NotFound("Single sign-on is not set up here; see [identity.oidc] in naru.toml.")
    return directory.oidc


def _show_refusal(request: Request, error: NaruError) -> Response:
    return render(request, "sign_in/refused.html", status_code=error.status, values={"error": error})


def _drop_flow(response: Response) -> Response:
    response.delete_cookie(_FLOW_COOKIE, path=_PATH, httponly=True, samesite="lax")
    return response
