"""QMK: an operating system for quantum programs.

``qmk.Circuit`` builds a program in Python, with a ``qmk.Parameter`` for what it leaves open. ``qmk.run`` runs a program
in this process, ``qmk.sample`` only counts its outcomes, ``qmk.rewrite`` shows what passes make of it;
``qmk.expectation``, ``state``, ``amplitudes``, ``probabilities`` and ``sweep`` give values of its state, ``gradient``,
``value_and_grad`` and ``metric_tensor`` their derivatives; ``qmk.estimate`` says what machine it needs;
``qmk.NoiseModel`` says what goes wrong in a run; ``qmk.on_device`` says what a device of neutral atoms makes of it, and
when; ``qmk.Counts`` are shots by outcome, a ``qmk.Batch`` has the results of several programs or points; ``qmk.Client``
and ``qmk.AsyncClient`` talk to a daemon. All are imported on first use, so that ``import qmk`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qmk.api.differentiating import Gradient, Objective, gradient, metric_tensor, value_and_grad
    from qmk.api.embedded import Embedded, run
    from qmk.api.estimating import Estimate, LogicalCounts, estimate
    from qmk.api.observing import (
        Expectation,
        Probabilities,
        amplitudes,
        expectation,
        probabilities,
        state,
    )
    from qmk.api.sampling import Sampled, sample
    from qmk.api.sweeping import Swept, sweep
    from qmk.base.errors import QmkError
    from qmk.circuit.circuit import Circuit
    from qmk.client.aio import AsyncClient
    from qmk.client.batch import Batch
    from qmk.client.counts import Counts
    from qmk.client.result import Result
    from qmk.client.sync import Client
    from qmk.ir.parameters import Parameter
    from qmk.models.noise import NoiseModel
    from qmk.request.devices import on_device
    from qmk.request.outputs import outputs
    from qmk.request.rewriting import rewrite
    from qmk.request.warn import ProgramWarning

__version__ = "0.2.0"

__all__ = [
    "AsyncClient",
    "Batch",
    "Circuit",
    "Client",
    "Counts",
    "Embedded",
    "Estimate",
    "Expectation",
    "Gradient",
    "LogicalCounts",
    "NoiseModel",
    "Objective",
    "Parameter",
    "Probabilities",
    "ProgramWarning",
    "QmkError",
    "Result",
    "Sampled",
    "Swept",
    "__version__",
    "amplitudes",
    "estimate",
    "expectation",
    "gradient",
    "metric_tensor",
    "on_device",
    "outputs",
    "probabilities",
    "rewrite",
    "run",
    "sample",
    "state",
    "sweep",
    "value_and_grad",
]

_HOMES = {
    "AsyncClient": "qmk.client.aio",
    "Batch": "qmk.client.batch",
    "Circuit": "qmk.circuit.circuit",
    "Client": "qmk.client.sync",
    "Counts": "qmk.client.counts",
    "Embedded": "qmk.api.embedded",
    "Estimate": "qmk.api.estimating",
    "Expectation": "qmk.api.observing",
    "Gradient": "qmk.api.differentiating",
    "LogicalCounts": "qmk.api.estimating",
    "NoiseModel": "qmk.models.noise",
    "Objective": "qmk.api.differentiating",
    "Parameter": "qmk.ir.parameters",
    "Probabilities": "qmk.api.observing",
    "ProgramWarning": "qmk.request.warn",
    "QmkError": "qmk.base.errors",
    "Result": "qmk.client.result",
    "Sampled": "qmk.api.sampling",
    "Swept": "qmk.api.sweeping",
    "amplitudes": "qmk.api.observing",
    "estimate": "qmk.api.estimating",
    "expectation": "qmk.api.observing",
    "gradient": "qmk.api.differentiating",
    "metric_tensor": "qmk.api.differentiating",
    "on_device": "qmk.request.devices",
    "outputs": "qmk.request.outputs",
    "probabilities": "qmk.api.observing",
    "rewrite": "qmk.request.rewriting",
    "run": "qmk.api.embedded",
    "sample": "qmk.api.sampling",
    "state": "qmk.api.observing",
    "sweep": "qmk.api.sweeping",
    "value_and_grad": "qmk.api.differentiating",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'qmk' has no attribute '{name}'")
    import importlib

    found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return found
