"""The pages for operators and owners in Chromium: every page and flow, judged by axe, and the chain verified there.

With QMK_SHOTS a picture of each page is kept in that folder.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from qmk.cli.gateway import audit_of, ledger_of
from qmk.client import Operator
from qmk.gateway.accounts import passwords
from qmk.gateway.accounts.sign_in import Config
from qmk.gateway.app import make_app
from tests.conftest import RunningDaemon
from tests.integration.gateway.test_console_browser import PHONE, WIDE, Visit
from tests.integration.gateway.test_console_browser import axe as axe
from tests.integration.gateway.test_console_browser import chromium as chromium
from tests.integration.gateway.test_console_service import PASSWORD, add_people
from tests.serving import serving

PAGES = (
    "/jobs", "/submit", "/queue", "/engines", "/devices", "/guide", "/compare",
    "/account", "/account/tokens", "/account/usage", "/account/members", "/account/webhooks", "/account/acts",
    "/service/organisations", "/service/organisations/chem", "/service/users", "/service/users/olga", "/service/prices",
    "/service/shares", "/service/audit", "/service/log", "/service/acts", "/service/search?text=chem", "/settings",
    "/service/search?text=x&since=soon",
    "/service/organisations/none", "/none",
)  # fmt: skip
"""All but those of one job, which ``test_console_browser`` walks."""


class Place(NamedTuple):
    url: str
    records: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    daemon = RunningDaemon(tmp_path_factory.mktemp("daemon"), require_token=True).start()
    state, records = daemon.folder / "state", tmp_path_factory.mktemp("console") / "gateway.db"
    Operator(state).call("op_tenant_add", tenant="bio", weight=2.0)
    app = make_app(
        daemon.socket,
        records,
        needs_token=True,
        data_dir=state,
        ledger=ledger_of(state, None),
        audit=audit_of(state, None),
        sign_in=msgspec.convert({"password": True}, Config),
        private_webhooks=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        with serving(app) as url:
            add_people(app, "member")
            yield Place(url, records)
    daemon.kill()


def enter(chromium: Any, place: Place, size: dict[str, int], scheme: str = "light", script: bool = True) -> Visit:
    visit = Visit(chromium, place.url, size, scheme, script)
    visit.page.goto("/signin")
    visit.page.get_by_label("User").fill("olga")
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/jobs*")
    return visit


def keep_picture(visit: Visit, name: str) -> None:
    if folder := os.environ.get("QMK_SHOTS"):
        visit.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_a_record_is_verified_where_it_is_read(chromium: Any, place: Place) -> None:
    visit = enter(chromium, place, WIDE)
    for path in ("/service/acts?organisation=chem", "/service/audit"):
        visit.page.goto(path)
        visit.page.get_by_text("Verified in your browser").wait_for()

    def tamper(route: Any) -> None:  # on its way to the browser, which no server can tell
        answer = route.fetch()
        route.fulfill(
            response=answer, body=answer.text().replace('data-is="3">member.set<', 'data-is="3">member.sent<', 1)
        )

    visit.page.route("**/service/acts*", tamper)
    visit.page.goto("/service/acts?organisation=chem")
    visit.page.get_by_text("what is shown is not what was hashed").wait_for()
    visit.page.unroute("**/service/acts*")
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.conformance
@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", PHONE)], ids=["light-wide", "dark-phone"])
def test_every_page_for_operators_is_sound(
    chromium: Any, place: Place, axe: str, scheme: str, size: dict[str, int]
) -> None:
    visit = enter(chromium, place, size, scheme)
    visit.submit("bell")
    fill_in(visit, scheme)
    for path in PAGES:
        visit.page.goto(path)
        visit.page.wait_for_load_state()
        keep_picture(visit, f"{scheme}{path.replace('/', '-').partition('?')[0]}")
        for summary in visit.page.locator("main summary").all():
            summary.click()
        visit.complaints[:] = [each for each in visit.complaints if "status of 404" not in each]
        visit.judge(axe)
    visit.context.close()


def fill_in(visit: Visit, name: str) -> None:
    """What an operator sets up, with one thing wrong first."""
    page = visit.page
    page.goto("/service/organisations")
    page.get_by_label("Organisation", exact=True).fill(name)
    page.get_by_label("weight").fill("many")
    page.get_by_role("button", name="Add the organisation").click()
    page.wait_for_function("document.activeElement.name === 'weight'")  # once the answer is shown
    keep_picture(visit, f"{name}-refused")
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    page.get_by_text("Done.").wait_for()
    page.goto("/service/prices")
    page.get_by_label("prices").fill("standard")
    page.get_by_label("currency").fill("EUR")
    page.get_by_label("rates").fill("* 0.001 0 0.01")
    page.get_by_role("button", name="Set the prices").click()
    page.get_by_text("Done.").wait_for()
    page.goto("/service/organisations/chem")
    page.get_by_label("amount").fill("20")
    page.get_by_role("button", name="Set the budget").click()
    page.get_by_text("Done.").wait_for()


@pytest.mark.conformance
def test_the_server_verifies_and_forms_are_sent_without_scripts(chromium: Any, place: Place) -> None:
    visit = enter(chromium, place, WIDE, script=False)
    visit.page.goto("/service/users")
    visit.page.get_by_label("User", exact=True).fill("eve")
    visit.page.get_by_role("button", name="Add the user").click()
    assert visit.page.get_by_text("Done.").is_visible()
    visit.page.goto("/service/acts")
    assert visit.page.get_by_text("The server has verified this").is_visible()
    with sqlite3.connect(place.records) as base:  # last of all: the record is wrong from now on
        base.execute("UPDATE acts SET user = 'mallory' WHERE seq = 2")
    visit.page.goto("/service/acts")
    assert visit.page.get_by_text("Broken at act 2").is_visible()
    visit.context.close()
