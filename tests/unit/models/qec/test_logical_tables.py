"""Tables of logical errors: what they refuse, what follows from counts, how fits behave."""

from __future__ import annotations

import hashlib
import math
import random

import msgspec
import numpy as np
import pytest

from benchmarks.qec import calibrate
from qmk.base.errors import QmkError
from qmk.models.noise import NoiseModel, resolve
from qmk.models.qec import codes
from qmk.models.qec.rates import flip_per_round
from qmk.models.qec.tables import (
    Row,
    Table,
    cache_folder,
    channels,
    default,
    draw_table,
    fit,
    keep,
    measure,
    points,
    redrawn,
)
from qmk.models.qec.tables.angles import probability, theta, thetas
from qmk.models.qec.tables.fit import Point, strength
from qmk.models.qec.tables.rows import cached_rows

SHIPPED = default()


def row(kind: str = "memory", d: int = 5, basis: str = "Z", errors: int = 100, noise: str = "p=1e-3") -> Row:
    model = resolve(noise)
    return Row(
        kind, "surface", d, basis, model.name, model.hash, "matching", 3 * d, d, ("l0",), 10_000, {"1": errors}, 1, {}
    )


def test_independent_flips_are_found_behind_patterns():
    dice = random.Random("thetas")
    for _ in range(20):
        chances = [dice.random() / 20 for _ in range(8)]
        patterns = np.zeros(8)
        patterns[0] = 1
        for mechanism in range(1, 8):
            moved = patterns[np.arange(8) ^ mechanism]
            patterns = patterns * (1 - chances[mechanism]) + moved * chances[mechanism]
        errors = {"".join(str(m >> k & 1) for k in range(3)): patterns[m] for m in range(1, 8)}
        found = thetas(errors, 1.0, 3)
        assert all(abs(probability(float(found[m])) - chances[m]) < 1e-12 for m in range(1, 8))


def test_a_theta_adds_up_over_repetitions():
    p, rounds = 0.01, 9
    assert math.isclose(flip_per_round(probability(rounds * theta(p)), rounds), p, rel_tol=1e-12)
    assert probability(-0.1) == 0.0


def test_a_table_of_another_noise_model_is_refused():
    for noise in ("uniform=1e-3", "si1000=1e-3", "p=1.1e-3"):
        with pytest.raises(QmkError, match="has no rows of surface codes under the noise model"):
            channels(SHIPPED, "surface", 5, noise)


def test_a_name_does_not_make_a_noise_model():
    lying = msgspec.structs.replace(resolve("uniform=1e-3"), name="p=1e-3")
    with pytest.raises(QmkError, match="has no rows"):
        channels(SHIPPED, "surface", 5, lying)
    assert strength(msgspec.structs.replace(row(), noise_hash=lying.hash)) is None
    assert strength(row()) == 1e-3


def test_x_and_z_are_counted_apart():
    """No row stands for the other basis."""
    table = Table((row(basis="X", errors=150), row(basis="Z", errors=100)))
    known = channels(table, "surface", 5, "p=1e-3")
    assert known.cycle["Z"] > 1.4 * known.cycle["X"]
    with pytest.raises(QmkError, match="in both bases"):
        channels(Table((row(basis="Z"),)), "surface", 5, "p=1e-3")


def test_the_fit_finds_a_law_and_leaves_distance_3_and_high_noise_out():
    def law(d: int, p: float) -> float:
        return 0.0435 * (p / 0.0092) ** ((d + 1) / 2)

    made = [Point(d, p, law(d, p), 0.03) for d in (5, 7, 9) for p in (1e-3, 2e-3, 3e-3)]
    off = [Point(3, 1e-3, 9.9, 0.01), Point(5, 8e-3, 0.4, 0.01), Point(9, 1e-3, 0.5, 0.9)]
    found = fit([*made, *off])
    assert math.isclose(found.threshold, 0.0092, rel_tol=1e-6)
    assert math.isclose(found.amplitude, 0.0435, rel_tol=1e-6)
    near, far = found.per_round(9, 1e-3), found.per_round(13, 1e-3)
    assert math.isclose(far[0], law(13, 1e-3), rel_tol=1e-6)
    assert 0.05 < near[1] < far[1]
    assert far[1] > 0.12
    with pytest.raises(QmkError, match="to distance 15"):
        found.per_round(15, 1e-3)
    with pytest.raises(QmkError, match="below half the threshold"):
        found.per_round(9, 5e-3)
    with pytest.raises(QmkError, match="to distance 3"):
        found.per_round(3, 1e-3)


