"""What an engine's environment is made with, and where it stands among the Pythons of an engine."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import qmk
from qmk.base.errors import QmkError
from qmk.engines import aer, clifft, native, piquasso
from qmk.router.features import features
from qmk.sdk import discovery, environments, interpreters

LISTED = [
    "click>=8.1",
    "clifft>=0.12; (python_version >= '3.12') and extra == 'clifft'",
    'qiskit<3,>=2.1; extra == "aer"',
    "qiskit-aer>=0.17; extra == 'aer'",
    "quantum-microkernel[aer,clifft]; extra == 'simulators'",
    "aerial>=1; extra == 'aerial'",
    "uvloop>=0.21; sys_platform != 'win32'",
]


def test_the_extra_is_read_from_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: LISTED)
    pins = [f"{name}=={metadata.version(name)}" for name in ("msgspec", "numpy")]
    assert environments.requirements(aer.DECLARATION) == ["qiskit<3,>=2.1", "qiskit-aer>=0.17", *pins]
    assert environments.requirements(clifft.DECLARATION) == ["clifft>=0.12; (python_version >= '3.12')", *pins]


def test_engines_without_an_extra_and_qmk_without_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(QmkError, match="comes with QMK"):
        environments.requirements(native.DECLARATION)
    foreign = replace(native.DECLARATION, requires=("strange_library",))
    with pytest.raises(QmkError, match="nothing says what it needs"):
        environments.requirements(foreign)

    def absent(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    with pytest.raises(QmkError, match="quantum-microkernel has no metadata here"):
        environments.requirements(aer.DECLARATION)


def test_the_extra_of_every_engine_is_listed() -> None:
    from qmk.sdk.discovery import engines

    listed = metadata.requires("quantum-microkernel") or []
    for declaration in engines().values():
        if declaration.extra:
            assert environments._of_extra(listed, declaration.extra), declaration.name


def test_an_engine_whose_packages_quarrel_with_ours_has_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_present", lambda module: module != "piquasso")
    monkeypatch.setattr(interpreters, "path_of", lambda name: None)
    assert {"piquasso==8.0.2", "antlr4-python3-runtime==4.9.2"} <= set(environments.requirements(piquasso.DECLARATION))
    state = discovery.available(piquasso.DECLARATION)
    assert (state.ok, state.missing) == (False, ("piquasso",))
    assert state.hint.startswith("qmk engines install piquasso")
    light = qmk.Program(modes=1).prepare_fock(1, 0).count_photons(0)
    with pytest.raises(qmk.QmkError, match="qmk engines install piquasso"):
        qmk.run(light, engine="piquasso:fock", shots=1)


def test_predictions_of_piquasso_grow_with_photons() -> None:
    def cost(method: str, n: int) -> Any:
        light = qmk.Program(modes=4).prepare_fock(n, 0).beam_splitter(0.3, 0, 1).count_photons([0, 1])
        return piquasso.DECLARATION.predict(method, features(light.to_graph()), 100)

    assert cost("fock", 40).seconds > 10 * cost("fock", 4).seconds > 0
    assert cost("bosonsampling", 20).seconds > 20 * cost("bosonsampling", 8).seconds


def test_the_lock_of_every_framework_pins_it_and_what_qmk_needs_with_hashes() -> None:
    from qmk.sdk.frameworks import FRAMEWORKS, lock_of, pins

    for found in FRAMEWORKS.values():
        lock = lock_of(found.name)
        assert lock is not None, found.name
        names = {pin.partition("==")[0].partition("[")[0] for pin in pins(lock)}
        assert {found.library, "msgspec", "numpy", "click", "rich", "stim"} <= names, found.name
        blocks = lock.read_text().split("\n\n")
        assert sum(block.count("--hash=sha256:") for block in blocks) > len(names)
        assert environments.requirements(found) == list(pins(lock))
        assert environments.find(found.name) is found
    assert environments.find("aer") is aer.DECLARATION


def test_a_framework_that_no_python_here_runs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from qmk.sdk.frameworks import FRAMEWORKS

    old = replace(FRAMEWORKS["tfq"], newest=(3, 11), python=(3, 11))
    monkeypatch.setattr(sys, "version_info", (3, 30, 0))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(QmkError, match=r"framework 'tfq' needs Python 3\.11 alone; this is 3\.30"):
        environments.find_python(old)


def test_a_newer_python_is_looked_for_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert environments.find_python(aer.DECLARATION) == Path(sys.executable)
    future = replace(aer.DECLARATION, python=(3, 28))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(QmkError, match=r"needs Python 3\.28") as refused:
        environments.find_python(future)
    assert "--python PATH" in str(refused.value.fields["help"])
    for name, version in (("python3.28", "3 9"), ("python3.29", "3 29")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    assert environments.find_python(future) == tmp_path / "python3.29"


def test_an_installed_environment_comes_last_and_only_when_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    monkeypatch.delenv("QMK_ENGINE_AER_PYTHON", raising=False)
    monkeypatch.setenv("QMK_STATE_DIR", str(tmp_path / "state"))
    inside = tmp_path / "state" / "engines" / "aer" / "bin" / "python"
    inside.parent.mkdir(parents=True)
    inside.touch()
    assert interpreters.path_of("aer") is None
    interpreters.record_of("aer").touch()
    assert interpreters.path_of("aer") == inside
    beside = tmp_path / "env-aer" / "bin" / "python"
    beside.parent.mkdir(parents=True)
    beside.touch()
    assert interpreters.path_of("aer") == beside


def test_where_environments_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QMK_STATE_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert interpreters.installed_folder() == tmp_path / "data" / "qmk" / "engines"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert interpreters.installed_folder() == tmp_path / ".local" / "share" / "qmk" / "engines"
