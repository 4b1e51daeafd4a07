"""Turns a program and a caller's options into what is run: a graph with its noise, a number of shots, and notes."""

from __future__ import annotations

from typing import Any, NamedTuple

from qmk.abi.shapes import Policy, Qec
from qmk.base.errors import QmkError
from qmk.qvm.graph import Graph
from qmk.request.logical import Drift, choose_machine, qec_policy, write_for_machine
from qmk.request.options import RunOptions
from qmk.request.physical import labels, physical
from qmk.request.program import ProgramLike, own_with, to_graph
from qmk.request.shots import choose_shots


class Request(NamedTuple):
    """The graph with its noise, the shots, and what the result's provenance says about either. ``qec``: the machine
    that a daemon is to write it for."""

    graph: Graph
    shots: int | None
    notes: dict[str, Any]
    qec: Qec | None = None


def build(program: ProgramLike, options: RunOptions, numbered: bool = False) -> Request:
    """Builds the request of a run in this process. ``numbered``: what is asked for names qubits by their numbers, as
    all outputs but counts do. Raises INVALID_PARAMS for noise that cannot be read or does not fit
    the program, or ``qec`` without the noise of its physical qubits; INVALID_GRAPH for what the device refuses; else
    what ``to_graph`` raises."""
    noise = options.noise
    if isinstance(noise, Drift):
        raise QmkError(
            "INVALID_PARAMS",
            "noise that drifts needs a daemon and a machine of logical qubits",
            field="qec" if options.qec is None else "noise",
            help='submit the program with Client.submit and qec, such as "surface(d=5)"',
        )
    graph = to_graph(program, options.format, options.params)
    options, chosen = adapt(graph, options)
    if options.qec is not None:
        graph, notes = write_for_machine(options.qec, noise, graph)
        notes.update(chosen)
    else:
        graph, notes = physical(graph, noise, options.device, options.shots, numbered or options.outputs is not None)
    shots = options.shots
    if options.error is not None:
        shots, notes["shots"] = choose_shots(options.error, options.outputs)
    return Request(graph, shots, notes)


def adapt(program: ProgramLike, options: RunOptions) -> tuple[RunOptions, dict[str, Any]]:
    """The options with the machine that their policy chooses in its place, if there is one, and the notes of that.
    Raises what ``choose_machine`` and ``to_graph`` do."""
    if options.adapt is None:
        return options, {}
    program, read = own_with(program, options)
    graph = to_graph(program, read.format, read.params)
    machine, notes = choose_machine(options.adapt, options.qec, options.noise, graph)
    return options.replace(qec=machine, adapt=None), notes


def build_remote(program: ProgramLike, options: RunOptions) -> Request:
    """Builds the request for a daemon, which itself rewrites the program for a machine of logical qubits; a policy
    chooses that here."""
    options, _ = adapt(program, options)
    if options.qec is None:
        return build(program, options)
    machine = qec_policy(options.qec, options.noise)
    return build(program, options.replace(noise=None, qec=None))._replace(qec=machine)


def policy_of(options: RunOptions, qec: Qec | None = None) -> Policy:
    """The part of the options that the kernel reads."""
    return Policy(
        priority=options.priority,
        deadline_epochs=options.deadline_epochs,
        seed=options.seed,
        timeout_ms=options.timeout_ms,
        attempts=options.attempts,
        engine=options.engine,
        channels=dict(options.channels or {}),
        cache=options.cache,
        isolation=options.isolation,
        resources=dict(options.resources or {}),
        qec=qec,
    )


def notes_of(options: RunOptions) -> dict[str, Any]:
    """The notes of a run that was submitted with these options. Those of logical qubits come from the daemon."""
    noise = None if options.qec is not None or isinstance(options.noise, Drift) else options.noise
    notes: dict[str, Any] = labels(noise, options.device)
    if options.error is not None:
        notes["shots"] = choose_shots(options.error, options.outputs)[1]
    return notes