def test_the_shipped_fit_is_that_of_the_memory_circuits():
    """Stim's generator, matching: A = 0.0435 and p_th = 0.0092, measured elsewhere with more shots."""
    found = fit(points(SHIPPED, "surface", "matching"))
    assert 0.0085 < found.threshold < 0.0099
    assert 0.030 < found.amplitude < 0.060
    assert all(point.d >= 5 and point.p < found.threshold / 2 for point in found.points)


def test_an_extrapolated_channel_says_so_and_is_smaller():
    largest = max(SHIPPED.of("p=1e-3", "surface", "matching").distances("idle"))
    counted = channels(SHIPPED, "surface", largest, "p=1e-3")
    further = channels(SHIPPED, "surface", largest + 2, "p=1e-3")
    assert counted.source == "counted"
    assert counted.relative_sd == 0.0
    assert "1 steps beyond" in further.source
    assert further.relative_sd > 0.05
    per_round = fit(points(SHIPPED, "surface", "matching")).threshold / 1e-3
    for flip in ("X", "Z"):
        fall = counted.cycle[flip] / further.cycle[flip]
        assert math.isclose(fall, per_round * largest / (largest + 2), rel_tol=1e-9)
    with pytest.raises(QmkError, match="2 steps of two"):
        channels(SHIPPED, "surface", largest + 6, "p=1e-3")


def test_the_amplitude_of_the_fit_cancels_between_two_distances():
    law = fit(points(SHIPPED, "surface", "matching"))
    factor, spread = law.ratio(7, 11, 1e-3)
    assert math.isclose(factor, law.per_round(11, 1e-3)[0] / law.per_round(7, 1e-3)[0], rel_tol=1e-12)
    threshold_sd = math.sqrt(law.covariance[1, 1])
    assert math.isclose(spread, math.hypot(2 * threshold_sd, 0.12), rel_tol=1e-12)


def test_an_extrapolated_cycle_has_the_rounds_of_its_distance():
    """Distance 7 as it follows from 5 against 7 as it was counted, to 30 %: with the rounds of distance 5 a cycle would
    err 1.4 times less. Half a dozen standard deviations of the counts."""
    less = Table(tuple(row for row in SHIPPED.rows if (row.d, row.noise) != (7, "p=0.001") or row.kind == "memory"))
    follows, counted = (channels(table, "surface", 7, "p=1e-3") for table in (less, SHIPPED))
    assert follows.source == "fitted: distance 5 counted, 1 steps beyond"
    assert counted.source == "counted"
    for sizes in (lambda known: sum(known.cycle.values()), lambda known: sum(m.other for m in known.merge.values())):
        assert 0.77 < sizes(follows) / sizes(counted) < 1.3


def test_nothing_is_extrapolated_from_distance_3():
    """Its errors are not on the line: from 3 to 5 the waiting errors of the table fall by 7.4, and the fit says 9.4."""
    law = fit(points(SHIPPED, "surface", "matching"))
    low, high = (channels(SHIPPED, "surface", d, "p=1e-3") for d in (3, 5))
    fall = sum(low.cycle.values()) / 3 / (sum(high.cycle.values()) / 5)
    assert fall < 0.9 * (law.threshold / 1e-3)
    three = Table(tuple(row for row in SHIPPED.rows if row.d == 3 or row.noise != "p=0.001"))
    assert channels(three, "surface", 3, "p=1e-3").source == "counted"
    with pytest.raises(QmkError, match="from distance 3: errors follow the fit from 5 on"):
        channels(three, "surface", 5, "p=1e-3")


def test_surgery_at_distance_3_alone_leaves_larger_distances_to_memory():
    rows = (row for row in SHIPPED.rows if row.noise == "p=0.001")
    table = Table(tuple(row for row in rows if row.d == 3 or (row.kind == "memory" and row.d < 9)))
    assert channels(table, "surface", 3, "p=1e-3").source == "counted"
    known = channels(table, "surface", 5, "p=1e-3")
    assert "by their volume" in known.source
    assert known.relative_sd == 0.1


