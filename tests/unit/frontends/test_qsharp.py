"""Q#: which operation is run, what it gives, and what is refused."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest

import qmk
from qmk import frontends
from qmk.base.errors import QmkError
from qmk.frontends.qir import apart
from qmk.frontends.qsharp.reader import entry_of
from qmk.sdk.frontend import Refused

Distribution = Callable[..., dict[str, float]]

needs_kit = pytest.mark.skipif(
    importlib.util.find_spec("qdk") is None, reason="qdk is not installed: pip install 'quantum-microkernel[qsharp]'"
)

TELEPORT = """// The state of one qubit goes to another.
import Std.Math.*;

operation Teleport(message : Qubit, target : Qubit) : Unit {
    use here = Qubit();
    H(here);
    CNOT(here, target);
    CNOT(message, here);
    H(message);
    if M(message) == One { Z(target); }
    if MResetZ(here) == One { X(target); }
    Reset(message);
}

@EntryPoint()
operation Main() : (Result, Int) {
    use (message, target) = (Qubit(), Qubit());
    Ry(2.0 * PI() / 3.0, message);
    Teleport(message, target);
    mutable count = 0;
    for k in 1..3 {
        H(message);
        if MResetZ(message) == One { set count += k; }
    }
    Message("not a part of the answer");
    return (MResetZ(target), count);
}
"""


def test_it_is_recognised() -> None:
    assert frontends.recognise(TELEPORT.encode()) == "qsharp"
    assert frontends.recognise(b"namespace Test {\n    operation Main() : Unit {}\n}\n") == "qsharp"
    assert frontends.recognise(b"namespace std { }") != "qir"


def test_the_operation_that_is_run() -> None:
    assert entry_of(TELEPORT) == "Main()"
    assert (
        entry_of("namespace A.B {\n @EntryPoint()\n operation Go() : Int { 1 }\n operation Main() : Unit {}}")
        == "A.B.Go()"
    )
    assert (
        entry_of("operation One(q : Qubit) : Unit {}\n// operation Two() : Unit {}\nfunction F() : Int { 3 }") == "F()"
    )
    with pytest.raises(Refused, match="A, B"):
        entry_of("operation A() : Unit {}\noperation B() : Unit {}")


@needs_kit
def test_a_program_with_branches_and_loops(distribution: Distribution) -> None:
    graph = frontends.load(TELEPORT.encode()).graph
    found = distribution(graph)
    ones = sum(chance for key, chance in found.items() if key.startswith("1"))
    assert ones == pytest.approx(0.75)
    counts = {key.split()[1]: chance for key, chance in found.items() if key.startswith("1")}
    assert counts == pytest.approx({format(k, "03b"): (0.1875 if k == 3 else 0.09375) for k in range(7)})
    assert sum(qmk.run(TELEPORT, shots=20, seed=1).counts.values()) == 20


@needs_kit
def test_what_the_compiler_refuses_has_its_line() -> None:
    with pytest.raises(QmkError) as caught:
        frontends.load(TELEPORT.replace("Reset(message)", "Rewind(message)").encode(), path="t.qs")
    (found,) = caught.value.findings
    assert (found.rule, found.file, found.line) == ("QIR-11", "t.qs", 12)
    assert "Rewind" in found.message


@needs_kit
def test_a_loop_that_a_measurement_ends_is_refused() -> None:
    source = """operation Main() : Int {
    use q = Qubit();
    mutable n = 0;
    repeat { H(q); set n += 1; } until M(q) == Zero;
    n
}"""
    with pytest.raises(QmkError, match="a loop ends by a measurement"):
        frontends.load(source.encode(), format="qsharp")


def test_without_the_kit_it_is_refused_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(QmkError, match="qdk is not installed") as caught:
        frontends.load(TELEPORT.encode())
    assert caught.value.fields["help"] == "pip install 'quantum-microkernel[qsharp]'"
