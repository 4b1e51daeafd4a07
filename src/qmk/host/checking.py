"""What the kernel and the router want to know of a program, found out in a process of its own: for a long program it
takes seconds, in which a daemon would answer nobody.

The functions are those that the kernel and the router call. The graph travels on as the bytes that the kernel records,
with what was found; it is unpacked again only for questions that have no answer here.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, cast

import msgspec

from qmk.base.errors import Finding
from qmk.host.translations import Facts, Translated, Wanted
from qmk.ir.summary import summarise
from qmk.kernel import admission, authority, firewall
from qmk.kernel.demand import epoch_sizes, measure
from qmk.qvm.graph import Graph, KeptGraph, digest, pack, unpack
from qmk.qvm.verify import verify

_HEAD = ("version", "shots", "chs", "caps", "inferred")
"""Fields of a graph that the kernel looks at although it knows everything else."""


class PackedGraph(KeptGraph, frozen=True, kw_only=True, dict=True):
    """A kept graph of which little is asked: it is unpacked when something else is. Code in C that would look at it
    earlier finds fields that are not set, and raises AttributeError."""

    def __getattr__(self, name: str) -> Any:
        if name not in self.__struct_fields__:
            raise AttributeError(name)
        found = unpack(self.__dict__["packed"])
        for field in self.__struct_fields__:
            msgspec.structs.force_setattr(self, field, getattr(found, field))
        return getattr(found, name)


def keep_packed(packed: bytes, head: Graph, facts: Mapping[Hashable, Any]) -> PackedGraph:
    """Gives the packed graph with its version, shots, channels and capabilities in ``head``, and with ``facts`` that
    ``once`` need not compute."""
    graph = PackedGraph(**{name: getattr(head, name) for name in _HEAD})
    for name in graph.__struct_fields__:
        if name not in _HEAD:
            getattr(Graph, name).__delete__(graph)
    known: dict[Hashable, Any] = cast("Any", graph.__dict__)
    known.update({"packed": packed, **facts})
    return graph


def head_of(graph: Graph) -> Graph:
    """Gives what ``keep_packed`` wants of a graph."""
    return Graph(**{name: getattr(graph, name) for name in _HEAD})


def check(fence: int, graph: Graph, warnings: list[Finding], wanted: Wanted) -> Translated:
    """Finds out what is wanted of ``graph``; of one that breaks a rule of the verifier only which."""
    packed = pack(graph)
    known: dict[str, Any] = {"digest": digest(graph), "size": measure(graph)}
    if wanted.held is not None or wanted.all_rights:
        known["verified"] = verify(graph, held_caps=wanted.held, strict=wanted.strict, tenant=wanted.tenant)
    if "verified" in known and known["verified"].ok:
        from qmk.router.features import Look

        known["epochs"] = epoch_sizes(graph)
        known["names_owners"] = firewall.names_owners(graph)
        known["rights"] = authority.program_rights(graph)
        known["features"] = Look(graph, packed).features(wanted.native)
        known["summary"] = summarise(graph) if wanted.summary else None
    return Translated(fence, packed, head_of(graph), Facts(**known), warnings)


def graph_of(found: Translated, wanted: Wanted) -> PackedGraph:
    """The graph with everything that was found out, for ``qvm.graph.once``."""
    facts = found.facts
    known: dict[Hashable, Any] = {
        "digest": facts.digest,
        "size": facts.size,
        admission.report_name(wanted.held, wanted.tenant, wanted.strict): facts.verified,
        "epochs": facts.epochs,
        "names owners": facts.names_owners,
        "rights": facts.rights,
        ("features", wanted.native): facts.features,
        "summary": facts.summary,
    }
    return keep_packed(found.graph, found.head, {name: fact for name, fact in known.items() if fact is not None})
