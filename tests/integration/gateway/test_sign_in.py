"""Sign-in of browsers: by a real issuer on this machine, by password, by token; sessions; bounds on requests."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from litestar.testing import TestClient

from qmk.base.errors import QmkError
from qmk.gateway.accounts import passwords, sign_in
from qmk.gateway.accounts.accounts import Accounts
from qmk.gateway.accounts.acts import list_acts
from qmk.gateway.accounts.oidc import FLOW_S
from qmk.gateway.accounts.people import add_user, change_user, end_session, end_sessions
from qmk.gateway.accounts.sessions import IDLE_S, OF_A_USER, Sessions, cipher_of
from qmk.gateway.accounts.shapes import AddUser, ChangeUser, EndSession, ListActs, OfUser
from qmk.gateway.accounts.sign_in import Config, SignIn, read_config
from qmk.gateway.accounts.tokens import tokens_of
from qmk.gateway.app import make_app
from qmk.gateway.callers import Callers
from qmk.gateway.rates import RateLimits
from qmk.gateway.records import Records

CALLBACK = "https://qmk.example/signin/acme"


class LocalIssuer:
    """An identity provider: discovery, authorization (by ``allow``), tokens and keys."""

    def __init__(self) -> None:
        self.keys = [ECKey.generate_key("P-256", {"kid": "first", "alg": "ES256"})]
        self.codes: dict[str, dict[str, Any]] = {}
        self.claims: dict[str, Any] = {}
        self.forge: dict[str, Any] = {}
        self.asked: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                self.answer(200, issuer.metadata() if "well-known" in self.path else issuer.key_set())

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.answer(*issuer.redeem({name: values[0] for name, values in form.items()}))

            def answer(self, status: int, body: Any) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def metadata(self) -> dict[str, Any]:
        paths = {"authorization_endpoint": "/allow", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.url, **{name: self.url + path for name, path in paths.items()}}

    def key_set(self) -> Any:
        return KeySet([*self.keys]).as_dict(private=False)

    def allow(self, address: str) -> dict[str, str]:
        """What the browser brings back after its user has agreed."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"], asked["code_challenge_method"] == ("code", "S256")
        code = f"code{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def redeem(self, form: dict[str, str]) -> tuple[int, Any]:
        asked = self.codes.pop(form["code"], None)
        challenge = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked is None or challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        base = {"iss": self.url, "aud": asked["client_id"], "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        key = self.forge.get("key", self.keys[-1])
        claims = {**base, **self.claims, **self.forge.get("claims", {})}
        return 200, {"access_token": "at", "id_token": jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)}


@pytest.fixture(scope="module")
def issuer() -> Iterator[LocalIssuer]:
    made = LocalIssuer()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Site:
    """Accounts without a daemon: its operator's calls are played."""

    def __init__(self, folder: Path, issuer: LocalIssuer | None = None, **config: Any) -> None:
        self.now = time.time()
        self.accounts = Accounts(Records(folder / "gateway.db"), folder, clock=lambda: self.now)
        vars(self.accounts)["operate"] = self.operate
        self.issued, self.revoked, self.away = 0, list[str](), False
        grants = [
            {"claim": "groups", "value": "quantum", "organisation": "chem", "role": "member"},
            {"claim": "groups", "value": "leads", "organisation": "chem", "role": "admin"},
            {"claim": "groups", "value": "staff", "operator": True},
        ]
        provider = {"name": "acme", "issuer": issuer.url if issuer else "", "client_id": "qmk", "grants": grants}
        found = msgspec.convert({"providers": [provider] if issuer else [], **config}, Config)
        self.callers = Callers(None, needs_token=True, accounts=self.accounts)
        self.sign_in = SignIn(self.accounts, self.callers, found)
        if issuer:
            issuer.claims, issuer.forge = {"sub": "42", "email": "ada@acme.example", "email_verified": True}, {}
            issuer.claims["groups"] = ["quantum"]

    async def operate(self, name: str, /, **params: Any) -> Any:
        if self.away:
            raise QmkError("RESOURCE_EXHAUSTED", "the daemon is away")
        if name == "op_token_revoke":
            self.revoked.append(params["serial"])
        else:
            self.issued += 1
        text, serial = f"qmk1.{self.issued}", f"tok_{self.issued:032x}"
        return msgspec.defstruct("Made", ["token", "serial", "sessions"])(text, serial, 0)

    async def enter(self, issuer: LocalIssuer) -> Any:
        address, kept = await self.sign_in.begin("acme", CALLBACK, "/jobs")
        cookie, wanted = await self.sign_in.finish(kept, issuer.allow(address), "Firefox")
        assert wanted == "/jobs"
        session = await self.accounts.sessions.find(cookie, self.now)
        assert session is not None
        return session


