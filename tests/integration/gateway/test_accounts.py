"""Accounts: who may do what to organisations, users and tokens, and what is recorded of it."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from litestar.testing import TestClient

from qmk.abi.calls import q_submit
from qmk.abi.token import bounds_of, read
from qmk.base.errors import QmkError
from qmk.client import attenuate
from qmk.gateway.accounts.acts import GENESIS, Acts, Head, chain
from qmk.gateway.accounts.billing import FORGOTTEN_S, lists_of
from qmk.gateway.accounts.money import Prices, Terms
from qmk.gateway.accounts.operations import ACCOUNTS
from qmk.gateway.accounts.roles import OPERATOR
from qmk.gateway.app import make_app
from qmk.gateway.callers import Caller
from qmk.gateway.records import Records
from qmk.gateway.rest import openapi
from qmk.host import ledger
from qmk.host.config import JOURNAL_NAME
from qmk.sql.gateway import Base
from qmk.sql.tables import file_migration
from tests.conftest import RunningDaemon

Http = TestClient[Any]
DESCRIPTION = openapi.description()


class Site:
    """A gateway on a daemon that asks for tokens; ``ask`` sends a request with the token of a user."""

    def __init__(self, http: Http, records: Path) -> None:
        self.http, self.records = http, records
        self.tokens: dict[str, str] = {}

    @property
    def accounts(self) -> Any:
        return self.http.app.state.gate.callers.accounts

    def ask(self, user: str, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """The answer, which is as its schema says."""
        shown = {"authorization": f"Bearer {self.tokens[user]}", **headers}
        answer = (
            self.http.request(method, path, headers=shown, json=body)
            if body is not None
            else self.http.request(method, path, headers=shown)
        )
        assert answer.status_code == status, (user, method, path, answer.text)
        row = schema_of(method, path.partition("?")[0], status)
        media = answer.headers["content-type"].partition(";")[0]
        if media.endswith("json"):
            schema = {**row["content"][media]["schema"], "components": DESCRIPTION["components"]}
            jsonschema.validate(answer.json(), schema, jsonschema.Draft202012Validator)
            return answer.json()
        assert media in row["content"]
        return answer.text

    def call(self, work: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        with self.http.portal() as portal:
            return portal.call(work, *given)

    def submit(self, user: str, shots: int, key: str = "") -> Any:
        headers = {"authorization": f"Bearer {self.tokens[user]}", **({"idempotency-key": key} if key else {})}
        body = {"program": {"text": openapi.BELL}, "shots": shots, "policy": {"engine": "native"}}
        return self.http.post("/v1/jobs", json=body, headers=headers).json()

    def run(self, user: str, shots: int) -> str:
        return self.wait(user, self.submit(user, shots)["job_id"])

    def ask_jobs(self, user: str) -> Any:
        return self.http.get("/v1/jobs", headers={"authorization": f"Bearer {self.tokens[user]}"}).json()["jobs"]

    def wait(self, user: str, job: str) -> str:
        headers = {"authorization": f"Bearer {self.tokens[user]}"}
        assert self.http.get(f"/v1/jobs/{job}?wait_s=30", headers=headers).json()["state"] == "COMPLETED"
        return job

    def submit_frame(self, user: str, shots: int, engine: str = "native") -> Any:
        """As QMK's own client submits; an error in the form of a problem."""
        headers = {"authorization": f"Bearer {self.tokens[user]}"}

        def call(method: str, **params: Any) -> Any:
            frame = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            return self.http.post("/rpc", json=frame, headers=headers).json()

        session = call("q_negotiate_caps")["result"]["session_id"]
        policy = {"engine": engine}
        answer = call("q_submit", session_id=session, program={"text": openapi.BELL}, shots=shots, policy=policy)
        if "result" in answer:
            return answer["result"]
        data = dict(answer["error"]["data"])
        return {"kind": data.pop("kind", data.get("name")), "detail": answer["error"]["message"], "fields": data}

    def change(self, query: str) -> None:
        """Changes a row behind the gateway's back."""
        self.call(lambda: self.http.app.state.gate.records.run(lambda base: base.execute(query)))

    def member(self, user: str, role: str, organisation: str = "chem", by: str = "root") -> None:
        """Add a person with a role, and a token that administers as far as that goes."""
        self.ask(by, "POST", "/v1/users", {"user": user}, 201)
        self.ask(by, "PUT", f"/v1/organisations/{organisation}/members/{user}", {"role": role})
        self.issue(user, organisation, by)

    def issue(self, user: str, organisation: str = "chem", by: str = "root", **more: Any) -> dict[str, Any]:
        asked = {"user": user, "organisation": organisation, "name": "test", "administers": True, **more}
        made = self.ask(by, "POST", "/v1/tokens", asked)
        self.tokens[user] = made["token"]
        return made


