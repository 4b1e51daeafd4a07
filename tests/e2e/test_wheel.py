"""The one wheel of the project, Python and native core together, runs in an environment that has nothing else of it."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BELL = ROOT / "examples" / "bell.qasm"

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(3600)]

Run = Callable[..., str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this tree, as a release is."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, timeout=3000)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program of a fresh environment that has the wheel and what it requires, in an empty folder."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder / "env", with_pip=True)
    programs, home = folder / "env" / "bin", folder / "home"
    home.mkdir()
    environment = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PATH": f"{programs}:/usr/bin:/bin"}

    def run(name: str, *arguments: str | Path) -> str:
        done = subprocess.run(
            [programs / name, *arguments], env=environment, cwd=home, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{name} {arguments}:\n{done.stdout}{done.stderr}"
        return done.stdout

    subprocess.run([programs / "python", "-m", "pip", "install", str(wheel)], check=True, timeout=3000)
    return run


def test_it_holds_the_native_core_and_is_not_pure_python(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.startswith("qmk_native/qmk_native") and name.endswith(".so") for name in names)
    assert "qmk/cli/main.py" in names
    assert any(name.endswith(".data/data/share/man/man1/qmk.1") for name in names)
    assert not any(name.startswith(("tests/", "src/", "native/")) for name in names)
    assert "-abi3-" in wheel.name, "one build for every Python from 3.11"


def test_both_packages_are_those_of_the_environment(installed: Run) -> None:
    found = installed("python", "-c", "import qmk, qmk_native; print(qmk.__file__, qmk_native.__file__)").split()
    assert len(found) == 2
    assert all("site-packages" in path and not path.startswith(str(ROOT)) for path in found)


def test_it_runs_a_bell_pair_with_the_bits_of_this_tree(installed: Run) -> None:
    import qmk

    given = ("--shots", "1000", "--seed", "7")
    here = qmk.run(BELL, shots=1000, seed=7).counts
    shown = installed("qmk", "run", BELL, *given)
    assert all(bits in shown and str(count) in shown for bits, count in here.items())
    assert set(here) == {"00", "11"}


def test_the_manual_page_is_installed(installed: Run) -> None:
    root = Path(installed("python", "-c", "import sys; print(sys.prefix)").strip())
    assert (root / "share" / "man" / "man1" / "qmk.1").read_text() == (ROOT / "docs" / "man" / "qmk.1").read_text()


def test_its_commands_say_what_is_installed(installed: Run) -> None:
    engines = installed("qmk", "engines")
    assert all(name in engines for name in ("native", "reference", "stabilizer"))
    assert installed("qmk", "doctor")
    assert "CX 0 1" in installed("qmk", "convert", BELL, "--to", "stim")
