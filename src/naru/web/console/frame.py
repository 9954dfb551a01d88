"""The frame every page stands in: navigation, language, theme, and how a template is rendered.

A new area is one `Area` here and one folder with its page and templates beside this file.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from naru.identity import Permission, PersonPrincipal, decide, may_somewhere
from naru.kernel.errors import NaruError
from naru.web.access import find_session, read_base_url, read_context
from naru.web.console.language import LANGUAGES, find_language, read_catalogue
from naru.web.console.phrases import say_reason
from naru.web.console.show import Figures
from naru.web.errors import read_title

HERE: Final = Path(__file__).parent
STATIC: Final = HERE.parent / "static"
THEMES: Final = ("system", "light", "dark")
THEME_COOKIE: Final = "naru_theme"


@dataclass(frozen=True, slots=True)
class Area:
    """One entry of the navigation. Titles are message ids."""

    name: str
    path: str
    title: str
    icon: str
    permission: Permission
    """Who lacks it everywhere does not see the entry."""
    is_everywhere: bool = False
    """The page is of the whole house: a role in one organisation does not open it."""


@dataclass(frozen=True, slots=True)
class Section:
    """A group of areas."""

    title: str
    areas: tuple[Area, ...]


def _(message: str) -> str:
    """Marks a message for extraction; it is translated where it is shown."""
    return message


NAVIGATION: Final = (
    Section(
        _("Operate"),
        (
            Area("overview", "/", _("Overview"), "overview", "ledger.read"),
            Area("requests", "/requests", _("Requests"), "requests", "ledger.read"),
        ),
    ),
    Section(
        _("Govern"),
        (
            Area("keys", "/keys", _("Keys"), "keys", "keys.read"),
            Area("budgets", "/budgets", _("Budgets"), "budgets", "budgets.read"),
            Area("policies", "/policies", _("Policies"), "policies", "policies.read"),
            Area("reviews", "/reviews", _("Reviews"), "reviews", "reviews.read"),
            Area("people", "/people", _("People"), "people", "people.read"),
            Area("audit", "/audit", _("Audit"), "audit", "audit.read", is_everywhere=True),
        ),
    ),
    Section(
        _("Build"), (Area("playground", "/playground", _("Playground"), "playground", "playground.use"),)
    ),
)


@cache
def read_environment(language: str) -> Environment:
    """Templates of one language; each is compiled when it is first shown."""
    translations = read_catalogue(language)
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the i18n extension
        translations.gettext, translations.ngettext, newstyle=True
    )
    figures = Figures(language, translations.gettext)
    environment.filters.update(
        number=figures.number,
        compact=figures.compact,
        usd=figures.usd,
        ms=figures.ms,
        time=figures.time,
        or_unknown=lambda value: figures.unknown() if value is None else value,
        # A message may hold what somebody typed: it is looked up as it is, and no % in it means anything.
        said=lambda message: translations.gettext(message) if message else "",
        reason=lambda reason: say_reason(reason, translations.gettext),
    )
    environment.globals.update(
        percent=figures.percent,
        unknown=figures.unknown,
        static=static_url,
        languages=LANGUAGES,
        themes=THEMES,
    )
    return environment


def static_url(path: str) -> str:
    """The address of a static file, changing when the file does, so that caches may keep it."""
    changed = (STATIC / path).stat().st_mtime_ns if (STATIC / path).exists() else 0
    return f"/static/{path}?v={changed:x}"


def render(
    request: Request,
    template: str,
    *,
    area: str | None = None,
    status_code: int = 200,
    values: Mapping[str, object] | None = None,
) -> HTMLResponse:
    """A page in the reader's language and theme."""
    context = read_context(request)
    language = find_language(request)
    theme = request.cookies.get(THEME_COOKIE, "system")
    page = read_environment(language).get_template(template)
    html = page.render(
        area=area,
        navigation=_navigation(request),
        language=language,
        theme=theme if theme in THEMES else "system",
        version=context.version,
        here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        base_url=read_base_url(request),
        key_path=shlex.quote(context.admin_key_hint),
        **(values or {}),
    )
    return HTMLResponse(html, status_code=status_code, headers={"vary": "accept-language, cookie"})


def _navigation(request: Request) -> list[Section]:
    """What the reader may open. On an error page nobody was let in, so the session is asked."""
    context = read_context(request)
    principal = getattr(request.state, "principal", None) or find_session(request.scope, context)
    allowed = (
        Section(s.title, tuple(area for area in s.areas if _may_open(principal, area))) for s in NAVIGATION
    )
    return [section for section in allowed if section.areas]


def _may_open(principal: PersonPrincipal | None, area: Area) -> bool:
    if area.is_everywhere:
        return decide(principal, area.permission)
    return may_somewhere(principal, area.permission)


def render_error(request: Request, error: NaruError) -> Response:
    """An error as a page; one who has not signed in is asked to, and comes back to where they were going."""
    if error.status == 401:
        there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(there, safe='')}" if there != "/" else "/login", 303)
    values = {"error": error, "title_": read_title(error)}
    return render(request, "layout/error.html", status_code=error.status, values=values)


def local_path(there: str) -> str:
    """`there` when it is an address of this console, else `/`: a link must not send anybody elsewhere.

    A backslash counts as a slash in browsers, and they drop control characters: both are refused.
    """
    is_local = there.startswith("/") and not there.startswith("//")
    is_plain = "\\" not in there and all(character >= " " for character in there)
    return there if is_local and is_plain else "/"