def schema_of(method: str, path: str, status: int) -> Any:
    for operation in ACCOUNTS:
        if operation.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation.path), path):
            return DESCRIPTION["paths"][operation.path][method.lower()]["responses"][str(status)]
    raise AssertionError(f"{method} {path} is not in the table")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgres_server").new_schema()
    running = RunningDaemon(tmp_path_factory.mktemp("daemon"), require_token=True).start()
    records = tmp_path_factory.mktemp("accounts") / "gateway.db"
    state = running.folder / "state"
    read = lambda *which: ledger.read(state / JOURNAL_NAME, *which)  # noqa: E731
    app = make_app(running.socket, records, needs_token=True, data_dir=state, ledger=read, database=database)
    try:
        with TestClient(app, base_url="http://127.0.0.1") as http:
            made = Site(http, records)
            made.call(set_up, made)
            made.ask("root", "POST", "/v1/organisations", {"organisation": "bio"}, 201)
            for user, role in (("olga", "owner"), ("adam", "admin"), ("mia", "member"), ("vic", "viewer")):
                made.member(user, role)
            made.member("bob", "owner", "bio")
            yield made
    finally:
        running.kill()


async def set_up(made: Site) -> None:
    """What an operator does first, on the machine of the daemon."""
    from qmk.gateway.accounts import people, shapes, tokens

    caller = made.http.app.state.gate.callers.operating()
    row = await people.add_organisation(caller, shapes.AddOrganisation(organisation="chem", title="Chemistry"))
    assert (row.organisation, row.title, row.prices) == ("chem", "Chemistry", "standard")
    await people.add_user(caller, shapes.AddUser(user="root", operator=True))
    issued = await tokens.issue_token(
        caller, shapes.IssueToken(name="first", organisation="chem", user="root", administers=True)
    )
    made.tokens["root"] = issued.token


def test_who_sees_which_organisation(site: Site) -> None:
    assert [row["organisation"] for row in site.ask("root", "GET", "/v1/organisations")["organisations"]] == [
        "bio",
        "chem",
    ]
    assert [row["organisation"] for row in site.ask("vic", "GET", "/v1/organisations")["organisations"]] == ["chem"]
    members = site.ask("vic", "GET", "/v1/organisations/chem/members")["members"]
    assert {row["user"]: row["role"] for row in members}["adam"] == "admin"
    for path in ("", "/members", "/acts"):
        theirs = site.ask("bob", "GET", f"/v1/organisations/chem{path}", status=404)
        missing = site.ask("bob", "GET", f"/v1/organisations/none{path}", status=404)
        assert theirs["detail"].replace("chem", "none") == missing["detail"]


def test_roles_bound_what_their_holders_do(site: Site) -> None:
    put = lambda by, user, role, status: site.ask(  # noqa: E731
        by, "PUT", f"/v1/organisations/chem/members/{user}", {"role": role}, status
    )
    put("vic", "vic", "owner", 403)
    put("mia", "vic", "member", 403)
    put("adam", "vic", "admin", 403)  # only owners make admins
    put("adam", "olga", "viewer", 403)
    put("bob", "vic", "viewer", 404)
    put("adam", "nobody", "viewer", 404)
    site.ask("adam", "PATCH", "/v1/organisations/chem", {"title": "Mine"}, 403)
    changed = site.ask("root", "PATCH", "/v1/organisations/chem", {"weight": 2, "quotas": {"running_jobs": 4}})
    assert (changed["weight"], changed["quotas"]["running_jobs"], changed["title"]) == (2, 4, "Chemistry")
    site.ask("adam", "POST", "/v1/users", {"user": "eve"}, 403)
    site.ask("adam", "POST", "/v1/users", {"user": "eve", "service_of": "chem", "role": "admin"}, 403)


