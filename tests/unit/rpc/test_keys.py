"""The daemon's keys: made once, for their owner alone, and never guessed at when something is wrong."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.rpc import keys
from qmk.rpc.keys import token_key


def test_a_key_is_made_once_and_kept(tmp_path: Path):
    key = token_key(tmp_path)
    assert len(key) == 32
    assert token_key(tmp_path) == key
    file = tmp_path / "keys" / "token.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["token.key"], "no draft is left behind"
    assert token_key(tmp_path / "other") != key


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32, "00" * 32 + "\n\n00"])
def test_a_damaged_key_is_refused_and_left_alone(tmp_path: Path, text: str):
    token_key(tmp_path)
    file = tmp_path / "keys" / "token.key"
    file.write_text(text)
    with pytest.raises(QmkError, match="damaged") as caught:
        token_key(tmp_path)
    assert str(file) in caught.value.message
    assert file.read_text() == text


def test_a_key_that_others_may_read_is_refused(tmp_path: Path):
    token_key(tmp_path)
    file = tmp_path / "keys" / "token.key"
    file.chmod(0o640)
    with pytest.raises(QmkError, match="others may read") as caught:
        token_key(tmp_path)
    assert "chmod 600" in caught.value.fields["help"]


def test_a_key_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "keys" / "token.key").mkdir(parents=True)
    with pytest.raises(QmkError, match="cannot read the key file") as caught:
        token_key(tmp_path)
    assert caught.value.kind.name == "RESOURCE_EXHAUSTED"
    (tmp_path / "file").touch()
    with pytest.raises(QmkError) as caught:
        token_key(tmp_path / "file")
    assert caught.value.kind.name == "RESOURCE_EXHAUSTED"


def test_of_two_that_make_a_key_at_once_the_first_stays(tmp_path: Path):
    path = tmp_path / "audit.key"
    keys.make(path, b"first")
    keys.make(path, b"second")
    assert path.read_bytes() == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["audit.key"]
