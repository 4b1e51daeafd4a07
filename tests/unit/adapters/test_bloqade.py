"""Adapters ``kirin`` and ``bloqade``. Squin and bloqade-analog need an environment of their own, so what they give is
stood in for here: a kernel of Kirin's own dialects, and a chain that holds a program of Amazon Braket."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from kirin.ir.compile_cache import ENV_VAR
from kirin.prelude import basic

import qmk
from qmk.base.errors import QmkError
from qmk.circuit import objects

DATA = Path(__file__).parents[2] / "data" / "atoms"
RABI = (DATA / "rabi_pi_1atom.braket.json").read_text()


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A kernel, which Kirin is kept from writing beside this file."""
    monkeypatch.setenv(ENV_VAR, "false")

    @basic
    def add(x: int, y: int) -> int:
        return x + y

    return add


def test_a_kernel_is_its_json(add: Any) -> None:
    found = objects.read(add, {"x": 1})
    assert found == (add.dialects.encode_json(add).encode(), {"x": 1})
    with pytest.raises(QmkError, match="is not given 'x'"):
        qmk.run(add)


def test_what_is_no_kernel_is_refused(add: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    group: Any = basic
    with pytest.raises(QmkError, match=r"kirin: .*: a DialectGroup is not a program"):
        qmk.run(group)

    def fail(self: object, program: object) -> str:
        raise ValueError("no descriptor")

    monkeypatch.setattr(type(basic), "encode_json", fail)
    with pytest.raises(QmkError, match="the kernel add: it has no JSON: no descriptor"):
        qmk.run(add)


class Chain:
    """As ``bloqade.analog.builder.base.Builder``: variables, and what Bloqade makes of them for Braket."""

    def __init__(self, programs: int = 1, needs: tuple[str, ...] = ("t",)) -> None:
        self.programs, self.needs = programs, needs

    def assign(self, **values: Any) -> Chain:
        return Chain(self.programs, tuple(name for name in self.needs if name not in values))

    @property
    def braket(self) -> Any:
        return SimpleNamespace(local_emulator=lambda: SimpleNamespace(_compile=self._compile))

    def _compile(self, shots: int) -> Any:
        if self.needs:
            raise ValueError(f"Variable {self.needs[0]} not assigned")
        task = SimpleNamespace(task_ir=SimpleNamespace(program=SimpleNamespace(json=lambda: RABI)))
        return SimpleNamespace(tasks=dict.fromkeys(range(self.programs), task))


def a_chain(*given: Any) -> Any:
    return Chain(*given)


@pytest.fixture(autouse=True)
def bloqade(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("bloqade.analog", "bloqade.analog.builder", "bloqade.analog.builder.base"):
        made: Any = ModuleType(name)
        made.Builder = Chain
        monkeypatch.setitem(sys.modules, name, made)
    monkeypatch.setattr(Chain, "__module__", "bloqade.analog.builder.base")
    monkeypatch.delitem(sys.modules, "qmk.adapters.bloqade.convert", raising=False)


def test_an_analog_program_is_that_of_braket() -> None:
    assert qmk.run(a_chain(), shots=20, seed=1, params={"t": 1.0}).counts == qmk.run(RABI, shots=20, seed=1).counts
    assert len(qmk.run(a_chain(), [{"t": 1.0}, {"t": 2.0}], shots=5, seed=1)) == 2


def test_what_is_no_analog_program_is_refused() -> None:
    with pytest.raises(QmkError, match="Variable t not assigned"):
        qmk.run(a_chain())
    with pytest.raises(QmkError, match="it is a batch of 2"):
        qmk.run(a_chain(2, ()))

    class Variable:
        __module__ = "bloqade.analog.ir.scalar"

    variable: Any = Variable()
    with pytest.raises(QmkError, match="a Variable is not a program"):
        qmk.run(variable)
