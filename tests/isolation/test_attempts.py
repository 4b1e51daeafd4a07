"""Escape and abuse attempts from inside a worker: refused in a jail, and each shown to work in a plain process.

They run in one worker a level, of an engine that makes one attempt a run. The suite knows nothing of how a level is
made: a further driver is one more name in ``SANDBOXES``, which takes programs of the system and seconds, so that
``make conformance`` runs it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qmk.base.isolation import Level
from qmk.host import spawn
from qmk.host.isolation.driver import Site
from qmk.host.isolation.probe import DRIVERS
from qmk.qvm.graph import digest, pack
from qmk.sdk.kit.builder import Builder
from qmk.worker.messages import Done, FromWorker, Ready, Run
from qmk.worker.wire import Channel
from tests.engines.attempts import ATTEMPTS, HARMLESS
from tests.isolation.conftest import require

ENGINES = Path(__file__).resolve().parents[1] / "engines"

LEVELS: tuple[Level, ...] = ("process", "jail")
SANDBOXES: tuple[Level, ...] = tuple(level for level in DRIVERS if level not in LEVELS)
BOUND_OTHERWISE = {"gvisor": {"very many files"}}
"""gVisor does not bound the number of files in /tmp; they are in memory of the sandbox, which has a bound."""


class Inside:
    """A worker at a level that makes attempts."""

    def __init__(self, folder: Path, level: Level) -> None:
        external = spawn.External("attempts:ENGINE", str(folder / "engine"))
        self.child = DRIVERS[level](Site(1, 1 << 30, external={"attempts": external})).single("attempts")
        self.child.sock.settimeout(60)
        self.channel: Channel[Any] = Channel(self.child.sock, FromWorker)
        assert isinstance(self.channel.receive(), Ready)

    def attempt(self, number: int, graph: Any) -> dict[str, Any]:
        self.channel.send(Run(number + 1, digest(graph), pack(graph), "", 1, number))
        answer = self.channel.receive()
        assert isinstance(answer, Done), answer
        return answer.notes


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[str, dict[str, dict[str, Any]]]]:
    """What came of each attempt, by level and name. Everybody may read the engine, so that root becomes nobody."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        yield make_all(Path(place), LEVELS)


def make_all(folder: Path, levels: tuple[Level, ...]) -> dict[str, dict[str, dict[str, Any]]]:
    for name in ("engine", "secret"):
        (folder / name).mkdir()
    shutil.copy(ENGINES / "attempts.py", folder / "engine")
    (folder / "secret" / "key").write_text("precious")
    (folder / "engine" / "target.txt").write_text(str(folder / "secret" / "key"))
    graph = Builder(1).op("x", 0).measure_all().graph()
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for level in levels:
        inside = Inside(folder, level)
        try:
            found[level] = {name: inside.attempt(number, graph) for number, name in enumerate(ATTEMPTS)}
        finally:
            inside.child.end()
    return found


@pytest.mark.parametrize("name", ATTEMPTS)
def test_a_jail_refuses_what_works_in_a_plain_process(
    name: str, outcomes: dict[str, dict[str, dict[str, Any]]]
) -> None:
    assert "refused" in outcomes["jail"][name], outcomes["jail"][name]
    if name not in HARMLESS and (os.geteuid() == 0 or not ATTEMPTS[name].root):
        assert "worked" in outcomes["process"][name], outcomes["process"][name]


@pytest.mark.conformance
@pytest.mark.parametrize("level", SANDBOXES)
def test_a_sandbox_refuses_what_works_in_a_plain_process(level: Level) -> None:
    require(level)
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        found = make_all(Path(place), (level,))[level]
    worked = {name for name, notes in found.items() if "refused" not in notes}
    assert worked <= BOUND_OTHERWISE.get(level, set())
