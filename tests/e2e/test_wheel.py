"""The one wheel of the project, Python and native core together, runs in environments that have nothing else of it: the
plain one, one for the tutorials, and one for each extra alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BELL = ROOT / "examples" / "bell.qasm"
EXTRAS: list[str] = sorted(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
RESOLVED = {"dev", "simulators", *(["clifft"] if sys.version_info < (3, 12) else [])}
"""Extras that are only resolved: tools, those that other extras have, what has no package for this Python."""

USES = {
    "data": "import qmk, xarray, pyarrow; print(qmk.run(BELL, shots=9, seed=1).counts.to_pandas())",
    "gateway": "import qmk.gateway.app",
    "plot": "import qmk; qmk.Circuit(1).h(0).picture().save('circuit.png')",
    "qec": "import chromobius, ldpc, pymatching, tesseract_decoder",
    "server": "import psycopg; print(psycopg.pq.version())",
    "tenpy": "import qmk, tenpy, scipy",
}
"""What an extra is for that is no engine of its name."""

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


def install(folder: Path, *requirements: str) -> Run:
    """Runs a program of a fresh environment that has these and what they require, in an empty folder."""
    venv.create(folder / "env", with_pip=True)
    programs, home = folder / "env" / "bin", folder / "home"
    home.mkdir()
    environment = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PATH": f"{programs}:/usr/bin:/bin"}

    def run(name: str, *arguments: str | Path, cwd: Path = home) -> str:
        done = subprocess.run(
            [programs / name, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, timeout=1800
        )
        assert done.returncode == 0, f"{name} {arguments}:\n{done.stdout}{done.stderr}"
        return done.stdout

    subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", *requirements], check=True, timeout=3000)
    return run


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return install(tmp_path_factory.mktemp("fresh"), str(wheel))


def test_it_holds_the_native_core_and_is_not_pure_python(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.startswith("qmk_native/qmk_native") and name.endswith(".so") for name in names)
    assert "qmk/cli/main.py" in names
    pages = {name.rpartition("/")[2] for name in names if ".data/data/share/man/man1/" in name}
    assert pages == {path.name for path in (ROOT / "docs" / "man").glob("*.1")}
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


def test_all_tutorials_run_on_it(wheel: Path, tmp_path: Path) -> None:
    """As the suite runs them (``tests/meta/test_docs.py``), on a copy of the pages without the sources."""
    run = install(tmp_path, f"{wheel}[plot,qec]", "pytest")
    copy = tmp_path / "copy"
    for folder in ("docs", "examples", "tools"):
        shutil.copytree(ROOT / folder, copy / folder)
    (copy / "tests" / "meta").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "meta" / "test_docs.py", copy / "tests" / "meta")
    (copy / "pytest.ini").write_text("[pytest]\npythonpath = tools\n")
    for page in ("README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / page, copy)
    tutorials = list(copy.glob("docs/tutorials/*.md"))
    chosen = ("tests/meta/test_docs.py", "-k", "test_examples_run and tutorials")
    shown = run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, cwd=copy)
    assert f"{len(tutorials)} passed" in shown, shown


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_alone_can_be_installed_and_used(extra: str, wheel: Path, tmp_path: Path) -> None:
    if extra in RESOLVED:
        run = install(tmp_path, "pip")
        run("python", "-m", "pip", "install", "--dry-run", "--quiet", f"{wheel}[{extra}]")
        return
    run = install(tmp_path, f"{wheel}[{extra}]")
    assert "No broken requirements" in run("python", "-m", "pip", "check")
    if extra in USES:
        run("python", "-c", f"BELL = {str(BELL)!r}; {USES[extra]}")
    else:
        assert "00" in run("qmk", "run", BELL, "--engine", extra, "--shots", "1000", "--seed", "7")