def test_a_distance_without_all_rows_is_none():
    """One row more of a distance takes nothing away from what the others say."""
    (row7,) = (row for row in SHIPPED.rows if (row.kind, row.d, row.basis) == ("idle", 7, "X"))
    lone = [msgspec.structs.replace(row7, d=9, rounds=27, rounds_per_cycle=9, basis=basis) for basis in "XZ"]
    assert channels(SHIPPED.with_rows(lone), "surface", 9, "p=1e-3") == channels(SHIPPED, "surface", 9, "p=1e-3")
    with pytest.raises(QmkError, match="at distance 9 lacks 'prepare_measure' in X"):
        channels(Table(tuple(lone)), "surface", 9, "p=1e-3")


def test_a_coin_is_no_channel():
    """Not one without errors either, which a difference of two infinities would give."""
    rows = SHIPPED.of("p=1e-3", "surface", "matching")
    for kind, errors in (("merge_zz", {"001": 250_000, "010": 250_000, "100": 500_000}), ("idle", {"1": 1_000_000})):
        known = rows.row(kind, 5, "Z")
        assert known is not None
        coin = msgspec.structs.replace(known, errors=errors)
        with pytest.raises(QmkError, match=f"'{kind}' in Z at distance 5 under p=0.001 comes out like a coin"):
            channels(SHIPPED.with_rows([coin]), "surface", 5, "p=1e-3")
    coins = [msgspec.structs.replace(row(basis=basis), errors={"1": 5_000}) for basis in "XZ"]
    with pytest.raises(QmkError, match="'memory' in Z at distance 5"):
        channels(Table(tuple(coins)), "surface", 5, "p=1e-3")


def test_channels_that_are_drawn_scatter_as_their_counts_and_their_model():
    dice = np.random.default_rng(2)
    rows = SHIPPED.of("p=1e-3", "surface", "matching")
    for d in (7, 9, 11):
        known = channels(SHIPPED, "surface", d, "p=1e-3")
        drawn_cycles = [sum(redrawn(rows, known, dice).cycle.values()) for _ in range(300)]
        long, short = (
            sum(x.errors_any for x in rows.rows if (x.kind, x.d) == (kind, 7)) for kind in ("idle", "prepare_measure")
        )
        counts = math.sqrt(long + short) / (long - short)
        assert math.isclose(float(np.mean(drawn_cycles)), sum(known.cycle.values()), rel_tol=0.1)
        assert math.isclose(float(np.std(np.log(drawn_cycles))), math.hypot(counts, known.relative_sd), rel_tol=0.3)


def test_above_threshold_errors_grow_with_the_distance():
    rates = [sum(channels(SHIPPED, "surface", d, "p=1.5e-2").cycle.values()) / d for d in (3, 5, 7)]
    assert rates == sorted(rates)
    with pytest.raises(QmkError, match="below half the threshold"):
        channels(SHIPPED, "surface", 9, "p=1.5e-2")


def test_bacon_shor_has_a_best_distance_and_no_law():
    def per_round(p: str) -> dict[int, float]:
        return {d: sum(channels(SHIPPED, "bacon_shor", d, p).cycle.values()) / d for d in (3, 5, 7)}

    high = per_round("p=0.005")
    assert min(high, key=high.__getitem__) == 3
    assert high[7] > high[5]
    with pytest.raises(QmkError, match="no law by which errors fall"):
        channels(SHIPPED, "bacon_shor", 11, "p=1e-3")


def test_rows_are_made_kept_and_found_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = measure("idle", "surface(d=3)", "p=4e-3", "Z", shots=2_000, seed=3)
    assert made == measure("idle", "surface(d=3)", "p=4e-3", "Z", shots=2_000, seed=3)
    assert made.rounds == 9
    assert made.noise_hash == NoiseModel.circuit(4e-3).hash
    low, high = made.interval_per_shot()
    assert low < made.any_per_shot < high
    path = keep(made)
    assert path.parent == cache_folder()
    assert cached_rows() == (made,)
    assert made in default().rows
    path.write_bytes(path.read_bytes().replace(b'"seed":3', b'"seed":4'))
    assert cached_rows() == ()


