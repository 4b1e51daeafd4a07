"""What is compared for each small graph: the verifier, the machine of ``graphs`` and the reference simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph
from qmk.qvm.verify import Report, verify
from tests.exhaustive.graphs import CORE, SOUND, UNSOUND, Letter, Machine, graph, orders, words

Words = Callable[[], Iterator[tuple[Letter, ...]]]
ALL = (*SOUND, *UNSOUND)
PAIR = ("alloc a b",)
SMALL: dict[str, Words] = {
    "two nodes, all letters": lambda: chain(words(ALL, 1), words(ALL, 2)),
    "three nodes": lambda: words(SOUND, 3),
    "four nodes behind an ALLOC": lambda: words(CORE, 4, PAIR),
}
"""For every run of the suite."""
LARGE: dict[str, Words] = {
    "three nodes, all letters": lambda: words(ALL, 3),
    "four nodes": lambda: words(SOUND, 4),
    "four nodes behind an ALLOC": lambda: words(SOUND, 4, PAIR),
    "five nodes behind an ALLOC": lambda: words(CORE, 5, PAIR),
}
"""For ``make models``."""


class Checked(NamedTuple):
    accepted: bool
    orders: int


class Count(NamedTuple):
    """Graphs, those that were accepted, and the orders in which these were run."""

    graphs: int
    accepted: int
    orders: int


def check_all(of: Iterable[Sequence[Letter]]) -> Count:
    graphs = accepted = orders = 0
    for letters in of:
        checked = check_graph(letters)
        graphs, accepted, orders = graphs + 1, accepted + checked.accepted, orders + checked.orders
    return Count(graphs, accepted, orders)


def check_graph(letters: Sequence[Letter]) -> Checked:
    """Raises AssertionError where verifier, machine and simulator differ."""
    made = graph(letters)
    told = [each.text for each in letters]
    machine = Machine(letters).run()
    report = verify(made)
    _compare(machine, report, told)
    strict = Machine(letters, strict=True).run()
    _compare(strict, verify(made, strict=True), [*told, "strict"])
    if machine.bad is not None:
        return Checked(False, 0)
    assert any(finding.rule == "QVM-L11" for finding in report.findings) == machine.warned, told
    return Checked(True, _run_all_orders(letters, machine, told))


def _compare(machine: Machine, report: Report, told: list[str]) -> None:
    """A graph is refused exactly if it cannot be run, and the first node that cannot has exactly its findings."""
    errors = report.errors
    if machine.bad is None:
        left = machine.strict and machine.warned
        assert {finding.rule for finding in errors} == ({"QVM-L11"} if left else set()), told
        return
    number, rules = machine.bad
    at = [(int(finding.node[1:]), finding.rule) for finding in errors if finding.node]
    assert {rule for node, rule in at if node == number} == rules, told
    assert min(node for node, _ in at) == number, told


def _run_all_orders(letters: Sequence[Letter], machine: Machine, told: list[str]) -> int:
    expected = machine.distribution()
    count = 0
    for order in orders(letters):
        other = graph([letters[number] for number in order])
        assert verify(other).ok, (told, order)
        found = distribution(other)
        assert found.keys() == expected.keys(), (told, order)
        assert all(abs(found[key] - chance) < 1e-9 for key, chance in expected.items()), (told, order)
        count += 1
    return count


def distribution(made: Graph) -> dict[str, float]:
    return {key: chance for key, chance in exact_distribution(lower(made, ALL_GATES)).items() if chance > 1e-12}
