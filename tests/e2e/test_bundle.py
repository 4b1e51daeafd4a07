"""``qmk bundle`` from the command line. What needs an index of packages is in tests/environments."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import Qmk


def test_a_bundle_is_refused_with_what_is_wrong(qmk: Qmk, folder: Path) -> None:
    made = qmk("bundle", "create", str(folder / "a.tar"), "--image", "postgres:17")
    assert made.returncode != 0
    assert "the image 'postgres:17' has no digest" in made.stderr
    assert "NAME@sha256:DIGEST" in made.stderr
    public = next(folder.rglob("bundle.pub"))
    (folder / "text").write_text("no archive")
    read = qmk("bundle", "verify", str(folder / "text"), "--public-key", str(public))
    assert read.returncode != 0
    assert "name a file that 'qmk bundle create' has made" in read.stderr
    missing = qmk("bundle", "verify", str(folder / "text"), "--public-key", str(folder / "none"))
    assert missing.returncode != 0
    assert "none" in missing.stderr
