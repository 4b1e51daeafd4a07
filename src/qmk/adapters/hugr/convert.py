"""From objects of the package ``hugr`` to the envelope that they stand for."""

from __future__ import annotations

# the package is not there where this is checked
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from typing import Any

from hugr.envelope import EnvelopeConfig, EnvelopeFormat

from qmk.models.arguments import show
from qmk.sdk.adapter import cannot


def read(program: object, params: Any) -> bytes:
    """The envelope, in JSON, of a ``Package``, a ``Hugr``, or a builder that has one. Raises UNSUPPORTED for another
    object, and with the package's words for what it cannot write."""
    graph: Any = getattr(program, "hugr", program)
    if not callable(getattr(graph, "to_bytes", None)):
        fix = "give a hugr.package.Package or a hugr.Hugr"
        raise cannot("hugr", f"a {type(program).__name__} is not a program", show(program, 40), fix)
    try:
        return graph.to_bytes(EnvelopeConfig(format=EnvelopeFormat.JSON))
    except Exception as error:  # what an unfinished graph makes it raise is not documented
        why = f"the package cannot write it: {type(error).__name__} {error!s:.300}"
        raise cannot("hugr", why, f"a {type(program).__name__}", "set the outputs of every graph in it") from None
