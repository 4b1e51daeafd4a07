"""Engines under the Python of another environment: which one, what is wrong with it, and that a worker runs there."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

import qmk
from qmk.api.embedded import Embedded
from qmk.base.errors import QmkError
from qmk.engines import clifft, reference
from qmk.frontends import load
from qmk.host import spawn
from qmk.sdk import discovery, interpreters

BELL = b'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q->c;'


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    discovery.forget()
    yield
    discovery.forget()


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The Python of an environment of its own, which has the packages of ours and not QMK's source tree."""
    prefix = tmp_path / "apart"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = prefix / "lib" / version / "site-packages"
    site.mkdir(parents=True)
    for folder in dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")):
        for name in ("msgspec", "numpy", "numpy.libs"):
            if (Path(folder) / name).exists() and not (site / name).exists():
                (site / name).symlink_to(Path(folder) / name)
        for info in (*Path(folder).glob("numpy-*.dist-info"), *Path(folder).glob("msgspec-*.dist-info")):
            (site / info.name).symlink_to(info)
    base = Path(sys.base_prefix) / "bin"
    (prefix / "pyvenv.cfg").write_text(f"home = {base}\ninclude-system-site-packages = false\n")
    (prefix / "bin").mkdir()
    python = prefix / "bin" / "python"
    python.symlink_to(base / version)
    return python


def test_the_variable_comes_before_the_neighbour(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("QMK_ENGINE_CLIFFT_PYTHON", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    assert interpreters.path_of("clifft") is None
    beside = tmp_path / "env-clifft" / "bin" / "python"
    beside.parent.mkdir(parents=True)
    beside.touch()
    assert interpreters.path_of("clifft") == beside
    monkeypatch.setenv("QMK_ENGINE_CLIFFT_PYTHON", "/opt/python")
    assert interpreters.path_of("clifft") == Path("/opt/python")


def test_names_become_variables() -> None:
    assert interpreters.variable("my-engine.2") == "QMK_ENGINE_MY_ENGINE_2_PYTHON"


def test_what_is_wrong_with_a_python_is_said(tmp_path: Path) -> None:
    assert "is not a program" in interpreters.look(tmp_path / "bin" / "python").trouble
    assert "virtual environment" in interpreters.look(Path(shutil.which("env") or "/usr/bin/env")).trouble
    old = tmp_path / "old"
    (old / "lib" / "python3.9" / "site-packages").mkdir(parents=True)
    (old / "pyvenv.cfg").touch()
    (old / "bin").mkdir()
    (old / "bin" / "python").touch(0o755)
    assert "is Python 3.9; QMK needs 3.11" in interpreters.look(old / "bin" / "python").trouble


def test_an_environment_is_looked_at_without_starting_it(environment: Path) -> None:
    found = interpreters.look(environment)
    assert not found.trouble
    assert found.version == sys.version_info[:2]
    assert found.has("numpy")
    assert found.has("numpy.linalg")
    assert not found.has("numpy.no_such_module")
    assert not found.has("qmk")
    assert found.version_of("numpy")
    assert found.version_of("no-such-distribution") == ""


def test_an_engine_there_is_available_or_says_what_to_install(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QMK_ENGINE_REFERENCE_PYTHON", str(environment))
    state = discovery.available(reference.DECLARATION)
    assert state.ok
    assert state.python == str(environment)
    needy = replace(reference.DECLARATION, requires=("numpy", "no_such_module"), library="its-distribution")
    state = discovery.available(needy)
    assert (state.ok, state.missing) == (False, ("no_such_module",))
    assert state.hint == f"{environment} -m pip install its-distribution"


def test_an_unusable_python_is_refused_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMK_ENGINE_CLIFFT_PYTHON", "/no/such/python")
    state = discovery.available(clifft.DECLARATION)
    assert not state.ok
    assert "/no/such/python is not a program; correct --engine-python" in state.hint
    with pytest.raises(QmkError, match="/no/such/python is not a program"):
        qmk.run(load(BELL).graph, engine="clifft")


def test_a_python_too_old_for_the_library_is_refused(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMK_ENGINE_REFERENCE_PYTHON", str(environment))
    future = replace(reference.DECLARATION, python=(3, 99))
    assert "3.99 is needed" in discovery.available(future).hint
    monkeypatch.delenv("QMK_ENGINE_REFERENCE_PYTHON")
    absent = replace(future, requires=("no_such_library",))
    hint = discovery.available(absent).hint
    assert "it needs Python 3.99" in hint
    assert "python3.99 -m venv" in hint
    assert "qmk engines install reference makes it" in discovery.available(replace(absent, extra="reference")).hint
    assert "QMK_ENGINE_REFERENCE_PYTHON" in hint


@pytest.mark.parametrize("isolate", [True, False])
def test_a_worker_there_gives_the_same_bits_as_here(
    environment: Path, monkeypatch: pytest.MonkeyPatch, isolate: bool
) -> None:
    """Also for a script that runs engines in its own process: this one has a worker all the same."""
    graph = load(BELL).graph
    here = qmk.run(graph, shots=200, seed=3, engine="reference")
    monkeypatch.setenv("QMK_ENGINE_REFERENCE_PYTHON", str(environment))
    started: list[str] = []
    start = spawn._start

    def watched(command: list[str], variables: dict[str, str]) -> spawn.Child:
        started.append(command[0])
        assert "PYTHONPATH" not in variables
        return start(command, variables)

    monkeypatch.setattr(spawn, "_start", watched)
    with Embedded(isolate=isolate) as kernel:
        there = kernel.run(graph, shots=200, seed=3, engine="reference")
    assert there.counts == here.counts
    assert started == [str(environment)]


def test_the_option_names_it_for_this_command(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from qmk.cli.engines import command

    monkeypatch.setenv("QMK_ENGINE_REFERENCE_PYTHON", "")
    found = CliRunner().invoke(command, ["--engine-python", f"reference={environment}", "--json"])
    assert found.exit_code == 0, found.output
    assert os.environ["QMK_ENGINE_REFERENCE_PYTHON"] == str(environment)
    assert CliRunner().invoke(command, ["--engine-python", "reference"]).exit_code == 2
