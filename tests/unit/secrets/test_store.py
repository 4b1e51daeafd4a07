"""The sealed file of secrets: what stands in it, who can open it, and what an accident leaves of it."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from qmk import secrets
from qmk.base.errors import QmkError
from qmk.secrets.store import Store

SECRET = "a-secret-of-ours"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("QMK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("QMK_SECRETS_KEY", raising=False)
    monkeypatch.delenv("QMK_SECRETS_FILE", raising=False)
    return Store()


def refused(store: Store, name: str = "ionq") -> str:
    with pytest.raises(QmkError) as caught:
        store.read(name)
    assert caught.value.fields["help"]
    return caught.value.message


def test_a_secret_is_kept_sealed_for_its_owner_alone(store: Store) -> None:
    assert "holds no secret" in refused(store)
    assert store.names() == {}
    assert not store.path.parent.exists(), "reading makes nothing"
    store.write("ionq", SECRET)
    store.write("db", "postgresql://me:pass@host/db")
    assert secrets.read("store:ionq") == SECRET
    assert list(store.names()) == ["db", "ionq"]
    assert SECRET.encode() not in store.path.read_bytes()
    for path in (store.path, store.path.parent / "keys" / "secrets.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.remove("db")
    assert list(store.names()) == ["ionq"]
    with pytest.raises(QmkError, match="not one for a secret"):
        store.write("../ionq", SECRET)
    with pytest.raises(QmkError, match="empty or too long"):
        store.write("ionq", " ")
    store.path.chmod(0o640)
    assert "others may read" in refused(store)


def test_no_part_passes_as_another(store: Store) -> None:
    store.write("ionq", SECRET)
    store.write("iqm", "another-secret")
    sheet = json.loads(store.path.read_bytes())
    sheet["secrets"]["ionq"], sheet["secrets"]["iqm"] = sheet["secrets"]["iqm"], sheet["secrets"]["ionq"]
    store.path.write_text(json.dumps(sheet))
    assert "changed by somebody else" in refused(store)
    sheet["secrets"]["ionq"]["value"] = sheet["secrets"]["iqm"]["value"]
    store.path.write_text(json.dumps(sheet))
    assert "changed by somebody else" in refused(store)
    store.path.write_text("{")
    assert "is damaged" in refused(store)


def test_another_key_or_none_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("ionq", SECRET)
    key = store.path.parent / "keys" / "secrets.key"
    kept = key.read_text()
    key.unlink()
    assert "it is not there" in refused(store)
    assert not key.exists(), "no new key is made for an old store"
    key.write_text("0" * 64)
    key.chmod(0o600)
    assert "it is another one" in refused(store)
    monkeypatch.setenv("OURS", kept)
    monkeypatch.setenv("QMK_SECRETS_KEY", "env:OURS")
    assert store.read("ionq") == SECRET
    monkeypatch.setenv("OURS", "not a key")
    assert "hexadecimal digits" in refused(store)
    monkeypatch.setenv("QMK_SECRETS_KEY", "store:ionq")
    assert "cannot be in the store" in refused(store)


def test_a_rotation_seals_all_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("ionq", SECRET)
    store.write("iqm", "another-secret")
    path = store.path.parent / "keys" / "secrets.key"
    before, sealed = path.read_text(), store.path.read_bytes()
    assert store.rotate() == 2
    assert path.read_text() != before
    assert (store.read("ionq"), store.read("iqm")) == (SECRET, "another-secret")
    store.path.write_bytes(sealed)
    assert "it is another one" in refused(store), "the new key opens no old file"
    monkeypatch.setenv("OURS", before.strip())
    monkeypatch.setenv("THEIRS", "ab" * 32)
    monkeypatch.setenv("QMK_SECRETS_KEY", "env:OURS")
    with pytest.raises(QmkError, match="QMK_SECRETS_KEY says"):
        store.rotate()
    store.rotate("env:THEIRS")
    assert "it is another one" in refused(store)
    monkeypatch.setenv("QMK_SECRETS_KEY", "env:THEIRS")
    assert store.read("ionq") == SECRET


@pytest.mark.parametrize("cut_at", [1, 2])
def test_a_rotation_that_is_cut_off_loses_nothing(store: Store, monkeypatch: pytest.MonkeyPatch, cut_at: int) -> None:
    store.write("ionq", SECRET)
    real, calls = os.replace, 0

    def cut(source: Any, target: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == cut_at:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        store.rotate()
    monkeypatch.setattr(os, "replace", real)
    assert store.read("ionq") == SECRET
    store.rotate()
    assert store.read("ionq") == SECRET


def test_writers_take_turns(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: Store().write(f"s{number}", f"secret-{number}"), range(24)))
    assert [store.read(f"s{number}") for number in range(24)] == [f"secret-{number}" for number in range(24)]