def test_a_token_is_shown_once_and_good_for_its_role_only(site: Site) -> None:
    made = site.ask("mia", "POST", "/v1/tokens", {"name": "laptop", "rights": ["CAP_STATUS"], "expires_s": 60})
    assert made["token"].startswith("qmk1.")
    listed = site.ask("mia", "GET", "/v1/tokens")["tokens"]
    assert {row["user"] for row in listed} == {"mia"}
    row = next(row for row in listed if row["serial"] == made["serial"])
    assert (row["name"], row["rights"], row["administers"], row["issued_by"]) == (
        "laptop",
        ["CAP_STATUS"],
        False,
        "mia",
    )
    assert made["token"] not in str(listed)
    assert made["token"].encode() not in b"".join(path.read_bytes() for path in site.records.parent.glob("gateway.db*"))
    site.tokens["mia's laptop"] = made["token"]
    me = site.http.get("/v1/me", headers={"authorization": f"Bearer {made['token']}"}).json()
    assert me["rights"] == ["CAP_STATUS"]
    site.ask("mia's laptop", "POST", "/v1/tokens", {"name": "wider"}, 403)  # it does not administer
    site.ask("vic", "POST", "/v1/tokens", {"name": "wider", "rights": ["CAP_SUBMIT"]}, 400)
    site.ask("vic", "GET", "/v1/tokens?user=mia", status=404)
    assert {row["user"] for row in site.ask("adam", "GET", "/v1/tokens")["tokens"]} >= {"mia", "vic", "olga"}
    site.ask("bob", "DELETE", f"/v1/tokens/{made['serial']}", status=404)
    site.ask("vic", "DELETE", f"/v1/tokens/{made['serial']}", status=403)
    site.ask("mia", "DELETE", f"/v1/tokens/{made['serial']}")
    site.ask("mia", "DELETE", f"/v1/tokens/{made['serial']}", status=404)
    assert site.http.get("/v1/me", headers={"authorization": f"Bearer {made['token']}"}).status_code == 401


def test_a_narrowed_token_administers_nothing(site: Site) -> None:
    site.tokens["narrowed"] = attenuate(site.tokens["olga"], shots=5)
    site.ask("narrowed", "PUT", "/v1/organisations/chem/members/vic", {"role": "viewer"}, 403)
    site.ask("narrowed", "POST", "/v1/tokens", {"name": "wider"}, 403)
    site.tokens["blind"] = attenuate(site.tokens["olga"], rights=["CAP_SUBMIT"])
    site.ask("blind", "GET", "/v1/organisations/chem", status=404)


def test_a_member_who_goes_takes_no_token_along(site: Site) -> None:
    site.member("gus", "member")
    old = site.tokens["gus"]
    lowered = site.ask("adam", "PUT", "/v1/organisations/chem/members/gus", {"role": "viewer"})
    assert len(lowered["revoked"]) == 1
    assert site.http.get("/v1/me", headers={"authorization": f"Bearer {old}"}).status_code == 401
    kept = site.issue("gus", rights=["CAP_STATUS"])["serial"]
    gone = site.ask("adam", "DELETE", "/v1/organisations/chem/members/gus")
    assert (gone["role"], gone["revoked"]) == (None, [kept])
    site.ask("adam", "DELETE", "/v1/organisations/chem/members/gus", status=404)
    site.ask("root", "DELETE", "/v1/users/gus")
    site.ask("root", "GET", "/v1/users/gus", status=404)


def test_a_service_account_belongs_to_its_organisation(site: Site) -> None:
    robot = site.ask("adam", "POST", "/v1/users", {"user": "robot", "service_of": "chem"}, 201)
    assert robot["roles"] == {"chem": "member"}
    site.ask("adam", "POST", "/v1/users", {"user": "robot", "service_of": "chem"}, 400)
    made = site.issue("robot", by="adam", administers=False)
    assert site.http.get("/v1/me", headers={"authorization": f"Bearer {made['token']}"}).json()["tenant"] == "chem"
    site.ask("bob", "DELETE", "/v1/users/robot", status=404)
    assert site.ask("adam", "DELETE", "/v1/users/robot")["revoked"] == [made["serial"]]


RATES = {"*": {"shot": "0.001", "engine_second": "0.5"}, "native": {"shot": "0.01", "gate": "0.0000000001"}}


