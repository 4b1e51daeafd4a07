"""Programs that came lately are kept within bounds, each tenant's apart from those of others."""

from __future__ import annotations

import hashlib

import msgspec

from qmk.abi.calls import q_status, q_submit
from qmk.abi.shapes import Program
from qmk.host.programs import Programs
from qmk.qvm.graph import Graph, Node
from qmk.rpc.key import Key, key_of


def of(name: str, size_bytes: int) -> Key:
    return Key(name, size_bytes)


def graph(name: str) -> Graph:
    return Graph(nodes=(Node(name, "core.alloc", vqs=("q",)),), vqs=("q",))


def test_a_program_is_given_back_as_the_same_object():
    programs = Programs(100)
    made = programs.put("chem", of("k", 10), graph("a"), [], 1)
    assert programs.get("chem", of("k", 10)) is made
    assert programs.put("chem", of("k", 10), graph("b"), [], 1) is made
    assert programs.get("chem", of("other", 5)) is None


def test_the_oldest_of_a_tenant_go_and_those_of_others_stay():
    programs = Programs(120)
    for number in range(4):
        programs.put("chem", of(f"n{number}", 20), graph(f"n{number}"), [], 2)
    programs.put("bio", of("b", 60), graph("b"), [], 2)
    programs.get("chem", of("n1", 20))
    programs.put("chem", of("n9", 20), graph("n9"), [], 2)
    kept = [number for number in (0, 1, 2, 3, 9) if programs.get("chem", of(f"n{number}", 20)) is not None]
    assert kept == [1, 3, 9]
    assert programs.get("bio", of("b", 60)) is not None
    assert programs.get("bio", of("n9", 20)) is None


def test_what_does_not_fit_or_belongs_to_no_session_is_not_kept():
    programs = Programs(100)
    for tenant, size in (("chem", 51), ("", 1)):
        read, warnings = programs.put(tenant, of("k", size), graph("a"), [], 1)
        assert (msgspec.json.encode(read), warnings) == (msgspec.json.encode(graph("a")), [])
        assert programs.get(tenant, of("k", size)) is None


def test_rooms_shrink_with_the_number_of_tenants():
    programs = Programs(100)
    programs.put("chem", of("k", 25), graph("a"), [], 4)
    programs.put("bio", of("k", 26), graph("a"), [], 4)
    assert (programs.get("chem", of("k", 25)) is None, programs.get("bio", of("k", 26)) is None) == (False, True)


def test_keys_are_hashes_of_a_graph_or_of_a_text_with_its_parameters():
    def key(**program: object) -> Key:
        return key_of(q_submit.Request("s", **program))  # type: ignore[arg-type]

    sent = b'{"a":1}'
    named = hashlib.sha256(sent).hexdigest()
    assert key(graph=msgspec.Raw(sent)) == (named, len(sent))
    assert key(graph_sha256=named) == (named, 0)
    texts = [Program(text="x"), Program(text="x", params={"t": 1}), Program(text="x", params={"t": 1.0})]
    names = {key(program=text).name for text in texts}
    assert len(names) == 3
    assert all(name.startswith("text:") for name in names), "no client can name a text by a graph's hash"
    assert key() == key_of(q_status.Request("s", "j")) == ("", 0)
