"""Front-end ``neutral-atom-vm``: jobs of lupalberto/neutral-atom-vm, versions 1.0 and 1.1, run as they are documented.

What it pins. Lengths: one unit is 1 um. Times: ns there, us here; a measured atom cools down, and waits are written
out. Rates are per second. Angles are radians. Bits: a register for each Measure, its first target leftmost. A lost
atom: where noise loses atoms, measurements are ``atoms.mz``, the bit is 0 and the register ``lost`` says so; gates with
a lost atom do not happen. ``p_loss`` is the chance that an atom is not there when it is loaded.

What differs from the origin, which is wrong there: idle rates are not multiplied by 1e9, gates on lost atoms are
dropped, moves move (to the site at that x, or a new one), a second AllocArray adds qubits, two atoms at one place and
shots below 1 are refused, and so are 64 qubits or more on a state vector, which crash it.
"""

from __future__ import annotations

from typing import Any

from qmk.base.limits import LIMITS
from qmk.frontends.neutral_atom_vm import machine
from qmk.frontends.neutral_atom_vm.job import (
    DECODER,
    AllocArray,
    ApplyGate,
    Job,
    Measure,
    MoveAtom,
    Version,
    Wait,
)
from qmk.frontends.neutral_atom_vm.rules import NAVM_RULES
from qmk.models.atoms.on_device import on_device
from qmk.models.atoms.profile import Profile
from qmk.qvm.graph import Graph, Node, Output
from qmk.sdk.frontend import Frontend, Source, decode_json, json_object, refuse, report_refused

__all__ = ["FRONTEND", "NAVM_RULES"]

STATE_VECTOR_QUBITS = 64
TURNS = ("rx", "ry", "rz")
OPCODES = (b'"AllocArray"', b'"ApplyGate"')


def recognise(data: bytes) -> int:
    """A JSON object with a program of its instructions."""
    head = json_object(data)
    named = any(code in head[:65536] for code in OPCODES)
    return 100 if named else 50 if b'"hardware"' in head[:4096] and b'"job_id"' in head[:4096] else 0


