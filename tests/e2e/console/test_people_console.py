"""People in a real Chromium: made, signed in with every step, locked out, and by single sign-on."""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.sync_api import expect

from naru.settings.model import Identity, Oidc, OidcRole
from tests.e2e.console.running import running_naru
from tests.oidc.running import running_provider
from tests.services import free_port

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def provider_port():
    return free_port()


@pytest.fixture(scope="module")
def naru(tmp_path_factory, provider_port):
    """A house of its own: where there are people, the sign-in of the other tests looks different."""
    oidc = Oidc(
        issuer=f"http://127.0.0.1:{provider_port}",
        client_id="naru",
        client_secret="a secret: with signs&spaces",
        scopes=("openid", "email", "profile", "groups"),
        roles=(OidcRole(group="naru-admins", role="admin"),),
        label="Example ID",
    )
    with running_naru(tmp_path_factory.mktemp("people"), Identity(oidc=oidc)) as running:
        yield running


@pytest.fixture
def signed_in(open_page, naru):
    """Opens a page and signs in with the admin key, which is folded away here."""

    def open_(**options):
        page = open_page(**options)
        page.goto("/login")
        page.locator("summary").click()
        page.fill("#key", naru.admin_key)
        page.press("#key", "Enter")
        page.wait_for_url(f"{naru.url}/")
        return page

    return open_


@pytest.fixture
def make(signed_in):
    """Adds a person on the page of people; gives the one-time password that it shows."""

    def make_(email, role="Admin"):
        page = signed_in()
        page.goto("/people")
        if not page.get_by_label("E-mail address").is_visible():
            page.get_by_text("Add a person").click()
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Name", exact=True).fill("Kim Minji")
        page.locator("select[name=role]").select_option(label=role)
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("heading", name="One-time password")).to_be_visible()
        return page.locator(".once code").inner_text()

    return make_


def sign_in(page, email, password):
    page.goto("/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def settle(open_page, naru, email, password):
    """The first sign-in, up to the overview."""
    page = open_page()
    sign_in(page, email, password)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Keep it and sign in").click()
    expect(page).to_have_url(f"{naru.url}/")
    return page


def test_a_person_is_made_signs_in_and_takes_a_second_factor(make, open_page, naru):
    """From the form of the administrator to the code of the app; a wrong code is told."""
    email = "kim@example.com"
    page = settle(open_page, naru, email, make(email))
    page.get_by_role("link", name="My account").click()
    page.get_by_role("link", name="Set up a second factor").click()
    box = page.locator("svg.qr").bounding_box()
    assert box["width"] > 150
    assert box["width"] == pytest.approx(box["height"], abs=1)
    totp = pyotp.TOTP(page.locator("[data-copy]").first.get_attribute("data-copy").replace(" ", ""))
    page.get_by_label("Code that the app shows").fill("000000")
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("alert")).to_be_visible()
    used = totp.now()
    page.get_by_label("Code that the app shows").fill(used)
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Switch it on").click()
    codes = page.locator(".codes code")
    expect(codes).to_have_count(10)
    recovery = codes.first.inner_text()
    page.get_by_role("button", name="Sign out", exact=True).click()

    sign_in(page, email, PASSWORD)
    expect(page.get_by_role("heading", name="Enter the code")).to_be_visible()
    page.get_by_label("Code").fill(used)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong, or was used already")
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{naru.url}/")
    page.goto("/me")
    expect(page.locator("main")).to_contain_text("9 recovery codes left")


def test_a_new_code_of_the_app_opens(make, open_page, naru):
    """The code after the one that switched it on."""
    email = "codes@example.com"
    page = settle(open_page, naru, email, make(email))
    page.goto("/me/totp")
    totp = pyotp.TOTP(page.locator("[data-copy]").first.get_attribute("data-copy").replace(" ", ""))
    page.get_by_label("Code that the app shows").fill(totp.now())
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Switch it on").click()
    expect(page.locator(".codes code")).to_have_count(10)
    page.get_by_role("button", name="Sign out", exact=True).click()
    sign_in(page, email, PASSWORD)
    import time

    page.get_by_label("Code").fill(totp.at(time.time() + 30))  # the next one: clocks may be off by a step
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{naru.url}/")


