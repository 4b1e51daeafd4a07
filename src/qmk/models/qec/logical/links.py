"""Links between modules: entangled pairs, how they are purified, and the gates that take one each.

Pairs are of logical qubits. A link gives one every ``period_rounds``, in a Werner state of some fidelity; two of them
make a better one, if it passes (Bennett, Brassard, Popescu, Schumacher, Smolin, Wootters, Phys. Rev. Lett. 76, 722
(1996), equation 7), and two of those a still better one: ``levels``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from qmk.base.errors import QmkError
from qmk.models.qec.magic import Plant, Supply

MAX_LEVELS = 6
SEED = 0


@dataclass(frozen=True)
class Link:
    """``period_rounds``: rounds of syndrome extraction from one raw pair to the next; ``fidelity``: of a raw pair."""

    period_rounds: float
    fidelity: float

    def __post_init__(self) -> None:
        if not (0 < self.period_rounds < math.inf and 0.5 < self.fidelity <= 1):
            raise QmkError(
                "INVALID_PARAMS",
                f"a link with a pair of fidelity {self.fidelity:g} every {self.period_rounds:g} rounds",
                field="link",
                help="give a fidelity above 0.5, below which nothing is purified, and rounds above 0",
            )


@dataclass(frozen=True)
class Purified:
    """``pairs``: raw pairs that one takes, in the mean; ``passes``: the chance of the last step."""

    fidelity: float
    pairs: float
    passes: float


def purify(fidelity: float, levels: int) -> Purified:
    """A pair after so many steps, from pairs of this fidelity."""
    made = Purified(fidelity, 1.0, 1.0)
    for _ in range(levels):
        f, wrong = made.fidelity, (1 - made.fidelity) / 3
        passes = f * f + 2 * f * wrong + 5 * wrong * wrong
        made = Purified((f * f + wrong * wrong) / passes, 2 * made.pairs / passes, passes)
    return made


def levels_for(fidelity: float, asked: float) -> int:
    """The fewest steps that reach the asked fidelity. Raises UNSUPPORTED where ``MAX_LEVELS`` do not."""
    for levels in range(MAX_LEVELS + 1):
        if purify(fidelity, levels).fidelity >= asked:
            return levels
    raise QmkError(
        "UNSUPPORTED",
        f"pairs of fidelity {fidelity:g} do not reach {asked:g} in {MAX_LEVELS} steps of purification",
        field="fidelity",
        help="ask for less, or take a better link",
    )


@dataclass(frozen=True)
class Links:
    """The modules that patches are cut over. ``places``: the module of each qubit. ``step_error``: flips of the gates
    of a step of purification. ``shared``: whether a pair serves all the gates that it can (``cuts``)."""

    places: Mapping[str, str] = field(hash=False)
    link: Link
    levels: int
    d: int
    step_error: float = 0.0
    seed: int = SEED
    shared: bool = False

    def parts(self, qubits: tuple[str, ...]) -> bool:
        """Whether a gate on these goes over the link."""
        return len({self.places.get(qubit) for qubit in qubits}) > 1

    @property
    def pair_error(self) -> float:
        return 1 - purify(self.link.fidelity, self.levels).fidelity + self.levels * self.step_error

    def supply(self) -> Supply:
        """Purified pairs, in rounds: as many as raw ones allow in the mean; a last step that fails takes as long."""
        made = purify(self.link.fidelity, self.levels)
        period = made.pairs * made.passes * self.link.period_rounds
        return Supply(Plant(1, period, 1 - made.passes), self.seed)
