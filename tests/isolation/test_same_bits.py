"""The same seed gives the same bits at every level that the host can run, for each kind of program."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

import qmk
from qmk.base.isolation import Level
from qmk.client import Client
from qmk.host.isolation.probe import DRIVERS
from qmk.qvm.outputs import Outputs
from tests.isolation.conftest import require

HEAD = 'OPENQASM 3.0; include "stdgates.inc"; '
SAMPLED = f"{HEAD}qubit[3] q; h q[0]; cx q[0], q[1]; ry(0.7) q[2]; bit[3] c = measure q;"
FED_FORWARD = f"""{HEAD}qubit[2] q; bit[2] c; bit d;
h q[0]; c[0] = measure q[0]; if (c[0] == 1) {{ x q[1]; }} rx(0.3) q[1]; c[1] = measure q[1];
reset q[0]; h q[0]; d = measure q[0];"""
ENERGY = Outputs(expectations=((("ZZ", 1.0), ("XI", 0.5)),))
PAIR = f"{HEAD}qubit[2] q; h q[0]; cx q[0], q[1];"
VALUE = f"{HEAD}qubit[2] q; ry(0.4) q[0]; cx q[0], q[1];"
SCRIPT = f"""import random, qmk
counts = [qmk.run({SAMPLED!r}, shots=random.randrange(50, 99)) for _ in range(2)]
result = [counts, random.random(), qmk.expectation({VALUE!r}, "ZZ + XI", shots=100)]
"""
Run = Callable[[Client, int], Any]
KINDS: dict[str, Run] = {
    "sampled": lambda client, seed: client.run(SAMPLED, shots=300, seed=seed, cache=False).counts,
    "sampled by a state vector": lambda client, seed: (
        client.run(SAMPLED, shots=300, seed=seed, engine="reference", cache=False).counts
    ),
    "feed-forward": lambda client, seed: client.run(FED_FORWARD, shots=300, seed=seed, cache=False).counts,
    "noise": lambda client, seed: (
        client.run(SAMPLED, shots=300, seed=seed, noise="depolarizing=0.05", cache=False).counts
    ),
    "expectation": lambda client, seed: client.run(VALUE, outputs=ENERGY, seed=seed, cache=False).values,
    "sampled expectation": lambda client, seed: (
        client.run(
            PAIR, outputs=ENERGY, shots=300, seed=seed, noise="depolarizing=0.05", engine="stabilizer", cache=False
        ).values
    ),
}
SEEDS = (1, 2)


@cache
def bits_of_processes(make_daemon: Any) -> dict[str, list[Any]]:
    return bits_at(make_daemon, "process")


def bits_at(make_daemon: Any, level: Level) -> dict[str, list[Any]]:
    """What each kind of program gives at the level, for each seed."""
    daemon = make_daemon(isolation=level, workers=1, cache_bytes=0)
    try:
        with Client(daemon.socket) as client:
            assert client.run(SAMPLED, shots=1).provenance.isolation == level
            return {kind: [run(client, seed) for seed in SEEDS] for kind, run in KINDS.items()}
    finally:
        daemon.stop()


@pytest.mark.timeout(900)  # an interpreted machine boots once for each engine
@pytest.mark.parametrize(
    "level",
    [
        pytest.param(each, marks=[] if each == "jail" else pytest.mark.conformance)
        for each in DRIVERS
        if each != "process"
    ],
)
def test_every_kind_of_program_has_the_bits_of_a_plain_process(make_daemon: Any, level: Level) -> None:
    require(level)
    plain, found = bits_of_processes(make_daemon), bits_at(make_daemon, level)
    assert found == plain
    for kind in ("sampled", "feed-forward", "noise", "sampled expectation"):
        assert plain[kind][0] != plain[kind][1], f"the seed does not decide the bits of {kind}"


@pytest.mark.parametrize(
    "level", ["jail", *(pytest.param(each, marks=pytest.mark.conformance) for each in ("gvisor", "microvm"))]
)
def test_a_script_has_the_bits_of_its_seed_at_every_level(make_daemon: Any, level: Level) -> None:
    """In WebAssembly and native, as a job. What native scripts draw from ``random`` is the same as everywhere."""
    require(level)
    daemon = make_daemon(workers=1)
    try:
        with Client(daemon.socket) as client:
            values = {
                (where, seed): qmk.submit_script(SCRIPT, isolation=where, seed=seed, client=client)
                .result()
                .script.value
                for where in ("wasm", level)
                for seed in SEEDS
            }
    except qmk.QmkError as error:
        if "is not in the image" not in error.message:
            raise
        pytest.skip("the image of this host has no engine python: tools/guest_image.py --engine python FOLDER")
    assert [values["wasm", seed] for seed in SEEDS] == [values[level, seed] for seed in SEEDS]
    assert values[level, SEEDS[0]] != values[level, SEEDS[1]]


@pytest.mark.conformance
@pytest.mark.parametrize("level", ["jail", "gvisor"])
def test_a_script_on_the_callers_side_has_the_same_bits(level: Level) -> None:
    """``jail`` there is bubblewrap."""
    require(level)
    values = [qmk.run_script(SCRIPT, seed=seed, isolation=where).value for where in ("wasm", level) for seed in SEEDS]
    assert values[:2] == values[2:]
    assert values[0] != values[1]