class Reading:
    """The instructions of one job as nodes."""

    def __init__(self, made: Profile) -> None:
        self.profile = made
        self.lossy = machine.loses(made)
        self.nodes: list[Node] = []
        self.atoms: list[str] = []
        self.events: list[str] = []
        self.outputs: list[Output] = []
        self.lost: list[str] = []

    def add(self, op: str, vqs: tuple[str, ...], args: dict[str, Any] | None = None, **more: Any) -> None:
        self.nodes.append(Node(f"n{len(self.nodes)}", op, args or {}, vqs, **more))

    def targets(self, what: str, found: list[int]) -> tuple[str, ...]:
        strange = next((k for k in found if not 0 <= k < len(self.atoms)), None)
        if strange is not None:
            refuse("NAVM-05", f"{what}: there is no qubit {strange} of {len(self.atoms)}")
        if len(set(found)) < len(found) or not found:
            refuse("NAVM-05", f"{what}: no targets, or one twice")
        return tuple(self.atoms[k] for k in found)

    def program(self, job: Job) -> None:
        most = LIMITS.qubits if job.device_id == "stabilizer" else STATE_VECTOR_QUBITS - 1
        for item in job.program:
            if isinstance(item, AllocArray):
                self.allocate(item.n_qubits, most)
            elif isinstance(item, ApplyGate):
                self.gate(item)
            elif isinstance(item, Measure):
                self.measure(item)
            elif isinstance(item, MoveAtom):
                (atom,) = self.targets("MoveAtom", [item.atom])
                to = [list(machine.target(self.profile, item.position))]
                self.add("atoms.move", (atom,), {"to": to, "duration": 0.0})
            elif isinstance(item, Wait):
                if not 0 <= item.duration <= 1e15:
                    refuse("NAVM-01", f"a Wait of {item.duration:g} ns")
                if self.atoms:
                    self.add("atoms.wait", tuple(self.atoms), {"duration": item.duration * machine.US})
            else:
                refuse("NAVM-07", f"Pulse on {item.target}")

    def allocate(self, count: int, most: int) -> None:
        if count < 1 or len(self.atoms) + count > most:
            refuse("NAVM-04", f"AllocArray of {count} after {len(self.atoms)}; {most} is the most")
        fresh = tuple(f"a{len(self.atoms) + k}" for k in range(count))
        self.atoms += fresh
        self.add("core.alloc", fresh, {"n": count}, caps=("CAP_ALLOC",))

    def gate(self, item: ApplyGate) -> None:
        name = machine.GATES.get(item.name.upper())
        vqs = self.targets(item.name[:20], item.targets)
        if name is None or len(vqs) != (2 if name.startswith("c") else 1):
            refuse("NAVM-06", f"{item.name[:40]!r} on {len(vqs)} targets")
        if name not in TURNS and item.param:
            refuse("NAVM-06", f"{item.name} takes no param, but has {item.param:g}")
        self.add(f"core.{name}", vqs, {"theta": item.param} if name in TURNS else None)

    def measure(self, item: Measure) -> None:
        bits: list[str] = []
        for vq in self.targets("Measure", item.targets):
            bit, lost = f"m{len(self.events)}", f"lost{len(self.events)}"
            bits.append(bit)
            if self.lossy:
                self.add("atoms.mz", (vq,), produces=(bit, lost))
                self.lost.append(lost)
                self.events += (bit, lost)
            else:
                self.add("core.mz", (vq,), produces=(bit,))
                self.events.append(bit)
        self.outputs.append(Output(f"measure{len(self.outputs)}", tuple(bits)))

    def graph(self, job: Job) -> Graph:
        if not self.atoms:
            refuse("NAVM-04", "the program allocates no qubits")
        self.add("core.free", tuple(self.atoms))
        if self.lost:
            self.outputs.append(Output("lost", tuple(self.lost)))
        families = {node.op.partition(".")[0] for node in self.nodes}
        about = {"job_id": job.job_id, "device_id": job.device_id, "metadata": job.metadata}
        return Graph(
            nodes=tuple(self.nodes),
            vqs=tuple(self.atoms),
            events=tuple(self.events),
            caps=("CAP_ALLOC",),
            families=tuple(sorted(families)),
            outputs=tuple(self.outputs),
            shots=job.shots,
            metadata={"source": "neutral-atom-vm", "job": about},
        )


def _job(source: Source) -> Job:
    if source.params:
        refuse("NAVM-11", f"parameters {', '.join(source.params)}"[:200])
    job = decode_json(source.data, DECODER, "NAVM-01", "a job")
    version = job.isa_version
    if (f"{version.major}.{version.minor}" if isinstance(version, Version) else version) not in ("1.0", "1.1"):
        refuse("NAVM-02", f"isa_version is {str(version)[:40]}")
    if not 1 <= job.shots <= LIMITS.shots:
        refuse("NAVM-03", f"{job.shots} shots")
    if job.stim_circuit:
        refuse("NAVM-10", f"stim_circuit of {len(job.stim_circuit)} characters")
    return job


def parse(source: Source) -> Graph:
    """The job's program on its machine: checked, with its waits, moves and noise. Raises INVALID_GRAPH with a finding
    of this reader, or every rule of the machine that the program breaks."""
    with report_refused(NAVM_RULES, source):
        job = _job(source)
        made = machine.device_of(job)
        reading = Reading(made)
        reading.program(job)
        graph = reading.graph(job)
        configuration = job.metadata.get("configuration_family", "") if job.hardware is None else ""
        return on_device(graph, made, configuration).graph


FRONTEND = Frontend(
    "neutral-atom-vm", "Jobs of lupalberto/neutral-atom-vm for neutral atoms", (".job.json",), recognise, parse
)