async def refused(work: Any) -> QmkError:
    with pytest.raises(QmkError) as caught:
        await work
    return caught.value


def test_an_issuer_says_who_signs_in_and_with_which_role(tmp_path: Path, issuer: LocalIssuer) -> None:
    async def main() -> None:
        site = Site(tmp_path, issuer)
        session = await site.enter(issuer)
        assert (session.user, session.tenant, session.agent) == ("ada@acme.example", "chem", "Firefox")
        assert session.token not in (await site.accounts.sessions.list(session.user, site.now))[0].__repr__()
        roles = lambda: _roles(site, "ada@acme.example")  # noqa: E731
        assert await roles() == ({"chem": "member"}, False)
        issuer.claims["groups"] = ["quantum", "leads", "staff"]
        assert (await site.enter(issuer)).user == session.user
        assert await roles() == ({"chem": "admin"}, True)
        issuer.claims["groups"] = []
        assert (await refused(site.enter(issuer))).kind.name == "AUTH_FAILED"  # and has lost what the groups gave
        assert await roles() == ({}, False)
        issuer.claims |= {"sub": "43", "groups": ["quantum"]}
        assert "already" in (await refused(site.enter(issuer))).message  # the name is taken
        issuer.claims |= {"sub": "44", "email": "new@acme.example", "groups": []}
        assert "no group" in (await refused(site.enter(issuer))).message

    asyncio.run(main())


async def _roles(site: Site, user: str) -> tuple[dict[str, str], bool]:
    from qmk.gateway.accounts.accounts import find_user

    found = await find_user(site.accounts, user)
    return found.roles, found.operator


def test_a_person_whom_an_operator_added_is_known_by_a_verified_address(tmp_path: Path, issuer: LocalIssuer) -> None:
    async def main() -> None:
        site = Site(tmp_path, issuer)
        await add_user(site.callers.operating(), AddUser(user="ada", email="ada@acme.example"))
        issuer.claims["email_verified"] = False
        await refused(site.enter(issuer))
        issuer.claims["email_verified"] = True
        assert (await site.enter(issuer)).user == "ada"

    asyncio.run(main())


