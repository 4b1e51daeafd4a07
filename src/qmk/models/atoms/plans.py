"""Several plans of a program's moves on a device, and the best of them."""

from __future__ import annotations

import math
from typing import NamedTuple

from qmk.models.atoms.on_device import OnDevice, timeline
from qmk.models.atoms.predicted import Prediction, predict
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.steps import DEFAULT, Style
from qmk.qvm.graph import Graph

STYLES = (DEFAULT, Style(haste=1e-3, patient=True), Style(haste=1e-5, patient=True))
"""Styles from which the best is taken; more than one is tried from level 2 on."""


class Plan(NamedTuple):
    made: OnDevice
    prediction: Prediction
    style: Style | None


def plan(graph: Graph, profile: Profile, configuration: str = "", style: Style | None = DEFAULT) -> Plan:
    """``graph`` on ``profile``, without its noise. Raises INVALID_GRAPH with all rules that it breaks."""
    made = timeline(graph, profile, configuration, style)
    return Plan(made, predict(made, profile), style)


def best_plan(graph: Graph, profile: Profile, configuration: str = "", level: int = 2, optimize: str = "gates") -> Plan:
    """The plan with the most faithful shots a second, predicted fidelity over time; for ``optimize`` "error" the most
    faithful one, for "depth" the fastest. ``level``: 0 sends atoms home after each gate, 1 makes one plan, 2 and 3 try
    several. Raises INVALID_GRAPH with all rules that the program breaks."""
    styles = ((None,), STYLES[:1], STYLES, STYLES)[level]
    hurry = {"error": 0.0, "depth": math.inf}.get(optimize, 1.0)

    def merit(each: Plan) -> tuple[float, float]:
        value, slow = each.prediction.log_fidelity, math.log(max(each.prediction.time_us, 1e-9))
        return (-slow, value) if hurry == math.inf else (value - hurry * slow, -slow)

    return max((plan(graph, profile, configuration, style) for style in styles), key=merit)
