"""The console in a real Chromium, over a real ledger and a real gateway."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from naru.testing.upstream import Script

pytestmark = pytest.mark.e2e

PAGES = ("/", "/?range=7d", "/requests", "/requests?status=error", "/playground")


def test_who_has_not_signed_in_is_asked_to_and_comes_back(open_page, naru):
    """A deep link survives the sign-in."""
    page = open_page()
    page.goto("/requests?status=error")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.fill("#key", naru.admin_key)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{naru.url}/requests?status=error")


def test_signing_out_ends_the_session(signed_in, naru):
    """After it, even the same address asks for the key."""
    page = signed_in()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{naru.url}/login")
    page.goto("/requests")
    expect(page.get_by_label("Admin key")).to_be_visible()


def test_the_overview_adds_up_to_the_ledger(signed_in, calls):
    """Tiles and tables say what was seeded, the unpriced calls beside the money."""
    page = signed_in()
    rows = [
        json.loads(line) for line in page.request.get("/api/calls/export?format=jsonl").text().splitlines()
    ]
    page.goto("/?range=24h")
    unpriced = sum(row["cost"]["state"] in ("unpriced", "unknown") for row in rows)
    cost_usd = sum((row["cost"]["nano_usd"] or 0) for row in rows) / 1e9
    assert len(rows) >= len(calls)
    expect(page.locator("[data-figure=requests]")).to_have_text(str(len(rows)))
    expect(page.locator("[data-figure=failed]")).to_have_text(
        str(sum(row["status"] in ("error", "partial") for row in rows))
    )
    expect(page.locator("[data-figure=cost]")).to_have_text(f"${cost_usd:,.2f}")
    expect(page.locator(".tiles")).to_contain_text(f"+ {unpriced} unpriced")
    expect(page.locator("#tables")).to_contain_text("claude-sonnet-4-5")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_charts_are_drawn_in_the_colours_of_the_theme(signed_in, theme):
    """Every chart has marks, and its axis text contrasts with the panel it stands on."""
    page = signed_in(theme=theme)
    page.goto("/?range=24h")
    for name in ("requests", "tokens", "money", "latency"):
        plot = page.locator(f"[data-chart={name}]")
        expect(plot.locator("svg")).to_be_visible()
        assert plot.locator("svg path").count() > 10
    lightness = page.evaluate(
        """() => {
          const channel = (colour) =>
            colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, n) => sum + Number(n), 0) / 3;
          const text = document.querySelector("[data-chart=requests] svg text").getAttribute("fill");
          const panel = getComputedStyle(document.querySelector(".chart")).backgroundColor;
          return [channel(text), channel(panel)];
        }"""
    )
    assert abs(lightness[0] - lightness[1]) > 100


def test_the_overview_refreshes_while_it_is_looked_at(signed_in, naru):
    """A call made after the page was opened appears without a reload."""
    page = signed_in()
    page.goto("/?range=24h")
    expect(page.locator("[data-chart=requests] svg")).to_be_visible()
    before = int(page.inner_text("[data-figure=requests]").replace(",", ""))
    page.request.post(
        "/v1/chat/completions",
        headers={"authorization": f"Bearer {naru.admin_key}"},
        data={"model": "gpt-scripted", "messages": [{"role": "user", "content": "hi"}]},
    )
    expect(page.locator("[data-figure=requests]")).to_have_text(str(before + 1), timeout=12_000)


def test_requests_are_filtered_and_paged(signed_in, calls):
    """The filters narrow, the pages go on where the last one ended, and the CSV follows the filters."""
    page = signed_in()
    page.goto("/requests")
    page.get_by_label("Status").select_option("rejected")
    page.get_by_role("button", name="Filter").click()
    rejected = [call for call in calls if call.status == "rejected"]
    expect(page.locator(".ledger tbody tr")).to_have_count(min(50, len(rejected)))
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == len(rejected) + 1
    page.get_by_role("link", name="Clear").click()
    first = page.locator(".when a").all()
    seen = {link.get_attribute("href") for link in first}
    page.get_by_role("link", name="Older").click()
    page.wait_for_url(re.compile("before="))
    older = {link.get_attribute("href") for link in page.locator(".when a").all()}
    assert len(older) == 50
    assert not seen & older


def test_slash_goes_to_the_search_and_an_id_opens_its_call(signed_in, calls, naru):
    """From the keyboard alone: `/`, an id, Enter."""
    page = signed_in()
    page.goto("/requests")
    page.keyboard.press("/")
    page.keyboard.type(calls[0].id)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{naru.url}/requests/{calls[0].id}")


def test_a_call_shows_its_attempts_tokens_and_price(signed_in, calls):
    """A call that failed over shows both tries; an unpriced one says so instead of a sum."""
    page = signed_in()
    tried_twice = next(call for call in calls if len(call.attempts) == 2 and call.usage)
    page.goto(f"/requests/{tried_twice.id}")
    expect(page.locator(".waterfall > li")).to_have_count(2)
    expect(page.locator("main")).to_contain_text(tried_twice.cost.price_version or "")
    expect(page.locator("main")).to_contain_text(f"{tried_twice.usage.input_tokens:,}")
    unpriced = next(call for call in calls if call.cost.state == "unpriced")
    page.goto(f"/requests/{unpriced.id}")
    expect(page.locator(".tiles").get_by_text("unpriced")).to_be_visible()


def test_the_playground_streams_an_answer_and_what_it_cost(signed_in, naru):
    """Text, tokens and the way to the ledger's row; the next question carries the conversation."""
    page = signed_in()
    page.goto("/playground")
    naru.upstream.script(
        Script(reply="나루입니다. ```py\nprint('<b>')\n``` 끝.", input_tokens=11, output_tokens=7)
    )
    page.get_by_label("Message").fill("누구세요?")
    page.keyboard.press("Enter")
    answer = page.locator(".turn.assistant").last
    expect(answer.locator(".text")).to_contain_text("나루입니다.")
    expect(answer.locator("pre code")).to_have_text("print('<b>')")
    expect(answer.locator(".meter")).to_contain_text("11 in · 7 out tokens")
    answer.get_by_role("link", name="see the call").click()
    expect(page.locator("h1")).to_contain_text("gpt-scripted")


