"""Merkle trees over SHA-256 as RFC 6962, section 2.1, defines them.

A leaf hashes as ``SHA-256(0x00 || data)``, an inner node as ``SHA-256(0x01 || left || right)``, so a leaf can never
pass for a node. The left part of a tree of n leaves has as many leaves as the largest power of two below n.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

LEAF = b"\x00"
NODE = b"\x01"


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(NODE + left + right).digest()


class Frontier:
    """The root of a growing list, in memory for its logarithm: the roots of its complete subtrees, largest first."""

    __slots__ = ("_roots", "size")

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def add(self, data: bytes) -> None:
        """Append a leaf."""
        root = leaf_hash(data)
        trailing = self.size
        while trailing & 1:
            root = node_hash(self._roots.pop(), root)
            trailing >>= 1
        self._roots.append(root)
        self.size += 1

    def root(self) -> bytes:
        """The tree's root; that of no leaves is the hash of nothing."""
        if not self._roots:
            return hashlib.sha256(b"").digest()
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return root


class Step(NamedTuple):
    """A sibling on the way from a leaf to the root, and whether it stands on the left."""

    left: bool
    hash: bytes


def inclusion(leaves: Sequence[bytes], index: int) -> list[Step]:
    """The siblings that lead from leaf ``index`` to the root, the leaf's own first."""
    assert 0 <= index < len(leaves)
    level = [leaf_hash(data) for data in leaves]
    steps: list[Step] = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            steps.append(Step(sibling < index, level[sibling]))
        above = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = [*above, *level[len(above) * 2 :]]
        index //= 2
    return steps


def root_from(data: bytes, steps: Sequence[Step]) -> bytes:
    """The root that a leaf and its siblings give; it proves inclusion when it is the root that was signed."""
    root = leaf_hash(data)
    for step in steps:
        root = node_hash(step.hash, root) if step.left else node_hash(root, step.hash)
    return root
