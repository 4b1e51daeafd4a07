"""Finding plug-ins: nothing heavy is imported, broken ones are named, absent libraries have a hint."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.engines import aer
from qmk.sdk import discovery

SHIPPED = {
    "reference",
    "stabilizer",
    "aer",
    "native",
    "qsim",
    "qulacs",
    "lightning",
    "ddsim",
    "quimb",
    "clifft",
    "rydberg",
    "tenpy",
    "jax",
    "qutip",
    "braket",
}
SOURCE = str(Path(discovery.__file__).resolve().parents[2])


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    discovery.forget()
    yield
    discovery.forget()


def point(name: str, value: str) -> importlib.metadata.EntryPoint:
    return importlib.metadata.EntryPoint(name, value, "qmk.engines")


def installed(monkeypatch: pytest.MonkeyPatch, *points: importlib.metadata.EntryPoint) -> None:
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: list(points) if group == "qmk.engines" else []
    )
    monkeypatch.setattr(discovery, "_may_have", lambda section: bool(points))


def test_a_plugin_of_an_installed_package_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "strange-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    assert "strange" not in discovery.plugins("engines")
    (folder / "entry_points.txt").write_text("[qmk.engines]\nstrange = qmk.base.units:bytes_text\n")
    monkeypatch.syspath_prepend(tmp_path)
    discovery.forget()
    assert discovery.plugins("engines")["strange"] == "qmk.base.units:bytes_text"


def test_the_shipped_engines_are_found_without_being_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch)
    assert set(discovery.engines()) >= SHIPPED
    assert set(discovery.engines()) == {
        folder.name.replace("_", "-") for folder in Path(SOURCE, "qmk/engines").glob("[a-z]*")
    }
    frontends = {"qvm-json", "qvm-asm", "qvm-binary", "qasm2", "qasm3", "ahs", "quera", "pulser"}
    frontends |= {"kirin", "stim", "lanes", "neutral-atom-vm", "dynamics"}
    assert set(discovery.own_plugins("frontends")) == set(discovery.frontends()) >= frontends
    passes = {"constants", "peephole", "relabel", "dead", "schedule", "full"}
    assert set(discovery.own_plugins("passes")) == set(discovery.passes()) >= passes


def test_an_installed_engine_joins_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aer, "MINE", replace(aer.DECLARATION, name="mine"), raising=False)
    installed(monkeypatch, point("mine", "qmk.engines.aer:MINE"))
    assert "mine" in discovery.plugins("engines")
    assert set(discovery.engines()) == {*discovery.own_plugins("engines"), "mine"}
    assert discovery.engine("mine").doc == aer.DECLARATION.doc
    assert discovery.reference("mine") == "qmk.engines.aer:MINE"
    assert not discovery.problems("engines")


def test_a_plugin_has_its_own_name_and_takes_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(
        monkeypatch,
        point("mine", "qmk.engines.reference:DECLARATION"),
        point("aer", "qmk.engines.reference:DECLARATION"),
        point("native", "qmk.engines.native:DECLARATION"),
    )
    assert set(discovery.engines()) == set(discovery.own_plugins("engines"))
    assert discovery.engine("aer").name == "aer"
    broken = discovery.problems("engines")
    assert "calls itself 'reference'" in broken.pop("mine")
    (clash,) = broken.values()
    assert "the name 'aer' belongs to qmk.engines.aer:DECLARATION" in clash


def test_one_engine_is_read_alone() -> None:
    program = (
        "import sys\nfrom qmk.sdk import discovery\ndiscovery.engine('stabilizer')\n"
        "others = {'qmk.engines.aer', 'qmk.engines.native', 'importlib.metadata'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(others)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": SOURCE}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_broken_plugin_is_named_and_harms_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, point("bad", "no_such_module:X"), point("odd", "qmk.base.units:bytes_text"))
    assert set(discovery.engines()) == set(discovery.own_plugins("engines"))
    broken = discovery.problems("engines")
    assert "ModuleNotFoundError" in broken["bad"]
    assert "is not a Declaration" in broken["odd"]
    with pytest.raises(QmkError, match="engine 'bad' cannot be loaded: no_such_module:X: ModuleNotFoundError") as error:
        discovery.engine("bad")
    assert error.value.kind.name == "UNSUPPORTED"
    with pytest.raises(QmkError, match="there is no engine 'worse'; there are aer, "):
        discovery.engine("worse")


def test_availability_and_version_come_from_metadata() -> None:
    state = discovery.available(aer.DECLARATION)
    assert state.ok
    assert state.version == importlib.metadata.version("qiskit-aer")
    absent = replace(aer.DECLARATION, requires=("no_such_module",))
    assert discovery.available(absent) == discovery.Available(
        False, ("no_such_module",), "pip install 'quantum-microkernel[aer]'"
    )


@pytest.mark.parametrize("what", ["qmk.sdk.discovery", "qmk.router", "qmk.router.features", "qmk.ir.lower"])
def test_the_daemons_half_imports_no_array_library(what: str) -> None:
    program = (
        f"import sys, {what}\nfrom qmk.sdk import discovery\n"
        "[discovery.available(d) for d in discovery.engines().values()]\n"
        "heavy = {'numpy', 'stim', 'qiskit', 'qiskit_aer', 'scipy'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": SOURCE}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