FORGED: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "x"}},
    "another audience": {"claims": {"aud": "other"}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "too old": {"claims": {"exp": 1000}},
    "no subject": {"claims": {"sub": None}},
    "another key": {"key": ECKey.generate_key("P-256", {"kid": "first", "alg": "ES256"})},
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_identity_is_refused(tmp_path: Path, issuer: LocalIssuer, how: str) -> None:
    async def main() -> None:
        site = Site(tmp_path, issuer)
        issuer.forge = FORGED[how]
        error = await refused(site.enter(issuer))
        assert (error.kind.name, "identity token" in error.message) == ("AUTH_FAILED", True)

    asyncio.run(main())


def test_the_answer_has_to_belong_to_the_browser(tmp_path: Path, issuer: LocalIssuer) -> None:
    async def main() -> None:
        site = Site(tmp_path, issuer)
        (address, kept), (_, other) = [await site.sign_in.begin("acme", CALLBACK) for _ in range(2)]
        answer = issuer.allow(address)
        cases = [
            (other, answer),  # another browser's sign-in
            ("x", answer),
            (kept, {**answer, "state": "x"}),
            (kept, {**answer, "iss": "https://evil.example"}),
            (kept, {"state": answer["state"], "error": "access_denied"}),
        ]
        for given, query in cases:
            assert (await refused(site.sign_in.finish(given, query))).kind.name == "AUTH_FAILED"
        await site.sign_in.finish(kept, answer)
        await refused(site.sign_in.finish(kept, answer))  # a code is good once
        address, kept = await site.sign_in.begin("acme", CALLBACK)
        site.now += FLOW_S + 1
        assert "too long" in (await refused(site.sign_in.finish(kept, issuer.allow(address)))).message
        assert (await refused(site.sign_in.begin("other", CALLBACK))).fields["absent"]

    asyncio.run(main())


def test_keys_of_the_issuer_may_change(tmp_path: Path, issuer: LocalIssuer) -> None:
    async def main() -> None:
        site = Site(tmp_path, issuer)
        await site.enter(issuer)
        issuer.keys = [ECKey.generate_key("P-256", {"kid": "second", "alg": "ES256"})]
        await refused(site.enter(issuer))  # the keys were read a moment ago
        site.now += 11
        before = issuer.asked.count("/keys")
        await site.enter(issuer)
        await site.enter(issuer)
        assert issuer.asked.count("/keys") == before + 1

    asyncio.run(main())


def test_passwords_are_off_unless_asked_for_and_slow_to_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))

    async def main() -> None:
        site = Site(tmp_path, password=True)
        operator = site.callers.operating()
        await add_user(operator, AddUser(user="ada"))
        await refused(change_user(operator, ChangeUser(user="ada", password="short")))
        await change_user(operator, ChangeUser(user="ada", password="correct horse battery"))
        await add_user(operator, AddUser(user="bob"))
        for user, password in (("ada", "wrong"), ("bob", ""), ("nobody", "x")):
            error = await refused(site.sign_in.with_password(user, password, "1.2.3.4"))
            assert (error.kind.name, error.message) == ("AUTH_FAILED", "user or password is wrong")
        right = ("ada", "correct horse battery")
        assert "not a member" in (await refused(site.sign_in.with_password(*right, "1.2.3.4"))).message
        await site.accounts.run(lambda base: base.execute("INSERT INTO memberships VALUES ('chem', 'ada', 'viewer')"))
        cookie = await site.sign_in.with_password(*right, "1.2.3.4")
        session = await site.accounts.sessions.find(cookie, site.now)
        assert session is not None
        assert set(session.rights) == {"CAP_RESULT", "CAP_STATUS"}
        for _ in range(sign_in.TRIES):
            error = await refused(site.sign_in.with_password("eve", "x", "6.6.6.6"))
        assert error.kind.name == "AUTH_FAILED"
        assert (await refused(site.sign_in.with_password("eve", "x", "9.9.9.9"))).kind.name == "QUOTA_EXCEEDED"
        assert (await refused(site.sign_in.with_password("zoe", "x", "6.6.6.6"))).fields["retry_after_ms"] > 0
        site.now += sign_in.TRIES_S + 1
        assert (await refused(site.sign_in.with_password("zoe", "x", "6.6.6.6"))).kind.name == "AUTH_FAILED"
        off = SignIn(site.accounts, site.callers)
        assert (await refused(off.with_password(*right, "1.2.3.4"))).kind.name == "UNSUPPORTED"

    asyncio.run(main())


def test_sessions_end(tmp_path: Path) -> None:
    async def main() -> None:
        records = Records(tmp_path / "gateway.db")
        sessions = Sessions(records, cipher_of(tmp_path))
        cookies = [await sessions.begin("token", "ada", "chem", ["CAP_STATUS"], 1000.0) for _ in range(3)]
        found = await sessions.find(cookies[0], 1001.0)
        assert found is not None
        assert (found.token, found.tenant, len(found.csrf)) == ("token", "chem", 64)
        assert await sessions.find("x", 1001.0) is None
        assert (await sessions.end(found.id, "bob"), await sessions.end(found.id, "ada")) == (False, True)
        assert await sessions.find(cookies[0], 1001.0) is None
        assert await sessions.find(cookies[1], 1000.0 + IDLE_S - 1) is not None  # which is noted as a use
        assert await sessions.find(cookies[2], 1000.0 + IDLE_S + 1) is None
        assert await sessions.find(cookies[1], 1000.0 + IDLE_S + 1) is not None
        other = Sessions(records, cipher_of(tmp_path / "other"))
        assert await other.find(cookies[1], 1000.0 + IDLE_S + 1) is None  # the key was replaced
        assert await sessions.end_all("ada") >= 1
        for number in range(OF_A_USER + 3):
            await sessions.begin("token", "ada", "chem", [], 2e6 + number)
        assert len(await sessions.list("ada", 2e6)) == OF_A_USER
        data = b"".join(path.read_bytes() for path in tmp_path.glob("gateway.db*"))
        assert all(cookie.encode() not in data for cookie in cookies)
        assert (tmp_path / "gateway.key").stat().st_mode & 0o777 == 0o600

    asyncio.run(main())


