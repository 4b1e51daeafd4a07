"""A machine of logical qubits: a program as it runs on patches of a code, its errors written into the graph.

``Machine.parse("surface(d=9)")``. Errors are ops of family ``noise``, so that the digest, the verifier, replays, the
router and every engine see them; which engine runs the program is the router's choice as everywhere.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.models.noise import NoiseLike, NoiseModel, resolve
from qmk.models.qec import codes
from qmk.models.qec.code import Code
from qmk.models.qec.logical import costs
from qmk.models.qec.logical.patches import Used, write_patches
from qmk.models.qec.logical.states import CULTIVATED, States, factory_of, states
from qmk.models.qec.tables import Channels, Table, channels, default, redrawn
from qmk.models.qec.tables.angles import probability
from qmk.qvm.graph import Graph

T_STATES = ("distilled", "injected", *CULTIVATED)
DRAWS = 200
"""How many tables are drawn for an error bar."""
MAX_CHARS = 200
"""The longest text that describes a machine, in characters."""
CONFIDENCE = (2.5, 97.5)
_OPTION = re.compile(r",\s*(t|factories|reaction)\s*=\s*(\w+)\s*")
_FORM = re.compile(
    r"\s*([^()]*?(?:\([^()]*\))?)\s*((?:,\s*(?:t\s*=\s*[a-z]+\d?|(?:factories|reaction)\s*=\s*\d{1,5})\s*)*)"
)


@dataclass(frozen=True)
class Machine:
    """``t``: what a T gate consumes, "distilled" once by 15-to-1, cultivated ("cultivated3", "cultivated5"), or as
    "injected". ``factories``: how many make them, 0 where states are always there. ``reaction``: rounds until an
    outcome is decoded, for which the S after a T waits, and every gate under a condition that is not a Pauli."""

    code: Code
    t: str = "distilled"
    decoder: str = "matching"
    factories: int = 0
    reaction: int = 0

    def __post_init__(self) -> None:
        fine = self.t in T_STATES and min(self.factories, self.reaction) >= 0
        if not fine or (self.t == "injected" and self.factories):
            raise QmkError(
                "INVALID_PARAMS",
                f"a machine of t={self.t}, factories={self.factories}, reaction={self.reaction}",
                field="qec",
                help=f"t is {' or '.join(T_STATES)}, factories (of states that are not injected) and reaction are 0 or "
                "more",
            )

    @classmethod
    def parse(cls, text: str) -> Machine:
        """``surface(d=9)``, ``surface(d=9),t=injected``. Raises INVALID_PARAMS saying what can be written."""
        match = _FORM.fullmatch(text) if len(text) <= MAX_CHARS else None
        options = dict(_OPTION.findall(match[2])) if match else {}
        t = options.get("t", T_STATES[0])
        fine = match is not None and t in T_STATES and len(_OPTION.findall(match[2])) == len(options)
        if match is None or not fine or (t == "injected" and "factories" in options):
            raise QmkError(
                "INVALID_PARAMS",
                f"'{text[:60]}' is not a machine of logical qubits",
                field="qec",
                help=f"write a code, such as surface(d=9), and perhaps t={' or t='.join(T_STATES)}, factories=4 (of "
                "states that are not injected), reaction=10 (rounds), each after a comma",
            )
        factories, reaction = (int(options.get(name, 0)) for name in ("factories", "reaction"))
        return cls(codes.parse(match[1]), t, factories=factories, reaction=reaction)

    @property
    def spec(self) -> str:
        found = f"{self.code.spec},t={self.t}"
        found += f",factories={self.factories}" if self.factories else ""
        return found + (f",reaction={self.reaction}" if self.reaction else "")

    @property
    def reaction_cycles(self) -> int:
        return math.ceil(self.reaction / self.code.distance)

    def states(self, rates: Channels, model: NoiseModel) -> States | None:
        """Its T states under this noise; None where the table does not know them. Raises as ``states.factory_of``."""
        return states(rates, self.code.distance, factory_of(self.t, model), self.factories, self.reaction)


@dataclass(frozen=True)
class Report:
    """What a run on logical qubits says of itself."""

    tier: str
    code: str
    t_states: str
    noise: str
    noise_hash: str
    decoder: str
    table: str
    source: str
    logical_error_per_shot: float
    interval_per_shot: tuple[float, float]
    interval_draws: int
    interval_draws_left_out: int
    logical_error_per_patch_cycle: float
    cycles: int
    rounds: int
    patches: int
    tiles: int
    physical_qubits: int
    epochs: int
    longest_epoch_cycles: int
    t_gates: int
    t_error_per_gate: float
    factories: int
    factory_qubits: int
    t_attempts: int
    stalled_cycles: int
    factories_to_keep_up: int
    t_limit_per_cycle: float
    stages: int = 1

    def _time(self) -> str:
        if self.stages > 1:
            return f"{self.cycles} cycles, {self.rounds} rounds"
        return f"{self.cycles} cycles of {self.rounds // max(1, self.cycles)} rounds"

    def _interval_text(self) -> str:
        """What the interval holds. What a formula charges without rows of its own, as for H and S, is in none."""
        return "counting alone" if self.source.endswith("counted") else "counting and scaling"

    def lines(self) -> list[str]:
        """For people."""
        low, high = self.interval_per_shot
        left_out = self.interval_draws_left_out
        found = [
            f"tier logical: {self.code}, {self.decoder}, noise {self.noise} [{self.noise_hash[:12]}]",
            f"table {self.table}, {self.source}",
            f"a logical error in {self.logical_error_per_shot:.3g} of the shots ({low:.2g} to {high:.2g} with 95 %, "
            f"{self._interval_text()}), "
            f"{self.logical_error_per_patch_cycle:.2g} per patch and cycle"
            + (f"; {left_out} of {self.interval_draws} draws say nothing" if left_out else ""),
            f"{self._time()}, {self.physical_qubits} physical "
            f"qubits in {self.tiles} tiles"
            + (f" and {_factories(self.factories)}" if self.factories else ", without factories"),
        ]
        if self.t_gates:
            found.append(f"{self.t_gates} T of {self.t_states} states, each wrong with {self.t_error_per_gate:.2g}")
        if self.t_gates and self.factories:
            found.append(f"T gates wait {self.stalled_cycles} cycles for states of {self.t_attempts} attempts")
        elif self.t_gates and self.factories_to_keep_up:
            found.append(f"T states are always there, as of {_factories(self.factories_to_keep_up)} in the mean")
        return found


def _factories(count: int) -> str:
    return f"{count} factor{'y' if count == 1 else 'ies'}"


def on_machine(qec: Machine | str, noise: NoiseLike, graph: Graph, table: Table | None = None) -> tuple[Graph, Report]:
    """``graph`` in the gates of the machine and with its errors, and the report of it.

    Raises what ``lower_on_machine`` does.
    """
    made, report, _ = lower_on_machine(qec, noise, graph, table)
    return made, report


def lower_on_machine(
    qec: Machine | str,
    noise: NoiseLike,
    graph: Graph,
    table: Table | None = None,
    after: int = 0,
    was: int | None = None,
) -> tuple[Graph, Report, Used]:
    """As ``on_machine``, with what the program uses; ``after`` as for ``patches.written``, ``was``: the distance there.

    Raises UNSUPPORTED for rotations that are not multiples of pi/4, a code that holds no single logical qubit, and
    whatever the table does not carry (``tables.channels``).
    """
    machine = Machine.parse(qec) if isinstance(qec, str) else qec
    if machine.code.k != 1:
        raise QmkError(
            "UNSUPPORTED",
            f"{machine.code.spec} holds {machine.code.k} logical qubits in a block",
            field="qec",
            help="programs run on codes of one logical qubit a block, such as surface(d=9) or bacon_shor(d=5)",
        )
    model = resolve(noise)
    known = table if table is not None else default()
    family, d = machine.code.family, machine.code.distance
    rates = channels(known, family, d, model, machine.decoder)
    states = machine.states(rates, model)
    change = None
    if was not in (None, d):
        change = costs.change(rates if d < was else channels(known, family, was, model, machine.decoder))
    made, used = write_patches(graph, rates, states, machine.spec, model, machine.reaction_cycles, after, change)
    if states is None and (used.t_gates or machine.factories):
        who = "T gates" if used.t_gates else "factories"
        raise QmkError(
            "UNSUPPORTED",
            f"the table has no rows of injected states of {machine.code.spec}, which {who} need",
            field="qec",
            help="use a surface code for programs with T, and no factories without",
        )
    report = _report(machine, model, known, rates, used)
    label = {**made.metadata["qec"], "lines": report.lines(), "report": as_dict(report)}
    return msgspec.structs.replace(made, metadata={**made.metadata, "qec": label}), report, used


def _report(machine: Machine, model: NoiseModel, known: Table, rates: Channels, used: Used) -> Report:
    states = machine.states(rates, model)
    t_error = 0.0 if states is None else states.error
    tiles = tiles_of(used.patches)
    factory_qubits = 0 if states is None else states.factory_qubits
    keep_up = states.keeping_up(used.t_gates, used.cycles) if states is not None and used.t_gates else 0
    interval, left_out = _interval(machine, model, known, rates, used)
    return Report(
        tier="logical",
        code=machine.code.spec,
        t_states=machine.t,
        noise=_printable(model.name),
        noise_hash=model.hash,
        decoder=machine.decoder,
        table=known.label,
        source=rates.source,
        logical_error_per_shot=-math.expm1(-used.total(rates, t_error)),
        interval_per_shot=interval,
        interval_draws=DRAWS,
        interval_draws_left_out=left_out,
        logical_error_per_patch_cycle=probability(rates.cycle["X"] + rates.cycle["Z"]),
        cycles=used.cycles,
        rounds=used.cycles * machine.code.distance,
        patches=used.patches,
        tiles=tiles,
        physical_qubits=tiles * machine.code.physical_qubits + factory_qubits,
        epochs=len(used.fences) + 1,
        longest_epoch_cycles=max(used.epoch_cycles),
        t_gates=used.t_gates,
        t_error_per_gate=t_error,
        factories=machine.factories,
        factory_qubits=factory_qubits,
        t_attempts=used.attempts,
        stalled_cycles=used.stalled,
        factories_to_keep_up=keep_up,
        t_limit_per_cycle=0.0 if states is None else states.rate_limit_per_cycle,
    )


def tiles_of(patches: int) -> int:
    """Tiles of so many patches, with those of the routing (Beverland et al., arXiv:2211.07629, (D1))."""
    return 2 * patches + math.ceil(math.sqrt(8 * patches)) + 1


def _printable(name: str) -> str:
    """What fits into a line of the report: one that does not would take the report with it (``ir.labels``)."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[: LIMITS.name_chars])


def _interval(
    machine: Machine, model: NoiseModel, known: Table, rates: Channels, used: Used
) -> tuple[tuple[float, float], int]:
    """Of the table's counts and, beyond them, of the model: from channels that are drawn as these might have been; and
    how many draws make no channels. Such a draw says that the counts bound nothing, and stands for certain failure."""
    rows = known.of(model, machine.code.family, machine.decoder)
    dice = np.random.default_rng(0)
    totals: list[float] = []
    left_out = 0
    for _ in range(DRAWS):
        try:
            made = redrawn(rows, rates, dice)
            states = machine.states(made, model)
            t_error = 0.0 if states is None else states.error
            totals.append(-math.expm1(-used.total(made, t_error)))
        except QmkError:
            left_out += 1
            totals.append(1.0)
    low, high = np.percentile(totals, CONFIDENCE)
    return (float(low), float(high)), left_out


def as_dict(report: Report) -> dict[str, Any]:
    """JSON-compatible data."""
    return {**vars(report), "interval_per_shot": list(report.interval_per_shot)}
