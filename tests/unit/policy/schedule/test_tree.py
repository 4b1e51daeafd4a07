"""The ordered set behind the queues, against a sorted list."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from qmk.policy.schedule.tree import Key, Needs, Tree

KEY = st.tuples(st.integers(-20, 20), st.integers(0, 40))
NEEDS = st.tuples(*[st.integers(0, 9)] * 4)
STEPS = st.lists(st.tuples(st.booleans(), KEY, st.integers(-5, 5), NEEDS), max_size=300)
EVERY = 1 << 20


@given(STEPS, KEY, NEEDS)
@settings(max_examples=200, deadline=None)
def test_it_is_a_sorted_list_with_prefix_sums(
    steps: list[tuple[bool, Key, int, Needs]], probe: Key, room: Needs
) -> None:
    tree: Tree[Key] = Tree()
    plain: dict[Key, tuple[int, Needs]] = {}
    for add, key, weight, needs in steps:
        if key not in plain:
            tree.put(key, key, weight, needs)
            plain[key] = (weight, needs)
        elif not add:
            tree.drop(key)
            del plain[key]
    ordered = sorted(plain)
    before = [key for key in ordered if key < probe]
    assert list(tree) == ordered
    assert (len(tree), tree.weight) == (len(ordered), sum(weight for weight, _ in plain.values()))
    assert tree.first() == (ordered[0] if ordered else None)
    assert tree.before(probe) == (len(before), sum(plain[key][0] for key in before))
    fitting = [key for key in ordered if key > probe and all(n <= r for n, r in zip(plain[key][1], room, strict=True))]
    found, _ = tree.find(probe, lambda needs: all(n <= r for n, r in zip(needs, room, strict=True)), EVERY)
    assert found == (fitting[0] if fitting else None)


def test_every_operation_looks_at_one_node_a_level() -> None:
    tree: Tree[int] = Tree()
    for number in range(40_000):
        tree.put((number * 7919 % 100_003, 0), number, 1)
    before = tree.visits
    tree.put((50_000, 1), 0, 1)
    tree.before((50_000, 1))
    tree.drop((50_000, 1))
    tree.first()
    assert tree.visits - before <= 4 * 5


def test_a_search_stops_when_its_visits_are_used_up() -> None:
    tree: Tree[int] = Tree()
    for number in range(10_000):
        tree.put((number, 0), number, 1, (0, 9, 0, 0) if number % 2 else (9, 0, 0, 0))
    found, left = tree.find((-1, 0), lambda needs: needs[0] < 5 and needs[1] < 5, 20)
    assert (found, left) == (None, 0)
