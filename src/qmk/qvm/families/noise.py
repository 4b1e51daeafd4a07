"""Family ``noise``: error channels in a program, and wrong readings of measurements.

A channel is declared once, as ``Op.channel``: the Pauli products that it applies with their probabilities, or Kraus
operators. Everything that runs noise, and every test of it, reads it there. ``fault`` says why arguments make no
channel. Times are in seconds. ``noise.loss`` and ``noise.leak`` lose atoms and have no ``Op.channel``: what is left
behind is not a state of qubits (``families.atoms`` says what being lost means).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, Literal, cast

from qmk.qvm.graph import Node
from qmk.qvm.op import Args, Arity, Channel, Family, KrausChannel, Matrix, Op, Param, PauliChannel, exactly

PAIRS = tuple("".join(pair) for pair in itertools.product("IXYZ", repeat=2))[1:]
"""Pauli products on two qubits but the identity, in Stim's order IX, IY, .. ZZ"""

TOLERANCE = 1e-9
"""How far the sum of K^dagger K may be from the identity, and how far above 1 probabilities may add up."""

MAX_OPERATORS = 16


def _probability(name: str, doc: str, required: bool = False) -> Param:
    default = None if required else 0.0
    return Param(name, "float", doc, required=required, default=default, low=0.0, high=1.0)


def _time(name: str, doc: str, required: bool = False) -> Param:
    return Param(name, "float", doc, "s", required=required, low=0.0)


def _chance(args: Args, name: str) -> float:
    return float(args.get(name, 0.0))


def _pauli(args: Args, _n: int) -> Channel:
    x, y, z = (_chance(args, name) for name in ("px", "py", "pz"))
    return PauliChannel((max(0.0, 1 - (x + y + z)), x, y, z))


def _pauli2(args: Args, _n: int) -> Channel:
    chances = tuple(_chance(args, f"p{pair.lower()}") for pair in PAIRS)
    return PauliChannel((max(0.0, 1 - sum(chances)), *chances))


def _depolarize(args: Args, n: int) -> Channel:
    errors = 4**n - 1
    return PauliChannel((1 - float(args["p"]), *(float(args["p"]) / errors,) * errors))


def damping(gamma: float, coherence: float) -> Channel:
    """|1> decays with probability ``gamma``; the off-diagonal elements are multiplied by ``coherence``, at most
    sqrt(1 - gamma). Three operators: what stays, the decay, and pure dephasing of |1>."""
    rest = max(0.0, 1 - gamma - coherence * coherence)
    if gamma == 0.0:
        return PauliChannel(((1 + coherence) / 2, 0.0, 0.0, (1 - coherence) / 2))
    stays: Matrix = ((1, 0), (0, coherence))
    decays: Matrix = ((0, math.sqrt(gamma)), (0, 0))
    dephases: Matrix = ((0, 0), (0, math.sqrt(rest)))
    return KrausChannel((stays, decays, dephases) if rest > 1e-15 else (stays, decays))


def _amplitude(args: Args, _n: int) -> Channel:
    gamma = float(args["gamma"])
    return damping(gamma, math.sqrt(1 - gamma))


def _phase(args: Args, _n: int) -> Channel:
    return damping(0.0, math.sqrt(1 - float(args["lam"])))


def _thermal(args: Args, _n: int) -> Channel:
    """Nielsen and Chuang, section 8.3.5 and exercise 8.24: populations decay by exp(-t/T1), coherences by
    exp(-t/T2)."""
    duration, t1, t2 = float(args["duration"]), args.get("t1"), args.get("t2")
    gamma = 0.0 if t1 is None else -math.expm1(-duration / float(t1))
    if t2 is not None:
        return damping(gamma, math.exp(-duration / float(t2)))
    return damping(gamma, 1.0 if t1 is None else math.exp(-duration / (2 * float(t1))))


def matrices(operators: list[list[list[list[float]]]]) -> tuple[Matrix, ...]:
    """The argument of noise.kraus, entries [re, im], as matrices."""
    return tuple(tuple(tuple(complex(re, im) for re, im in row) for row in rows) for rows in operators)


def _kraus(args: Args, _n: int) -> Channel:
    return KrausChannel(matrices(args["operators"]))


def fault(name: str, args: Args, qubits: int) -> str:
    """Why sound single arguments make no channel of op ``name`` on ``qubits`` qubits together, or ""."""
    if name in ("noise.pauli", "noise.pauli2"):
        total = sum(float(value) for value in args.values())
        return f"its probabilities add up to {total:.9g}, more than 1" if total > 1 + TOLERANCE else ""
    if name == "noise.thermal":
        return _thermal_fault(args.get("t1"), args.get("t2"))
    return _kraus_fault(args["operators"], qubits) if name == "noise.kraus" else ""


def _thermal_fault(t1: float | None, t2: float | None) -> str:
    if (t1 is not None and t1 <= 0) or (t2 is not None and t2 <= 0):
        return "T1 and T2 are longer than 0 s; leave one out where there is no such decay"
    if t1 is not None and t2 is not None and t2 > 2 * t1 * (1 + TOLERANCE):
        return f"T2 is {t2:g} s, longer than twice T1 of {t1:g} s, which no physical process allows"
    return ""


