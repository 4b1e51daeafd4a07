"""Graph to ``Program``: handles become indexes, ops become the gates an engine runs, guards become conditions.

``lower`` takes a verified graph. Every op that the engine lacks is rewritten by the lowerings its declaration gives,
by gate equivalences (equal up to a global phase, which no measurement sees) or, for ``core.mod``, by exact synthesis.
What cannot be rewritten is refused with UNSUPPORTED naming the node. Cost is linear in the number of nodes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.ir import channels
from qmk.ir import conditions as c
from qmk.ir.conditions import Expression
from qmk.ir.evolutions import is_noisy
from qmk.ir.labels import labels
from qmk.ir.light import lower_light
from qmk.ir.liveness import observable, without_idle_resets
from qmk.ir.loss import Losses, defer_logic, expand_loss_events
from qmk.ir.misread import place_readings
from qmk.ir.program import (
    Barrier,
    Cond,
    Fence,
    Gate,
    Instruction,
    KrausNoise,
    Logic,
    LossEvent,
    Measure,
    Misread,
    Noise,
    NoisyEvolution,
    PauliNoise,
    PauliNoise2,
    Program,
    Register,
    Reset,
)
from qmk.ir.resolver import NoLowering, Piece, Resolver
from qmk.qvm import link
from qmk.qvm.families import OPS, analog, noise
from qmk.qvm.graph import Graph, Guard, Node, Output
from qmk.qvm.op import KrausChannel, Op
from qmk.qvm.profile import parse as parse_profile


def lower(
    graph: Graph,
    gates: frozenset[str],
    *,
    clifford: bool = False,
    inline_logic: bool = False,
    digest: str = "",
    whole: bool = False,
    loss_events: bool = False,
) -> Program:
    """Lowers a verified ``graph`` to the native ``gates`` (short ``core`` names).

    ``clifford`` True: gates with angles are taken where the angle makes them Clifford and rewritten into Clifford
    gates. ``inline_logic`` True: event logic is substituted into the conditions that read it and otherwise moved to
    ``Program.post``. ``whole`` True: also what no classical bit can notice is kept, for those who look at the state.
    ``loss_events`` True: atom loss stays ``LossEvent``; else it becomes random bits of a qubit. Raises ``QmkError``
    UNSUPPORTED naming node and op.
    """
    program = _Lowering(graph, gates, clifford).program(digest, whole, loss_events)
    return without_logic(program) if inline_logic else program


class _Lowering:
    def __init__(self, graph: Graph, gates: frozenset[str], clifford: bool) -> None:
        self.graph = graph
        self.resolver = Resolver(gates, clifford)
        self.channels = channels.Channels(self.resolver)
        self.out: list[Instruction | Misread] = []
        self.qubit: dict[str, int] = {}
        self.free: list[int] = []
        self.width = 0
        self.cbits: dict[str, tuple[int, ...]] = {}
        self.never: set[str] = set()
        self.notes: dict[str, Any] = {}
        self.n_cbits = 0
        self.epoch = 0
        self.losses = Losses(self.out, self._new_cbit, self._new_qubit)
        for node in graph.nodes:
            for event in node.produces:
                wide = node.op == "core.mbell" and len(node.produces) == 1
                self.cbits[event] = tuple(range(self.n_cbits, self.n_cbits + 1 + wide))
                self.n_cbits += 1 + wide

    def program(self, digest: str, whole: bool, loss_events: bool) -> Program:
        self.losses.masked = not loss_events
        fixed, angled = self.resolver.direct()
        node = None
        out, qubit, condition = self.out.append, self.qubit, self._condition
        flags = self.losses.flags
        try:
            for node in self.graph.nodes:
                cond: Cond | None = None
                if node.guard is not None:
                    found = condition(node.guard)
                    if found is False and node.op != "core.fence":  # a fence is one whether its guard holds or not
                        self.never.update(node.produces)
                        continue
                    cond = None if isinstance(found, bool) else found
                if flags and len(node.vqs) > 1:
                    cond = self._if_there(node, cond)
                if (short := fixed.get(node.op)) is not None:
                    out(Gate(short, tuple([qubit[v] for v in node.vqs]), (), cond))
                elif (rule := angled.get(node.op)) is not None:
                    args = node.args
                    params = tuple([float(args[p]) for p in rule[1]])
                    out(Gate(rule[0], tuple([qubit[v] for v in node.vqs]), params, cond))
                else:
                    self._other(node, cond)
        except KeyError as missing:
            name = node.id if node else ""
            raise QmkError(
                "INVALID_GRAPH",
                f"node '{name}': {missing} is unknown or not allocated here; verify the graph before running it",
                node=name,
            ) from missing
        out, post, self.width, self.n_cbits = place_readings(self.out, self.width, self.n_cbits)
        if self.losses.used:
            out, masks = defer_logic(out)
            post = (*masks, *post)
            if not loss_events:
                out, post, self.width, self.n_cbits = expand_loss_events(out, post, self.width, self.n_cbits)
        out, width = self.channels.number_links(out, self.width)
        if self.channels.accounts:
            self.notes[channels.NOTE] = msgspec.to_builtins(self.channels.accounts)
        self.notes.update(labels(self.graph))
        return Program(
            n_qubits=width,
            n_cbits=self.n_cbits,
            instructions=tuple(without_idle_resets(out) if whole else observable(out)),
            registers=tuple(self._registers()),
            events=dict(self.cbits),
            digest=digest,
            post=post,
            notes=self.notes,
        )

    def _other(self, node: Node, cond: Cond | None) -> None:
        """Lowers everything that is not one native gate."""
        op = OPS.get(node.op)
        if op is None:
            raise self._refusal(node, "this release does not know the op")
        match op.op_class:
            case _ if op.family == "photonic":
                self.out.append(lower_light(node, self.resolver.gates, self.qubit, self.cbits, cond))
            case "measure" | "reset" if op.family == "atoms":
                self._atoms(node, cond)
            case "unitary" | "measure" | "reset" | "composite":
                self._composite(op, node, cond)
            case "evolution":
                self._evolution(op, node, cond)
            case "lifecycle":
                self._lifecycle(node, cond)
            case "feedforward":
                self._condpauli(node, cond)
            case "classical":
                self.out.append(Logic(int(node.args["table"]), self._bits(node), self.cbits[node.produces[0]][0], cond))
            case "fence":
                self.epoch += 1
                self.out.append(Fence(tuple(self.qubit[v] for v in node.vqs), self.epoch))
            case "hint":
                self.out.append(Barrier(tuple(self.qubit[v] for v in node.vqs)))
            case "metadata":
                self.notes.setdefault("policy", {}).update(node.args)
            case "channel":
                self._channel(op, node, cond)
            case "noise":
                self._noise(op, node, cond)

    def _noise(self, op: Op, node: Node, cond: Cond | None) -> None:
        qubits = tuple([self.qubit[v] for v in node.vqs])
        if qubits and op.channel is None:
            kind = noise.kind(op, node)
            if kind == "loss":
                self.losses.strike(qubits, max(float(p) for p in node.args.values()))
            elif kind == "leak":
                self.losses.leak(qubits[0], float(node.args["p0"]), float(node.args["p1"]))
            return
        if op.channel is None:
            p01, p10 = (float(node.args.get(name, 0.0)) for name in ("p01", "p10"))
            read, cbit = self._single(node.inputs[0], node), self.cbits[node.produces[0]][0]
            self.out.append(Misread(read, cbit, p01, p10, cond))
            if read in self.losses.shown:
                self.losses.shown[cbit] = self.losses.shown[read]
            return
        channel = op.channel(node.args, len(qubits))
        if isinstance(channel, KrausChannel):
            if len(qubits) > 1 and self.losses.any_flagged(qubits):
                raise self._refusal(node, "a channel that is not a Pauli channel, on atoms that may be lost")
            self.out.append(KrausNoise(qubits, channel.operators))
        elif any(errors := channel.chances[1:]):
            one = len(qubits) == 1
            self.out.append(PauliNoise(qubits[0], *errors) if one else PauliNoise2((qubits[0], qubits[1]), errors))

    def _channel(self, op: Op, node: Node, cond: Cond | None) -> None:
        if cond is not None:
            raise self._refusal(node, "a channel cannot depend on a measurement")
        if op.channel_effect == "open":
            a, b = node.vqs
            self.channels.open(node, self.qubit[a], self.qubit[b])
        elif op.channel_effect == "use":
            self.out.extend(self.channels.use(node, self.n_cbits))
            self.n_cbits += 2 * link.PAIRS[link.semantic(node)]
        else:
            self.channels.close(node)

    def _composite(self, op: Op, node: Node, cond: Cond | None) -> None:
        flat = [cbit for event in node.produces for cbit in self.cbits[event]]
        if op.op_class == "measure" and len(node.vqs) == 1 and self.losses.flags:
            qubit, cbit = self.qubit[node.vqs[0]], flat[0]
            flat = [self.losses.raw(qubit, cbit)]
            self._pieces(op, node, flat, self.losses.measuring(qubit, cond))
            self.losses.mask(qubit, flat[0], cbit, cond)
            return
        self._pieces(op, node, flat, cond)

    def _pieces(self, op: Op, node: Node, flat: list[int], cond: Cond | None) -> None:
        if op.name == "core.mpauli" and set(node.args["paulis"]) == {"I"}:
            self.out.append(Logic(0, (), flat[0], cond))  # the identity's eigenvalue is +1: the bit is 0
            return
        try:
            pieces = self.resolver.pieces(op.name, node.args, len(node.vqs))
        except NoLowering as stuck:
            raise self._refusal(node, str(stuck)) from stuck
        self._emit(pieces, tuple(self.qubit[v] for v in node.vqs), flat, cond)

    def _evolution(self, op: Op, node: Node, cond: Cond | None) -> None:
        qubits = tuple([self.qubit[v] for v in node.vqs])
        apart = analog.loses(op.name, node.args) or self.losses.any_flagged(qubits)
        if op.name not in self.resolver.gates:
            raise self._refusal(node, "this engine runs gates, not evolutions")
        if not (apart or is_noisy(op.name, node.args)):
            self.out.append(Gate(op.name, qubits, (), cond, node.args))
            return
        if cond is not None:
            raise self._refusal(node, "an evolution with noise, or of atoms that may be lost, stands under no guard")
        self.out.append(NoisyEvolution(op.name, qubits, node.args, self.losses.all_flagged(qubits if apart else ())))

    def _emit(self, pieces: Iterable[Piece], qubits: tuple[int, ...], flat: list[int], cond: Cond | None) -> None:
        for piece in pieces:
            operands = tuple([qubits[k] for k in piece.operands])
            if piece.kind == "gate":
                self.out.append(Gate(piece.name, operands, piece.params, cond, piece.args))
            elif piece.kind == "measure":
                self.out.append(Measure(operands[0], flat[piece.event], cond))
            else:
                self.out.append(Reset(operands[0], cond))

    def _lifecycle(self, node: Node, cond: Cond | None) -> None:
        if node.op == "core.free":
            if cond is None:  # guarded: the index stays taken, which no later node can tell apart
                for handle in node.vqs:
                    heapq.heappush(self.free, self.qubit.pop(handle))
            return
        if cond is not None:
            raise self._refusal(node, "allocation cannot depend on a measurement")
        for handle in node.vqs:
            self.losses.flags.pop(self.free[0] if self.free else -1, None)
            if self.free:
                index = heapq.heappop(self.free)
                self.out.append(Reset(index))
            else:
                index, self.width = self.width, self.width + 1
            self.qubit[handle] = index
        if profile := node.args.get("profile"):
            self.notes.setdefault("profiles", {})[profile] = parse_profile(profile).note or "run as ideal qubits"

    def _new_cbit(self) -> int:
        self.n_cbits += 1
        return self.n_cbits - 1

    def _new_qubit(self) -> int:
        self.width += 1
        return self.width - 1

    def _if_there(self, node: Node, cond: Cond | None) -> Cond | None:
        """``cond``, and none of the atoms of a gate is lost."""
        if OPS[node.op].op_class not in ("unitary", "composite", "feedforward", "measure"):
            return cond
        return self.losses.all_there([self.qubit[v] for v in node.vqs], cond)

    def _atoms(self, node: Node, cond: Cond | None) -> None:
        qubits = [self.qubit[v] for v in node.vqs]
        if node.op == "atoms.reload":
            for qubit in qubits:
                self.losses.reload(qubit, cond)
            return
        lost = self.cbits[node.produces[-1]][0]
        if node.op == "atoms.mz":
            bit = self.cbits[node.produces[0]][0]
            lost_as = node.args.get("lost_as", 0)
            raw = self.losses.raw(qubits[0], bit, lost_as)
            self.out.append(Measure(qubits[0], raw, self.losses.measuring(qubits[0], cond)))
            self.losses.mask(qubits[0], raw, bit, cond, lost_as)
            if "lost_as" not in node.args:
                self.losses.show(bit, lost, qubits[0])
        self.losses.check(qubits[0], lost, cond)

    def _condpauli(self, node: Node, cond: Cond | None) -> None:
        wanted = c.conj([c.parity([self._read(event, node) for event in node.inputs]), cond if cond else True])
        if wanted is False:
            return
        for handle, pauli in zip(node.vqs, node.args["paulis"], strict=True):
            if pauli != "I":
                pieces = self.resolver.pieces(f"core.{pauli.lower()}", {}, 1)
                self._emit(pieces, (self.qubit[handle],), [], None if wanted is True else wanted)

    def _bits(self, node: Node) -> tuple[int, ...]:
        return tuple(self._single(event, node) for event in node.inputs)

    def _single(self, event: str, node: Node) -> int:
        found = self.cbits[event]
        if len(found) != 1:
            raise self._refusal(
                node, f"event '{event}' holds two bits; measure the Bell pair into two events to use one of them here"
            )
        return found[0]

    def _read(self, event: str, node: Node) -> Expression:
        return False if event not in self.cbits or event in self.never else c.bit(self._single(event, node))

    def _condition(self, guard: Guard) -> Expression:
        """A guard as an expression; an event that nothing writes reads 0."""
        if guard.type != "eq":
            parts = [self._condition(part) for part in guard.conditions]
            return c.conj(parts) if guard.type == "and" else c.disj(parts)
        found = self.cbits.get(guard.event)
        if found is None or guard.event in self.never:
            return guard.value == 0
        if not 0 <= guard.value < 1 << len(found):
            return False
        if len(found) == 1:
            return ("bit", found[0]) if guard.value else ("not", ("bit", found[0]))
        values = (guard.value >> 1, guard.value & 1)
        return c.conj([c.bit(b) if value else c.negate(c.bit(b)) for b, value in zip(found, values, strict=True)])

    def _registers(self) -> Iterable[Register]:
        for output in outputs_of(self.graph, self.cbits):
            bits = [index for name in output.bits for index in (self.cbits.get(name, (-1,)) if name else (-1,))]
            lost = tuple(self.losses.shown.get(cbit, -1) for cbit in bits)
            yield Register(output.name, tuple(bits), output.descending, lost if max(lost, default=-1) >= 0 else ())

    def _refusal(self, node: Node, why: str) -> QmkError:
        return QmkError("UNSUPPORTED", f"node '{node.id}' ({node.op}): {why}", node=node.id, op=node.op)


def outputs_of(graph: Graph, produced: Iterable[str]) -> tuple[Output, ...]:
    """The registers that the result of ``graph`` prints: its own, or one unnamed register of all produced events."""
    if graph.outputs is not None:
        return graph.outputs
    written = set(produced)
    declared = set(graph.events)
    names = [event for event in graph.events if event in written]
    return (Output("", (*names, *(event for event in produced if event not in declared))),)


def without_logic(program: Program) -> Program:
    """Substitutes event logic into conditions, and computes it after the run (``post``)."""
    meaning: dict[int, Expression] = {}
    kept: list[Instruction] = []
    post: list[Logic | Misread] = []
    for item in program.instructions:
        if isinstance(item, Barrier | Noise | LossEvent):
            kept.append(item)
            continue
        cond: Expression = True if item.cond is None else item.cond
        if meaning and not isinstance(cond, bool):
            cond = c.limit_terms(c.substitute(cond, meaning), "a condition")
        if isinstance(item, Logic):
            value = c.truth_table(item.table, [meaning.get(k, c.bit(k)) for k in item.inputs])
            meaning[item.cbit] = c.limit_terms(c.conj((cond, value)), f"the logic of cbit {item.cbit}")
            post.append(item)
        elif cond is not False:
            kept.append(_with_cond(item, None if cond is True else cond))
    return Program(
        program.n_qubits,
        program.n_cbits,
        tuple(kept),
        program.registers,
        program.events,
        program.digest,
        (*post, *program.post),  # nothing that was left to the end before is read by what is now
        program.notes,
    )


def _with_cond(item: Gate | Measure | Reset, cond: Cond | None) -> Instruction:
    return item if item.cond == cond else replace(item, cond=cond)
