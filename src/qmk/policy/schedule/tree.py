"""An ordered set with prefix sums, and a bounded search for what may fit: a B+-tree.

Every operation visits one node a level: a hundred thousand items are four levels. Nodes carry, of all that is below
them, the number, the sum of weights, and lower bounds of four needs. Bounds are kept exact when a node is rebuilt and
may lie too low in between: a search then looks at a node in vain, and never overlooks one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

FANOUT = 32
Key = tuple[int, int]
Needs = tuple[int, int, int, int]
NOTHING: Needs = (0, 0, 0, 0)
T = TypeVar("T")


class _Leaf:
    """``keys[i]`` is the key of ``items[i]``, which weighs ``weights[i]`` and needs ``needs[i]``."""

    __slots__ = ("items", "keys", "low", "needs", "size", "weight", "weights")

    def __init__(self, keys: list[Key], items: list[Any], weights: list[int], needs: list[Needs]) -> None:
        self.keys = keys
        self.items = items
        self.weights = weights
        self.needs = needs
        self.size = len(keys)
        self.weight = sum(weights)
        self.low = _least(needs)

    def split(self) -> _Leaf:
        half = len(self.keys) // 2
        right = _Leaf(self.keys[half:], self.items[half:], self.weights[half:], self.needs[half:])
        self.__init__(self.keys[:half], self.items[:half], self.weights[:half], self.needs[:half])
        return right


class _Branch:
    """``keys[i]`` is at least the largest key below ``children[i]`` and less than any below the next."""

    __slots__ = ("children", "keys", "low", "size", "weight")

    def __init__(self, keys: list[Key], children: list[_Leaf | _Branch]) -> None:
        self.keys = keys
        self.children = children
        self.size = sum(child.size for child in children)
        self.weight = sum(child.weight for child in children)
        self.low = _least([child.low for child in children])

    def split(self) -> _Branch:
        half = len(self.keys) // 2
        right = _Branch(self.keys[half:], self.children[half:])
        self.__init__(self.keys[:half], self.children[:half])
        return right


class Tree(Generic[T]):
    """Items by key, keys being unique. ``visits`` counts the nodes looked at since the beginning."""

    def __init__(self) -> None:
        self._root: _Leaf | _Branch = _Leaf([], [], [], [])
        self.visits = 0

    def __len__(self) -> int:
        return self._root.size

    def __iter__(self) -> Iterator[T]:
        return _items(self._root)

    @property
    def weight(self) -> int:
        """The sum of all weights."""
        return self._root.weight

    def first(self) -> T | None:
        """The item with the smallest key."""
        node = self._root
        while isinstance(node, _Branch):
            self.visits += 1
            node = node.children[0]
        return node.items[0] if node.items else None

    def put(self, key: Key, item: T, weight: int, needs: Needs = NOTHING) -> None:
        right = self._put(self._root, key, item, weight, needs)
        if right is not None:
            left = self._root
            self._root = _Branch([_last(left), _last(right)], [left, right])

    def drop(self, key: Key) -> None:
        """Takes out the item with this key, which must be there."""
        self._drop(self._root, key)
        root = self._root
        while isinstance(root, _Branch) and len(root.children) == 1:
            root = root.children[0]
        if isinstance(root, _Branch) and not root.children:
            root = _Leaf([], [], [], [])
        self._root = root

    def before(self, key: Key) -> tuple[int, int]:
        """How many items have a smaller key, and the sum of their weights."""
        size = weight = 0
        node = self._root
        while isinstance(node, _Branch):
            self.visits += 1
            at = min(bisect_left(node.keys, key), len(node.keys) - 1)
            for child in node.children[:at]:
                size += child.size
                weight += child.weight
            node = node.children[at]
        at = bisect_left(node.keys, key)
        return size + at, weight + sum(node.weights[:at])

    def find(self, after: Key, may_fit: Callable[[Needs], bool], visits: int) -> tuple[T | None, int]:
        """The first item behind ``after`` whose needs may fit, and how many of the ``visits`` are left. Nodes whose
        bounds do not fit are passed over whole; None when there is no such item, or the visits are used up."""
        return self._find(self._root, after, may_fit, visits)

    def _find(
        self, node: _Leaf | _Branch, after: Key, may_fit: Callable[[Needs], bool], left: int
    ) -> tuple[T | None, int]:
        if left <= 0 or not may_fit(node.low):
            return None, left
        left -= 1
        self.visits += 1
        if isinstance(node, _Leaf):
            for at in range(bisect_right(node.keys, after), len(node.keys)):
                if may_fit(node.needs[at]):
                    return node.items[at], left
            return None, left
        for at in range(bisect_right(node.keys, after), len(node.keys)):
            found, left = self._find(node.children[at], after, may_fit, left)
            if found is not None or left <= 0:
                return found, left
        return None, left

    def _put(self, node: _Leaf | _Branch, key: Key, item: T, weight: int, needs: Needs) -> _Leaf | _Branch | None:
        """The new right half when the node had to be split."""
        self.visits += 1
        node.size += 1
        node.weight += weight
        node.low = _lower(node.low, needs) if node.size > 1 else needs
        if isinstance(node, _Leaf):
            at = bisect_left(node.keys, key)
            assert at == len(node.keys) or node.keys[at] != key, key
            node.keys.insert(at, key)
            node.items.insert(at, item)
            node.weights.insert(at, weight)
            node.needs.insert(at, needs)
        else:
            at = min(bisect_left(node.keys, key), len(node.keys) - 1)
            right = self._put(node.children[at], key, item, weight, needs)
            node.keys[at] = _last(node.children[at])
            if right is not None:
                node.keys.insert(at + 1, _last(right))
                node.children.insert(at + 1, right)
        return node.split() if len(node.keys) > FANOUT else None

    def _drop(self, node: _Leaf | _Branch, key: Key) -> int:
        """The weight of the item taken out."""
        self.visits += 1
        at = bisect_left(node.keys, key)
        node.size -= 1
        if isinstance(node, _Leaf):
            assert node.keys[at] == key, key
            weight = node.weights.pop(at)
            del node.keys[at], node.items[at], node.needs[at]
        else:
            child = node.children[at]
            weight = self._drop(child, key)
            if not child.size:
                del node.keys[at], node.children[at]
                node.low = _least([below.low for below in node.children])
        node.weight -= weight
        return weight


def _lower(one: Needs, other: Needs) -> Needs:
    return min(one[0], other[0]), min(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _least(needs: list[Needs]) -> Needs:
    if not needs:
        return NOTHING
    first, second, third, fourth = zip(*needs, strict=True)
    return min(first), min(second), min(third), min(fourth)


def _last(node: _Leaf | _Branch) -> Key:
    return node.keys[-1]


def _items(node: _Leaf | _Branch) -> Iterator[Any]:
    if isinstance(node, _Leaf):
        yield from node.items
    else:
        for child in node.children:
            yield from _items(child)
