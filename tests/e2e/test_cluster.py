"""``qmk serve --cluster``: the same commands, and the same bits, where jobs run on a cluster."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmk.host.cluster import local

Qmk = Callable[..., subprocess.CompletedProcess[str]]
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'quantum-microkernel[cluster]'"
)


@pytest.fixture
def ended(folder: Path) -> Iterator[None]:
    """No cluster is left behind by a daemon that was killed."""
    yield
    head = local.find(folder / "state")
    if head is not None:
        local.stop(folder / "state", head)


@pytest.mark.slow
@needs_ray
def test_a_job_runs_on_a_cluster_of_this_machine(
    qmk: Qmk, start: Callable[..., subprocess.Popen[str]], environment: dict[str, str], folder: Path, ended: None
) -> None:
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (environment["PYTHONPATH"], os.environ.get("PYTHONPATH"))))
    served = start("serve", "--cluster", "ray", "--workers", "1")
    assert served.stderr is not None
    assert "listening" in served.stderr.readline()
    wish = ("run", "examples/bell.qasm", "--shots", "1000", "--seed", "5", "--json")
    done = json.loads(qmk(*wish, "--socket", "s").stdout)
    assert done["counts"] == json.loads(qmk(*wish).stdout)["counts"]
    notes = done["provenance"]["notes"]
    assert notes["cluster"] == "ray"
    assert len(bytes.fromhex(notes["node"])) == 28, "the id of a node of Ray"
    head = local.find(folder / "state")
    assert head is not None
    served.send_signal(signal.SIGTERM)
    assert served.wait(60) == 0
    assert not head.lives
    assert not Path(head.temp).exists()


def test_a_place_that_is_none_is_refused(qmk: Qmk) -> None:
    refused = qmk("serve", "--cluster", "slurm")
    assert refused.returncode == 2
    assert "'ray', HOST:PORT or ray://HOST:PORT" in refused.stderr


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed: pip uninstall ray")
def test_without_ray_it_says_how_to_get_it(qmk: Qmk) -> None:
    refused = qmk("serve", "--cluster", "ray")
    assert refused.returncode == 3
    assert "Ray is not installed" in refused.stderr
    assert "quantum-microkernel[cluster]" in refused.stderr