def test_a_cache_adds_shots_and_takes_none_away(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    known = SHIPPED.of("p=1e-3", "surface", "matching").row("idle", 5, "Z")
    assert known is not None
    keep(msgspec.structs.replace(known, shots=100, errors={}, seed=1))
    assert default() == SHIPPED
    more = msgspec.structs.replace(known, shots=2 * known.shots, errors={"1": 2 * known.errors_any}, seed=2)
    keep(more)
    assert default().of("p=1e-3", "surface", "matching").row("idle", 5, "Z") == more
    assert len(default().rows) == len(SHIPPED.rows)


def test_a_file_of_the_cache_that_is_no_row_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache_folder().mkdir(parents=True)
    path = cache_folder() / f"{hashlib.sha256(b'{}').hexdigest()}.json"
    path.write_bytes(b"{}")
    with pytest.raises(QmkError, match="is not a row") as caught:
        default()
    assert str(path) in str(caught.value)
    assert caught.value.fields["help"] == "remove the file"


def test_a_table_survives_json_and_its_digest_does_not_see_the_order(tmp_path):
    table = Table((row(), row(basis="X")))
    path = tmp_path / "table.json"
    path.write_bytes(table.to_json())
    assert Table.load(path) == table
    assert Table(table.rows[::-1]).digest == table.digest
    assert Table((row(errors=7), row(basis="X"))).digest != table.digest


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[", "truncated"),
        (b'[{"kind": 1}]', "Expected `str`"),
        (Table((row(),)).to_json().replace(b'"1":100', b'"11":100'), "do not fit 1 observables"),
        (Table((row(),)).to_json().replace(b'"1":100', b'"1":10001'), "more errors than shots"),
        (Table((row(),)).to_json().replace(b'"1":100', b'"0":100'), "do not fit 1 observables"),
        (Table((row(),)).to_json().replace(b'"1":100', b'"1":-1'), "less than nothing"),
        (Table((row(),)).to_json().replace(b'"shots":10000', b'"shots":0').replace(b'"1":100', b'"1":0'), "nothing"),
        (Table((row(),)).to_json().replace(b'"rounds":15', b'"rounds":0'), "counts nothing"),
        (b"[" + Table((row(),)).to_json()[2:-3] + b"," + Table((row(),)).to_json()[2:-3] + b"]", "the same thing"),
    ],
)
def test_a_table_that_is_none_is_refused(text, why):
    with pytest.raises(QmkError, match=why):
        Table.from_json(text)


def test_drawn_tables_scatter_as_counts_do():
    """Standard deviation of 400 draws within 25 % of sqrt(100): false alarms below 1e-9."""
    dice = np.random.default_rng(1)
    counts = [draw_table(Table((row(),)), dice).rows[0].errors_any for _ in range(400)]
    assert 7.5 < float(np.std(counts)) < 12.5
    assert abs(float(np.mean(counts)) - 100.5) < 4


def test_kinds_that_do_not_exist_are_refused():
    with pytest.raises(QmkError, match="no operation of kind"):
        measure("merge_yy", "surface(d=3)", "p=1e-3", "Z", shots=10, seed=1)
    with pytest.raises(QmkError, match="of a bacon_shor code"):
        measure("idle", "bacon_shor(d=3)", "p=1e-3", "Z", shots=10, seed=1)
    with pytest.raises(QmkError, match="seen in X"):
        measure("merge_zz_away", "surface(d=3)", "p=1e-3", "X", shots=10, seed=1)


def test_the_shipped_table_is_what_its_program_makes():
    wanted = {(kind, family, d, f"p={p:g}", basis): most for kind, family, d, p, basis, most, _ in calibrate.wanted()}
    made = {(row.kind, row.family, row.d, row.noise, row.basis): row for row in SHIPPED.rows}
    assert made.keys() == wanted.keys()
    assert all(row.shots <= wanted[key] and row.seed == calibrate.SEED for key, row in made.items())


def test_every_family_of_the_table_is_a_code():
    for shipped in SHIPPED.rows:
        assert codes.parse(f"{shipped.family}(d={shipped.d})").distance == shipped.d
