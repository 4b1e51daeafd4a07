"""The console's ways in, and its pages of the account, for those who may and those who may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from litestar.testing import TestClient

from qmk.gateway.accounts import passwords, people, shapes
from qmk.gateway.accounts.sign_in import Config
from qmk.gateway.app import make_app
from qmk.host import ledger
from qmk.host.config import JOURNAL_NAME
from tests.conftest import RunningDaemon
from tests.integration.gateway.test_console import URL, Browser
from tests.integration.gateway.test_sign_in import LocalIssuer

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def issuer() -> Iterator[LocalIssuer]:
    made = LocalIssuer()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory, issuer: LocalIssuer) -> Iterator[TestClient[Any]]:
    """A gateway with each way in, an organisation, and its admin ``ada``, who has a password."""
    daemon = RunningDaemon(tmp_path_factory.mktemp("daemon"), require_token=True).start()
    state = daemon.folder / "state"
    grants = [{"claim": "groups", "value": "quantum", "organisation": "chem", "role": "member"}]
    acme = {"name": "acme", "title": "Acme", "issuer": issuer.url, "client_id": "qmk", "grants": grants}
    ways = msgspec.convert({"password": True, "providers": [acme]}, Config)
    records = tmp_path_factory.mktemp("console") / "gateway.db"
    read = lambda *which: ledger.read(state / JOURNAL_NAME, *which)  # noqa: E731
    app = make_app(
        daemon.socket, records, needs_token=True, data_dir=state, ledger=read, sign_in=ways, private_webhooks=True
    )

    async def set_up() -> None:
        caller = app.state.gate.callers.operating()
        await people.add_organisation(caller, shapes.AddOrganisation(organisation="chem"))
        for user in ("ada", "bob"):
            await people.add_user(caller, shapes.AddUser(user=user))
        await people.set_member(caller, shapes.SetMember(organisation="chem", user="ada", role="admin"))
        await people.change_user(caller, shapes.ChangeUser(user="ada", password=PASSWORD))

    with pytest.MonkeyPatch.context() as patch, TestClient(app, base_url=URL) as client:
        cheap = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_HASHER", cheap)
        with client.portal() as portal:
            portal.call(set_up)
        yield client
    daemon.kill()


@pytest.fixture(scope="module")
def ada(http: TestClient[Any]) -> Browser:
    """The browser of an admin."""
    made = Browser(http, "")
    assert made.sign_in(user="ada", password=PASSWORD).headers["location"] == "/jobs"
    return made


@pytest.fixture(scope="module")
def viewer(http: TestClient[Any], ada: Browser) -> Browser:
    """The browser of who pastes a token that does not administer."""
    page = ada.post("/account/tokens/issue", name="plain", days="1")
    made = Browser(http, secret_of(page))
    made.sign_in()
    return made


def secret_of(page: Any) -> str:
    assert page.status_code == 200, page.text
    found = re.search(r'<code class="secret">([^<]+)<', page.text)
    assert found is not None, page.text
    return unescape(found[1])


def test_a_password_begins_a_session_whose_token_ends_with_it(http: TestClient[Any], ada: Browser) -> None:
    refused = Browser(http, "").post("/signin", user="ada", password="wrong")
    assert (refused.status_code, "user or password is wrong" in refused.text) == (401, True)
    assert "set-cookie" not in refused.headers
    other = Browser(http, "")
    other.sign_in(user="ada", password=PASSWORD)
    held = lambda: {row["serial"] for row in ada.get("/account/tokens?as=json").json()["tokens.list"]["tokens"]}  # noqa: E731
    before = held()
    other.post("/signout")
    assert len(before - held()) == 1
    assert other.get("/jobs").status_code == 303


def test_a_provider_sends_the_browser_back_to_the_page_that_was_wanted(
    http: TestClient[Any], issuer: LocalIssuer
) -> None:
    issuer.claims = {"sub": "42", "email": "eve@acme.example", "email_verified": True, "groups": ["quantum"]}
    browser = Browser(http, "")
    link = re.search(r'href="(/signin/acme/begin[^"]*)">Sign in with Acme', browser.get("/signin?next=/queue").text)
    assert link is not None
    sent = browser.get(unescape(link[1]))
    address, flow = sent.headers["location"], sent.headers["set-cookie"]
    assert address.startswith(f"{issuer.url}/allow?")
    assert all(word in flow.lower() for word in ("qmk-flow=", "max-age=600", "httponly", "samesite=lax"))
    answer = issuer.allow(address)
    path = urlsplit(issuer.codes[answer["code"]]["redirect_uri"]).path
    forged = browser.get(path, params=answer)  # in a browser that did not begin
    assert (forged.status_code, "another browser" in forged.text) == (401, True)
    browser.cookie = flow.partition(";")[0]
    back = browser.get(path, params=answer)
    assert back.headers["location"] == "/queue"
    session, gone = back.headers.get_list("set-cookie")
    assert "max-age=0" in gone.lower()
    browser.cookie = session.partition(";")[0]
    assert "eve@acme.example" in browser.get("/account").text
    assert browser.get("/signin/none/begin").status_code == 404
    away = browser.get("/signin/acme/begin?next=//evil.example").headers
    assert "evil" not in away["location"]


def test_tokens_are_shown_once_and_revoked(ada: Browser, viewer: Browser, http: TestClient[Any]) -> None:
    token = secret_of(ada.post("/account/tokens/issue", name="<b>mine", days="2", right="CAP_STATUS"))
    listed = ada.get("/account/tokens")
    assert "&lt;b&gt;mine" in listed.text
    assert token not in listed.text
    rows = ada.get("/account/tokens?as=json").json()["tokens.list"]["tokens"]
    row = next(row for row in rows if row["name"] == "<b>mine")
    assert (row["rights"], row["administers"]) == (["CAP_STATUS"], False)
    browser = Browser(http, token)
    browser.sign_in()
    assert ada.post("/account/tokens/revoke", serial=row["serial"]).headers["location"] == "/account/tokens"
    assert browser.get("/guide").status_code == 303
    for fields in ({"name": "x", "days": "many"}, {"name": "", "days": "1"}, {"name": "x", "user": "bob"}):
        assert 'class="problem"' in ada.post("/account/tokens/issue", **fields).text
    assert "/account/tokens/issue" not in viewer.get("/account/tokens").text
    assert "INSUFFICIENT_CAPS" in viewer.post("/account/tokens/issue", name="more").text


def test_usage_is_a_page_and_files(ada: Browser) -> None:
    path = ada.submit(name="bell", engine="native")
    assert ada.ended(path)["jobs.get"]["state"] == "COMPLETED"
    page = ada.get("/account/usage")
    assert page.status_code == 200
    assert "There is no budget" in page.text
    month = page.text.partition("Used in ")[2][:7]
    used = ada.get(f"/account/usage/{month}/usage.json")
    assert used.headers["content-disposition"] == f'attachment; filename="chem-{month}-usage.json"'
    assert used.json()["rows"][0]["shots"] == 100
    assert ada.get(f"/account/usage/{month}/usage.csv").text.startswith("day,engine,")
    assert ada.get(f"/account/usage/{month}/invoice.csv").text.startswith("invoice,currency,engine")
    assert ada.get(f"/account/usage/{month}/invoice.json").json()["invoices"][0]["organisation"] == "chem"
    assert ada.get(f"/account/usage/{month}/invoice.exe").status_code == 404
    assert "INVALID_PARAMS" in ada.get("/account/usage?month=13").text


def test_members_are_changed_by_admins(ada: Browser, viewer: Browser) -> None:
    assert ada.post("/account/members/set", user="bob", role="viewer").status_code == 303
    assert ">bob<" in viewer.get("/account/members").text
    assert "/account/members/set" not in viewer.get("/account/members").text
    assert "INSUFFICIENT_CAPS" in viewer.post("/account/members/set", user="bob", role="owner").text
    assert "INSUFFICIENT_CAPS" in ada.post("/account/members/set", user="bob", role="owner").text
    ada.post("/account/members/remove", user="bob")
    assert ">bob<" not in ada.get("/account/members").text


def test_webhooks_have_deliveries(ada: Browser, viewer: Browser, issuer: LocalIssuer) -> None:
    made = ada.post("/account/webhooks/add", url=f"{issuer.url}/told", event="job.completed")
    secret = secret_of(made)
    page = ada.get("/account/webhooks").text
    assert secret not in page
    hook = re.search(r"hook_[0-9a-f]{32}", page)
    assert hook is not None
    assert 'class="problem"' in ada.post("/account/webhooks/add", url="ftp://x", event="job.completed").text
    change = lambda do: ada.post("/account/webhooks/change", webhook=hook[0], do=do)  # noqa: E731
    sent = ada.get(change("test").headers["location"])
    assert ">test<" in sent.text
    assert ">off<" in ada.get(change("off").headers["location"]).text
    assert "INSUFFICIENT_CAPS" in viewer.get("/account/webhooks").text
    change("remove")
    assert "There is no webhook yet" in ada.get("/account/webhooks").text


def test_acts_are_shown_and_verified(ada: Browser, viewer: Browser, http: TestClient[Any]) -> None:
    page = ada.get("/account/acts").text
    assert "The record is whole" in page
    assert "organisation.add" in page
    assert "There is no act before this one" in ada.get("/account/acts?before=1").text
    assert "The record is whole" not in viewer.get("/account/acts").text

    async def forge() -> None:
        change = "UPDATE acts SET user = 'eve' WHERE seq = 2"
        await http.app.state.gate.callers.accounts.run(lambda base: base.execute(change))

    with http.portal() as portal:
        portal.call(forge)
    assert "Broken at act 2" in ada.get("/account/acts").text


def test_what_goes_on_is_linked_for_operators_only(ada: Browser) -> None:
    assert 'href="/observe"' not in ada.get("/account").text


@pytest.mark.parametrize("path", ["tokens/issue", "tokens/revoke", "members/set", "members/remove", "webhooks/add"])
def test_forms_of_the_account_need_the_text_of_their_session(ada: Browser, viewer: Browser, path: str) -> None:
    assert ada.post(f"/account/{path}", csrf=viewer.csrf).status_code == 403
    assert ada.post(f"/account/{path}", "http://evil.example").status_code == 401
