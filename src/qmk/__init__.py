"""QMK: an operating system for quantum programs.

``qmk.Circuit`` builds a program in Python, with a ``qmk.Parameter`` for what it leaves open, ``qmk.Program`` one that
also has channels, atoms and the rest of the bytecode. ``qmk.run`` runs a program in this process, ``qmk.sample`` only
counts its outcomes, ``qmk.run_script`` runs Python of a user in a sandbox, ``qmk.rewrite`` shows what passes make of
it, ``qmk.compile`` writes it in the gates of a target, ``qmk.draw`` draws it; ``qmk.expectation``, ``state``,
``amplitudes``, ``probabilities`` and ``sweep`` give values of its state, of a ``qmk.Observable`` for one; ``gradient``,
``value_and_grad`` and ``metric_tensor`` their derivatives; ``qmk.estimate`` says what machine it needs;
``qmk.NoiseModel`` says what goes wrong in a run; ``qmk.on_device`` says what a device of neutral atoms makes of it, and
when; ``qmk.Counts`` are shots by outcome, ``qmk.plot`` draws them and more; a ``qmk.Batch`` has the results of several
programs or points; ``qmk.Client`` and ``qmk.AsyncClient`` talk to a daemon. All are imported on first use, so that
``import qmk`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qmk import plot
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
    from qmk.api.scripting import ScriptResult, run_script, submit_script
    from qmk.api.sweeping import Swept, sweep
    from qmk.base.errors import QmkError
    from qmk.circuit.circuit import Circuit
    from qmk.circuit.program import Program
    from qmk.circuit.values import Drive
    from qmk.client.aio import AsyncClient
    from qmk.client.batch import Batch
    from qmk.client.counts import Counts
    from qmk.client.result import Result
    from qmk.client.sync import Client
    from qmk.client.trajectory import Trajectory
    from qmk.ir.parameters import Parameter
    from qmk.models.noise import NoiseModel
    from qmk.request.compiling import Compiled, compile
    from qmk.request.devices import on_device
    from qmk.request.outputs import outputs
    from qmk.request.pauli_sum import Observable, X, Y, Z
    from qmk.request.pictures import draw
    from qmk.request.rewriting import rewrite
    from qmk.request.warn import ProgramWarning

__version__ = "0.2.0"

__all__ = [
    "AsyncClient",
    "Batch",
    "Circuit",
    "Client",
    "Compiled",
    "Counts",
    "Drive",
    "Embedded",
    "Estimate",
    "Expectation",
    "Gradient",
    "LogicalCounts",
    "NoiseModel",
    "Objective",
    "Observable",
    "Parameter",
    "Probabilities",
    "Program",
    "ProgramWarning",
    "QmkError",
    "Result",
    "Sampled",
    "ScriptResult",
    "Swept",
    "Trajectory",
    "X",
    "Y",
    "Z",
    "__version__",
    "amplitudes",
    "compile",
    "draw",
    "estimate",
    "expectation",
    "gradient",
    "metric_tensor",
    "on_device",
    "outputs",
    "plot",
    "probabilities",
    "rewrite",
    "run",
    "run_script",
    "sample",
    "state",
    "submit_script",
    "sweep",
    "value_and_grad",
]

_HOMES = {
    "AsyncClient": "qmk.client.aio",
    "Batch": "qmk.client.batch",
    "Circuit": "qmk.circuit.circuit",
    "Client": "qmk.client.sync",
    "Compiled": "qmk.request.compiling",
    "Counts": "qmk.client.counts",
    "Drive": "qmk.circuit.values",
    "Embedded": "qmk.api.embedded",
    "Estimate": "qmk.api.estimating",
    "Expectation": "qmk.api.observing",
    "Gradient": "qmk.api.differentiating",
    "LogicalCounts": "qmk.api.estimating",
    "NoiseModel": "qmk.models.noise",
    "Objective": "qmk.api.differentiating",
    "Observable": "qmk.request.pauli_sum",
    "Parameter": "qmk.ir.parameters",
    "Probabilities": "qmk.api.observing",
    "Program": "qmk.circuit.program",
    "ProgramWarning": "qmk.request.warn",
    "QmkError": "qmk.base.errors",
    "Result": "qmk.client.result",
    "Sampled": "qmk.api.sampling",
    "ScriptResult": "qmk.api.scripting",
    "Swept": "qmk.api.sweeping",
    "Trajectory": "qmk.client.trajectory",
    "X": "qmk.request.pauli_sum",
    "Y": "qmk.request.pauli_sum",
    "Z": "qmk.request.pauli_sum",
    "amplitudes": "qmk.api.observing",
    "compile": "qmk.request.compiling",
    "draw": "qmk.request.pictures",
    "estimate": "qmk.api.estimating",
    "expectation": "qmk.api.observing",
    "gradient": "qmk.api.differentiating",
    "metric_tensor": "qmk.api.differentiating",
    "on_device": "qmk.request.devices",
    "outputs": "qmk.request.outputs",
    "plot": "qmk.plot",
    "probabilities": "qmk.api.observing",
    "rewrite": "qmk.request.rewriting",
    "run": "qmk.api.embedded",
    "run_script": "qmk.api.scripting",
    "sample": "qmk.api.sampling",
    "state": "qmk.api.observing",
    "submit_script": "qmk.api.scripting",
    "sweep": "qmk.api.sweeping",
    "value_and_grad": "qmk.api.differentiating",
}


def load_ipython_extension(shell: Any) -> None:
    """Adds the magics ``%%qmk`` and ``%qmk``: what ``%load_ext qmk`` calls."""
    from qmk.notebook import magics

    magics.load(shell)


if not TYPE_CHECKING:  # a type checker knows the names above, and that there are no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'qmk' has no attribute '{name}'")
        import importlib

        home = importlib.import_module(_HOMES[name])
        found = globals()[name] = home if _HOMES[name] == f"qmk.{name}" else getattr(home, name)
        return found

    def __dir__() -> list[str]:
        return sorted(__all__)
