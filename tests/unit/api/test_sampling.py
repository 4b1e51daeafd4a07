"""``qmk.sample``: the same distribution as the exact engine, whichever way it went; errors as everywhere.

False failures: each comparison of two samples fails by chance with probability at most 1e-9.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import qmk
from benchmarks.agreement import compare
from qmk.base.errors import QmkError

TELEPORT = """
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[2] m;
bit out;
ry(0.7) q[0];
h q[1];
cx q[1], q[2];
cx q[0], q[1];
h q[0];
m[0] = measure q[0];
m[1] = measure q[1];
if (m[1]) x q[2];
if (m[0]) z q[2];
out = measure q[2];
"""

ROTATIONS = """
OPENQASM 2.0;
include "qelib1.inc";
qreg q[5];
creg c[5];
h q;
cu1(0.3) q[0],q[1];
rzz(0.8) q[1],q[4];
u3(0.4,1.1,2.2) q[2];
ccx q[0],q[2],q[3];
ry(1.3) q[4];
cswap q[4],q[1],q[0];
measure q -> c;
"""


@pytest.mark.parametrize(
    "engine", [None, "native", "native:frame", "native:dense", "native:dense64", "stabilizer", "aer"]
)
@pytest.mark.parametrize("text", [TELEPORT, ROTATIONS], ids=["teleport", "rotations"])
def test_every_way_samples_the_same_distribution(text: str, engine: str | None):
    if engine == "stabilizer":
        text = "OPENQASM 2.0; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;".replace(
            "h q", "U(pi/2,0,pi) q"
        ).replace("cx q", "CX q")
    exact = qmk.sample(text, shots=20_000, seed=3, engine="reference")
    found = qmk.sample(text, shots=20_000, seed=4, engine=engine)
    assert exact.engine == "reference"
    assert compare(found.counts, exact.counts).holds
    plain = qmk.sample(text, shots=20_000, seed=5, engine=engine, rewrites=False)
    assert compare(plain.counts, exact.counts).holds


def test_a_matrix_product_state_takes_what_only_reads_at_the_end():
    exact = qmk.sample(ROTATIONS, shots=20_000, seed=3, engine="reference")
    assert compare(qmk.sample(ROTATIONS, shots=20_000, seed=4, engine="native:mps").counts, exact.counts).holds
    with pytest.raises(QmkError) as refused:
        qmk.sample(TELEPORT, engine="native:mps")
    assert refused.value.kind.name in ("UNSUPPORTED", "RESOURCE_EXHAUSTED")


def test_counts_are_printed_as_by_run():
    for text in (TELEPORT, ROTATIONS):
        run = qmk.run(text, shots=400, seed=1)
        assert {len(key) for key in qmk.sample(text, seed=1).counts} == {len(key) for key in run.counts}
        assert {key.count(" ") for key in qmk.sample(text, seed=1).counts} == {key.count(" ") for key in run.counts}


def test_the_same_seed_gives_the_same_counts():
    assert qmk.sample(ROTATIONS, seed=9).counts == qmk.sample(ROTATIONS, seed=9).counts
    assert qmk.sample(ROTATIONS, seed=9).counts != qmk.sample(ROTATIONS, seed=10).counts
    drawn = qmk.sample(ROTATIONS)
    assert qmk.sample(ROTATIONS, seed=drawn.seed).counts == drawn.counts


def test_a_file_a_text_and_a_graph_give_the_same(tmp_path: Path):
    file = tmp_path / "rotations.qasm"
    file.write_text(ROTATIONS)
    from qmk.request.program import to_graph

    wanted = qmk.sample(ROTATIONS, seed=2).counts
    assert qmk.sample(file, seed=2).counts == wanted
    assert qmk.sample(ROTATIONS.encode(), seed=2).counts == wanted
    assert qmk.sample(to_graph(ROTATIONS), seed=2).counts == wanted


def test_inputs_are_set_by_params():
    text = 'OPENQASM 3.0; include "stdgates.inc"; input angle theta; qubit q; bit c; ry(theta) q; c = measure q;'
    assert qmk.sample(text, params={"theta": "pi"}, shots=50).counts == {"1": 50}


def test_a_hundred_qubits_of_little_magic_take_no_state_vector():
    lines = [f"h q[{k}]; t q[{k}]; h q[{k}];" for k in range(100)]
    text = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[100]; creg c[100];' + "".join(lines) + "measure q -> c;"
    found = qmk.sample(text, shots=2000, seed=1)
    ones = sum(key.count("1") * shots for key, shots in found.counts.items())
    assert abs(ones / 200_000 - 0.1464466) < 6.2 * 0.000791  # 6.2 standard deviations: 6e-10


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"program": "OPENQASM 2.0; qreg q[1]; hh q[0];"}, "INVALID_GRAPH", "hh"),
        ({"shots": 0}, "INVALID_PARAMS", "at least one"),
        ({"shots": 10**12}, "QUOTA_EXCEEDED", "shots"),
        ({"seed": -1}, "INVALID_PARAMS", "seed must be at least 0; got -1"),
        ({"engine": "native:nope"}, "UNSUPPORTED", "no method 'nope'"),
        ({"engine": "nope"}, "UNSUPPORTED", "there is no engine 'nope'"),
    ],
)
def test_what_is_wrong_is_named(arguments: dict[str, Any], kind: str, text: str):
    given: dict[str, Any] = {"program": ROTATIONS, **arguments}
    with pytest.raises(QmkError, match=text) as refused:
        qmk.sample(**given)
    assert refused.value.kind.name == kind


def test_a_repeated_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import qmk_native

    from qmk.api import plans

    read: list[bytes] = []
    plans.forget()
    real = qmk_native.read_qasm

    def reading(text: bytes, inputs: None = None) -> qmk_native.Circuit:
        read.append(text)
        return real(text, inputs=inputs)

    monkeypatch.setattr(qmk_native, "read_qasm", reading)
    first = qmk.sample(ROTATIONS, shots=100, seed=4)
    assert qmk.sample(ROTATIONS, shots=100, seed=4).counts == first.counts
    assert qmk.run(ROTATIONS, shots=100, seed=4).counts == first.counts
    assert len(read) == 1
    qmk.sample(ROTATIONS, shots=200, seed=4)
    assert len(read) == 1, "another number of shots: another plan of the same circuit"
    qmk.sample(ROTATIONS, shots=100, seed=4, rewrites=False)
    assert len(read) == 2, "other options: another program"
    qmk.sample(ROTATIONS, shots=100, seed=4, cache=False)
    assert len(read) == 3


def test_kept_plans_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from qmk.api import plans

    plans.forget()
    monkeypatch.setattr(plans, "PROGRAMS", 3)
    texts = [f"{ROTATIONS}// {number}\n" for number in range(7)]
    for text in texts:
        qmk.sample(text, shots=10, seed=4)
    assert [key[0].decode() for key in plans._KEPT] == texts[4:]
    monkeypatch.setattr(plans, "KEPT_BYTES", 10)
    qmk.sample(ROTATIONS, shots=9, seed=4)
    assert [key[0].decode() for key in plans._KEPT] == texts[4:], "too long a text to be kept"
    plans.forget()


def test_plans_for_other_numbers_of_shots_are_bounded() -> None:
    from qmk.worker import native

    prepared = native.Prepared(qmk_native_circuit(), "auto")
    for shots in range(1, 9):
        prepared.draw(shots, 1)
    assert list(prepared._plans) == list(range(9 - native.PLANS, 9))


def qmk_native_circuit() -> Any:
    import qmk_native

    return qmk_native.read_qasm(ROTATIONS)


def test_an_engine_that_runs_out_of_memory_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from qmk.worker import native

    def full(self: native.Prepared, shots: int, seed: int) -> None:
        raise MemoryError("bond dimension 512")

    monkeypatch.setattr(native.Prepared, "draw", full)
    found = qmk.sample(ROTATIONS, shots=50, seed=1)
    assert sum(found.counts.values()) == 50
    assert found.engine != "native"
    assert "bond dimension 512" in found.left["native"]
    with pytest.raises(QmkError, match="bond dimension 512"):
        qmk.sample(ROTATIONS, shots=50, seed=1, engine="native:frame")
