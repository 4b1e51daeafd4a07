"""``qmk.Circuit``: a program of gates and measurements, written in Python.

It is a list of items over registers (``store``, ``items``), and becomes a graph of the bytecode when one is asked for
(``building``), the one that OpenQASM text of the same program gives.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, cast

import msgspec

from qmk.base.limits import LIMITS
from qmk.circuit import whole
from qmk.circuit.applying import Applying, unknown_gate
from qmk.circuit.branches import Branches
from qmk.circuit.building import build
from qmk.circuit.items import Assign, Step, bind, has_affine_angles, values_in
from qmk.circuit.operands import BitLike, Condition, QubitLike, whole_number, wrong
from qmk.circuit.operation import Operation, operation
from qmk.circuit.store import Sizes, as_list
from qmk.circuit.values import pauli_product, value_of
from qmk.ir.parameter_values import identifier_of, read_values
from qmk.ir.parameters import Expression
from qmk.models.arguments import show, to_plain
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, digest
from qmk.sdk.frontend import Inputs

if TYPE_CHECKING:
    from qmk.drawing.shown import Drawing, Picture


PICTURED = 1000
"""A notebook shows a circuit of so many items as a picture, a longer one as text."""


_BASES = {"Z": "core.mz", "X": "core.mx", "Y": "core.my"}


class Circuit(Branches, Applying):
    """A program of qubits, classical bits, gates, measurements and branches.

    ``Circuit(2)`` has qubits 0 and 1, register q; ``Circuit(2, 2)`` also bits 0 and 1, register c;
    ``Circuit({"data": 3, "anc": None}, {"syndrome": 2})`` has registers by name, None for one qubit by itself. Every
    gate of OpenQASM's libraries is a method that takes angles first, then qubits, and gives the circuit itself:
    ``Circuit(2).h(0).cx(0, 1).measure_all()``. An operand may be several qubits (a register, a slice, a list, an
    array): lists go in step, single qubits stay, as in OpenQASM.

    Every gate also takes ``ctrl`` (control qubits), ``ctrl_state`` (what they must hold, such as "01"; all 1 if not
    given), ``power`` and ``inverse``. Two circuits are equal if their graphs have the same digest.

    Raises ``QmkError`` INVALID_PARAMS for operands that do not fit.
    """

    _holds_all = False
    """Whether it holds every op of the bytecode."""

    def __init__(self, qubits: Sizes = 0, bits: Sizes = 0) -> None:
        super().__init__(qubits, bits)

    # -- programs that exist already ---------------------------------------------------------------------------------

    @classmethod
    def from_graph(cls, graph: Graph) -> Self:
        """A circuit with the meaning of a graph. Raises UNSUPPORTED for channels, profiles and owners, which a
        ``qmk.Program`` holds."""
        from qmk.circuit.reading import read_graph

        if not isinstance(cast("object", graph), Graph):
            raise wrong(f"{show(graph)} is not a graph", "use from_text for source text, from_file for a file", "graph")
        made = cls()
        read_graph(made, graph)
        return made

    @classmethod
    def from_text(cls, text: str | bytes, format: str | None = None, params: Mapping[Any, Any] | None = None) -> Self:
        """A circuit from source text in any format that QMK reads. Raises INVALID_GRAPH with findings."""
        if not isinstance(cast("object", text), (str, bytes)):
            raise wrong(f"{show(text)} is not the text of a program", "give its source text, or use from_file", "text")
        return cls._read(text.encode(errors="surrogatepass") if isinstance(text, str) else text, "", format, params)

    @classmethod
    def from_file(
        cls, path: str | os.PathLike[str], format: str | None = None, params: Mapping[Any, Any] | None = None
    ) -> Self:
        """A circuit from a file in any format that QMK reads. Raises INVALID_GRAPH with findings."""
        from qmk.frontends import read_file

        if not isinstance(cast("object", path), (str, os.PathLike)):
            raise wrong(f"{show(path)} is not the path of a file", "give it as text or as a Path", "path")
        return cls._read(read_file(os.fsdecode(path)), os.fsdecode(path), format, params)

    @classmethod
    def from_object(cls, program: Any, params: Mapping[Any, Any] | None = None) -> Self:
        """A circuit from an object of another framework, such as a ``qiskit.QuantumCircuit``; its open parameters stay
        open under their names. ``params``: values of what must be known for it to be read, such as the arguments of a
        QNode. Raises UNSUPPORTED naming what cannot be carried over and where it stands."""
        from qmk.circuit import objects

        found = objects.read(program, params)
        if found is None:
            fix = "give a program of a framework that QMK reads: " + ", ".join(objects.readable())
            raise wrong(f"{show(program, 60)} is not a program of another framework", fix, "program")
        made = found[0]
        if isinstance(made, cls):
            return made
        if isinstance(made, bytes):
            from qmk.circuit.reading import read_text

            read_text(circuit := cls(), made, objects.format_of(program))
            return circuit
        return cls.from_graph(made.to_graph() if isinstance(made, Circuit) else made)

    @classmethod
    def _read(cls, data: bytes, path: str, format: str | None, params: Mapping[Any, Any] | None) -> Self:
        from qmk import frontends

        if format is not None and not isinstance(cast("object", format), str):
            raise wrong(
                f"{show(format)} is not the name of a format", "leave it out, or give such as 'qasm3'", "format"
            )
        given = _by_name({} if params is None else params)
        return cls.from_graph(frontends.load(data, path=path, format=format, params=given or None).graph)

    # -- ops that write bits -----------------------------------------------------------------------------------------

    def measure(self, qubits: QubitLike, bits: BitLike | None = None, *, basis: str = "Z") -> Self:
        """Measures each qubit in the basis Z, X or Y into a bit.

        ``bits``: the bits, or a name, which is that of a new register if there is none. Without it: the first bits
        that nothing has written, for which register c grows where they do not suffice."""
        op = _BASES.get(basis) if isinstance(cast("object", basis), str) else None
        if op is None:
            raise wrong(f"there is no basis {show(basis)} to measure in", "give 'X', 'Y' or 'Z'", "basis")
        found = self._qubits(qubits)
        single = isinstance(found, int)
        measured = as_list(found)
        for qubit, bit in zip(measured, self._bits_for(len(measured), bits, single), strict=True):
            self._items.append(Step(op, {}, (qubit,), (), (bit,)))
        return self

    def measure_all(self, bits: BitLike | None = None) -> Self:
        """Measures every qubit; see ``measure``."""
        return self.measure(range(self._size), bits)

    def measure_pauli(self, paulis: str, *qubits: QubitLike, bit: BitLike | None = None) -> Self:
        """Measures a product of Paulis, one letter a qubit, without measuring its factors."""
        found = self._flat_qubits(qubits)
        letters = pauli_product("measure_pauli", paulis, len(found))
        (written,) = self._bits_for(1, bit, True)
        self._items.append(Step("core.mpauli", {"paulis": letters}, found, (), (written,)))
        return self

    def measure_bell(self, qubit1: QubitLike, qubit2: QubitLike, bits: BitLike | None = None) -> Self:
        """Measures two qubits in the Bell basis into two bits: the phase (of XX), then the parity (of ZZ)."""
        found = self._flat_qubits((qubit1, qubit2))
        self._items.append(Step("core.mbell", {}, found, (), tuple(self._bits_for(2, bits))))
        return self

    def readout_error(self, bits: BitLike, *, p01: float = 0.0, p10: float = 0.0) -> Self:
        """Reads bits that were measured with errors: a 0 as 1 with probability ``p01``, a 1 as 0 with ``p10``."""
        given = {"p01": p01, "p10": p10}
        chances = {p.name: value_of("readout_error", p, given[p.name]) for p in OPS["noise.readout"].params}
        self._items += [Step("noise.readout", chances, (), (bit,), (bit,)) for bit in as_list(self._bits(bits))]
        return self

    def assign(self, bit: BitLike, value: Condition | int) -> Self:
        """Sets a bit to the value of a condition on others, such as ``a ^ b``, or to 0 or 1."""
        if isinstance(value, Condition):
            condition = self._condition(value, 1)
        elif whole_number(value) in (0, 1):
            condition = Condition("table", (int(value),))
        else:
            raise wrong(f"{show(value)} is not the value of a bit", "give 0, 1 or a condition", "value")
        (written,) = self._bits_for(1, bit, True)
        self._items.append(Assign(written, condition))
        return self

    # -- ops on any number of qubits ---------------------------------------------------------------------------------

    def reset(self, *qubits: QubitLike) -> Self:
        """Sends each of these qubits to |0>."""
        for given in qubits:
            self._items += [Step("core.reset", {}, (qubit,)) for qubit in as_list(self._qubits(given))]
        return self

    def barrier(self, *qubits: QubitLike) -> Self:
        """Keeps gates on these qubits, all where none are given, from moving across."""
        found = self._flat_qubits(qubits) if qubits else tuple(range(self._size))
        self._items.append(Step("core.barrier", {}, found))
        return self

    def fence(self) -> Self:
        """Ends an epoch: here a job may be saved, moved or stopped."""
        self._items.append(Step("core.fence", {}, ()))
        return self

    # -- circuits of circuits ----------------------------------------------------------------------------------------

    def add(self, circuit: Circuit, qubits: QubitLike | None = None, bits: BitLike | None = None) -> Self:
        """Adds the items of another circuit, its qubit k on the k-th of ``qubits`` (qubit k where not given), its bit k
        on the k-th of ``bits``; where not given, on the bit of its name, which is added where there is none."""
        if not isinstance(cast("object", circuit), Circuit):
            raise wrong(f"{show(circuit)} is not a circuit", "give a qmk.Circuit, such as Circuit.from_graph(...)")
        whole.add(self, circuit, qubits, bits)
        return self

    def __add__(self, other: Circuit) -> Self:
        return self.copy().add(other)

    def inverse(self) -> Self:
        """The circuit that undoes this one. Raises UNSUPPORTED where something cannot be undone."""
        return whole.inverse_of(self)

    def power(self, exponent: float) -> Self:
        """This circuit so many times, or undone so many times; fractional powers where it is one gate or has at most
        three qubits. Raises UNSUPPORTED for what has none."""
        return whole.power_of(self, exponent)

    def control(self, n_controls: int = 1, ctrl_state: str | None = None) -> Self:
        """This circuit under controls, which are the first qubits of the new one, register ctrl."""
        return whole.control_whole(self, n_controls, ctrl_state)

    # -- parameters --------------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, int | None]:
        """The parameters by name, each with its number of values; None: it is a single number."""
        key = self._version()
        if self._parameters is None or self._parameters[0] != key:
            self._parameters = key, self._find_parameters()
        return dict(self._parameters[1])

    @property
    def inputs(self) -> Inputs:
        """The parameters as the inputs of a program: ``only_angles`` where each stands in angles of gates alone, which
        are affine functions of it."""
        shapes = {name: () if size is None else (size,) for name, size in self.parameters.items()}
        return Inputs(shapes, only_angles=all(map(has_affine_angles, self._items)))

    def _find_parameters(self) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for item in self._items:
            for value in values_in(item):
                if isinstance(value, Expression):
                    for name, size in value.parameters().items():
                        if found.setdefault(name, size) != size:
                            text = f"parameter '{name}' has {size} values here and {found[name]} there"
                            raise wrong(text, "name them differently", "params")
        return found

    def bind(self, params: Mapping[Any, Any] | None = None, **by_name: Any) -> Self:
        """A circuit whose parameters have these values, by name or by ``Parameter``; others stay open."""
        given = {**_by_name({} if params is None else params), **by_name}
        values = read_values(self.parameters, given, whole=False)
        return self._with_items([bind(item, values) for item in self._items])

    # -- what it is --------------------------------------------------------------------------------------------------

    @property
    def graph(self) -> Graph:
        """The program as a graph of the bytecode. Raises INVALID_PARAMS where a parameter has no value or a branch is
        not finished."""
        return self.to_graph()

    def to_graph(self, params: Mapping[Any, Any] | None = None) -> Graph:
        """The graph with these values of the parameters."""
        key, given = self._version(), _by_name({} if params is None else params)
        if not given and self._known is not None and self._known[0] == key:
            return self._known[1]
        values = read_values(self.parameters, given)
        graph = self._build(values)
        if not values:
            self._known = key, graph
        return graph

    def _build(self, values: Mapping[str, Any]) -> Graph:
        self._require_finished()
        registers = self._qubit_registers, self._bit_registers
        graph = build(*registers, self._items, values, self._metadata, self._allocated_later())
        return graph if self._shots is None else msgspec.structs.replace(graph, shots=self._shots)

    @property
    def digest(self) -> str:
        """SHA-256 of what a run depends on, as ``qmk verify`` says it; open parameters count as they are written."""
        key = self._version()
        if self._digest is None or self._digest[0] != key:
            self._digest = key, digest(whole.with_texts(self._build({})) if self.parameters else self.graph)
        return self._digest[1]

    @property
    def ops(self) -> tuple[Operation, ...]:
        """What the circuit does, in order."""
        return tuple(map(operation, self._items))

    def count_ops(self) -> dict[str, int]:
        """How often each op is there, by the name that ``ops`` gives it, the most frequent first."""
        return dict(Counter(each.name for each in self).most_common())

    def depth(self) -> int:
        """The number of ops on the longest path along qubits, bits and conditions, without barriers and fences."""
        return whole.depth_of(self)

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Operation]:
        return map(operation, self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Circuit) and (self is other or self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    # -- how it is shown ---------------------------------------------------------------------------------------------

    def draw(self, *, width: int | None = None, ascii_only: bool = False) -> Drawing:
        """The circuit as text, one wire a qubit, at most ``width`` columns wide (the terminal's)."""
        from qmk.circuit import diagram
        from qmk.drawing.shown import to_text

        if width is not None and not 1 <= (whole_number(width) or 0) <= LIMITS.text_chars:
            raise wrong(f"width is {show(width)}", "give a number of columns, such as 100", "width")
        if not isinstance(cast("object", ascii_only), bool):
            raise wrong(f"ascii_only is {show(ascii_only)}", "give True or False", "ascii_only")
        graph = self._build({})
        return to_text(lambda columns, plain: diagram.lines(graph, columns, plain), width, ascii_only)

    def picture(self, *, width: float | None = None, max_nodes: int | None = None) -> Picture:
        """The circuit as a picture, folded to ``width`` pixels (960), its first ``max_nodes`` where given: a notebook
        shows it, and ``save("circuit.svg")`` writes it, as .svg, .html, .png or .pdf."""
        from qmk.circuit import picture

        return picture.draw(self._build({}), picture.WIDTH if width is None else width, max_nodes)

    def to(self, target: str) -> Any:
        """The circuit in another format, as ``qmk convert --to`` writes it: qasm3, qasm2, quil, qir, stim, json, asm as
        text, binary and qir-bitcode as bytes; or as an object of another framework, by the name of its adapter, such as
        "qiskit". Open parameters become inputs of OpenQASM 3 and memory of Quil.

        Raises INVALID_GRAPH with findings for what the format cannot express, UNSUPPORTED for what a framework cannot
        say, or where it is not installed."""
        from qmk import frontends
        from qmk.circuit import objects

        if isinstance(cast("object", target), str) and target not in frontends.TARGETS and target in objects.writable():
            return objects.write(self, target)

        opened = isinstance(cast("object", target), str) and target in ("qasm3", "quil") and self.parameters
        data = frontends.write(self._build({}) if opened else self.graph, target)
        return data if target in frontends.BINARY else data.decode()

    def __str__(self) -> str:
        return str(self.draw())

    def __repr__(self) -> str:
        bits = f", {self.n_bits} bits" if self.n_bits else ""
        return f"<{type(self).__name__} {self._size} qubits{bits}, {len(self._items)} ops>"

    def _repr_html_(self) -> str:
        if len(self._items) <= PICTURED:
            return self.picture().to("svg").decode()
        return self.draw()._repr_html_()  # pyright: ignore[reportPrivateUsage]  # the protocol of notebooks

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(f"a circuit has no attribute '{name}'")
            raise unknown_gate(name)


def _by_name(params: Mapping[Any, Any]) -> dict[str, Any]:
    """Values by the names of their parameters, numpy's numbers as Python's."""
    found: dict[Any, Any] = {}
    if isinstance(cast("object", params), Mapping):
        with contextlib.suppress(Exception):  # values of a caller's own classes
            found = {identifier_of(key): to_plain(value) for key, value in params.items()}
    if (
        not isinstance(cast("object", params), Mapping)
        or len(found) < len(params)
        or not all(isinstance(key, str) for key in found)
    ):
        raise wrong(f"params is {show(params, 60)}, not values by name", "give such as {'theta': 0.5}", "params")
    return found
