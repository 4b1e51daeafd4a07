"""Secrets by reference: each place they are kept in, and what is said where there is none."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from qmk import secrets
from qmk.base.errors import QmkError
from qmk.secrets import redaction

SECRET = "a-secret-of-ours"


def refused(reference: str) -> QmkError:
    with pytest.raises(QmkError) as caught:
        secrets.read(reference, "SETTING")
    assert caught.value.kind.name == "INVALID_PARAMS"
    assert caught.value.fields["help"]
    assert SECRET not in f"{caught.value.message} {caught.value.fields}"
    return caught.value


@pytest.mark.parametrize("reference", ["", SECRET, "env:", "vault", f"other:{SECRET}", "FILE:/etc/passwd"])
def test_what_is_no_reference_is_not_repeated(reference: str) -> None:
    assert refused(reference).message == "SETTING is not a reference to a secret"


def test_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOMEWHERE", raising=False)
    assert "SOMEWHERE is not set" in refused("env:SOMEWHERE").message
    monkeypatch.setenv("SOMEWHERE", " \n")
    assert "is empty" in refused("env:SOMEWHERE").message
    monkeypatch.setenv("SOMEWHERE", f"{SECRET}\n")
    assert secrets.read("env:SOMEWHERE") == SECRET


def test_a_file_of_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert "no such file" in refused(f"file:{path}").message
    path.write_text(SECRET)
    path.chmod(0o604)
    assert "others may read" in refused(f"file:{path}").message
    path.chmod(0o600)
    assert secrets.read(f"file:{path}") == SECRET
    path.write_bytes(b"\xff\xfe")
    assert "something else than text" in refused(f"file:{path}").message
    path.write_text("x" * 16385)
    assert "more than 16384 bytes" in refused(f"file:{path}").message


def test_a_credential_of_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "LoadCredential=ionq:PATH" in refused("systemd:ionq").fields["help"]
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "ours"))
    (tmp_path / "ours").mkdir()
    (tmp_path / "other").write_text(SECRET)
    assert "no credential ionq" in refused("systemd:ionq").message
    assert "no slash" in refused("systemd:../other").message
    (tmp_path / "ours" / "ionq").write_text(SECRET)
    assert secrets.read("systemd:ionq") == SECRET


def test_an_entry_of_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backend import KeyringBackend
    from keyring.errors import KeyringLocked

    class Ours(KeyringBackend):
        priority: Any = 1

        def get_password(self, service: str, username: str) -> str | None:
            if service == "locked":
                raise KeyringLocked("it is locked")
            return SECRET if (service, username) == ("qmk/lab", "ionq") else None

        def set_password(self, service: str, username: str, password: str) -> None:
            raise AssertionError("nothing is written")

    before = keyring.get_keyring()
    keyring.set_keyring(Ours())
    try:
        assert secrets.read("keyring:qmk/lab/ionq") == SECRET
        assert "no such entry" in refused("keyring:qmk/other").message
        assert "it is locked" in refused("keyring:locked/ionq").message
        assert "SERVICE/USER" in refused("keyring:ionq").fields["help"]
    finally:
        keyring.set_keyring(before)
    monkeypatch.setitem(sys.modules, "keyring", types.ModuleType("keyring"))
    monkeypatch.delitem(sys.modules, "keyring.errors")
    assert "not installed" in refused("keyring:qmk/ionq").message


def test_what_was_read_stands_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEWHERE", "first-line-9\nsecond-line-9")
    monkeypatch.setenv("SHORT", "abc")
    secrets.read("env:SOMEWHERE")
    secrets.read("env:SHORT")
    assert redaction.hide("got first-line-9, abc and second-line-9") == "got [hidden], abc and [hidden]"
    assert redaction.hide("postgresql://me:pass@host/db") == "postgresql://[hidden]@host/db"
    assert redaction.hide("Authorization: Bearer abc.def") == "Authorization: Bearer [hidden]"
    assert redaction.hide("http://127.0.0.1:8080/v1") == "http://127.0.0.1:8080/v1"
