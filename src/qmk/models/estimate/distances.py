"""In which order a search looks at the code distances of a factory's rounds: first a bisection, one round at a time,
from the largest distances down to the smallest that suffice, then along the branches that are not comparable to it.

Distances are indexes into the odd numbers, non-decreasing from round to round. ``check`` says whether larger distances
can improve on the ones it is given.
"""

from __future__ import annotations

from collections.abc import Callable

Check = Callable[[list[int]], bool]


def search(least: list[int], most: list[int], check: Check) -> list[int] | None:
    """The smallest distances that suffice, None where the largest do not or the smallest do."""
    if check(most) or not check(least):
        return None
    right, at = list(most), list(most)
    for index in range(len(most)):
        left = least[0] if index == 0 else at[index - 1]
        while left + 1 < right[index]:
            at[index] = (left + right[index]) // 2
            if check(at):
                left = at[index] + 1
            else:
                right[index] = at[index]
        if left + 1 == right[index]:
            at[index] = left
            if check(at):
                at[index] = right[index]
        else:
            at[index] = right[index]
    return at


def iterate(least: list[int], most: list[int], start: list[int], check: Check) -> None:
    """Look at what remains after ``start``."""
    at = [max(own, low) for own, low in zip(start, least, strict=True)]
    going = _branch(at, least, most)
    while going:
        going = _raise(at, least, most) if check(at) else _branch(at, least, most)


def _raise(at: list[int], least: list[int], most: list[int]) -> bool:
    """The next distances in order."""
    index = len(at) - 1
    at[index] += 1
    while at[index] > most[index]:
        if index == 0:
            return False
        index -= 1
        at[index] += 1
    for later in range(index + 1, len(at)):
        at[later] = max(at[later - 1], least[later])
    return True


def _branch(at: list[int], least: list[int], most: list[int]) -> bool:
    """The next distances that are smaller in some round than the ones before."""
    index = len(at) - 1
    while index > 0 and (at[index] <= at[index - 1] + 1 or at[index - 1] == most[index - 1]):
        index -= 1
    if index == 0:
        return False
    at[index - 1] += 1
    for later in range(index, len(at)):
        at[later] = max(at[later - 1], least[later])
    return True
