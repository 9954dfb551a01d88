"""`/api/status`, `/api/models`, `/api/providers`: the running process as it is now."""

from __future__ import annotations

from fastapi import APIRouter, Request

from naru.web.access import read_context, requires
from naru.web.api.schemas import ModelList, ModelOut, ProviderList, ProviderOut, StatusOut

router = APIRouter(prefix="/api", tags=["status"])


@router.get("/status", summary="This process, now", dependencies=[requires("settings.read", everywhere=True)])
async def read_status(request: Request) -> StatusOut:
    """Uptime, the ledger's queue, and which configuration is in force (or why the newest was refused)."""
    context = read_context(request)
    return StatusOut.of(context.status(), context.version, dict(context.settings_redacted()))


@router.get("/models", summary="Models clients may ask for", dependencies=[requires("status.read")])
async def list_models(request: Request) -> ModelList:
    """Names for the `model` field of a request, each with the targets that may serve it, in order."""
    return ModelList(models=[ModelOut.of(model) for model in read_context(request).models()])


@router.get("/providers", summary="Providers and their circuits", dependencies=[requires("status.read")])
async def list_providers(request: Request) -> ProviderList:
    """Every upstream account, whether its circuit is closed, and how many calls it is answering."""
    return ProviderList(
        providers=[ProviderOut.of(provider) for provider in read_context(request).providers()]
    )
