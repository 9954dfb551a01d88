"""The control plane as one ASGI app: `/api`, the console, and the gate in front of both."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import Depends, FastAPI
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from naru.web.access import guard, requires
from naru.web.api import (
    audit,
    budgets,
    calls,
    dictionaries,
    feedback,
    keys,
    limits,
    orgs,
    overview,
    people,
    policies,
    projects,
    reviews,
    sessions,
    status,
    teams,
    vault,
)
from naru.web.console import pages
from naru.web.console.frame import render_error
from naru.web.context import ControlContext
from naru.web.errors import install_error_handlers
from naru.web.headers import SecurityHeaders
from naru.web.recorded import Recorded

STATIC: Final = Path(__file__).parent / "static"

_DESCRIPTION: Final = """\
Read what crosses Naru: the ledger of calls, what it adds up to, models, providers and the process itself.

Send the admin key as `Authorization: Bearer <key>`. Every error is an RFC 9457 `application/problem+json`
object whose `code` is stable and whose `detail` says what was wrong and how to mend it. `null` means that
nobody knows; it never stands for 0.
"""


def create_control_app(context: ControlContext) -> FastAPI:
    """The app for everything but the data plane. Nothing in it answers without a key or a session, except
    the sign-in page, the language and theme switch, and static files."""
    app = FastAPI(
        title="Naru",
        summary="The control plane",
        description=_DESCRIPTION,
        version=context.version,
        openapi_url=None,  # served below, behind the gate like everything else
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(guard)],
        redirect_slashes=False,
    )
    app.state.context = context

    @app.get("/api/openapi.json", include_in_schema=False, dependencies=[requires("self")])
    async def read_openapi() -> Response:
        return JSONResponse(app.openapi())

    for part in (audit, status, overview, calls, people, sessions, pages):
        app.include_router(part.router)
    for router in (orgs.router, teams.router, projects.router, keys.router, budgets.router, limits.router):
        app.include_router(router)
    for router in (policies.router, dictionaries.router):
        app.include_router(router)
    for router in (feedback.router, reviews.router, vault.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    install_error_handlers(app, page=render_error)
    app.add_middleware(Recorded, audit=context.audit_log)
    app.add_middleware(SecurityHeaders)
    return app
