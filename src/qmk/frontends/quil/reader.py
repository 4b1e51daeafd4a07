"""A program in Quil to a graph, and its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qmk.frontends.openqasm.sources import report_limits
from qmk.frontends.quil.machine import run
from qmk.frontends.quil.rules import QUIL_RULES
from qmk.frontends.quil.text import Parsed
from qmk.frontends.quil.text import parse as parse_text
from qmk.ir.parameter_values import affine_parameters, parameters_of, read_values
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Inputs, Source, decode_text, report_refused


def read(source: Source) -> Graph:
    """The graph with its parameters given as ``source.params``. Raises INVALID_GRAPH with one finding, INVALID_PARAMS
    for values that do not fit."""
    parsed = parse(source)
    declared = {
        region.name: None if region.size == 1 else region.size
        for region in parsed.memory.values()
        if region.kind != "BIT"
    }
    given = read_values(declared, source.params or {}, whole=False)
    graph = follow(parsed, given, source)
    read_values(parameters_of(graph), {})  # says which have no value
    return graph


def inputs(source: Source) -> Inputs:
    """Memory of numbers that the program reads before it writes it."""
    return Inputs(*affine_parameters(follow(parse(source), {}, source)))


def parse(source: Source) -> Parsed:
    """The statements. Raises INVALID_GRAPH with one finding."""
    with report_refused(QUIL_RULES, source):
        return parse_text(decode_text(source.data, "QUIL-01"))


def follow(parsed: Parsed, params: Mapping[str, Any], source: Source) -> Graph:
    """The graph of statements. Raises INVALID_GRAPH with one finding."""
    with report_refused(QUIL_RULES, source), report_limits("QUIL-10"):
        return run(parsed, params)