def test_what_is_used_is_charged_exactly_and_a_budget_is_kept(site: Site) -> None:
    site.ask("root", "POST", "/v1/organisations", {"organisation": "pay", "title": "Payers"}, 201)
    site.member("pia", "owner", "pay")
    budget = "/v1/organisations/pay/budget"
    site.ask("root", "PUT", budget, {"amount": "10"}, 400)  # there are no prices yet
    site.ask("pia", "PUT", "/v1/prices/standard", {"currency": "EUR", "rates": RATES}, 403)
    site.ask("root", "PUT", "/v1/prices/standard", {"currency": "EUR", "rates": RATES, "since": 0})
    site.ask("root", "PUT", "/v1/prices/standard", {"currency": "EUR", "rates": {}, "since": 1}, 400)
    site.ask("pia", "GET", budget, status=404)
    site.ask("pia", "PUT", budget, {"amount": "10"}, 403)
    assert site.ask("root", "PUT", budget, {"amount": "10"})["left"] == "10"
    site.run("pia", shots=600)
    month = site.ask("pia", "GET", budget)["month"]
    state = site.ask("pia", "GET", budget)
    (bill,) = site.ask("pia", "GET", f"/v1/organisations/pay/invoices/{month}")["invoices"]
    (line,) = bill["lines"]
    cost = Decimal("0.01") * 600 + Decimal("0.0000000001") * line["gates"]
    assert (line["engine"], line["shots"], Decimal(line["amount"])) == ("native", 600, cost)
    assert (bill["total"], bill["closed"], bill["title"], state["reserved"]) == ("6.00", False, "Payers", "0")
    assert Decimal(state["spent"]) == cost == 10 - Decimal(state["left"])
    for send in (site.submit, site.submit_frame):
        refused = send("pia", shots=500)
        assert refused["kind"] == "QUOTA_EXCEEDED"
        assert refused["fields"]["quota"] == "budget"
        assert refused["fields"]["left"] == state["left"]
        assert refused["detail"].startswith("the job would cost 5.0000001 EUR; left of the budget")
    accepted = site.submit_frame("pia", shots=100)
    (warning,) = accepted["warnings"]
    assert (warning["rule"], warning["severity"]) == ("BUDGET-001", "warning")
    assert warning["message"].endswith(
        f"of 10 EUR of the budget of {month} are used or reserved, which is 0.5 of it or more"
    )
    site.wait("pia", accepted["job_id"])
    usage = site.ask("pia", "GET", f"/v1/organisations/pay/usage/{month}")["rows"]
    text = site.ask("pia", "GET", f"/v1/organisations/pay/usage/{month}/csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["amount"] for row in rows] == [row["amount"] for row in usage]
    text = site.ask("pia", "GET", f"/v1/organisations/pay/invoices/{month}/csv")
    assert text.startswith("invoice,currency,engine,launches")
    site.ask("bob", "GET", f"/v1/organisations/pay/invoices/{month}", status=404)
    warned = site.call(site.accounts.billing.warn, "pay")
    assert [(row["share"], row["amount"]) for row in warned] == [("0.5", "10")]
    assert site.call(site.accounts.billing.warn, "pay") == []
    acts = site.ask("pia", "GET", "/v1/organisations/pay/acts?limit=1")["acts"]
    assert (acts[0]["user"], acts[0]["act"]) == ("gateway", "budget.warning")
    site.ask("root", "DELETE", budget)
    site.run("pia", shots=700)


def test_the_same_key_is_the_same_money(site: Site) -> None:
    site.ask("root", "POST", "/v1/organisations", {"organisation": "key", "prices": "few"}, 201)
    site.member("kim", "member", "key")
    site.ask("root", "PUT", "/v1/prices/few", {"currency": "USD", "rates": {"*": {"shot": "1"}}, "since": 0})
    site.ask("root", "PUT", "/v1/organisations/key/budget", {"amount": "10"})
    made = [site.submit("kim", shots=10, key="once") for _ in range(2)]
    assert made[0]["job_id"] == made[1]["job_id"]
    assert ["which is 1 of it" in row["message"] for row in made[0]["warnings"]] == [True]
    assert site.submit("kim", shots=1, key="twice")["kind"] == "QUOTA_EXCEEDED"
    headers = {"authorization": f"Bearer {site.tokens['kim']}"}
    job = made[0]["job_id"]
    assert site.http.get(f"/v1/jobs/{job}?wait_s=30", headers=headers).json()["state"] == "COMPLETED"
    site.call(site.accounts.billing.settle, "key")
    assert site.submit("kim", shots=1, key="twice")["kind"] == "QUOTA_EXCEEDED"
    assert site.submit("kim", shots=10, key="once")["job_id"] == job, "its reservation went with its end"


def test_what_is_reserved_stays_until_it_is_known_whether_the_job_exists(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.ask("root", "POST", "/v1/organisations", {"organisation": "lost", "prices": "shots"}, 201)
    site.member("lea", "owner", "lost")
    budget = "/v1/organisations/lost/budget"
    site.ask("root", "PUT", "/v1/prices/shots", {"currency": "USD", "rates": {"*": {"shot": "1"}}, "since": 0})
    site.ask("root", "PUT", budget, {"amount": "10000010"})
    exchange: Any = Caller._exchange_each
    lose: set[str] = set()

    async def exchange_each(self: Caller, asked: Any) -> Any:
        spends = asked[0][0] is q_submit.CALL
        lost = QmkError("CONNECTION_LOST", "the daemon closed the connection")
        if spends and "request" in lose:
            raise lost
        found = await exchange(self, asked)
        if spends and "answer" in lose:
            raise lost
        return found

    def reserved(seconds: float = 0.0) -> str:
        """After reservations have been looked at, so much later."""
        with monkeypatch.context() as patch:
            patch.setattr(site.accounts, "clock", lambda: time.time() + seconds)
            site.call(site.accounts.billing.settle, "lost")
        return site.ask("lea", "GET", budget)["reserved"]

    monkeypatch.setattr(Caller, "_exchange_each", exchange_each)
    lose.add("answer")
    assert site.submit_frame("lea", 10_000_000, "reference")["kind"] == "CONNECTION_LOST"
    assert reserved() == reserved(FORGOTTEN_S + 60) == "10000000"
    lose.clear()
    assert site.submit_frame("lea", 20)["kind"] == "QUOTA_EXCEEDED"
    (job,) = site.ask_jobs("lea")
    assert job["idempotency_key"].startswith("auto-")
    headers = {"authorization": f"Bearer {site.tokens['lea']}"}
    assert site.http.post(f"/v1/jobs/{job['job_id']}/cancel", json={}, headers=headers).status_code == 200
    assert reserved() == "0"
    lose.add("request")
    assert site.submit_frame("lea", 10)["kind"] == "CONNECTION_LOST"
    assert (reserved(), reserved(FORGOTTEN_S + 60)) == ("10", "0")


def test_a_new_price_list_is_for_what_comes(site: Site) -> None:
    for name, shot in (("old", "1"), ("new", "0.5")):
        site.ask("root", "PUT", f"/v1/prices/{name}", {"currency": "EUR", "rates": {"*": {"shot": shot}}, "since": 0})
    site.ask("root", "POST", "/v1/organisations", {"organisation": "swap", "prices": "old"}, 201)
    site.member("sue", "owner", "swap")
    budget = "/v1/organisations/swap/budget"
    site.ask("root", "PUT", budget, {"amount": "100"})
    site.run("sue", shots=10)
    assert site.ask("sue", "GET", budget)["spent"] == "10"
    assert site.ask("root", "PATCH", "/v1/organisations/swap", {"prices": "new"})["prices"] == "new"
    assert site.ask("sue", "GET", budget)["spent"] == "10"
    site.run("sue", shots=20)
    state = site.ask("sue", "GET", budget)
    assert state["spent"] == "20"
    (bill,) = site.ask("sue", "GET", "/v1/organisations/swap/invoices")["invoices"]
    assert sorted((row["shots"], row["shot_price"], row["amount"]) for row in bill["lines"]) == [
        (10, "1", "10"),
        (20, "0.5", "10"),
    ]
    rows = site.ask("sue", "GET", f"/v1/organisations/swap/usage/{state['month']}")["rows"]
    assert sorted((row["shots"], row["amount"]) for row in rows) == [(10, "10"), (20, "10")]
    assert site.submit("sue", shots=1)["warnings"] == []
    site.ask("root", "PUT", budget, {"amount": "10", "refuse": False})
    for send in (site.submit, site.submit_frame):
        assert [row["rule"] for row in send("sue", shots=1)["warnings"]] == ["BUDGET-001"]


def test_terms_hold_by_list_and_version() -> None:
    version = lambda name, since: Prices(prices=name, since=since, currency="EUR", rates={})  # noqa: E731
    a, b = [version("a", 5.0), version("a", 20.0)], [version("b", 12.0)]
    terms = Terms([(0.0, a), (10.0, b), (15.0, []), (18.0, a)])
    found = [terms.at(moment) for moment in (4.0, 5.0, 9.0, 11.0, 12.0, 15.0, 18.0, 20.0)]
    assert found == [None, a[0], a[0], None, b[0], None, a[0], a[1]]


def test_price_lists_of_an_older_file_hold_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with sqlite3.connect(path) as base:
        base.executescript(file_migration(1) + file_migration(2) + "PRAGMA user_version = 2;")
        base.execute("INSERT INTO organisations VALUES ('chem', 'Chemistry', 'few'), ('bio', '', '')")
    base.close()
    records = Records(path)
    found = [asyncio.run(records.run(lambda base, name=name: lists_of(base, name))) for name in ("chem", "bio")]
    assert found == [[(0.0, "standard"), (0.0, "few")], [(0.0, "standard")]]
    records.close()


def test_every_act_is_recorded_with_who_did_it(site: Site) -> None:
    site.ask("adam", "PUT", "/v1/organisations/chem/members/vic", {"role": "viewer"})
    last = site.ask("adam", "GET", "/v1/organisations/chem/acts?limit=1")["acts"][0]
    assert (last["user"], last["act"], last["fields"]) == ("adam", "member.set", {"user": "vic", "role": "viewer"})
    acts = site.ask("olga", "GET", "/v1/organisations/chem/acts")["acts"]
    assert acts[-1]["user"] == "operator"
    assert {row["organisation"] for row in acts} == {"chem"}
    older = site.ask("olga", "GET", f"/v1/organisations/chem/acts?before={acts[1]['seq']}&limit=1")["acts"]
    assert older == [acts[2]]
    site.ask("mia", "GET", "/v1/organisations/chem/acts", status=403)
    whole = site.ask("adam", "GET", "/v1/organisations/chem/acts/verified")
    assert (whole["acts"] > len(acts), whole["broken"]) == (True, 0)
    site.ask("mia", "GET", "/v1/organisations/chem/acts/verified", status=403)
    named = site.ask("olga", "GET", "/v1/organisations/chem/acts?text=MEMBER.set")["acts"]
    assert {row["act"] for row in named} == {"member.set"}
    assert site.ask("olga", "GET", f"/v1/organisations/chem/acts?until={acts[-1]['time']}")["acts"] == []
    site.change("UPDATE acts SET user = 'eve' WHERE seq = 2")
    assert site.ask("adam", "GET", "/v1/organisations/chem/acts/verified") == {
        "acts": 1,
        "broken": 2,
        "why": "it was changed, or the act before it is gone",
    }
    site.change("UPDATE acts SET user = 'operator' WHERE seq = 2")


def forge(base: Base, seq: int, **change: object) -> None:
    """Changes an act as who has the file and no key can: every hash from it on is made anew."""
    base.execute(
        f"UPDATE acts SET {', '.join(f'{name} = ?' for name in change)} WHERE seq = ?", (*change.values(), seq)
    )
    last = GENESIS
    for *row, _, _ in base.execute("SELECT * FROM acts ORDER BY seq").fetchall():
        last = chain(last, tuple(row))
        base.execute("UPDATE acts SET hash = ? WHERE seq = ?", (last, row[0]))


def add_as_if(base: Base) -> None:
    base.execute(
        "INSERT INTO acts SELECT seq + 1, time, user, act, organisation, fields, hash, seal FROM acts WHERE seq = 4"
    )
    forge(base, 5, user="eve")


Tamper = Callable[[Base], object]
TAMPERS: dict[str, tuple[int, str, Tamper]] = {
    "change": (2, "was changed", lambda base: base.execute("UPDATE acts SET user = 'eve' WHERE seq = 2")),
    "rehash": (2, "not sealed", lambda base: forge(base, 2, user="eve")),
    "strip one": (3, "not sealed", lambda base: base.execute("UPDATE acts SET seal = ? WHERE seq = 3", (b"",))),
    "strip all": (1, "were removed", lambda base: base.execute("UPDATE acts SET seal = ?", (b"",))),
    "remove": (2, "is gone", lambda base: base.execute("DELETE FROM acts WHERE seq = 2")),
    "add": (5, "not sealed", add_as_if),
    "cut off": (3, "there were 4 once", lambda base: base.execute("DELETE FROM acts WHERE seq > 2")),
    "empty": (1, "seals of all acts were removed", lambda base: base.execute("DELETE FROM acts")),
}


@pytest.mark.parametrize("tamper", TAMPERS)
def test_who_has_the_file_and_no_key_changes_no_act_unseen(tmp_path: Path, tamper: str, database_url: str) -> None:
    records = Records(tmp_path / "gateway.db", database=database_url)
    record = Acts(tmp_path, lambda: 1.0)
    place, words, change = TAMPERS[tamper]

    async def fill() -> None:
        for name in "abcd":
            await records.run(lambda base, name=name: record.add(base, OPERATOR, "user.add", "", {"user": name}))
        head = record.take_head()
        assert head is not None
        record.keep_head(head)
        assert (await records.run(record.verify)).acts == 4
        await records.run(change)
        found = await records.run(record.verify)
        assert (found.broken, words in found.why) == (place, True)

    asyncio.run(fill())
    records.close()


def test_the_newest_act_stays_the_head_whoever_writes_last(tmp_path: Path) -> None:
    records = [Acts(tmp_path, lambda: 1.0) for _ in range(4)]
    records[0].public_bytes()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seq: records[seq % 4].keep_head(Head(seq, "", b"")), [*range(40, 0, -1), *range(41, 61)]))
    assert msgspec.json.decode((tmp_path / "keys" / "acts.head").read_bytes(), type=Head).seq == 60


