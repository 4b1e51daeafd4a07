"""A program as the caller gave it, with the options of its run. It has text that the native core may read, and a
verified graph once one is needed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qmk.api.plans import has_read
from qmk.base.errors import Finding, invalid_graph
from qmk.base.limits import LIMITS, check
from qmk.formats.warnings import as_errors, warnings_of
from qmk.ir.lazy import lazy
from qmk.request import native_text
from qmk.request.build import build
from qmk.request.options import RunOptions
from qmk.request.program import ProgramLike, circuit_of, is_function, own_with, source, to_graph
from qmk.request.shots import DEFAULT_SHOTS, choose_shots, seed_of
from qmk.request.warn import warn, warn_of

if TYPE_CHECKING:
    import qmk_native

    from qmk.qvm.graph import Graph


def verify(graph: Graph, strict: bool = False) -> Graph:
    """Gives ``graph`` back if it is valid, with a Python warning for each thing that is doubtful. Raises INVALID_GRAPH
    with findings; when ``strict``, for warnings too."""
    warn_of(check_graph(graph, strict))
    return graph


def build_for_values(program: ProgramLike, options: RunOptions) -> Graph:
    """The verified graph of a program whose values are asked for, with its noise; with a Python warning where readings
    err which no value depends on. Raises what ``build`` and ``verify`` raise."""
    graph = verify(build(program, options.replace(error=None), numbered=True).graph, options.strict)
    warn_of_readings(graph, options)
    return graph


def warn_of_readings(graph: Graph, options: RunOptions) -> None:
    """Warns where the noise that the caller names makes errors of the read-out, and they change no value: nothing is
    measured, or none of them is in what comes before the final read-out, as one that decides on a gate is."""
    if options.noise is None:
        return
    from qmk.ir.final_readout import before_readout
    from qmk.request.physical import has_wrong_readings

    unused = _misreads(graph) if graph.events else has_wrong_readings(options.noise)
    if unused and not _misreads(before_readout(graph)):
        warn(
            "readout errors have no effect on a value, which is of the state before the read-out",
            "take counts of qmk.run, or leave them out of the noise",
        )


def _misreads(graph: Graph) -> bool:
    return any(node.op == "noise.readout" for node in graph.nodes)


def check_graph(graph: Graph, strict: bool) -> list[Finding]:
    """The warnings of the reader of ``graph`` and of the verifier. Raises INVALID_GRAPH as ``verify`` does."""
    from qmk.qvm.verify import verify

    found, report = warnings_of(graph), verify(graph, strict=strict)
    if strict and found:
        raise invalid_graph([*as_errors(found), *report.findings])
    if (error := report.error()) is not None:
        raise error
    return [*found, *report.warnings]


def text_of(program: ProgramLike, format: str | None) -> bytes | None:
    """What the native core's reader may read: text, also that of a circuit without branches, unless it is known to be
    in another format or is too long."""
    from qmk.qvm.graph import Graph

    if isinstance(program, Graph) or is_function(program) or format not in (None, *native_text.FORMATS):
        return None
    circuit = circuit_of(program)
    if circuit is None:
        text = source(program)[0]
    elif format is None:
        from qmk.circuit.flat import flat_text

        text = flat_text(circuit)
    else:
        return None  # which is refused where the graph is made
    return text if text is not None and len(text) <= LIMITS.source_bytes else None


def read_native(
    program: ProgramLike, format: str | None, params: Mapping[str, Any] | None = None
) -> qmk_native.Circuit | None:
    """Reads the program with the native core's reader. None for what that leaves to the front ends, which includes
    every program with an error."""
    text = text_of(program, format)
    return None if text is None else native_text.read(text, format, params)


class Source:
    """``options`` beside the program: with noise, a machine or a device only the graph says what is to run. ``text`` is
    None where the native core is not to read it. ``circuit``: what its reader made of the text, where that is known.

    Of the options, ``shots`` and ``seed`` are what they come to where none is given, ``deadline_s`` is when the time
    limit ends, by ``time.monotonic``, and ``keep_events`` is only true of a run with counts."""

    def __init__(self, program: ProgramLike, options: RunOptions, circuit: qmk_native.Circuit | None = None) -> None:
        self._program, self.options = own_with(program, options)
        self.deadline_s = None if options.timeout_ms is None else time.monotonic() + options.timeout_ms / 1e3
        self.text = text_of(self._program, options.format) if options.is_ideal and not options.strict else None
        if circuit is not None:
            self.circuit = circuit
        self.notes: dict[str, Any] = {}
        """What the result's provenance says of the noise and the machine; complete once the graph was read."""
        self.warnings: list[Finding] = []
        """Of the reader and the verifier; the native core reads only what nobody warns of."""
        self.shots, self.seed = self._shots(), seed_of(options.seed)
        self.keep_events = options.keep_events and (options.outputs is None or options.outputs.counts)

    def _shots(self) -> int:
        """The shots that the options ask for, else those that the program asks for, else 1000."""
        options = self.options
        if options.error is not None:
            found, self.notes["shots"] = choose_shots(options.error, options.outputs)
            return found
        if options.shots is not None:
            return options.shots
        if self.text is not None and (has_read(self.text, options.format) or self.circuit is not None):
            return DEFAULT_SHOTS
        found = self._source_graph.shots or DEFAULT_SHOTS
        check("shots", found)
        return found

    @lazy
    def circuit(self) -> qmk_native.Circuit | None:
        """The circuit that the native core's reader makes of the text."""
        return None if self.text is None else native_text.read(self.text, self.options.format, self.options.params)

    @lazy
    def noisy_circuit(self) -> tuple[qmk_native.Circuit, dict[str, Any]] | None:
        """The native core's circuit of a ``qmk.Circuit`` with noise of gates that was read before, and the notes of its
        lowering; None for what needs the graph."""
        from qmk.models.noise import NoiseModel

        options = self.options
        if not isinstance(options.noise, NoiseModel) or not options.replace(noise=None).is_ideal or options.strict:
            return None
        from qmk.api.noisy import followers_of, with_noise

        circuit, text = circuit_of(self._program), text_of(self._program, options.format)
        ideal = None if circuit is None or text is None else native_text.read(text, options.format, options.params)
        if circuit is None or ideal is None:
            return None
        followers = followers_of(options.noise)
        found = with_noise(ideal, circuit, followers)
        if found is None:
            return None
        self.notes["noise"] = options.noise.label
        return found, dict(followers.notes)

    @lazy
    def _source_graph(self) -> Graph:
        """The graph as it was written, not verified yet."""
        if self.text is not None:
            return to_graph(self._program, self.options.format, self.options.params)
        found = build(self._program, self.options)
        self.notes.update(found.notes)
        return found.graph

    @lazy
    def graph(self) -> Graph:
        """The verified graph. Raises INVALID_GRAPH, INVALID_PARAMS, and the refusals of noise models and devices."""
        graph = self._source_graph
        self.warn(check_graph(graph, self.options.strict))
        return graph

    def warn(self, findings: list[Finding]) -> None:
        """Keeps the warnings about the program for its result, and issues them as Python's, once."""
        if not self.warnings:
            self.warnings = findings
            warn_of(findings)

    @lazy
    def packed_graph(self) -> bytes:
        """The graph as bytes. It need not be verified yet: caches hold only verified programs under this key."""
        from qmk.qvm.graph import pack

        try:
            return pack(self._source_graph)
        except Exception:
            return pack(self.graph)  # says what is wrong

    @lazy
    def digest(self) -> str:
        from qmk.qvm.graph import digest

        return digest(self.graph)
