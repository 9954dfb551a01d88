"""What is governed, from the console to the gateway and back: a key's whole life, its money, its end."""

from __future__ import annotations

import json
import re
import time
from datetime import date

import pytest
from playwright.sync_api import expect

from naru.settings.model import Price
from naru.web.console.language import read_catalogue
from tests.e2e.console.running import running_naru

pytestmark = pytest.mark.e2e

_ASK = {"model": "gpt-scripted", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def naru(tmp_path_factory):
    """A house of its own, where the scripted model has a price."""
    price = Price(
        vendor="scripted",
        model="gpt-scripted",
        valid_from=date(2020, 1, 1),
        input=1000,
        output=1000,
    )
    with running_naru(tmp_path_factory.mktemp("governed"), prices=(price,)) as running:
        yield running


def call(page, naru, secret):
    """A chat through the gateway, as a program would make it."""
    return page.request.post(
        f"{naru.url}/v1/chat/completions", headers={"authorization": f"Bearer {secret}"}, data=_ASK
    )


def call_until(page, naru, secret, status, within_s=4.0):
    """The answer with this status, as soon as the change has reached the road."""
    until = time.monotonic() + within_s
    while (answer := call(page, naru, secret)).status != status and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert answer.status == status, answer.text()
    return answer


NAMES = {"en": ("acme", "search", "bot", "ci"), "ko": ("나루 은행", "고객 센터", "챗봇", "상담")}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_key_lives_spends_and_ends(signed_in, naru, language):
    """From the organisation down to a key; a call is seen with its money; revoked, the key is refused."""
    say, (org, team, project, key) = read_catalogue(language).gettext, NAMES[language]
    page = signed_in(language={"en": "en-US", "ko": "ko-KR"}[language])

    for kind, name, parent in (("org", org, ""), ("team", team, org), ("project", project, f"{org}/{team}")):
        page.goto("/keys")
        expect(page.locator("h1")).to_have_text(say("Keys"))
        page.get_by_text(say("New organisation, team or project")).click()
        form = page.locator(f"form:has(input[name=kind][value={kind}])")
        form.locator("input[name=name]").fill(name)
        if parent:
            form.locator("select").select_option(parent)
        form.get_by_role("button").click()
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()

    page.get_by_text(say("New key"), exact=True).click()
    form = page.locator("form[action='/keys'][method=post]")
    form.locator("[name=name]").fill(key)
    form.locator("[name=project]").select_option(f"{org}/{team}/{project}")
    page.get_by_role("button", name=say("Make the key")).click()
    secret = page.locator(".once code").inner_text()
    assert secret.startswith("naru_")
    key_id = page.locator("main dl code", has_text="key_").inner_text()

    page.goto("/budgets")
    folded = page.locator("details", has=page.locator("form[action='/budgets']"))
    if folded.get_attribute("open") is None:
        folded.locator("summary").click()
    form = page.locator("form[action='/budgets']")
    form.locator("[name=scope]").fill(f"team:{org}/{team}")
    form.locator("[name=amount]").fill("100")
    form.get_by_role("button", name=say("Make")).click()
    expect(page).to_have_url(re.compile(r"/budgets/bud_.*done=created"))
    budget = page.url.partition("?")[0]

    request_id = call_until(page, naru, secret, 200).headers["x-naru-request-id"]
    expect_eventually(page, f"/requests/{request_id}", "gpt-scripted")
    page.goto(budget)
    shown = json.loads(page.request.get(f"/api/budgets/{budget.rpartition('/')[2]}").text())
    assert shown["window"]["spent_nano_usd"] > 0
    assert float(page.locator("rect.spent").first.get_attribute("width")) > 0

    page.get_by_text(say("End this budget")).click()
    page.get_by_role("button", name=say("End it"), exact=True).click()
    page.get_by_text(say("Ended budgets")).click()
    page.get_by_role("button", name=say("Restore")).click()
    expect(page).to_have_url(re.compile("done=restored"))
    assert float(page.locator("rect.spent").first.get_attribute("width")) > 0

    page.goto(f"/keys/{key_id}")
    assert secret not in page.content()
    page.get_by_text(say("Revoke"), exact=True).click()
    page.get_by_role("button", name=say("Revoke for good")).click()
    expect(page.locator("h1")).to_contain_text(say("Revoked"))
    assert call_until(page, naru, secret, 401).json()["error"]["code"] == "invalid_api_key"
    page.goto("/audit")
    expect(page.locator("main")).to_contain_text("key.revoke")
    expect(page.locator("main")).to_contain_text("budget.restore")


def expect_eventually(page, path, text):
    """A call is in the ledger within a second of its end."""
    until = time.monotonic() + 5
    while page.request.get(path).status != 200 and time.monotonic() < until:
        page.wait_for_timeout(50)
    page.goto(path)
    expect(page.locator("h1")).to_contain_text(text)


def test_a_rotated_key_shows_its_new_secret_and_both_open(signed_in, naru):
    """During the overlap nobody is cut off."""
    page = signed_in()
    page.goto("/keys")
    page.get_by_text("New key").click()
    page.locator("form[action='/keys'][method=post] [name=name]").fill("rotating")
    page.get_by_role("button", name="Make the key").click()
    first = page.locator(".once code").inner_text()
    page.get_by_role("button", name="Give a new secret").click()
    second = page.locator(".once code").inner_text()
    assert first != second
    for secret in (first, second):
        call_until(page, naru, secret, 200)


def test_the_newest_checkpoint_and_a_proof_are_downloaded(signed_in):
    """A copy elsewhere is what shows a log cut off; a proof convinces without this server."""
    page = signed_in()
    page.request.post("/api/audit/checkpoint", headers={"origin": page.url.rstrip("/")})
    page.goto("/audit/verify")
    with page.expect_download() as download:
        page.get_by_role("link", name="Checkpoint").click()
    assert download.value.path().read_text().startswith("naru.audit/")
    page.goto("/audit/1")
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    assert json.loads(download.value.path().read_text())["seq"] == 1
    page.goto("/audit/verify")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("main")).to_contain_text("Nothing was altered")


@pytest.mark.parametrize("language", ["en-US", "ko-KR"])
def test_pages_fit_a_phone(signed_in, language):
    """Nothing is wider than the screen, with every form unfolded."""
    page = signed_in(language=language, width=390)
    for path in ("/", "/requests", "/keys", "/budgets", "/people", "/audit", "/audit/verify", "/me"):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