def test_too_many_failures_are_told_with_the_wait(make, open_page):
    """And the right password must wait too."""
    make("locked@example.com")
    page = open_page()
    for _ in range(5):
        sign_in(page, "locked@example.com", "wrong wrong wrong")
        expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    sign_in(page, "locked@example.com", "wrong wrong wrong")
    expect(page.get_by_role("alert")).to_have_text(
        re.compile(r"Too many failed sign-ins\. Try again in \d s\.")
    )


def test_a_viewer_finds_no_way_to_administer(make, open_page, naru):
    """Neither a form nor an address."""
    page = settle(open_page, naru, "viewer@example.com", make("viewer@example.com", "Viewer"))
    answer = page.request.get("/people", headers={"accept": "text/html"})
    assert answer.status == 403


def test_roles_and_closing_an_account(make, signed_in, open_page, naru):
    """An administrator adds a role, disables, and the other's next page asks to sign in."""
    theirs = settle(open_page, naru, "roles@example.com", make("roles@example.com", "Viewer"))
    page = signed_in()
    page.goto("/people")
    page.get_by_role("link", name="roles@example.com").click()
    page.locator("select[name=role]").select_option(label="Finance")
    page.get_by_role("button", name="Write the roles").click()
    expect(page.get_by_role("status")).to_have_text("The roles were written.")
    expect(page.locator(".ticks li")).to_have_count(2)
    page.get_by_role("button", name="Disable", exact=True).click()
    expect(page.locator("h1 .chip")).to_have_text("Disabled")
    theirs.goto("/requests")
    expect(theirs).to_have_url(re.compile("/login"))


@pytest.mark.parametrize("language", ["ko-KR", "en-US"])
def test_people_fit_on_a_narrow_phone(make, signed_in, open_page, naru, language):
    """At 360 px, in both languages, the sign-in with all its ways included."""
    make(f"phone-{language.lower()}@example.com")
    page = signed_in(language=language, width=360, height=740)
    person = page.request.get("/api/people").json()["people"][0]["id"]
    for path in ("/people", f"/people/{person}", "/me"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    anyone = open_page(language=language, width=360, height=740)
    anyone.goto("/login")
    assert anyone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.fixture
def journey(browser, naru):
    """A page that may leave for the identity provider, and whose fonts from elsewhere are not fetched."""
    context = browser.new_context(base_url=naru.url, locale="en-US")
    context.route(re.compile(r"^https://"), lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


@pytest.mark.service
def test_single_sign_on_there_and_back(journey, naru, provider_port):
    """Button, provider, and straight to the page they wanted; out again, and at the provider too."""
    back, out = f"{naru.url}/login/oidc/callback", f"{naru.url}/login"
    with running_provider(provider_port, redirect_uri=back, post_logout_uri=out):
        journey.goto("/requests?status=error")
        journey.get_by_role("link", name="Sign in with Example ID").click()
        journey.get_by_placeholder("Enter any login").fill("ada")
        journey.get_by_placeholder("and password").fill("x")
        journey.get_by_role("button", name="Sign-in").click()
        journey.get_by_role("button", name="Continue").click()
        expect(journey).to_have_url(f"{naru.url}/requests?status=error")
        journey.goto("/me")
        expect(journey.locator("main")).to_contain_text("ada@example.com")
        journey.goto("/people")
        expect(journey.get_by_role("link", name="ada@example.com")).to_be_visible()
        journey.get_by_role("button", name="Sign out", exact=True).click()
        expect(journey).to_have_url(f"{naru.url}/login/signed-out")
        journey.get_by_role("link", name="Sign out there too").click()
        journey.get_by_role("button", name="Yes, sign me out").click()
        expect(journey).to_have_url(f"{naru.url}/login")
