"""``pytket.Circuit`` to ``qmk.Circuit``.

Registers keep their names and sizes; a unit whose register is not numbered 0, 1, ... is one by itself, ``node[5]`` as
``node_5``. What pytket permutes without a gate is swapped at the end. Angles become radians, symbols parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import pi as PI
from typing import TYPE_CHECKING, Any

from pytket import circuit as lib

from qmk.adapters.pytket.places import Place
from qmk.adapters.pytket.symbols import radians
from qmk.circuit import whole
from qmk.circuit.applying import control_state, items_of
from qmk.circuit.building import PARAMS
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Assign, End, If, Item, Step
from qmk.circuit.operands import Condition
from qmk.circuit.reading import add_register
from qmk.frontends.openqasm.branching import Value
from qmk.frontends.openqasm.unitary import control, synthesise
from qmk.frontends.pytket_json import classical
from qmk.frontends.pytket_json.gates import CONTROLLED, GATES, PLAIN, gates_of
from qmk.frontends.pytket_json.reader import layout, swaps
from qmk.models.arguments import show
from qmk.sdk.adapter import cannot
from qmk.sdk.collection import no_collection
from qmk.sdk.frontend import Refused

if TYPE_CHECKING:
    pass

tk: Any = lib
_TYPES: dict[str, Any] = dict(tk.OpType.__members__)
_NAMES = {kind: name for name, kind in _TYPES.items()}
_PLAIN = {_TYPES[name]: ours for name, ours in PLAIN.items()}
_WITHOUT_ANGLES = frozenset(name for name in PLAIN.values() if not PARAMS[name])
_MATRICES = frozenset({"Unitary1qBox", "Unitary2qBox", "Unitary3qBox"})
_REFUSED = {
    "WASM": ("a call of WebAssembly", "compute it after the run"),
    "DummyBox": ("a box without a circuit", "put the circuit in its place"),
    "RNGSeed": ("a random number of the device", "draw it in Python"),
    "JobShotNum": ("the number of the shot", "number the shots after the run"),
    "Goto": ("a jump", "use conditions"),
} | dict.fromkeys(("RNGBound", "RNGIndex", "RNGNum"), ("a random number of the device", "draw it in Python"))


def read(program: object, params: Any) -> Circuit:
    """The circuit. Raises UNSUPPORTED naming what QMK has no form for, and where it stands."""
    if not isinstance(program, tk.Circuit):
        raise cannot("pytket", f"a {type(program).__name__} is not a program", show(program, 40), "give the Circuit")
    with no_collection():
        return _Reader(program, "").circuit


class _Reader:
    def __init__(self, program: Any, within: str) -> None:
        self.circuit, self.within = Circuit(), within
        self.index: dict[Any, int] = {}
        _declare(program.qubits, self.circuit.add_qubits, self.index)
        _declare(program.bits, self.circuit.add_bits, self.index)
        self.hidden: dict[str, tuple[int, ...]] = {}
        items: list[Item] = []
        phase = program.phase
        if phase != 0:
            items.append(("gphase", (radians(phase, Place(0, within)),), ()))
        self._commands(program, items)
        items += _permutation(program, self.index)
        whole.append(self.circuit, items)

    def _commands(self, commands: Iterable[Any], items: list[Item]) -> None:
        """The hot loop: a gate that QMK has too is one tuple."""
        index, plain, add = self.index, _PLAIN, items.append
        for at, command in enumerate(commands):
            op, args = command.op, command.args
            found = plain.get(op.type)
            units = (
                (index[args[0]],)
                if len(args) == 1
                else (index[args[0]], index[args[1]])
                if len(args) == 2
                else tuple([index[unit] for unit in args])
            )
            if found is None:
                items += self._op(op, units, Place(at, self.within))
            elif found in _WITHOUT_ANGLES:
                add((found, (), units))
            else:
                angles = [PI * a if type(a) is float else radians(a, Place(at, self.within)) for a in op.params]
                add((found, tuple(angles), units))

    def _op(self, op: Any, units: tuple[int, ...], place: Place) -> list[Item]:
        """The items of one op on these qubits and bits, by number, in the order of its arguments."""
        name = _NAMES[op.type]
        if name in GATES:
            return _gates(name, op.params, units, place)
        if name in classical.OPS:
            return self._assign(op, units, place)
        match name:
            case "Measure":
                return [Step("core.mz", {}, units[:1], (), units[1:])]
            case "Reset":
                return [Step("core.reset", {}, units)]
            case "Barrier":
                return [Step("core.barrier", {}, units[: op.n_qubits])]
            case "Collapse":
                return [Step("core.mz", {}, units, (), self._hide("collapsed", 1))]
            case "Conditional":
                bits = [Condition("bit", (bit,)) for bit in units[: op.width]]
                condition = _condition(classical.equal([Value("bit", (k,)) for k in range(len(bits))], op.value), bits)
                return [If(condition), *self._op(op.op, units[op.width :], place), End()]
            case "QControlBox":
                return self._control(op, units, place)
            case _ if name in _REFUSED:
                raise place.refuse(*_REFUSED[name])
            case _ if name in _MATRICES:
                matrix = tuple(tuple(map(complex, row)) for row in op.get_matrix().tolist())
                return items_of(synthesise(matrix), units)
            case _:
                return self._box(op, name, units, place)

    def _box(self, op: Any, name: str, units: tuple[int, ...], place: Place) -> list[Item]:
        if not hasattr(op, "get_circuit"):
            raise place.refuse(f"op {name}", "write it as gates")
        inner = op.get_circuit()
        part = _Reader(inner, f"{place.within}command {place.command} ({name}): ").circuit
        return self._embed(part, units)

    def _embed(self, part: Circuit, units: tuple[int, ...]) -> list[Item]:
        """The items of a circuit on these qubits, then bits."""
        n = part.n_qubits
        bits = (*units[n:], *self._hide("box", part.n_bits - (len(units) - n)))
        return whole.move_items(part, units[:n], bits)

    def _control(self, op: Any, units: tuple[int, ...], place: Place) -> list[Item]:
        n, inner = op.get_n_controls(), op.get_op()
        part = Circuit(len(units) - n)
        whole.append(part, self._op(inner, tuple(range(part.n_qubits)), place))
        values = "".join("1" if bit else "0" for bit in op.get_control_state_bits())
        return items_of(control(whole.unitary_of(part), control_state(values, n)), units)

    # -- classical bits ----------------------------------------------------------------------------------------------

    def _assign(self, op: Any, units: tuple[int, ...], place: Place) -> list[Item]:
        try:
            found = classical.assignments(_as_json(op, len(units)), len(units))
        except Refused as refused:
            raise place.refuse(refused.message, refused.help) from None
        bits = [Condition("bit", (bit,)) for bit in units]
        writes: list[Item] = [Assign(units[k], _condition(value, bits)) for k, value in found]
        for order in (writes, writes[::-1]):
            if not _overlaps(order):
                return order
        kept = self._hide("assigned", len(found))
        first: list[Item] = [Assign(t, _condition(v, bits)) for t, (_, v) in zip(kept, found, strict=True)]
        return first + [Assign(units[k], Condition("bit", (t,))) for t, (k, _) in zip(kept, found, strict=True)]

    def _hide(self, name: str, count: int) -> tuple[int, ...]:
        """Bits that no result prints, the same ones each time."""
        have = self.hidden.get(name, ())
        if len(have) < count:
            have = self.hidden[name] = add_register(self.circuit, "", count, False, False)
        return have[:count]


def _declare(units: Sequence[Any], add: Any, index: dict[Any, int]) -> None:
    """Adds registers, and numbers their units."""
    for name, size in layout([(unit.reg_name, tuple(unit.index)) for unit in units]):
        add(size, name)
    index.update({unit: k for k, unit in enumerate(units)})


def _gates(name: str, params: Sequence[Any], units: tuple[int, ...], place: Place) -> list[Item]:
    angles = [radians(each, place) for each in params]
    return [
        (gate, each, tuple([units[k] for k in own]), controls, 1.0)
        if controls and name in CONTROLLED
        else (gate, each, tuple([units[k] for k in own]))
        for gate, each, own, controls in gates_of(name, angles, len(units))
    ]


def _condition(value: Value, bits: Sequence[Condition]) -> Condition:
    """A value over the op's bits as a condition on the circuit's."""
    if value.op == "bit":
        place: int = value.args[0]
        return bits[place]
    return Condition(value.op, tuple(_condition(a, bits) if isinstance(a, Value) else a for a in value.args))


def _overlaps(writes: Iterable[Item]) -> bool:
    """Whether a bit is read after another write of the same op has changed it."""
    written: set[int] = set()
    for each in writes:
        assert isinstance(each, Assign)
        if written.intersection(each.value.bits()):
            return True
        written.add(each.bit)
    return False


def _as_json(op: Any, n_bits: int) -> dict[str, Any]:
    """A classical op as pytket's JSON has it."""
    alone = tk.Circuit(0, n_bits)
    alone.add_gate(op, list(alone.bits))
    return alone.to_dict()["commands"][0]["op"]


def _permutation(program: Any, index: dict[Any, int]) -> list[Item]:
    """Swaps that do what pytket permutes without a gate: what starts at one qubit ends at another."""
    ends = {index[a]: index[b] for a, b in program.implicit_qubit_permutation().items() if a != b}
    return [("swap", (), pair) for pair in swaps(ends)]
