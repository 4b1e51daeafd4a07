"""Files with secrets, and hosts that are this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.rpc.private import is_loopback, read_private


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o610, 0o602])
def test_a_file_is_read_if_its_owner_alone_may_use_it(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"abcdef")
    file.chmod(0o600)
    assert read_private(file, 4) == b"abcd"
    file.chmod(mode)
    with pytest.raises(QmkError, match=rf"others may read .*mode {mode:o}") as caught:
        read_private(file, 4)
    assert "chmod 600" in caught.value.fields["help"]


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(QmkError, match="cannot read") as caught:
        read_private(tmp_path / name, 4)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.9", "::1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example", "127.0.0.1.example", "127.1", "0.0.0.0", "::", "10.0.0.1"])
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)
