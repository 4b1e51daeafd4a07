"""Units of systemd: systemd itself finds nothing wrong with them, they are hardened, and what they start exists."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from qmk.cli.main import cli

FOLDER = Path(__file__).parents[3] / "deploy" / "systemd"
SYSTEM = sorted(FOLDER.glob("*.service"))
USER = sorted(FOLDER.glob("user/*.service"))
DROP_INS = sorted(FOLDER.glob("examples/*.conf"))
EXPOSURE_TENTHS = 20
HARDENED = (
    ("NoNewPrivileges", "yes"), ("CapabilityBoundingSet", ""), ("ProtectSystem", "strict"), ("ProtectHome", "yes"),
    ("PrivateDevices", "yes"), ("PrivateUsers", "yes"), ("ProtectProc", "invisible"), ("UMask", "0077"),
    ("SystemCallArchitectures", "native"), ("User", "qmk"),
)  # fmt: skip


def settings(unit: Path) -> list[tuple[str, str]]:
    """What the unit says, in order."""
    lines = [line for line in unit.read_text().splitlines() if line and line[0] not in "#["]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here; apt-get install systemd has it")
    return subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("unit", SYSTEM, ids=lambda unit: unit.name)
def test_a_unit_exposes_little(unit: Path, tmp_path: Path) -> None:
    found = analyze("security", "--offline=true", f"--threshold={EXPOSURE_TENTHS}", unit)
    assert found.returncode == 0, found.stdout.splitlines()[-1] + found.stderr
    open_unit = tmp_path / unit.name.replace("@", "@8451")
    open_unit.write_text(unit.read_text().replace("PrivateUsers=yes\n", "").replace("ProtectSystem=strict\n", ""))
    bound = EXPOSURE_TENTHS if unit.name == "qmk.service" else 12
    assert analyze("security", "--offline=true", f"--threshold={bound}", open_unit).returncode != 0


def complaints(root: Path, *units: str) -> list[str]:
    """What systemd says of units under a root of their own, in which nothing else of a system is."""
    found = analyze("verify", f"--root={root}", "--man=no", "--recursive-errors=no", *units)
    return [line for line in found.stderr.splitlines() if any(unit in line for unit in units)]


def test_systemd_reads_every_line(tmp_path: Path) -> None:
    folder, program = tmp_path / "etc/systemd/system", tmp_path / "opt/qmk/bin/qmk"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    for unit in SYSTEM:  # a template is looked at as one of its instances
        (folder / f"{unit.name}.d").mkdir(parents=True)
        shutil.copy(unit, folder)
    for drop_in in DROP_INS:
        unit = re.search(r"/etc/systemd/system/(\S+)\.d/", drop_in.read_text())
        assert unit, f"{drop_in.name} does not say where it belongs"
        shutil.copy(drop_in, folder / f"{unit[1]}.d")
    for unit in USER:
        (folder / f"user-{unit.name}").write_text(unit.read_text().replace("%h/.local/bin/qmk", "/opt/qmk/bin/qmk"))
    names = [unit.name.replace("@", "@8451") for unit in SYSTEM] + [f"user-{unit.name}" for unit in USER]
    assert complaints(tmp_path, *names) == []
    wrong = folder / "wrong.service"
    wrong.write_text(SYSTEM[0].read_text().replace("ProtectHome=yes", "ProtectHouse=yes"))
    assert "ProtectHouse" in " ".join(complaints(tmp_path, "wrong.service"))


@pytest.mark.parametrize("unit", [*SYSTEM, *USER], ids=lambda unit: str(unit.relative_to(FOLDER)))
def test_what_a_unit_starts_exists(unit: Path) -> None:
    """The command takes every option, also those that the unit's drop-ins add."""
    said = settings(unit)
    (command,) = (value for name, value in said if name == "ExecStart")
    words = [word for word in shlex.split(command)[1:] if not word.startswith("$")]
    for _, value in [*said, *(pair for path in DROP_INS if path.stem == "tls" for pair in settings(path))]:
        if "QMK_GATEWAY_OPTIONS=" in value and words[0] == "gateway":
            words += shlex.split(shlex.split(value)[0].partition("=")[2])
    found = cli.get_command(click.Context(cli), words[0])
    assert found is not None
    known = {option for param in found.params for option in param.opts}
    given = {word for word in words if word.startswith("-")}
    assert given <= known
    if unit in SYSTEM:
        assert set(HARDENED) <= set(said)


def test_a_drop_in_refers_to_credentials_that_it_loads() -> None:
    for path in DROP_INS:
        said = settings(path)
        loaded = {value.partition(":")[0] for name, value in said if name.startswith("LoadCredential")}
        text = path.read_text()
        assert set(re.findall(r"systemd:([\w-]+)|%d/([\w.-]+)", text)) == {
            ("", name) if "." in name else (name, "") for name in loaded
        }
