"""A bundle is made of wheels and checked: by us, by the programs of a system, and by pip, without a network."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import qmk
from qmk.base.errors import QmkError
from qmk.rpc import keys
from qmk.sdk import bundle

IMAGE = f"docker.io/library/postgres@sha256:{'a1' * 32}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ed25519PrivateKey]:
    """A bundle of a wheel of QMK's name that holds one module, which pip needs no index for."""
    folder = tmp_path_factory.mktemp("bundle")
    info = f"quantum_microkernel-{qmk.__version__}.dist-info"
    wheel = folder / f"quantum_microkernel-{qmk.__version__}-py3-none-any.whl"
    described = (
        f"Metadata-Version: 2.1\nName: quantum-microkernel\nVersion: {qmk.__version__}\nProvides-Extra: server\n"
    )
    data = f"quantum_microkernel-{qmk.__version__}.data/data/share/qmk"
    files = {
        "qmk_small.py": "print('it runs')\n",
        f"{data}/docs/index.md": "# QMK\n",
        f"{data}/deploy/compose/compose.yaml": "services: {}\n",
        f"{info}/METADATA": described,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": "".join(f"{name},,\n" for name in files)}.items():
            archive.writestr(name, text)
    more = folder / "image.tar"
    more.write_bytes(b"saved")
    key = keys.signing_key(folder / "keys", bundle.KEY)
    target = folder / "made.tar"
    found = bundle.create(target, key, extras=["server"], wheel=wheel, images=[IMAGE], added=[more])
    assert found.packages == [f"quantum-microkernel=={qmk.__version__}"]
    assert (found.images, found.files) == ([IMAGE], 9)
    again = folder / "again.tar"
    bundle.create(again, key, extras=["server"], wheel=wheel, images=[IMAGE], added=[more])
    assert again.read_bytes() == target.read_bytes()
    assert not list(folder.glob(".bundle-*"))
    return target, key


def unpacked(made: tuple[Path, Ed25519PrivateKey], folder: Path) -> Path:
    with tarfile.open(made[0]) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


def install(root: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Where the kernel allows it in a network of its own, which has nothing in it."""
    alone = ["unshare", "--net", "--map-root-user"]
    can = shutil.which("unshare") and subprocess.run([*alone, "true"], capture_output=True).returncode == 0
    environment = {**os.environ, "PYTHON": sys.executable, "PIP_INDEX_URL": "http://127.0.0.1:9/"}
    command = [*(alone if can else []), "sh", str(root / "install.sh"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root.parent)


def test_it_is_installed_without_a_network(made: tuple[Path, Ed25519PrivateKey], tmp_path: Path) -> None:
    root = unpacked(made, tmp_path)
    assert (root / "docs" / "index.md").read_text() == "# QMK\n"
    assert (root / "deploy" / "compose" / "compose.yaml").exists()
    assert (root / "added" / "image.tar").read_bytes() == b"saved"
    public = made[0].parent / "keys" / "bundle.pub"
    done = install(root, "env", public)
    assert (done.returncode, done.stdout) == (0, f"installed: {tmp_path}/env/bin/qmk\n"), done.stderr
    ran = subprocess.run(
        [tmp_path / "env" / "bin" / "python", "-c", "import qmk_small"], capture_output=True, text=True
    )
    assert ran.stdout == "it runs\n"
    assert "is there already" in install(root, "env").stderr


def test_what_install_refuses(made: tuple[Path, Ed25519PrivateKey], tmp_path: Path) -> None:
    root = unpacked(made, tmp_path)
    assert "usage: sh install.sh FOLDER" in install(root).stderr
    keys.signing_key(tmp_path / "other", "other")
    assert "is not signed with" in install(root, "env", tmp_path / "other" / "other.pub").stderr
    (root / "docs" / "index.md").write_text("# Another\n")
    assert "damaged or missing" in install(root, "env").stderr
    assert not (tmp_path / "env").exists()


def test_a_wheel_that_was_put_beside_the_others_is_not_installed(
    made: tuple[Path, Ed25519PrivateKey], tmp_path: Path
) -> None:
    """Nor does another wheel of the same version take the place of the one listed."""
    root = unpacked(made, tmp_path)
    (wheel,) = root.glob("wheels/*.whl")
    forged = wheel.with_name(f"quantum_microkernel-{qmk.__version__}-1-py3-none-any.whl")
    shutil.copy(wheel, forged)
    with zipfile.ZipFile(forged, "a") as archive:
        archive.writestr("evil.py", "")
    done = install(root, "env")
    assert not list((tmp_path / "env").rglob("evil.py")), done.stderr


def changed(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of an archive with other contents; what has none is left out."""
    with tarfile.open(source) as archive, tarfile.open(target, "w") as written:
        for member in archive:
            stream = archive.extractfile(member)
            assert stream is not None
            content = change(member.name.partition("/")[2], stream.read())
            if content is not None:
                member.size = len(content)
                written.addfile(member, io.BytesIO(content))
    return target


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda name, old: b"x" if name == "docs/index.md" else old, "docs/index.md is damaged"),
        (lambda name, old: None if name == "docs/index.md" else old, "docs/index.md is missing"),
        (lambda name, old: old.replace(b"a", b"b") if name == bundle.SUMS else old, "is not signed"),
        (lambda name, old: None if name == bundle.SIGNATURE else old, "is not a bundle"),
    ],
)
def test_what_was_changed_is_found(
    made: tuple[Path, Ed25519PrivateKey],
    tmp_path: Path,
    change: Callable[[str, bytes], bytes | None],
    found: str,
) -> None:
    copy = changed(made[0], tmp_path / "copy.tar", change)
    with pytest.raises(QmkError, match=found):
        bundle.verify(copy, made[1].public_key())


def test_what_was_added_is_found(made: tuple[Path, Ed25519PrivateKey], tmp_path: Path) -> None:
    copy = changed(made[0], tmp_path / "copy.tar", lambda _, old: old)
    (tmp_path / "more").write_text("more")
    with tarfile.open(copy, "a") as archive:
        root = archive.getnames()[0].partition("/")[0]
        archive.add(tmp_path / "more", f"{root}/docs/more.md")
    with pytest.raises(QmkError, match=r"docs/more\.md is not listed"):
        bundle.verify(copy, made[1].public_key())


def test_what_cannot_be_made_says_why(made: tuple[Path, Ed25519PrivateKey], tmp_path: Path) -> None:
    key = made[1]
    with pytest.raises(QmkError, match="is there already"):
        bundle.create(made[0], key)
    with pytest.raises(QmkError, match="has no digest"):
        bundle.create(tmp_path / "a.tar", key, images=["postgres:17"])
    with pytest.raises(QmkError, match="there is no folder"):
        bundle.create(tmp_path / "none" / "a.tar", key)
    with pytest.raises(QmkError, match="files of different names"):
        bundle.create(tmp_path / "a.tar", key, added=[made[0], made[0]])
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(QmkError, match="cannot read"):
        bundle.verify(tmp_path / "text", key.public_key())
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_what_pip_says_is_told(
    made: tuple[Path, Ed25519PrivateKey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(QmkError, match="No matching distribution found for quantum-microkernel"):
        bundle.create(tmp_path / "a.tar", made[1])
    assert not list(tmp_path.iterdir())
