"""The order in which the blocks of a function are followed: what is in a loop before what comes after it.

It is a weak topological order (F. Bourdoncle, 1993): each strongly connected part stands together, the block that it is
entered by last, so that all shots have ended a round before the next one begins; the rest is ordered in the same way.
"""

from __future__ import annotations

from qmk.frontends.qir.module import Function
from qmk.sdk.frontend import Refused

NESTING = 128
"""The deepest nesting of loops, each of which counts twice."""


def successors(function: Function, index: int) -> list[int]:
    """The blocks that a block leads to."""
    op, _, _, _, extra = function.blocks[index].rows[-1]
    if op == "br":
        return extra
    if op == "switch":
        return [extra[0], *(block for _, block in extra[1:])]
    return []


def ranks(function: Function) -> list[int]:
    """The place of each block in the order. Raises Refused for loops that nest too deep."""
    count = len(function.blocks)
    leads = [successors(function, k) for k in range(count)]
    rank = [0] * count
    todo: list[tuple[list[int], int]] = [(list(range(count)), 0)]
    at = 0
    while todo:
        members, depth = todo.pop()
        if len(members) == 1:
            rank[members[0]] = at
            at += 1
            continue
        if depth > NESTING:
            raise Refused("QIR-08", f"loops nest deeper than {NESTING // 2} in '{function.name[:80]}'")
        parts = _parts(members, leads)
        if len(parts) == 1:  # one loop: its first block waits for all shots that are in it
            head, *rest = members
            parts = [*_parts(rest, leads), [head]]
        todo += [(sorted(part), depth + 1) for part in reversed(parts)]
    return rank


def _parts(members: list[int], leads: list[list[int]]) -> list[list[int]]:
    """The strongly connected parts among these blocks, those that lead to others first (Tarjan's algorithm)."""
    inside = set(members)
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    parts: list[list[int]] = []
    for root in members:
        if root in index:
            continue
        work = [(root, iter(leads[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            block, ways = work[-1]
            entered = False
            for way in ways:
                if way not in inside:
                    continue
                if way not in index:
                    index[way] = low[way] = len(index)
                    stack.append(way)
                    on_stack.add(way)
                    work.append((way, iter(leads[way])))
                    entered = True
                    break
                if way in on_stack:
                    low[block] = min(low[block], index[way])
            if entered:
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[block])
            if low[block] == index[block]:
                part: list[int] = []
                while not part or part[-1] != block:
                    part.append(stack.pop())
                    on_stack.discard(part[-1])
                parts.append(part)
    return parts[::-1]
