"""Targets: shapes by name, what is derived from them, their JSON form, and refusals that name place, rule and fix."""

from __future__ import annotations

from collections import Counter

import pytest

from qmk.base.errors import QmkError
from qmk.models.devices import NativeGate, Site, Target, Timing, target_named
from qmk.models.devices.target import placing


@pytest.mark.parametrize(
    ("name", "sites", "pairs", "degrees"),
    [
        ("line:50", 50, 49, {1: 2, 2: 48}),
        ("ring:12", 12, 12, {2: 12}),
        ("grid:10x10", 100, 180, {2: 4, 3: 32, 4: 64}),
        ("grid:2x3", 6, 7, {2: 4, 3: 2}),
        ("heavy-hex:27", 27, 28, None),
        ("heavy-hex:127", 127, 144, {1: 2, 2: 89, 3: 36}),
        ("heavy-hex:133", 133, 150, None),
        ("heavy-hex:156", 156, 176, None),
        ("all:5", 5, 10, {4: 5}),
    ],
)
def test_shapes_have_their_sites_and_pairs(name, sites, pairs, degrees):
    target = target_named(name)
    assert target.sites == sites
    assert len(target.pairs()) == pairs
    count = Counter(site for pair in target.pairs() for site in pair)
    assert degrees is None or Counter(count.values()) == degrees


def test_a_heavy_hexagon_has_two_kinds_of_sites():
    """No two sites of three neighbours are coupled, and all are connected."""
    pairs = target_named("heavy-hex:127").pairs()
    near: dict[int, set[int]] = {site: set() for site in range(127)}
    for a, b in pairs:
        near[a].add(b)
        near[b].add(a)
    assert not any(len(near[a]) == len(near[b]) == 3 for a, b in pairs)
    reached, last = {0}, {0}
    while last:
        last = {other for site in last for other in near[site]} - reached
        reached |= last
    assert len(reached) == 127


def test_the_source_of_a_map_is_named():
    assert "qiskit-ibm-runtime" in target_named("heavy-hex:127").source
    assert "Apache-2.0" in target_named("heavy-hex:127").source


@pytest.mark.parametrize(
    ("name", "text", "fix"),
    [
        ("heavy-hex:100", "no map of 100 qubits", "27, 65, 127, 133, 156"),
        ("heavyhex:127", "there is no target 'heavyhex:127'", "did you mean heavy-hex:127"),
        ("grid:10", "'10' is not a size of a grid", "grid:10x10"),
        ("grid:100x100", "'10000' sites", "1 to 4096"),
        ("line:0", "'0' sites", "1 to 4096"),
        ("ring:2", "a ring of 2 sites", "3 or more"),
        ("line", "there is no target 'line'", "line:50"),
        ("missing.json", "cannot read 'missing.json'", ""),
    ],
)
def test_a_name_that_is_none_says_what_there_is(name, text, fix):
    with pytest.raises(QmkError) as caught:
        target_named(name)
    assert text in caught.value.message
    assert fix in caught.value.fields.get("help", "")


def full() -> Target:
    return Target(
        name="mine",
        sites=4,
        couplings=((0, 1), (2, 1), (2, 3)),
        directed=True,
        gates=("ecr", "rz", "sx", "x"),
        facts=(
            NativeGate("ecr", (0, 1), 0.01, 5e-7),
            NativeGate("ecr", (2, 1), 0.03),
            NativeGate("ecr", (2, 3), 0.2),
            NativeGate("sx", (0,), 1e-4, 5e-8),
        ),
        readings=(Site(1e-4, 8e-5, 0.01, 1e-6), Site(readout_error=0.03), Site(), Site()),
        broken=(3,),
        timing=Timing(2.2e-10, 16, 16, 64),
        source="a test",
        date="2026-11-25",
    )


def test_json_says_all_of_it(tmp_path):
    path = tmp_path / "mine.json"
    path.write_bytes(full().to_json())
    assert target_named(str(path)) == full()


def test_what_is_derived_leaves_broken_sites_out():
    target = full()
    assert target.pairs() == [(0, 1), (1, 2)]
    assert target.usable() == [0, 1, 2]
    assert target.pair_errors() == [(0, 1, 0.01), (1, 2, 0.03)]
    assert target.readout_errors() == pytest.approx([0.01, 0.03, 0.02, 0.02])
    assert target.has_direction(2, 1)
    assert not target.has_direction(1, 2)
    assert target_named("line:3").has_direction(1, 0)
    assert placing(target)["n"] == 4


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"sites": 0}, "sites is 0"),
        ({"couplings": ((0, 4),)}, r"couplings[0] is [0, 4]"),
        ({"couplings": ((0, 1), (2, 2))}, r"couplings[1] is [2, 2]"),
        ({"gates": ("cz", "rzz", "czz")}, "there is no gate 'czz'"),
        ({"facts": (NativeGate("cz", (0, 1)),)}, "facts[0] (cz): the gate is not in gates"),
        ({"facts": (NativeGate("ecr", (0, 9)),)}, "facts[0] (ecr): sites are [0, 9]"),
        ({"facts": (NativeGate("ecr", (0, 1), 1.5),)}, "error is 1.5"),
        ({"facts": (NativeGate("ecr", (0, 1), 0.5, float("nan")),)}, "duration_s is nan"),
        ({"readings": (Site(),)}, "readings has 1 rows"),
        ({"readings": (Site(readout_error=-1),) * 4}, "readings[0]: readout_error is -1"),
        ({"broken": (7,)}, "broken names site 7"),
        ({"name": 5}, "name is 5"),
    ],
)
def test_what_fits_no_device_is_refused(change, text):
    base = {
        "name": "mine",
        "sites": 4,
        "couplings": ((0, 1),),
        "gates": ("ecr", "cz") if "facts" not in change else ("ecr",),
    }
    with pytest.raises(QmkError) as caught:
        Target(**{**base, **change})
    assert text in caught.value.message
    assert caught.value.fields["help"]


@pytest.mark.parametrize(
    "text", ['{"name": "x"}', '{"name": "x", "sites": "4"}', '{"name": "x", "sites": 4, "size": 1}', "[]"]
)
def test_json_of_another_form_is_refused(text):
    with pytest.raises(QmkError, match=r"'here.json': "):
        Target.from_json(text, "here.json")
