"""Secrets in Vault, against a local server that answers as Vault's documentation of KV 2, AppRole and tokens says."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qmk import secrets
from qmk.base.errors import QmkError
from qmk.gateway.issued import issue
from qmk.gateway.tls import Tls
from qmk.secrets import vault

SECRET = "a-secret-of-ours"
ROLE = {"role_id": "qmk", "secret_id": "of-the-role"}


class Vault(ThreadingHTTPServer):
    """One entry at ``secret/qmk``. ``tokens`` are those that are good."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokens = {"given"}
        self.logins = self.renewals = 0
        self.renewable = True

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
        if (method, path) == ("POST", "/v1/auth/approle/login"):
            if body != ROLE:
                return 400, {"errors": ["invalid role or secret ID"]}
            self.logins += 1
            self.tokens = {f"issued-{self.logins}"}
            return 200, {"auth": self._auth(f"issued-{self.logins}")}
        if token not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        if (method, path) == ("POST", "/v1/auth/token/renew-self"):
            self.renewals += 1
            return 200, {"auth": self._auth(token)}
        if path == "/v1/secret/data/qmk":
            return 200, {"data": {"data": {"ionq": SECRET, "count": 3}, "metadata": {"version": 2}}}
        return 404, {"errors": []}

    def _auth(self, token: str) -> dict[str, Any]:
        return {"client_token": token, "lease_duration": 1000, "renewable": self.renewable}


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def _handle(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"{}")
        token = self.headers.get("X-Vault-Token") or ""
        status, answer = self.server.answer(self.command, self.path.partition("?")[0], token, body)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = _handle

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Generator[Vault]:
    with Vault() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        for name in ("TOKEN", "ROLE", "SECRET", "NAMESPACE", "CA", "CERT"):
            monkeypatch.delenv(f"QMK_VAULT_{name}", raising=False)
        monkeypatch.setenv("QMK_VAULT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(vault, "_session", type(vault._session)())
        yield server
        server.shutdown()


@pytest.fixture
def role(server: Vault, monkeypatch: pytest.MonkeyPatch) -> Vault:
    monkeypatch.setenv("QMK_VAULT_ROLE", ROLE["role_id"])
    monkeypatch.setenv("QMK_VAULT_SECRET", "env:ROLE_SECRET")
    monkeypatch.setenv("ROLE_SECRET", ROLE["secret_id"])
    return server


def refused(reference: str = "vault:secret/qmk#ionq") -> str:
    with pytest.raises(QmkError) as caught:
        secrets.read(reference)
    assert SECRET not in f"{caught.value.message} {caught.value.fields}"
    return f"{caught.value.message}; {caught.value.fields['help']}"


def test_a_field_of_an_entry_by_a_token(server: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "set QMK_VAULT_TOKEN" in refused()
    monkeypatch.setenv("GIVEN", "given")
    monkeypatch.setenv("QMK_VAULT_TOKEN", "env:GIVEN")
    assert secrets.read("vault:secret/qmk#ionq") == SECRET
    assert "its fields are: count, ionq" in refused("vault:secret/qmk#other")
    assert "its fields are: count, ionq" in refused("vault:secret/qmk#count")
    assert "nothing at secret/none" in refused("vault:secret/none#ionq")
    assert "MOUNT/PATH#FIELD" in refused("vault:secret/qmk")
    server.tokens.clear()
    assert "does not let us read secret/qmk" in refused()


def test_a_vault_that_asks_for_a_certificate(server: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issue(tmp_path, "vault", tmp_path / "vault.pem", ["127.0.0.1"])
    issue(tmp_path, "qmk", tmp_path / "qmk.pem")
    ca = tmp_path / "tls" / "ca.pem"
    server.socket = Tls(tmp_path / "vault.pem", tmp_path / "vault.pem", ca).context().wrap_socket(server.socket, True)
    monkeypatch.setenv("QMK_VAULT_URL", f"https://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("QMK_VAULT_CA", str(ca))
    monkeypatch.setenv("GIVEN", "given")
    monkeypatch.setenv("QMK_VAULT_TOKEN", "env:GIVEN")
    assert "does not answer" in refused()
    monkeypatch.setenv("QMK_VAULT_CERT", "vault:secret/qmk#cert")
    assert "keep the certificate for Vault in a file" in refused()
    monkeypatch.setenv("QMK_VAULT_CERT", f"file:{tmp_path}/qmk.pem")
    assert secrets.read("vault:secret/qmk#ionq") == SECRET


def test_a_role_signs_in_once_renews_and_signs_in_again(role: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(vault.time, "monotonic", lambda: now)
    for _ in range(3):
        assert secrets.read("vault:secret/qmk#ionq") == SECRET
    assert (role.logins, role.renewals) == (1, 0)
    now = 501.0
    assert secrets.read("vault:secret/qmk#ionq") == SECRET
    assert (role.logins, role.renewals) == (1, 1)
    now += 901.0
    assert secrets.read("vault:secret/qmk#ionq") == SECRET
    assert (role.logins, role.renewals) == (2, 1)
    now, role.tokens = now + 501.0, set()
    assert secrets.read("vault:secret/qmk#ionq") == SECRET, "what cannot be renewed is asked for anew"
    assert role.logins == 3


def test_a_wrong_secret_and_a_server_that_is_away(role: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLE_SECRET", "another-one")
    assert "does not take the role with its secret; look at QMK_VAULT_ROLE" in refused()
    monkeypatch.setenv("QMK_VAULT_URL", "http://127.0.0.1:1")
    assert "Vault does not answer: ConnectionError" in refused()
    monkeypatch.setenv("QMK_VAULT_URL", "http://vault.example")
    assert "is not an https address" in refused()
