"""A seeded Naru and a real Chromium. Pages that log, break the content policy or call out fail their test."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.console.running import Running, running_naru
from tests.e2e.console.seed import seed

ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser():
    path = os.environ.get("NARU_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        reason = "needs a Chromium (NARU_CHROMIUM names one)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("naru")


@pytest.fixture(scope="session")
def calls(home):
    """What the ledger was seeded with, oldest first."""
    return seed(home)


@pytest.fixture(scope="session")
def naru(home, calls):
    with running_naru(home) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, naru: Running):
    """Opens a page; at the end of the test nothing may have been complained about or fetched elsewhere."""
    complaints: list[str] = []
    contexts = []

    def open_(*, language="en-US", theme="light", width=1440, height=900) -> Page:
        context = browser.new_context(
            base_url=naru.url,
            locale=language,
            color_scheme=theme,
            viewport={"width": width, "height": height},
            timezone_id="Asia/Seoul",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda m: complaints.append(f"{m.type}: {m.text}") if _is_complaint(m) else None)
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        page.on(
            "request",
            lambda r: complaints.append(f"calls out: {r.url}") if not _is_own(r.url, naru) else None,
        )
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(message) -> bool:
    """A form that is refused says so in its page; the browser's own note of the status is no fault."""
    return message.type != "log" and not re.search(r"status of (400|401|403|429) ", message.text)


def _is_own(url: str, naru: Running) -> bool:
    return url.startswith(("data:", "blob:")) or urlsplit(url).netloc == urlsplit(naru.url).netloc


@pytest.fixture
def signed_in(open_page, naru: Running):
    """Opens a page and signs in."""

    def open_(**options) -> Page:
        page = open_page(**options)
        page.goto("/login")
        page.fill("#key", naru.admin_key)
        page.press("#key", "Enter")
        page.wait_for_url(f"{naru.url}/")
        return page

    return open_
