"""Organisations, teams, projects and keys: values without I/O, and what may be written into them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from naru.identity.scopes import ENDPOINTS
from naru.kernel.errors import BadRequest, NotFound

UnitKind = Literal["org", "team", "project"]
PARENTS: Final[Mapping[UnitKind, UnitKind | None]] = {"org": None, "team": "org", "project": "team"}
ID_PREFIXES: Final[Mapping[UnitKind, str]] = {"org": "org", "team": "team", "project": "proj"}
DEFAULT_ORG: Final = "org_default"
DEFAULT_TEAM: Final = "team_default"
DEFAULT_PROJECT: Final = "proj_default"
"""Made by the migration, so that a key can be created at once; they can be renamed, not deleted."""
DEFAULTS: Final = frozenset({DEFAULT_ORG, DEFAULT_TEAM, DEFAULT_PROJECT})

_ID: Final = re.compile(r"[a-z]{2,8}_[0-9a-z]{4,40}")
_MODEL: Final = re.compile(r"[A-Za-z0-9._:/@+*?-]{1,256}")
_SITE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TAG: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MAX_NAME: Final = 100
_MAX_PATTERNS: Final = 200
_MAX_TAGS: Final = 20
_MAX_TAG_VALUE: Final = 256
MAX_TIME_NS: Final = 7_258_118_400 * 10**9  # the year 2200; far from where a BIGINT ends


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation, a team or a project."""

    id: str
    kind: UnitKind
    name: str
    path: str
    """Names from the organisation down, `acme/search/bot`."""
    parent_id: str | None
    org_id: str
    is_disabled: bool
    """By itself; `is_active` also looks at what it stands in."""
    is_active: bool
    created_at_ns: int


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it can be shown: its secret is nowhere."""

    id: str
    name: str
    prefix: str
    """`naru_` and eight characters: the visible beginning of the newest secret."""
    project_id: str
    team_id: str
    org_id: str
    path: str
    models: tuple[str, ...]
    endpoints: tuple[str, ...]
    sites: tuple[str, ...]
    tags: Mapping[str, str]
    is_disabled: bool
    is_active: bool
    """Not disabled, revoked or expired, and neither is what it belongs to disabled."""
    created_by: str
    created_at_ns: int
    expires_at_ns: int | None
    revoked_at_ns: int | None
    last_used_at_ns: int | None
    overlap_until_ns: int | None
    """Until when a secret from before a rotation still opens; None when there is none."""


class KeyScope(msgspec.Struct, frozen=True, kw_only=True):
    """What a key may reach; empty means everything."""

    models: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    tags: Mapping[str, str] = {}
    expires_at_ns: int | None = None


def check_unit_name(name: str) -> str:
    """A name as it is stored.

    Raises:
        BadRequest: empty, too long, with a slash (it separates the parts of a path) or not printable.
    """
    plain = unicodedata.normalize("NFC", name).strip()
    if not 0 < len(plain) <= _MAX_NAME or not plain.isprintable() or "/" in plain or plain == "*":
        raise BadRequest(
            f"A name has 1 to {_MAX_NAME} printable characters and no slash.",
            code="invalid_name",
            param="name",
        )
    return plain


def check_id(id: str, what: str) -> str:
    """Raises NotFound for what cannot be an id, so that no odd text reaches the database."""
    if not _ID.fullmatch(id):
        raise not_found(what)
    return id


def not_found(what: str) -> NotFound:
    """There is none, or it is not for this caller to know."""
    message = f"There is no such {what} here."
    if what == "key":
        return NotFound(message, code="key_not_found")
    return NotFound(message, code="unit_not_found")


def is_id(text: str, kind: str) -> bool:
    """Whether `text` is written like an id of this kind (`kind` is the prefix)."""
    return text.startswith(f"{kind}_") and _ID.fullmatch(text) is not None


def check_scope(scope: KeyScope, *, now_ns: int) -> KeyScope:
    """`scope` as it is stored, each list without repetitions.

    Raises:
        BadRequest: naming the field at fault.
    """
    unknown = [name for name in scope.endpoints if name not in ENDPOINTS]
    if unknown:
        known = ", ".join(sorted(ENDPOINTS))
        raise BadRequest(f"An endpoint is one of: {known}.", code="invalid_scope", param="endpoints")
    _check_list(scope.models, _MODEL, "models", "letters, digits and ._:/@+-, with * and ? as wildcards")
    _check_list(scope.sites, _SITE, "sites", "letters, digits and ._-")
    are_tags_right = len(scope.tags) <= _MAX_TAGS and all(
        _TAG.fullmatch(name) and 0 < len(value) <= _MAX_TAG_VALUE and value.isprintable() and "," not in value
        for name, value in scope.tags.items()
    )
    if not are_tags_right:
        raise BadRequest(
            f"Up to {_MAX_TAGS} tags: names of letters, digits and _.-, values of printable characters "
            "without a comma.",
            code="invalid_scope",
            param="tags",
        )
    if scope.expires_at_ns is not None and not now_ns < scope.expires_at_ns < MAX_TIME_NS:
        raise BadRequest(
            "A key expires in the future, and before the year 2200.",
            code="invalid_scope",
            param="expires_at",
        )
    return msgspec.structs.replace(
        scope,
        models=tuple(dict.fromkeys(scope.models)),
        endpoints=tuple(dict.fromkeys(scope.endpoints)),
        sites=tuple(dict.fromkeys(scope.sites)),
    )


def _check_list(values: Sequence[str], form: re.Pattern[str], param: str, rule: str) -> None:
    if len(values) > _MAX_PATTERNS or not all(form.fullmatch(value) for value in values):
        raise BadRequest(
            f"`{param}` holds up to {_MAX_PATTERNS} entries of {rule}.", code="invalid_scope", param=param
        )
