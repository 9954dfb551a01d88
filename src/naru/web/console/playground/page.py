"""Playground: the page. Its answers come from the data plane, at `/console/v1`, with the session's rights."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from naru.web.access import read_context, requires
from naru.web.console.frame import render

router = APIRouter()


@router.get("/playground", dependencies=[requires("playground.use")])
async def show_playground(request: Request, model: str = "") -> Response:
    """The chat. `?model=` chooses one."""
    models = read_context(request).models()
    return render(
        request, "playground/page.html", area="playground", values={"models": models, "chosen": model}
    )