def _kraus_fault(operators: Any, qubits: int) -> str:
    size = 1 << qubits
    found = cast("list[Any]", operators)
    if not 1 <= len(found) <= MAX_OPERATORS:
        return f"it has {len(found)} Kraus operators; a channel on one or two qubits has 1 to {MAX_OPERATORS}"
    if not all(_is_matrix(operator, size) for operator in found):
        return f"a Kraus operator on these qubits is {size} rows of {size} entries [re, im], all finite numbers"
    kept = matrices(found)
    for row, column in itertools.product(range(size), repeat=2):
        total = sum(m[k][row].conjugate() * m[k][column] for m in kept for k in range(size))
        if not abs(total - (row == column)) <= TOLERANCE:
            return (
                f"it does not preserve the trace: entry ({row}, {column}) of the sum of K^dagger K is "
                f"{total:.9g}, not {int(row == column)}"
            )
    return ""


def _is_matrix(value: Any, size: int) -> bool:
    return _is_list(value, size) and all(_is_list(row, size) and all(_is_entry(x) for x in row) for row in value)


def _is_entry(value: Any) -> bool:
    return _is_list(value, 2) and all(_is_number(part) for part in value)


def _is_list(value: Any, size: int) -> bool:
    return isinstance(value, list) and len(cast("list[Any]", value)) == size


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 2.0


Kind = Literal["none", "pauli", "kraus", "loss", "leak"]


def kind(op: Op, node: Node) -> Kind:
    """What an engine must be able to do for a noise node on qubits: none where it never errs. "leak" is loss whose
    chance depends on the state."""
    if op.channel is None:
        chances = {float(value) for value in node.args.values()}
        return "none" if chances == {0.0} else "loss" if len(chances) == 1 else "leak"
    channel = op.channel(node.args, len(node.vqs))
    if isinstance(channel, KrausChannel):
        return "kraus"
    return "pauli" if any(channel.chances[1:]) else "none"


Repeat = Callable[[Args, int], dict[str, float]]
REPEATED: dict[str, Repeat] = {}
"""By op, the arguments of one error that does what so many do. Errors without an entry cannot stand for waiting."""


def _repeat_chances(args: Args, times: int) -> dict[str, float]:
    """Each argument is the probability of an event: that of at least one of ``times`` events."""
    return {key: 1.0 if p >= 1 else -math.expm1(times * math.log1p(-p)) for key, p in args.items()}


def _op(short: str, doc: str, vqs: Arity, params: tuple[Param, ...], channel: Any, repeat: Repeat | None = None) -> Op:
    if repeat is not None:
        REPEATED[f"noise.{short}"] = repeat
    return Op(f"noise.{short}", doc, "noise", vqs=vqs, params=params, channel=channel)


def is_simple(op: Op) -> bool:
    """Whether a channel on one qubit takes numbers only, all required: noise models and their short forms know it by
    its declaration alone."""
    numbers = all(param.kind == "float" and param.required for param in op.params)
    return op.channel is not None and op.vqs == exactly(1) and numbers


ONE, TWO, EITHER = exactly(1), exactly(2), Arity(1, 2)

FAMILY = Family(
    "noise",
    1,
    "error channels on qubits, and wrong readings of measurements",
    (
        _op(
            "pauli",
            "an X, Y or Z with these probabilities",
            ONE,
            tuple(_probability(f"p{axis}", f"probability of {axis.upper()}") for axis in "xyz"),
            _pauli,
        ),
        _op(
            "pauli2",
            "a Pauli product on two qubits with these probabilities, first operand first",
            TWO,
            tuple(_probability(f"p{pair.lower()}", f"probability of {pair}") for pair in PAIRS),
            _pauli2,
        ),
        _op(
            "depolarize",
            "each Pauli product but the identity with probability p/3 on one qubit, p/15 on two",
            EITHER,
            (_probability("p", "probability of an error", required=True),),
            _depolarize,
        ),
        _op(
            "amplitude_damping",
            "decay of |1> to |0>",
            ONE,
            (_probability("gamma", "probability that |1> decays", required=True),),
            _amplitude,
            _repeat_chances,
        ),
        _op(
            "phase_damping",
            "loss of coherence: off-diagonal elements are multiplied by sqrt(1 - lam)",
            ONE,
            (_probability("lam", "probability that the environment learns the basis state", required=True),),
            _phase,
            _repeat_chances,
        ),
        _op(
            "thermal",
            "relaxation towards |0> with T1 and loss of coherence with T2, at most 2 T1, for a duration",
            ONE,
            (
                _time("t1", "decay time of |1>; no decay if absent"),
                _time("t2", "decay time of coherence; 2 T1 if absent"),
                _time("duration", "how long the qubit is exposed", required=True),
            ),
            _thermal,
        ),
        _op(
            "kraus",
            "any channel on one or two qubits, by its Kraus operators",
            EITHER,
            (Param("operators", "kraus", "matrices, each a list of rows of entries [re, im], first operand highest"),),
            _kraus,
        ),
        _op(
            "loss",
            "with probability p all these atoms are lost, together",
            Arity(1, None),
            (_probability("p", "probability of the loss", required=True),),
            None,
            _repeat_chances,
        ),
        _op(
            "leak",
            "the atom leaves the qubit's two levels, the environment knowing from which, and is as lost from then on",
            ONE,
            (
                _probability("p0", "probability of leaving |0>", required=True),
                _probability("p1", "probability of leaving |1>", required=True),
            ),
            None,
            _repeat_chances,
        ),
        Op(
            "noise.readout",
            "an event as it is read: a 0 reads as 1 with p01, a 1 reads as 0 with p10",
            "noise",
            inputs=ONE,
            produces=ONE,
            params=(
                _probability("p01", "probability that a 0 is read as 1"),
                _probability("p10", "probability that a 1 is read as 0"),
            ),
        ),
    ),
)