def test_the_token_of_a_session_ends_with_it(tmp_path: Path, issuer: LocalIssuer) -> None:
    async def main() -> None:
        site = Site(tmp_path, issuer)
        operator, sessions = site.callers.operating(), site.accounts.sessions
        serials = [f"tok_{number:032x}" for number in range(1, 8)]
        first, second, third = [await site.enter(issuer) for _ in range(3)]
        user = first.user
        assert await sessions.end(first.id)  # as the console signs out
        assert site.revoked == serials[:1]
        await end_session(operator, EndSession(user=user, session=second.id))
        assert site.revoked == serials[:2]
        site.away = True
        assert (await end_sessions(operator, OfUser(user=user))).ended == 1
        assert await sessions.list(user, site.now) == []
        site.away = False
        await sessions.sweep(site.now)
        assert site.revoked == serials[:3]
        await site.enter(issuer)
        cookie = await sessions.begin(third.token, user, "chem", [], site.now)  # by a token of the user's own
        site.now += IDLE_S + 1
        await sessions.sweep(site.now)
        assert await sessions.find(cookie, site.now) is None
        assert site.revoked == serials[:4]
        acts = await site.accounts.run(lambda base: list_acts(base, ListActs("chem", limit=1)))
        assert (acts[0].user, acts[0].act, acts[0].fields["serial"]) == ("gateway", "token.revoke", serials[3])
        await sessions.sweep(site.now)
        assert len(site.revoked) == 4
        assert await tokens_of(site.accounts) == []

    asyncio.run(main())


@pytest.mark.parametrize("text", ["{", '{"passwords": true}', '{"providers": [{"name": "x"}]}'])
def test_a_wrong_configuration_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "sign-in.json").write_text(text)
    with pytest.raises(QmkError, match=r"sign-in\.json"):
        read_config(tmp_path / "sign-in.json")


def test_requests_are_bounded_by_address_and_token_in_every_protocol(tmp_path: Path) -> None:
    limits = RateLimits(of_address=0.01, of_token=0.01, burst_s=300)
    app = make_app(tmp_path / "no.sock", tmp_path / "gateway.db", needs_token=True, rates=limits)
    with TestClient(app, base_url="http://127.0.0.1") as http:
        first = [http.get("/v1/me", headers={"authorization": f"Bearer qmk1.{n}"}).status_code for n in (1, 1, 1)]
        again = http.get("/qlam/v2/groups", headers={"authorization": "Bearer qmk1.1"})
        paths = ("/v1/me", "/braket/devices", "/pasqal/api/v1/batches")
        others = [http.request("POST" if "braket" in path else "GET", path) for path in paths]
        frame = http.post("/rpc", json={"jsonrpc": "2.0", "id": 1, "method": "q_status"})
        health = [http.get("/health").status_code for _ in range(5)]
    assert 429 not in first
    assert {answer.status_code for answer in (again, *others, frame)} == {429}
    assert all(1 <= int(answer.headers["retry-after"]) <= 100 for answer in (again, *others, frame))
    assert frame.json()["error"]["code"] == -32201
    assert set(health) == {200}


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    cipher_of(tmp_path)
    (tmp_path / "gateway.key").chmod(0o640)
    with pytest.raises(QmkError, match="others may read"):
        cipher_of(tmp_path)
