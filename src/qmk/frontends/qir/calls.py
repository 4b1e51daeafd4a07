"""What the functions of QIR's instruction sets do: ``__quantum__qis__*`` and ``__quantum__rt__*``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.replay import PARAMS
from qmk.frontends.openqasm.unitary import Prim
from qmk.frontends.qir.machine import Call, Machine
from qmk.frontends.qir.module import Module
from qmk.frontends.qir.values import Cases, Place, number, undefined_error
from qmk.ir.names import spellings
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.sdk.frontend import Refused

QIS, RT = "__quantum__qis__", "__quantum__rt__"
_ALSO = {"r1": "p", "u1": "p", "p": "p", "u3": "u", "i": "id"}
"""Gates that CUDA-Q and mqt-core write, beside those that every runner of QIR has."""
ONE, ZERO = Place(-1, 1), Place(-1, 0)
"""The results that are constants."""
_DYNAMIC = -2
"""The object that results are in which a measurement makes."""


class Reading(Machine):
    """A machine with qubits and results, which records output. ``recorded``: what is recorded, in order: the kind, the
    value, the label."""

    def __init__(self, module: Module, qubits: int) -> None:
        super().__init__(module, _calls())
        if qubits > LIMITS.qubits:
            raise Refused("QIR-08", f"{qubits} qubits exceed the limit of {LIMITS.qubits}")
        self.handles = dict(enumerate(self.builder.allocate("q", qubits)))
        self.results: dict[Any, lg.Bit] = {}
        self.recorded: list[tuple[str, Any, str]] = []
        self.fresh = max([qubits, *(row[1] + 1 for row in module.constants if row[0] == "static")])
        self.released: list[int] = []
        self.made = 0

    # -- qubits ------------------------------------------------------------------------------------------------------

    def handle(self, qubit: Any) -> str:
        found = self.handles.get(qubit) if type(qubit) is int else None
        if found is not None:
            return found
        if type(qubit) is not int:
            raise undefined_error(None) if qubit is None else Refused("QIR-03", "a place in memory is not a qubit")
        if qubit >= LIMITS.qubits:
            raise Refused("QIR-08", f"qubit {qubit} exceeds the limit of {LIMITS.qubits}")
        handle = self.builder.name_qubits(f"q_{qubit}", None)[0]
        self.builder.alloc((handle,))
        self.handles[qubit] = handle
        return handle

    def allocate(self) -> int:
        """A qubit in |0>, one that was released before where there is one."""
        if self.released and self.always():
            qubit = self.released.pop()
            self.builder.add("core.reset", (self.handle(qubit),))
            return qubit
        qubit, self.fresh = self.fresh, self.fresh + 1
        self.handle(qubit)
        return qubit

    def release(self, qubit: Any) -> None:
        if type(qubit) is int and self.always() and qubit not in self.released:
            self.released.append(qubit)

    def on_each(self, act: Callable[..., None], given: list[Any]) -> None:
        """Does something with every combination of values that there may be."""
        for value in given:
            if type(value) is tuple or type(value) is Cases:
                break
        else:
            act(*given)
            return
        for condition, chosen in self.arithmetic.combinations(given):
            if lg.constant_of(condition):
                act(*chosen)
                continue
            self.builder.enter(condition)
            act(*chosen)
            self.builder.leave()

    # -- results -----------------------------------------------------------------------------------------------------

    def bit_of(self, result: Any) -> lg.Bit:
        """What a result holds in the shots that are here."""
        found: lg.Bit = lg.FALSE
        for condition, each in self.arithmetic.cases(result):
            if each is None:
                raise undefined_error(None)
            held = lg.TRUE if each == ONE else self.results.get(each, lg.FALSE)
            found = self.builder.logic.either(found, self.builder.logic.both(condition, held))
        return self.arithmetic.known_bit(found)

    def measure(self, qubit: Any, result: Any, reset: bool = False) -> None:
        """Measures Z of one qubit into one result."""
        if not isinstance(result, int) and not (isinstance(result, Place) and result.object == _DYNAMIC):
            raise Refused("QIR-03", "a measurement goes into a result that is known")
        base = f"r_{result}" if isinstance(result, int) else f"m_{result.offset}"
        new = self.builder.measure(self.handle(qubit), base)
        if reset:
            self.builder.add("core.reset", (self.handle(qubit),))
        old = self.results.get(result, lg.FALSE)  # where nothing is measured, the new event reads 0 as well
        self.results[result] = new if lg.constant_of(old) is False else self.write(new, old)

    def array(self, array: Any) -> list[Any]:
        """The values in an array that ``array_create_1d`` or ``qubit_allocate_array`` made."""
        if not isinstance(array, Place) or array.offset or array.object not in self.sizes:
            raise Refused("QIR-06", "it is not an array")
        return [self.state.memory.get((array.object, k)) for k in range(self.sizes[array.object])]

    def new_result(self) -> Place:
        self.made += 1
        return Place(_DYNAMIC, self.made)


def _qubits(given: list[Any], count: int) -> list[Any]:
    if len(given) != count:
        raise Refused("QIR-03", f"it takes {count} values, not {len(given)}")
    return given


# -- gates -------------------------------------------------------------------------------------------------------------


def _gate(short: str) -> Call:
    op = FIXED_SIZE[short]
    name, params, count = op.name, PARAMS[short], (op.vqs.high or 0) + len(op.params)

    def apply(machine: Reading, *given: Any) -> None:
        """The angles come first, or last as mqt-core writes them."""
        values = [value for value in given if type(value) is float]
        handles = tuple([machine.handle(qubit) for qubit in given if type(qubit) is not float])
        if len(values) != len(params) or any(value - value != 0 for value in values):
            raise Refused("QIR-03", f"it takes {len(params)} angles, which are finite floats")
        if len(set(handles)) < len(handles):
            raise Refused("QIR-03", "a qubit stands twice in one gate")
        machine.builder.add(name, handles, dict(zip(params, values, strict=True)))

    def call(machine: Reading, given: list[Any]) -> None:
        if len(given) != count:
            _qubits(given, count)
        machine.on_each(partial(apply, machine), given)

    return call


def _controlled_gate(short: str) -> Call:
    """A gate without angles, under the controls of an array."""

    def call(machine: Reading, given: list[Any]) -> None:
        controls, target = _qubits(given, 2)
        qubits = [*machine.array(controls), target]
        handles = tuple(machine.handle(qubit) for qubit in qubits)
        if len(set(handles)) < len(handles):
            raise Refused("QIR-03", "a qubit stands twice in one gate")
        prim = Prim(short, tuple(range(len(handles))), {}, "1" * (len(handles) - 1), 1.0)
        machine.builder.add_primitive(prim, handles)

    return call


# -- measurements and results ------------------------------------------------------------------------------------------


def _measure(reset: bool) -> Call:
    def call(machine: Reading, given: list[Any]) -> Any:
        if len(given) == 1:  # it makes its result
            given = [*given, machine.new_result()]
        _qubits(given, 2)

        def measure(qubit: Any, result: Any) -> None:
            machine.measure(qubit, result, reset)

        machine.on_each(measure, given)
        return given[1]

    return call


def _reset(machine: Reading, given: list[Any]) -> None:
    def reset(qubit: Any) -> None:
        machine.builder.add("core.reset", (machine.handle(qubit),))

    machine.on_each(reset, _qubits(given, 1))


def _read_result(machine: Reading, given: list[Any]) -> Any:
    return number([machine.bit_of(_qubits(given, 1)[0])])


def _write_result(machine: Reading, given: list[Any]) -> None:
    value, result = _qubits(given, 2)
    bit = machine.arithmetic.truth(value)

    def write(where: Any) -> None:
        machine.results[where] = machine.write(bit, machine.results.get(where, lg.FALSE))

    machine.on_each(write, [result])


def _one(machine: Reading, given: list[Any]) -> Any:
    return ONE


def _zero(machine: Reading, given: list[Any]) -> Any:
    return ZERO


def _result_equal(machine: Reading, given: list[Any]) -> Any:
    one, other = _qubits(given, 2)
    differ = machine.builder.logic.differ(machine.bit_of(one), machine.bit_of(other))
    return number([machine.arithmetic.known_bit(lg.negate(differ))])


# -- qubits and arrays that are made -----------------------------------------------------------------------------------


def _allocate(machine: Reading, given: list[Any]) -> Any:
    _report_success(machine, given)
    return machine.allocate()


def _allocate_result(machine: Reading, given: list[Any]) -> Any:
    _report_success(machine, given)
    return machine.new_result()


def _report_success(machine: Reading, given: list[Any]) -> None:
    """Writes into the bit that the last operand points to, if it does, that an allocation has not failed."""
    if given and isinstance(given[-1], Place):
        machine.store(0, given[-1])


def _release(machine: Reading, given: list[Any]) -> None:
    machine.on_each(machine.release, _qubits(given, 1))


def _allocate_array(machine: Reading, given: list[Any]) -> Any:
    count = machine.whole(_qubits(given, 1)[0])
    found = machine.new_object(count)
    for k in range(count):
        machine.store(machine.allocate(), _at(found, k))
    return found


def _release_array(machine: Reading, given: list[Any]) -> None:
    for qubit in machine.array(_qubits(given, 1)[0]):
        machine.on_each(machine.release, [qubit])


def _fill_array(make: Call) -> Call:
    """Allocates as many as the first operand says into memory of the program."""

    def call(machine: Reading, given: list[Any]) -> None:
        count, array, _ = _qubits(given, 3)
        for k in range(machine.whole(count)):
            machine.step(1)
            machine.store(make(machine, []), _element(machine, [array, k]))
        _report_success(machine, given)

    return call


def _release_filled(machine: Reading, given: list[Any]) -> None:
    for qubit in _values_at(machine, *_qubits(given, 2)):
        machine.on_each(machine.release, [qubit])


def _values_at(machine: Reading, count: Any, array: Any) -> list[Any]:
    """So many values in memory, from a place on."""
    size = machine.whole(count)
    machine.step(size)
    return [machine.load(_element(machine, [array, k])) for k in range(size)]


def _create_array(machine: Reading, given: list[Any]) -> Any:
    return machine.new_object(machine.whole(_qubits(given, 2)[1]))


def _element(machine: Reading, given: list[Any]) -> Any:
    return machine.arithmetic.each(_at, *_qubits(given, 2))


def _at(array: Any, index: Any) -> Any:
    if not isinstance(array, Place) or not isinstance(index, int):
        raise Refused("QIR-06", "it is not an array")
    return Place(array.object, array.offset + index)


def _size(machine: Reading, given: list[Any]) -> Any:
    return len(machine.array(_qubits(given, 1)[0]))


def _nothing(machine: Reading, given: list[Any]) -> None:
    """Reference counts, timing and messages: no shot differs by them."""


# -- output ------------------------------------------------------------------------------------------------------------


def _record(kind: str) -> Call:
    def call(machine: Reading, given: list[Any]) -> None:
        if not machine.always():
            raise Refused("QIR-09", "output is recorded in some shots only")
        value, label = given[0], machine.text_at(given[1]) if len(given) > 1 else ""
        if kind == "result":
            value = number([machine.bit_of(value)])
        elif kind in ("array", "tuple"):
            value = machine.whole(value)
        machine.recorded.append((kind, value, label))

    return call


def _record_results(machine: Reading, given: list[Any]) -> None:
    """An array of results in memory."""
    count, array, label = _qubits(given, 3)
    results = _values_at(machine, count, array)
    _record("array")(machine, [len(results), label])
    for result in results:
        _record("result")(machine, [result])


@cache
def _calls() -> dict[str, Call]:
    """Every function that is known, by its name."""
    found: dict[str, Any] = {}
    for word, short in spellings(("qir",)):
        found[f"{QIS}{word if '__' in word else word + '__body'}"] = _gate(short)
    for word, short in _ALSO.items():
        found[f"{QIS}{word}__body"] = _gate(short)
    for pauli in "xyzh":
        found[f"{QIS}{pauli}__ctl"] = _controlled_gate(pauli)
    for short in "st":
        found[f"{QIS}{short}__ctl"], found[f"{QIS}{short}__ctladj"] = (
            _controlled_gate(short),
            _controlled_gate(f"{short}dg"),
        )
    for name in ("mz", "m"):
        found[f"{QIS}{name}__body"] = _measure(False)
    found[f"{QIS}mresetz__body"] = _measure(True)
    found[f"{QIS}reset__body"] = _reset
    found[f"{QIS}barrier__body"] = _nothing
    found[f"{QIS}read_result__body"] = found[f"{RT}read_result"] = _read_result
    found |= {
        f"{RT}{name}": call
        for name, call in {
            "write_result": _write_result,
            "result_equal": _result_equal,
            "result_get_one": _one,
            "result_get_zero": _zero,
            "qubit_allocate": _allocate,
            "qubit_release": _release,
            "qubit_allocate_array": _allocate_array,
            "qubit_release_array": _release_array,
            "result_allocate": _allocate_result,
            "qubit_array_allocate": _fill_array(_allocate),
            "qubit_array_release": _release_filled,
            "result_array_allocate": _fill_array(_allocate_result),
            "result_array_record_output": _record_results,
            "array_create_1d": _create_array,
            "array_get_element_ptr_1d": _element,
            "array_get_size_1d": _size,
            **{
                f"{kind}_record_output": _record(kind) for kind in ("result", "bool", "int", "double", "array", "tuple")
            },
            **dict.fromkeys(
                (
                    "initialize",
                    "result_release",
                    "result_array_release",
                    "array_update_reference_count",
                    "array_update_alias_count",
                    "result_update_reference_count",
                ),
                _nothing,
            ),
        }.items()
    }
    return found