def test_the_playground_says_what_went_wrong(signed_in, naru):
    """A provider's refusal is shown in words, and the refused question is not sent again."""
    page = signed_in()
    page.goto("/playground")
    naru.upstream.script(
        Script(tokens=["half ", "an "], inband_error_after_tokens=1, error_message="the ferry sank")
    )
    page.get_by_label("Message").fill("hello")
    page.keyboard.press("Enter")
    expect(page.locator(".turn .failure")).not_to_be_empty()
    expect(page.locator(".turn.assistant .text")).to_contain_text("half")


def test_stop_ends_the_answer(signed_in, naru):
    """What came stays, and is marked as stopped."""
    page = signed_in()
    page.goto("/playground")
    naru.upstream.script(Script(tokens=500, delay_token_ms=20))
    page.get_by_label("Message").fill("go on")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.streaming .text")).to_contain_text("ferry")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".turn .meter")).to_contain_text("stopped")


def test_the_language_is_the_browsers_until_it_is_chosen(signed_in):
    """Korean for a Korean browser; English after the switch, on every page, until switched back."""
    page = signed_in(language="ko-KR")
    expect(page.locator("h1")).to_have_text("개요")
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Overview")
    page.goto("/requests")
    expect(page.locator("h1")).to_have_text("Requests")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_theme_switch_holds_over_pages(signed_in):
    """Chosen by hand, the theme no longer follows the system."""
    page = signed_in(theme="light")
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/requests")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"


@pytest.mark.parametrize("language", ["ko-KR", "en-US"])
def test_nothing_scrolls_sideways_on_a_narrow_phone(signed_in, calls, language):
    """At 360 px every page fits."""
    page = signed_in(language=language, width=360, height=740)
    for path in (*PAGES, f"/requests/{calls[0].id}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_the_menu_opens_on_a_narrow_phone(signed_in, naru):
    """Every area is reachable at 360 px."""
    page = signed_in(width=360, height=740)
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Playground").click()
    expect(page).to_have_url(f"{naru.url}/playground")


def test_the_first_tab_stop_skips_to_the_content(signed_in):
    """The keyboard need not walk the navigation on each page."""
    page = signed_in()
    page.goto("/requests")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
