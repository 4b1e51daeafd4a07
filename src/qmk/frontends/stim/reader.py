"""Turns instructions into nodes, with REPEAT unrolled. Flat programs are read by the native core, which gives the same
graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec

from qmk.base.errors import Finding
from qmk.base.limits import LIMITS
from qmk.formats.warnings import add_warnings
from qmk.frontends.stim import gates, noise, tags
from qmk.frontends.stim.circuit import Circuit
from qmk.frontends.stim.rules import STIM_RULES
from qmk.frontends.stim.text import Body, Instruction, Product, Repeat, Target, parse
from qmk.qvm.graph import Graph, Node, unpack
from qmk.sdk.frontend import Refused, Source, decode_text, report_refused

MAX_OBSERVABLE = 100_000
PHASE = {"XY": "Z", "YZ": "X", "ZX": "Y", "YX": "Z", "ZY": "X", "XZ": "Y"}
ARGUMENTS = {
    **dict.fromkeys(("M", "MX", "MY", "MR", "MRX", "MRY", "MXX", "MYY", "MZZ", "MPP", "MPAD"), (0, 1)),
    **dict.fromkeys(("DETECTOR", "QUBIT_COORDS", "SHIFT_COORDS"), (0, 16)),
    "OBSERVABLE_INCLUDE": (1, 1),
}  # fmt: skip


class Reading:
    """The state of reading one circuit. ``lossy``: measurements say whether the atom was there."""

    def __init__(self, body: Body, sweep: list[int]) -> None:
        self.circuit = Circuit()
        self.sweep = sweep
        self.warnings: dict[tuple[str, str], Finding] = {}
        self.coordinates: dict[str, list[float]] = {}
        self.shift: list[float] = []
        self.steps = 0
        used: set[int] = set()
        self.lossy = False
        for item in _all(body):
            used.update(t.value for product in item.targets for t in product if _is_qubit(item, t))
            self.lossy = self.lossy or (item.name == "I_ERROR" and bool(tags.loss(item)))
        if len(used) > LIMITS.qubits:
            raise Refused("STIM-08", f"{len(used)} qubits exceed the limit of {LIMITS.qubits}", line=1)
        self.qubits = tuple(f"q{k}" for k in sorted(used))
        if self.qubits:
            alloc = Node("n0", "core.alloc", {"n": len(self.qubits)}, self.qubits, caps=("CAP_ALLOC",))
            self.circuit.nodes.append(alloc)
        self.body(body)

    def body(self, body: Body) -> None:
        for at, item in enumerate(body):
            self.step(item.line)
            if isinstance(item, Repeat):
                for _ in range(item.count):
                    self.step(item.line)
                    self.body(item.body)
            else:
                following = body[at + 1] if at + 1 < len(body) else None
                chained = isinstance(following, Instruction) and following.name == "ELSE_CORRELATED_ERROR"
                self.instruction(item, chained)

    def step(self, line: int) -> None:
        self.circuit.line = line
        self.steps += 1
        if self.steps > LIMITS.expansion_steps:
            raise Refused(
                "STIM-08", f"more than {LIMITS.expansion_steps} instructions with every REPEAT unrolled", line=line
            )

    def instruction(self, item: Instruction, chained: bool) -> None:
        if item.tag and item.name not in tags.MEANT:
            self.warn(item)
        if item.name in gates.NOISE:
            noise.apply(self.circuit, item, chained)
            return
        low, high = ARGUMENTS.get(item.name, (0, 0))
        if not low <= len(item.args) <= high:
            raise item.refuse(
                "STIM-03", f"{len(item.args)} arguments, not {low}" + (f" to {high}" if high > low else "")
            )
        if item.name in gates.SINGLE or item.name in gates.DOUBLE:
            self.gate(item)
        else:
            _OTHERS[item.name](self, item)

    def warn(self, item: Instruction) -> None:
        message = f"{item.name}: the tag [{item.tag[:60]}] is taken as a comment"
        row = Finding("STIM-07", message, STIM_RULES["STIM-07"].help, "", "", item.line, severity="warning")
        if len(self.warnings) < LIMITS.findings:
            self.warnings.setdefault((item.name, item.tag), row)

    # -- gates -------------------------------------------------------------------------------------------------------

    def gate(self, item: Instruction) -> None:
        steps = tags.gate(item) if item.name in tags.MEANT else None
        if item.name in gates.SINGLE:
            for product in item.targets:
                self.apply(steps or gates.SINGLE[item.name], (handle(item, product),))
            return
        for pair in pairs(item):
            if any(target.kind in ("rec", "sweep") for product in pair for target in product):
                self.feed(item, pair)
            else:
                a, b = handle(item, pair[0]), handle(item, pair[1])
                if a == b:
                    raise item.refuse("STIM-04", f"{a[1:]} stands twice in a pair")
                self.apply(gates.DOUBLE[item.name], (a, b))

    def apply(self, steps: tuple[gates.Step, ...], operands: tuple[str, ...]) -> None:
        for op, places, args in steps:
            self.circuit.add(f"core.{op}", tuple(operands[k] for k in places), dict(args))

    def feed(self, item: Instruction, pair: tuple[Product, Product]) -> None:
        """Adds a Pauli under a measured bit."""
        pauli, place = gates.FED.get(item.name, ("", ""))
        bits = [len(product) == 1 and product[0].kind in ("rec", "sweep") for product in pair]
        allowed = {"first": (True, False), "second": (False, True)}.get(place)
        if not pauli or (place == "either" and bits == [False, False]) or (allowed and tuple(bits) != allowed):
            raise item.refuse("STIM-04", "a measured bit cannot stand there", "write CX rec[-1] q, CZ q rec[-1]")
        events = [self.bit(item, product[0]) for product, bit in zip(pair, bits, strict=True) if bit]
        for product, is_bit in zip(pair, bits, strict=True):
            if not is_bit:
                qubit = handle(item, product)
                if events[0] == "one":
                    self.circuit.add(f"core.{pauli.lower()}", (qubit,))
                elif events[0] is not None:
                    self.circuit.add("core.condpauli", (qubit,), {"paulis": pauli}, (events[0],))

    def bit(self, item: Instruction, target: Target) -> str | None:
        """The event of a rec or sweep target: None for 0, "one" for a sweep bit of 1."""
        if target.kind == "sweep":
            return "one" if target.value < len(self.sweep) and self.sweep[target.value] else None
        return self.recorded_bit(item, target)

    def recorded_bit(self, item: Instruction, target: Target) -> str | None:
        record = self.circuit.record
        if target.kind != "rec":
            raise item.refuse("STIM-04", "its targets are rec[-k]")
        if not 1 <= target.value <= len(record):
            raise item.refuse("STIM-05", f"rec[-{target.value}] after {len(record)} measurements")
        return record[-target.value]

    # -- measurements ------------------------------------------------------------------------------------------------

    def measure(self, item: Instruction) -> None:
        basis, reset = gates.MEASURED[item.name]
        flip = chance(item)
        for product in item.targets:
            qubit = (handle(item, product, invertible=True),)
            if self.lossy:
                self.apply(tuple(gates.Step(op) for op in gates.TO_Z[basis]), qubit)
                self.circuit.add_measurement("atoms.mz", qubit, {}, product[0].inverted, flip)
                self.apply(tuple(gates.Step(op) for op in gates.FROM_Z[basis]), qubit)
            else:
                self.circuit.add_measurement(f"core.m{basis.lower()}", qubit, {}, product[0].inverted, flip)
            if reset:
                self.prepare(basis, qubit)

    def prepare(self, basis: str, qubit: tuple[str, ...]) -> None:
        self.circuit.add("core.reset", qubit)
        self.apply(tuple(gates.Step(op) for op in gates.FROM_Z[basis]), qubit)

    def reset(self, item: Instruction) -> None:
        for product in item.targets:
            self.prepare(gates.RESETS[item.name], (handle(item, product),))

    def measure_pair(self, item: Instruction) -> None:
        paulis, flip = gates.PAIRED[item.name], chance(item)
        for pair in pairs(item):
            a, b = (handle(item, product, invertible=True) for product in pair)
            if a == b:
                raise item.refuse("STIM-04", f"{a[1:]} stands twice in a pair")
            inverted = pair[0][0].inverted != pair[1][0].inverted
            self.circuit.add_measurement("core.mpauli", (a, b), {"paulis": paulis}, inverted, flip)

    def measure_product(self, item: Instruction) -> None:
        flip = chance(item)
        for product in item.targets:
            qubits, paulis, inverted = pauli_product(item, product)
            if qubits:
                self.circuit.add_measurement("core.mpauli", qubits, {"paulis": paulis}, inverted, flip)
            else:
                self.circuit.add_pad(int(inverted), flip)

    def root(self, item: Instruction) -> None:
        """SPP: the square root of a Pauli product, up to phase exp(-i pi/4 P)."""
        for product in item.targets:
            qubits, paulis, inverted = pauli_product(item, product)
            sign = -1 if inverted != (item.name == "SPP_DAG") else 1
            if qubits:
                self.circuit.add("core.paulirot", qubits, {"paulis": paulis, "theta": sign * gates.QUARTER})

    def pad(self, item: Instruction) -> None:
        for target, *more in item.targets:
            if more or target.kind or target.inverted or target.value > 1:
                raise item.refuse("STIM-04", "its targets are 0 and 1")
            self.circuit.add_pad(target.value, chance(item))

    # -- annotations -------------------------------------------------------------------------------------------------

    def detector(self, item: Instruction) -> None:
        bits = [self.recorded_bit(item, target) for product in item.targets for target in product]
        self.circuit.detectors.append(self.circuit.parity(bits, "d"))
        self.circuit.detector_coordinates.append(self.shift_coordinates(item.args))
        if len(self.circuit.detectors) > LIMITS.events // 4:
            raise item.refuse("STIM-08", f"more than {LIMITS.events // 4} detectors")

    def observable(self, item: Instruction) -> None:
        number = item.args[0]
        if number != int(number) or not 0 <= number < MAX_OBSERVABLE:
            raise item.refuse("STIM-03", f"the observable's number is a whole one below {MAX_OBSERVABLE}")
        bits = [self.recorded_bit(item, target) for product in item.targets for target in product]
        self.circuit.observables.setdefault(int(number), []).extend(bits)

    def shift_coordinates(self, args: tuple[float, ...]) -> list[float]:
        return [value + (self.shift[k] if k < len(self.shift) else 0.0) for k, value in enumerate(args)]

    def shift_by(self, item: Instruction) -> None:
        self.shift += [0.0] * (len(item.args) - len(self.shift))
        for k, value in enumerate(item.args):
            self.shift[k] += value

    def place(self, item: Instruction) -> None:
        for product in item.targets:
            self.coordinates[handle(item, product)] = self.shift_coordinates(item.args)

    def tick(self, item: Instruction) -> None:
        self.circuit.add("core.barrier", args={"tag": "TICK"})


_OTHERS: dict[str, Callable[[Reading, Instruction], None]] = {
    **dict.fromkeys(gates.MEASURED, Reading.measure),
    **dict.fromkeys(gates.RESETS, Reading.reset),
    **dict.fromkeys(gates.PAIRED, Reading.measure_pair),
    "MPP": Reading.measure_product,
    "SPP": Reading.root,
    "SPP_DAG": Reading.root,
    "MPAD": Reading.pad,
    "DETECTOR": Reading.detector,
    "OBSERVABLE_INCLUDE": Reading.observable,
    "QUBIT_COORDS": Reading.place,
    "SHIFT_COORDS": Reading.shift_by,
    "TICK": Reading.tick,
}


def _all(body: Body) -> Iterator[Instruction]:
    for item in body:
        if isinstance(item, Repeat):
            yield from _all(item.body)
        else:
            yield item


def _is_qubit(item: Instruction, target: Target) -> bool:
    return target.kind not in ("rec", "sweep") and item.name not in ("MPAD", "OBSERVABLE_INCLUDE", "DETECTOR")


def handle(item: Instruction, product: Product, invertible: bool = False) -> str:
    """The qubit of a target that is one."""
    target = product[0]
    if len(product) > 1 or target.kind or (target.inverted and not invertible):
        raise item.refuse("STIM-04", "its targets are qubits")
    return f"q{target.value}"


def pairs(item: Instruction) -> list[tuple[Product, Product]]:
    if len(item.targets) % 2:
        raise item.refuse("STIM-04", f"{len(item.targets)} targets are not pairs")
    return list(zip(item.targets[::2], item.targets[1::2], strict=True))


def chance(item: Instruction) -> float:
    p = item.args[0] if item.args else 0.0
    if not 0 <= p <= 1:
        raise item.refuse("STIM-03", f"{p:g} is not a probability")
    return p


def pauli_product(item: Instruction, product: Product) -> tuple[tuple[str, ...], str, bool]:
    """Qubits, their letters, and whether the product has the sign -1."""
    letters: dict[int, str] = {}
    quarters = 0  # powers of i
    for target in product:
        if target.kind not in ("X", "Y", "Z"):
            raise item.refuse("STIM-04", "its targets are products of Paulis such as X1*Z2")
        quarters += 2 * target.inverted
        before = letters.get(target.value, "I")
        if before in ("I", target.kind):
            letters[target.value] = target.kind if before == "I" else "I"
        else:
            letters[target.value] = PHASE[before + target.kind]
            quarters += 1 if before + target.kind in ("XY", "YZ", "ZX") else 3
    if quarters % 2:
        raise item.refuse("STIM-04", "the product of Paulis is not Hermitian")
    kept = {qubit: letter for qubit, letter in letters.items() if letter != "I"}
    return tuple(f"q{qubit}" for qubit in kept), "".join(kept.values()), quarters % 4 == 2


def read(source: Source) -> Graph:
    """The graph of a circuit. Raises INVALID_GRAPH with one finding that has the line."""
    return _flat(source) or interpret(source)


def _flat(source: Source) -> Graph | None:
    """Reads a flat circuit with the native core. None for what that declines: every other circuit, error or warning."""
    import qmk_native

    if source.params:
        return None
    try:
        return unpack(qmk_native.read_stim_graph(source.data))
    except qmk_native.Declined:
        return None


def interpret(source: Source) -> Graph:
    """The graph as ``read`` gives it, without the native core."""
    with report_refused(STIM_RULES, source):
        reading = Reading(parse(decode_text(source.data, "STIM-01")), _sweep(source.params or {}))
        metadata: dict[str, Any] = {"source": "stim"}
        if reading.coordinates:
            metadata["qubit_coordinates"] = reading.coordinates
        rows = [msgspec.structs.replace(row, file=source.name) for row in reading.warnings.values()]
        return reading.circuit.finish(reading.qubits, add_warnings(metadata, rows))


def _sweep(params: Any) -> list[int]:
    given = dict(params)
    found = given.pop("sweep", [])
    bits = cast("list[Any]", found) if isinstance(found, list) else []
    if given or not isinstance(found, list) or not all(isinstance(b, int) and b in (0, 1) for b in bits):
        raise Refused("STIM-09", "parameters other than sweep, a list of 0 and 1", line=1)
    return [int(bit) for bit in bits]
