"""The console's pages for operators and for who administers an organisation: forms, and what stands beside an input."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import msgspec
import pytest
from litestar.testing import TestClient

from qmk.gateway.accounts import passwords, people, shapes
from qmk.gateway.accounts import trails as accounts_trails
from qmk.gateway.accounts.sign_in import Config
from qmk.gateway.app import make_app
from qmk.gateway.console import trails
from qmk.host import audit_reader, ledger
from qmk.host.config import JOURNAL_NAME
from tests.conftest import RunningDaemon
from tests.integration.gateway.test_console import URL, Browser

PASSWORD = "correct horse battery"
ORGANISATIONS, CHEM = "/service/organisations", "/service/organisations/chem"


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Any]]:
    """A gateway with an organisation, its admin ``ada`` and the operator ``olga``."""
    daemon = RunningDaemon(tmp_path_factory.mktemp("daemon"), require_token=True).start()
    state = daemon.folder / "state"
    app = make_app(
        daemon.socket,
        tmp_path_factory.mktemp("console") / "gateway.db",
        needs_token=True,
        data_dir=state,
        ledger=lambda *which: ledger.read(state / JOURNAL_NAME, *which),
        audit=lambda *which: audit_reader.newest(state / JOURNAL_NAME, *which),
        sign_in=msgspec.convert({"password": True}, Config),
        private_webhooks=True,
    )

    with pytest.MonkeyPatch.context() as patch, TestClient(app, base_url=URL) as client:
        patch.setattr(passwords, "_HASHER", passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        add_people(app, "viewer")
        yield client
    daemon.kill()


def add_people(app: Any, role: Literal["viewer", "member"]) -> None:
    """The organisation ``chem``, its owner ``ada`` and the operator ``olga``, who has a role in it."""

    async def add() -> None:
        caller = app.state.gate.callers.operating()
        await people.add_organisation(caller, shapes.AddOrganisation(organisation="chem"))
        for user in ("ada", "olga"):
            await people.add_user(caller, shapes.AddUser(user=user, operator=user == "olga"))
            given = "owner" if user == "ada" else role
            await people.set_member(caller, shapes.SetMember(organisation="chem", user=user, role=given))
            await people.change_user(caller, shapes.ChangeUser(user=user, password=PASSWORD))

    with ThreadPoolExecutor(1) as thread:  # Playwright has a loop in this one
        thread.submit(asyncio.run, add()).result()


def browser_of(http: TestClient[Any], user: str) -> Browser:
    made = Browser(http, "")
    assert made.sign_in(user=user, password=PASSWORD).headers["location"] == "/jobs"
    return made


@pytest.fixture(scope="module")
def ada(http: TestClient[Any]) -> Browser:
    return browser_of(http, "ada")


@pytest.fixture(scope="module")
def olga(http: TestClient[Any]) -> Browser:
    return browser_of(http, "olga")


def changed(answer: Any) -> None:
    assert answer.status_code == 303, re.sub(r"<[^>]+>", " ", answer.text)


def wrong(answer: Any) -> tuple[str, str]:
    """The field beside which something was wrong, and what."""
    assert answer.status_code == 200
    found = re.search(r'<p class="wrong" id="[a-z_-]+-([a-z_]+)-wrong">(.*?)</p>', answer.text, re.DOTALL)
    assert found is not None, answer.text
    return found[1], found[2]


def test_an_operator_adds_and_changes_organisations(olga: Browser) -> None:
    changed(olga.post(ORGANISATIONS, do="organisations.add", organisation="bio", title="Biology", weight="2"))
    bio = f"{ORGANISATIONS}/bio"
    quotas = "shots_period 5000\nqueued_jobs = 7"
    changed(olga.post(bio, do="organisations.change", organisation="bio", title="Bio", weight="3", quotas=quotas))
    row = olga.get(f"{bio}?as=json").json()["organisations.get"]
    assert (row["title"], row["weight"], row["quotas"]["shots_period"]) == ("Bio", 3.0, 5000)
    assert "queued_jobs 7" in olga.get(bio).text
    changed(olga.post(bio, do="organisations.change", organisation="bio", title="", weight="3", suspended="1"))
    assert "nobody of it is served" in olga.get(bio).text
    assert ">bio<" in olga.get(ORGANISATIONS).text


@pytest.mark.parametrize(
    ("fields", "place", "said"),
    [
        ({"organisation": "a b"}, "organisation", "not well formed"),
        ({"organisation": "new", "weight": "many"}, "weight", "must be"),
        ({"organisation": "new", "quotas": "shots_period"}, "quotas", "line 1"),
        ({"organisation": "new", "quotas": "shots_period few"}, "quotas", "quotas"),
    ],
)
def test_what_is_wrong_stands_beside_its_input(olga: Browser, fields: dict[str, str], place: str, said: str) -> None:
    found = olga.post(ORGANISATIONS, do="organisations.add", **fields)
    name, text = wrong(found)
    assert name == place
    assert said in text
    assert "What to do:" in text
    assert 'aria-invalid="true"' in found.text
    for sent in fields.values():  # nothing has to be typed again
        assert sent in found.text


def test_users_are_added_changed_and_removed(olga: Browser) -> None:
    changed(olga.post("/service/users", do="users.add", user="eve@x.example", title="Eve"))
    page = "/service/users/eve%40x.example"
    assert "eve%40x.example" in olga.get("/service/users").text
    again = olga.post("/service/users", do="users.add", user="eve@x.example")
    assert wrong(again)[0] == "user"
    changed(olga.post(page, do="users.change", user="eve@x.example", title="Eva", operator="1", password=PASSWORD))
    row = olga.get(f"{page}?as=json").json()["users.get"]
    assert (row["title"], row["operator"]) == ("Eva", True)
    assert PASSWORD not in olga.get(page).text
    assert olga.post(page, do="users.remove", user="eve@x.example").headers["location"].startswith("/service/users?")
    assert "eve%40x.example" not in olga.get("/service/users").text


def test_prices_and_budgets_are_set(olga: Browser, ada: Browser) -> None:
    prices = "/service/prices"
    sent = {"do": "prices.set", "prices": "standard", "currency": "EUR"}
    assert wrong(olga.post(prices, **sent, rates="* 0.001"))[0] == "rates"
    assert wrong(olga.post(prices, **sent, rates="* 0 0 1", since="tomorrow"))[0] == "since"
    changed(olga.post(prices, **sent, rates="* 0.001 0 0.01\nnative 0 0 1", since="2020-01-01 00:00"))
    assert "0.001" in ada.get(prices).text
    assert "prices.set" not in ada.get(prices).text
    assert "native 0 0 1" in olga.get(f"{prices}?of=standard").text
    budget = {"do": "budgets.set", "organisation": "chem", "warn_at": "0.5 0.9", "refuse": "1"}
    assert wrong(olga.post(CHEM, **budget, amount="much"))[0] == "amount"
    changed(olga.post(CHEM, **budget, amount="12.50"))
    shown = ada.get(CHEM).text
    assert "12.50" in shown
    assert "50 %, 90 %" in shown
    changed(olga.post(CHEM, do="budgets.remove", organisation="chem"))
    assert "There is no budget" in ada.get(CHEM).text


def test_who_administers_an_organisation_sees_its_forms_only(ada: Browser) -> None:
    page = ada.get(CHEM).text
    assert all(name in page for name in ("organisations.set_member", "users.add", "webhooks.add"))
    assert not any(name in page for name in ('value="organisations.change"', 'value="budgets.set"'))
    changed(ada.post(CHEM, do="users.add", user="robot", service_of="chem", role="member"))
    changed(ada.post(CHEM, do="organisations.set_member", organisation="chem", user="robot", role="viewer"))
    assert "robot" in ada.get(CHEM).text
    absent = ada.post(CHEM, do="organisations.set_member", organisation="chem", user="nobody", role="viewer")
    assert wrong(absent)[0] == "user"
    changed(ada.post(CHEM, do="organisations.remove_member", organisation="chem", user="robot"))
    made = ada.post(CHEM, do="webhooks.add", organisation="chem", url="http://127.0.0.1:9/told", events="job.failed")
    assert "never again" in made.text
    assert wrong(ada.post(CHEM, do="webhooks.add", organisation="chem", url="ftp://x", events="job.failed"))[0] == "url"
    hook = ada.get(f"{CHEM}?as=json").json()["webhooks.list"]["webhooks"][0]["webhook"]
    changed(ada.post(CHEM, do="webhooks.remove", webhook=hook))
    refused = ada.post(CHEM, do="budgets.set", organisation="chem", amount="1")
    assert "INSUFFICIENT_CAPS" in refused.text
    assert ada.get("/service/organisations/bio").status_code == 404
    assert "only an operator" in ada.get("/service/users").text


def test_forms_are_taken_from_own_pages_and_for_what_they_show(ada: Browser, olga: Browser) -> None:
    assert ada.post(CHEM, csrf=olga.csrf, do="users.add", user="x").status_code == 403
    assert ada.post(CHEM, do="users.remove", user="olga").status_code == 400
    assert ada.post(CHEM, "http://evil.example", do="users.add").status_code == 401


def test_records_are_shown_with_what_their_hashes_cover(ada: Browser, olga: Browser, http: TestClient[Any]) -> None:
    ada.ended(ada.submit(name="needle"))
    acts = ada.get("/service/acts?organisation=chem&as=json").json()
    assert acts["organisations.verify_acts"]["broken"] == 0
    for row in acts["organisations.acts"]["acts"]:
        assert hashlib.sha256((row["before"] + row["text"]).encode()).hexdigest() == row["hash"]
    assert ada.get("/service/acts?organisation=bio").text.count("INVALID_PARAMS")
    log = olga.get("/service/audit?as=json").json()["audit.list"]["entries"]
    assert [row["seq"] for row in log] == list(range(len(log), 0, -1))
    for row in log:
        hashed = trails.PREFIX.encode() + bytes.fromhex(row["before"]) + row["text"].encode()
        assert (row["whole"], hashlib.sha256(hashed).hexdigest()) == (True, row["hash"])
    assert "are whole" in olga.get("/service/audit").text
    assert "INSUFFICIENT_CAPS" in ada.get("/service/audit").text


def test_a_search_finds_decisions_and_acts_within_bounds(
    ada: Browser, olga: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ada.submit(name="haystack")[6:]
    ada.ended(f"/jobs/{job}")
    found = ada.get(f"/service/search?job={job}&as=json").json()["audit.list"]["entries"]
    assert found
    assert all(job in row["text"] and row["tenant"] == "chem" for row in found)
    assert "organisation.add" in ada.get("/service/search?text=ORGANISATION").text
    assert "haystack" in ada.get("/service/search?text=haystack").text
    assert ada.get("/service/search?text=x&until=2001-01-01&as=json").json()["audit.list"]["entries"] == []
    assert "is not a date and time" in ada.get("/service/search?text=x&since=soon").text
    assert "organisation" in ada.get("/service/search?text=x&organisation=bio").text
    monkeypatch.setattr(accounts_trails, "READ_AT_ONCE", 2)
    monkeypatch.setattr(accounts_trails, "SCANNED", 4)
    page = ada.get("/service/search?text=nowhere").text
    assert "Look further back" in page


def test_a_search_finds_lines_of_the_daemons_log_and_leads_to_them(ada: Browser, olga: Browser) -> None:
    job = ada.submit(name="logged")[6:]
    ada.ended(f"/jobs/{job}")
    page = ada.get(f"/service/search?job={job}").text
    lines = ada.get(f"/service/search?job={job}&as=json").json()["audit.lines"]["lines"]
    assert lines
    assert all(line["job"] == job and job in line["message"] for line in lines)
    link = f'href="/service/log?before={lines[0]["number"] + 1}#line-{lines[0]["number"]}"'
    assert link in page
    shown = olga.get(f"/service/log?before={lines[0]['number'] + 1}").text
    assert f'id="line-{lines[0]["number"]}"' in shown
    assert "INSUFFICIENT_CAPS" in ada.get("/service/log").text  # lines about others are for operators
    assert ada.get("/service/search?text=logged&until=2001-01-01&as=json").json()["audit.lines"]["lines"] == []
    everything = olga.get("/service/log?as=json").json()["audit.lines"]["lines"]
    assert [row["number"] for row in everything] == sorted((row["number"] for row in everything), reverse=True)


def test_tables_have_counts_that_narrow_them(ada: Browser, olga: Browser) -> None:
    told = olga.get("/service/users?as=json").json()
    rows = told["users.list"]["users"]
    assert told["counts"]["kind"]["operator"] == sum(row["operator"] for row in rows)
    page = olga.get("/service/users?only_kind=operator").text
    assert f"1 of {len(rows)} rows" in page
    assert 'href="/service/users/ada"' not in page
    log = olga.get("/service/audit?as=json").json()
    kinds = [row["kind"] for row in log["audit.list"]["entries"]]
    assert {kind: kinds.count(kind) for kind in log["counts"]["decision"]} == log["counts"]["decision"]
    narrowed = olga.get("/service/audit?only_decision=job.end").text
    assert 'data-all="1"' not in narrowed
    assert "job.launch</b>" not in narrowed
    for path in ("/account/members", "/account/tokens", "/account/acts", "/engines", "/devices"):
        assert "counts" in ada.get(f"{path}?as=json").json(), path


def test_shares_stand_beside_weights(ada: Browser, olga: Browser) -> None:
    rows = olga.get("/service/shares?hours=1&as=json").json()["organisations.shares"]["shares"]
    chem = next(row for row in rows if row["organisation"] == "chem")
    assert (chem["share"], chem["fair"]) == (1.0, 1.0)
    assert sum(chem["engine_seconds"]) > 0
    assert {row["organisation"] for row in rows} >= {"chem", "bio"}
    own = ada.get("/service/shares?as=json").json()["organisations.shares"]["shares"]
    assert {row["organisation"] for row in own} == {"chem", "others"}
    assert "Who waits, and why" in ada.get("/service/shares").text
    assert "out of range" in ada.get("/service/shares?hours=9999").text


def test_a_record_that_was_tampered_with_is_broken_where_it_was(olga: Browser, http: TestClient[Any]) -> None:
    async def forge() -> None:
        change = "UPDATE acts SET user = 'eve' WHERE seq = 3"
        await http.app.state.gate.callers.accounts.run(lambda base: base.execute(change))

    with http.portal() as portal:
        portal.call(forge)
    assert "Broken at act 3" in olga.get("/service/acts?organisation=chem").text
