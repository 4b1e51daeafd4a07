"""``qmk qec plan``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from qmk.models.qec.surgery import programs

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_a_plan_as_text_as_json_and_as_a_picture(qmk: Qmk, tmp_path: Path, folder: Path) -> None:
    done = qmk("qec", "plan", "bell_Z", "--svg", str(tmp_path / "plan.svg"))
    assert done.returncode == 0
    assert "measure Z(a) Z(b) -> zz" in done.stdout
    assert (tmp_path / "plan.svg").read_text().startswith("<svg")
    file = tmp_path / "program.json"
    file.write_bytes(programs.t_gates(3).to_json())
    told = json.loads(
        qmk(
            "qec", "plan", str(file), "--factories", "1", "-d", "7", "--json", "--view", "3d", "-o", "blocks.svg"
        ).stdout
    )
    assert told["t_states"] == 3
    assert f">{told['rounds']:g}<" in (folder / "blocks.svg").read_text()
    assert told["rounds"] == 8 * 7 + told["stalled_rounds"]


def test_a_plan_of_nothing(qmk: Qmk) -> None:
    for code, arguments, told in (
        (2, "cnot", "no program 'cnot'"),
        (2, "bell_Z -d 4", "distance 4"),
        (2, "none.json", "cannot read 'none.json'"),
        (2, "bell_Z --svg no/folder/a.svg", "cannot write 'no/folder/a.svg'"),
        (2, "t_gates_2 --error 1e-3", "add --factories"),
        (3, "t_gates_2 --factories 1 --factory 8T-to-CCZ", "makes CCZ"),
    ):
        done = qmk("qec", "plan", *arguments.split())
        assert done.returncode == code
        assert told in done.stderr
