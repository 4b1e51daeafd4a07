"""Merkle trees against the recursive definition of RFC 6962 and its published vectors."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from qmk.base.merkle import Frontier, inclusion, root_from

LEAVES = st.lists(st.binary(max_size=40), min_size=1, max_size=70)

VECTORS = [
    (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
]
"""Roots over the first n of the eight leaves that implementations of certificate transparency test with."""

INPUTS = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")] + [
    bytes(range(0x60, 0x70))
]


def root_of(leaves: list[bytes]) -> bytes:
    """The root over leaf data."""
    frontier = Frontier()
    for data in leaves:
        frontier.add(data)
    return frontier.root()


def recursive(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + recursive(leaves[:split]) + recursive(leaves[split:])).digest()


def test_published_roots() -> None:
    for count, root in VECTORS:
        assert root_of(INPUTS[:count]).hex() == root


@given(LEAVES)
def test_the_frontier_is_the_recursive_definition_at_every_length(leaves: list[bytes]) -> None:
    frontier = Frontier()
    for count, leaf in enumerate(leaves, 1):
        frontier.add(leaf)
        assert frontier.root() == recursive(leaves[:count])


@given(LEAVES, st.data())
def test_a_path_leads_to_the_root_from_its_own_leaf_only(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    steps = inclusion(leaves, index)
    assert root_from(leaves[index], steps) == root_of(leaves)
    assert root_from(leaves[index] + b"x", steps) != root_of(leaves)
    assert len(steps) <= (len(leaves) - 1).bit_length()


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    inner = hashlib.sha256(b"\x00a").digest() + hashlib.sha256(b"\x00b").digest()
    assert root_of([inner]) != root_of([b"a", b"b"])
