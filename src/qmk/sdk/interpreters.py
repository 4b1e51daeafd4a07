"""Engines whose library lives in an environment of its own, under another Python.

A library may need a newer Python than QMK runs on, or packages that quarrel with those here. Its engine's worker is
then started with the Python of that environment: the one that ``QMK_ENGINE_<NAME>_PYTHON`` names (``--engine-python``
sets it), else that of the environment beside ours called after it, such as ``.venv-clifft`` beside ``.venv``, else that
which ``qmk engines install`` has made (``sdk.environments``). Nothing of QMK has to be installed there but what every
worker imports, ``WORKER_NEEDS``: the worker runs this very QMK, and its native core, which is built against the stable
ABI and serves every Python.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import msgspec

WORKER_NEEDS = ("msgspec", "numpy")
OLDEST: tuple[int, int] = (3, 11)
"""The Python that QMK itself needs."""


PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TZDIR", "TMPDIR", "XDG_CACHE_HOME"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONHASHSEED"),
    *("OMP_*", "KMP_*", "GOMP_*", "MKL_*", "OPENBLAS_*", "BLIS_*", "VECLIB_*", "NUMEXPR_*", "NUMBA_*", "RAYON_*"),
    *("CUDA_*", "NVIDIA_*", "CUPY_*", "CUQUANTUM_*", "HIP_*", "ROCR_*", "XLA_*", "JAX_*"),
    *("QMK_ENGINE_*_PYTHON", "QMK_RYDBERG_DEVICE", "QMK_RATES", "QMK_CLOUD_*"),
)
"""Environment variables that a child process gets. It runs what strangers submit, so that it gets no other: what else
the environment holds may be a secret."""
REMOTE = (
    *("QMK_STATE_DIR", "XDG_STATE_HOME", "QMK_SECRETS_*", "QMK_VAULT_*", "CREDENTIALS_DIRECTORY"),
    *("SLURM_JOB_QPU_*", "QRMI_*", "*_QRMI_*"),
)
"""What a worker that sends programs to a provider, or needs a ``qpu``, gets besides: where secrets are, and what QRMI's
plugin of Slurm says to a job of the devices that it was given."""
ASKED = "QMK_WORKER_ENV"
"""The variable that names those that an operator adds, with commas between them (``--worker-env``)."""


def child_environment(remote: bool = False) -> dict[str, str]:
    """The variables of ours that a child gets (``remote``: those of ``REMOTE`` too), and this very package importable
    when it is not installed. No value depends on the current folder, as the child has another."""
    passed = [*PASSED, *(REMOTE if remote else ()), *filter(None, os.environ.get(ASKED, "").split(","))]
    named = re.compile("|".join(re.escape(name).replace(r"\*", ".*") for name in passed))
    environment = {name: value for name, value in os.environ.items() if named.fullmatch(name)}
    root = Path(__file__).parents[2]
    folders = [] if root.name in ("site-packages", "dist-packages") else [str(root)]
    folders += filter(None, environment.pop("PYTHONPATH", "").split(os.pathsep))
    if folders:
        environment["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, folders))
    return environment


class Interpreter(msgspec.Struct, frozen=True):
    """A Python of a virtual environment, looked at without starting it. ``trouble``: why it cannot be used, or ""."""

    path: Path
    version: tuple[int, int] = (0, 0)
    site: str = ""
    trouble: str = ""

    def has(self, module: str) -> bool:
        """Whether ``module`` can be imported there. Nothing is imported."""
        return lies_in(module, [self.site])

    def version_of(self, distribution: str) -> str:
        from importlib import metadata

        found = next(iter(metadata.distributions(name=distribution, path=[self.site])), None)
        return found.version if found is not None else ""


def lies_in(module: str, folders: list[str], package: str = "") -> bool:
    """Whether ``module`` is installed, within the ``folders`` of ``package`` if that is given. No parent is
    imported."""
    first, _, rest = module.partition(".")
    found = PathFinder.find_spec(f"{package}.{first}" if package else first, folders)
    if found is None or not rest:
        return found is not None
    return lies_in(rest, list(found.submodule_search_locations or ()), found.name)


@functools.cache
def variable(engine: str) -> str:
    """The environment variable that names the Python of ``engine``."""
    return f"QMK_ENGINE_{re.sub(r'[^A-Z0-9]', '_', engine.upper())}_PYTHON"


def neighbour(engine: str) -> Path:
    """The environment beside this one that is searched for an engine."""
    ours = Path(sys.prefix)
    return ours.with_name(f"{ours.name}-{engine}")


def installed_folder() -> Path:
    """Where ``qmk engines install`` makes environments: ``$QMK_STATE_DIR/engines``, else in ``$XDG_DATA_HOME/qmk`` or
    ``~/.local/share/qmk``."""
    if named := os.environ.get("QMK_STATE_DIR"):
        return Path(named).absolute() / "engines"
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(base).absolute() / "qmk" / "engines"


def record_of(engine: str) -> Path:
    """The file that is written last into an environment of ``qmk engines install``: without it, it is not finished."""
    return installed_folder() / engine / "qmk-engine.json"


def path_of(engine: str) -> Path | None:
    """The Python that runs the workers of ``engine``; None for our own."""
    named = os.environ.get(variable(engine))
    if named:
        return Path(named).absolute()
    beside = neighbour(engine) / "bin" / "python"
    if beside.exists():
        return beside
    record = record_of(engine)
    return record.with_name("bin") / "python" if record.exists() else None


@functools.cache
def look(path: Path) -> Interpreter:
    """Examines the interpreter at ``path``."""
    prefix = path.parent.parent
    if not path.is_file() or not os.access(path, os.X_OK):
        return Interpreter(path, trouble=f"{path} is not a program")
    sites = sorted(prefix.glob("lib/python3.*/site-packages"))
    if not (prefix / "pyvenv.cfg").is_file() or not sites:
        return Interpreter(path, trouble=f"{path} is not the Python of a virtual environment")
    major, _, minor = sites[-1].parent.name.removeprefix("python").partition(".")
    version: tuple[int, int] = (int(major), int(minor)) if minor.isdigit() else (0, 0)
    if version < OLDEST:
        return Interpreter(path, version, trouble=f"{path} is Python {text(version)}; QMK needs {text(OLDEST)}")
    return Interpreter(path, version, str(sites[-1]))


def text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