def test_acts_of_a_release_without_seals_are_held_by_the_first_seal(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with sqlite3.connect(path) as base:
        base.executescript("".join(map(file_migration, (1, 2, 3))) + "PRAGMA user_version = 3;")
        row = (1, 1.0, "operator", "user.add", "", "{}")
        base.execute("INSERT INTO acts VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, chain(GENESIS, row)))
    base.close()
    records = Records(path)
    record = Acts(tmp_path, lambda: 2.0)

    async def go_on() -> None:
        assert (await records.run(record.verify)).acts == 1
        await records.run(lambda base: record.add(base, OPERATOR, "user.remove", "", {}))
        assert (await records.run(record.verify)).acts == 2
        await records.run(lambda base: forge(base, 1, user="eve"))
        found = await records.run(record.verify)
        assert (found.broken, "not sealed" in found.why) == (2, True)

    asyncio.run(go_on())
    records.close()


def test_a_gateway_without_the_operators_socket_says_so(site: Site, tmp_path: Path) -> None:
    socket = site.http.app.state.gate.callers._path
    with TestClient(make_app(socket, tmp_path / "gateway.db", needs_token=True), base_url="http://127.0.0.1") as http:
        headers = {"authorization": f"Bearer {site.tokens['bob']}"}
        answer = http.get("/v1/organisations", headers=headers)
    assert (answer.status_code, str(tmp_path) in answer.text) == (503, False)
    assert answer.json()["help"] == "start the daemon, or give its --data-dir"


def test_what_has_no_user_or_no_ledger_is_refused_by_name(site: Site) -> None:
    for method in ("GET", "DELETE"):
        assert site.ask("root", method, "/v1/users/nobody/sessions", status=404)["field"] == "user"
    for month in ("1969-12", "2200-01", "9999-12"):  # beyond what nanoseconds of 64 bits tell
        for path in ("usage", "invoices"):
            site.ask("olga", "GET", f"/v1/organisations/chem/{path}/{month}", status=400)


def test_a_token_of_the_gateway_is_good_at_the_socket_for_its_user_alone(site: Site) -> None:
    """A budget is not passed by going to the daemon itself."""
    bounds = bounds_of(read(site.tokens["mia"]).caveats)
    assert bounds.uid == os.geteuid()
