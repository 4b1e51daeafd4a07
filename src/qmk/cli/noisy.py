"""``--noise``, ``--error``, ``--qec`` and ``--target``, for the commands that run a program or say how it would run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qmk.cli import parameters

if TYPE_CHECKING:
    from qmk.qvm.graph import Graph
    from qmk.qvm.outputs import Outputs
    from qmk.request.build import Asked

Command = TypeVar("Command", bound=Callable[..., Any])


def noise_options(command: Command) -> Command:
    """``--noise`` and ``--error``, as ``noise`` and ``error``."""
    for option in (
        click.option(
            "--error",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            metavar="E",
            help="Instead of --shots: as many as keep the standard error of each probability, and of each --expect, "
            "at or below this.",
        ),
        click.option(
            "--noise",
            metavar="MODEL",
            help="A noise model: its JSON file, or terms such as depolarizing=1e-3 or si1000=1e-3,readout=0.02; for "
            "analog programs aquila or pasqal; or device, for the noise of --device. Terms after any of these take the "
            "place of its numbers: device,readout=0.02.",
        ),
    ):
        command = option(command)
    return command


def qec_option(command: Command) -> Command:
    """``--qec``, as ``qec``."""
    return click.option(
        "--qec",
        metavar="CODE",
        help='Run on logical qubits of this code, such as "surface(d=9)"; --noise is that of the physical qubits.',
    )(command)


def drift_options(command: Command) -> Command:
    """``--target`` and ``--began``, as ``target`` and ``began_s``; see ``drift``."""
    for option in (
        click.option(
            "--began",
            "began_s",
            type=parameters.Age(),
            metavar="AGE",
            help="With --target: how long ago second 0 of the calibration was, such as 2h; now, if not given.",
        ),
        click.option(
            "--target",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            metavar="P",
            help="With --qec, and a calibration file as --noise: follow it while the job runs, and change the distance "
            "at a fence so that a patch errs no more than this a round.",
        ),
    ):
        command = option(command)
    return command


def drift(noise: str | None, qec: str | None, target: float | None, began_s: float | None) -> Any:
    """The noise of a job on logical qubits, which drifts if there is a target; None without a machine."""
    if target is None:
        if began_s is not None:
            raise click.UsageError("--began needs --target")
        return noise if qec else None
    if noise is None or qec is None:
        raise click.UsageError("--target needs --qec, and --noise with a calibration file")
    from qmk.client import Drift

    return Drift(noise, target, None if began_s is None else time.time() - began_s)


def asked(
    graph: Graph,
    shots: int | None,
    noise: str | None,
    error: float | None,
    outputs: Outputs | None = None,
    qec: str | None = None,
    device: str | None = None,
) -> Asked:
    """The graph with its noise, the shots if they are asked for, and notes for the result."""
    from qmk.request.build import asked

    return asked(graph, None, None, shots=shots, noise=noise, error=error, outputs=outputs, qec=qec, device=device)
