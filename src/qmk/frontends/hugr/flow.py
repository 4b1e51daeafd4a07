"""Where the ways of a control flow graph meet again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


def meeting_places(
    blocks: Sequence[int], after: Mapping[int, Sequence[int]], step: Callable[[int], None]
) -> dict[int, int]:
    """By block, the first block that all of its ways to the end come through, -1 where that is the end itself or there
    is none. ``after``: the blocks that each leads to; one without any is the end. ``step`` counts the work."""
    place = {block: k for k, block in enumerate(blocks)}
    everything = (1 << len(blocks)) - 1
    through = {block: everything if after[block] else 1 << place[block] for block in blocks}
    changed = True
    while changed:
        changed = False
        for block in reversed(blocks):
            step(1 + len(after[block]) * (1 + len(blocks) // 64))
            common = everything
            for other in after[block]:
                common &= through.get(other, everything)
            new = common | 1 << place[block] if after[block] else through[block]
            if new != through[block]:
                through[block], changed = new, True
    sizes = {block: through[block].bit_count() for block in blocks}
    found: dict[int, int] = {}
    for block in blocks:
        step(1 + len(blocks) // 64)
        others = [k for k in _bits(through[block]) if blocks[k] != block]
        step(len(others))
        found[block] = max((blocks[k] for k in others), key=sizes.__getitem__, default=-1)
    return found


def _bits(number: int) -> list[int]:
    found: list[int] = []
    while number:
        low = number & -number
        found.append(low.bit_length() - 1)
        number ^= low
    return found
