"""``qmk engines install`` and ``remove``, with pip and an index that is a folder of tiny wheels."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def write_wheel(folder: Path, name: str, version: str, *modules: str) -> None:
    """The smallest wheel that pip installs."""
    info = f"{name}-{version}.dist-info"
    files = {f"{module}.py": "" for module in modules}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture
def index(folder: Path, environment: dict[str, str]) -> Path:
    """An index with the packages that every worker needs, as pip's only one."""
    wheels = folder / "wheels"
    wheels.mkdir()
    for name in ("msgspec", "numpy"):
        write_wheel(wheels, name, metadata.version(name), name)
    environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    environment.pop("PIP_INDEX_URL", None)
    return wheels


def test_an_environment_from_its_making_to_its_end(qmk: Qmk, index: Path, folder: Path) -> None:
    path = folder / "state" / "engines" / "qulacs"
    write_wheel(index, "qulacs", "0.6.13", "qulacs", "scipy")
    made = qmk("engines", "install", "qulacs")
    assert (made.returncode, made.stdout) == (0, f"qulacs 0.6.13 is in {path}\n"), made.stderr

    assert f"  qulacs runs with {path}/bin/python" in qmk("engines").stdout.splitlines()
    row = next(row for row in json.loads(qmk("engines", "--json").stdout)["engines"] if row["engine"] == "qulacs")
    assert (row["available"], row["version"], row["python"]) == (True, "0.6.13", f"{path}/bin/python")

    again = qmk("engines", "install", "qulacs")
    assert again.returncode == 2
    assert "--upgrade" in again.stderr
    write_wheel(index, "qulacs", "0.6.14", "qulacs", "scipy")
    newer = json.loads(qmk("engines", "install", "qulacs", "--upgrade", "--json").stdout)
    assert (newer["version"], newer["path"], newer["available"]) == ("0.6.14", str(path), True)

    assert qmk("engines", "remove", "qulacs").stdout == f"removed {path}\n"
    assert not path.exists()
    assert "qulacs runs with" not in qmk("engines").stdout
    gone = qmk("engines", "remove", "qulacs")
    assert gone.returncode == 2
    assert "there are none" in gone.stderr


def test_a_failed_installation_leaves_nothing_and_repeats_what_pip_said(qmk: Qmk, index: Path, folder: Path) -> None:
    failed = qmk("engines", "install", "qulacs")
    assert failed.returncode == 3
    assert "No matching distribution found for qulacs>=0.6.13" in failed.stderr
    assert "fix: " in failed.stderr
    assert "Traceback" not in failed.stderr
    assert list((folder / "state" / "engines").iterdir()) == []


def test_an_interrupted_installation_is_not_taken_for_an_engine(qmk: Qmk, folder: Path) -> None:
    path = folder / "state" / "engines" / "qulacs"
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "python").symlink_to("/usr/bin/env")
    shown = qmk("engines").stdout
    assert f"unfinished: {path}" in shown
    assert "qulacs runs with" not in shown
    assert qmk("engines", "remove", "qulacs").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["native"], 3, "comes with QMK"),
        (["qulax"], 2, "did you mean 'qulacs'?"),
        (["../../etc"], 2, "there is no engine '../../etc'"),
        (["clifft", "--python", "/bin/true"], 2, "/bin/true does not start"),
        (["qulacs", "--python", "/no/such/python"], 2, "does not exist"),
    ],
)
def test_what_cannot_be_installed_is_refused(qmk: Qmk, arguments: list[str], code: int, text: str) -> None:
    refused = qmk("engines", "install", *arguments)
    assert (refused.returncode, text in refused.stderr) == (code, True), refused.stderr


@pytest.mark.parametrize("name", ["../state", "..", "", "absent", "; true"])
def test_only_what_was_made_is_removed(qmk: Qmk, folder: Path, name: str) -> None:
    (folder / "state" / "engines" / "qulacs").mkdir(parents=True)
    assert qmk("engines", "remove", name).returncode == 2
    assert (folder / "state" / "engines" / "qulacs").is_dir()


def test_a_framework_has_qmk_beside_it(qmk: Qmk, index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a framework, here without its packages, runs scripts that use QMK."""
    from qmk.sdk import environments

    made = folder / "state" / "engines" / "mitiq"
    site = made / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    environments._lead_to_qmk(made)
    (link,) = {Path(line) for line in (site / "qmk.pth").read_text().split()}
    assert {item.name for item in link.iterdir()} >= {"qmk", "qmk_native"}
    (described,) = link.glob("quantum_microkernel-*.dist-info")
    assert "pennylane.plugins" in (described / "entry_points.txt").read_text()
    assert (link / "qmk" / "__init__.py").read_text() == (
        Path(environments.__file__).parents[1] / "__init__.py"
    ).read_text()
    refused = qmk("engines", "install", "mitiq")
    assert refused.returncode, "the index has none of its packages"
    assert "pip cannot install engine 'mitiq'" in refused.stderr
