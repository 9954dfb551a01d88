"""What every table of `naru.toml` is: unknown keys are errors, and nothing changes once it is read."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
# A field marked so takes effect only after a restart; `restart_needed` and the reference page read it.
RESTART: dict[str, Any] = {"needs_restart": True}


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
