"""Rates are data: costs are linear in them, a file of them is taken where it fits, and named where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.router import choose, rates
from qmk.router.features import features
from qmk.sdk import discovery
from qmk.sdk.engine import BOUND_UNCERTAINTY, UNCERTAINTY, Cost, Declaration
from qmk.sdk.kit.builder import Builder

ENGINES = discovery.engines()
CASES = [(name, method) for name in sorted(ENGINES) for method in ENGINES[name].methods]


def facts(native: str = ""):
    builder = Builder(6)
    for k in range(40):
        builder.op("ry", k % 6, theta=0.1 * k).op("cnot", k % 6, (k + 1) % 6)
    return features(builder.measure_all().graph(), native=native)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_the_declared_rates_are_the_default_and_seconds_are_linear_in_them(name: str, method: str) -> None:
    declaration = ENGINES[name]
    known = facts(method if name == "native" else "")

    def seconds(scale: float) -> float:
        scaled = {rate: value * scale for rate, value in declaration.rates.items()}
        return declaration.predict(method, known, 1000, scaled).seconds

    assert seconds(1) == declaration.cost(method, known, 1000).seconds
    assert seconds(3) - seconds(2) == pytest.approx(seconds(2) - seconds(1), rel=1e-6)
    assert seconds(2) > seconds(1)


@pytest.mark.parametrize("name", sorted(name for name, found in ENGINES.items() if found.devices is None))
def test_every_engine_declares_positive_rates(name: str) -> None:
    assert ENGINES[name].rates
    assert all(rate > 0 for rate in ENGINES[name].rates.values())


def test_memory_does_not_depend_on_rates() -> None:
    for name, method in CASES:
        declaration = ENGINES[name]
        scaled = {rate: value * 7 for rate, value in declaration.rates.items()}
        given, usual = declaration.predict(method, facts(), 10, scaled), declaration.predict(method, facts(), 10)
        assert given.memory_bytes == usual.memory_bytes


def test_a_bound_is_believed_less_than_a_prediction() -> None:
    declaration = ENGINES["aer"]
    assert declaration.doubt("statevector", Cost(seconds=1, memory_bytes=1)) == UNCERTAINTY
    bound = Cost(seconds=1, memory_bytes=1, upper_bound=True)
    assert declaration.doubt("matrix_product_state", bound) == BOUND_UNCERTAINTY


def calibration(name: str = "reference", scale: float = 4.0, **changes: object) -> rates.Calibration:
    declaration = ENGINES[name]
    rated = rates.Rated(
        version=discovery.available(declaration).version,
        rates={rate: value * scale for rate, value in declaration.rates.items()},
        uncertainty=dict.fromkeys(declaration.methods, 1.4),
        start_s=0.5,
    )
    made = rates.Calibration(cpu=rates.cpu_model(), made=1.0, engines={name: msgspec.structs.replace(rated)})
    return msgspec.structs.replace(made, **changes)


def test_a_file_is_written_read_and_taken(tmp_path: Path) -> None:
    path = tmp_path / "deep" / rates.NAME
    rates.save(path, calibration())
    rating = rates.rate(ENGINES, path)
    assert (rating.rated, rating.notes) == (("reference",), ())
    known = facts()
    usual = choose(known, 10, engine="reference", memory_bytes=1 << 30).candidates[0]
    rated = choose(known, 10, engine="reference", memory_bytes=1 << 30, declarations=rating.declarations).candidates[0]
    assert rated.seconds == pytest.approx(4 * (usual.seconds or 0))
    assert (usual.uncertainty, rated.uncertainty) == (UNCERTAINTY, 1.4)
    assert list(path.parent.iterdir()) == [path], "no draft is left"


def test_a_slow_start_keeps_an_engine_for_longer_runs(tmp_path: Path) -> None:
    path = tmp_path / rates.NAME
    rates.save(path, calibration("quimb"))
    assert rates.rate(ENGINES, path).declarations["quimb"].beyond_s == 0.5
    assert ENGINES["quimb"].beyond_s == 0.05


@pytest.mark.parametrize(
    ("changes", "note"),
    [({"cpu": "another"}, "measured on 'another'"), ({"format": 99}, "format 99")],
)
def test_a_stale_file_is_left_out_with_a_note(tmp_path: Path, changes: dict[str, Any], note: str) -> None:
    path = tmp_path / rates.NAME
    rates.save(path, calibration(**changes))
    rating = rates.rate(ENGINES, path)
    assert rating.rated == ()
    assert note in rating.notes[0]


@pytest.mark.parametrize("what", ["version", "rates", "value", "doubt", "start"])
def test_an_engine_that_changed_is_left_out_and_the_others_stay(what: str) -> None:
    good = calibration().engines["reference"]
    bad = {
        "version": msgspec.structs.replace(good, version="0"),
        "rates": msgspec.structs.replace(good, rates={"unknown": 1.0}),
        "value": msgspec.structs.replace(good, rates=dict.fromkeys(good.rates, -1.0)),
        "start": msgspec.structs.replace(good, start_s=1e9),
        "doubt": msgspec.structs.replace(good, uncertainty={"": 0.5}),
    }[what]
    made = calibration("stabilizer")
    made = msgspec.structs.replace(made, engines={**made.engines, "reference": bad})
    rating = rates.apply_calibration(ENGINES, made)
    assert rating.rated == ("stabilizer",)
    assert "'reference'" in rating.notes[0]


def test_what_is_no_calibration_is_told_and_not_taken(tmp_path: Path) -> None:
    path = tmp_path / rates.NAME
    assert rates.load(path) is None
    path.write_text("{}")
    with pytest.raises(QmkError, match="holds no rates"):
        rates.load(path)
    rating = rates.rate(ENGINES, path)
    assert rating.declarations is ENGINES
    assert "declared rates are used" in rating.notes[0]


def test_a_new_calibration_keeps_the_engines_that_it_left_out(tmp_path: Path) -> None:
    path = tmp_path / rates.NAME
    rates.save(path, calibration("stabilizer"))
    assert set(rates.merge_calibration(path, calibration()).engines) == {"reference", "stabilizer"}
    rates.save(path, calibration("stabilizer", cpu="another"))
    assert set(rates.merge_calibration(path, calibration()).engines) == {"reference"}


def test_the_installed_engines_are_rated_anew_when_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / rates.NAME
    monkeypatch.setenv("QMK_RATES", str(path))
    assert rates.installed_rating().rated == ()
    rates.save(path, calibration())
    assert rates.installed_rating().rated == ("reference",)
    assert rates.installed_rating() is rates.installed_rating()


def test_an_engine_without_rates_predicts_as_it_always_did() -> None:
    plain = Declaration(
        name="plain", doc="", load="", methods={}, cost=lambda method, known, shots: Cost(seconds=shots, memory_bytes=0)
    )
    assert plain.predict("", facts(), 5).seconds == 5


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Taken for none at all, the router would predict with declared rates and say nothing."""
    rating = rates.rate(ENGINES, tmp_path)
    assert rating.declarations is ENGINES
    assert "cannot read" in rating.notes[0]


def test_a_write_that_fails_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*paths: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rates.os, "replace", fails)
    with pytest.raises(QmkError, match="no space left"):
        rates.save(tmp_path / rates.NAME, calibration())
    assert list(tmp_path.iterdir()) == []


def test_whether_it_can_be_written_is_known_before(tmp_path: Path) -> None:
    path = tmp_path / "new" / rates.NAME
    rates.check_writable(path)
    assert list(path.parent.iterdir()) == []
    rates.save(path, calibration())
    before = path.read_bytes()
    rates.check_writable(path)
    assert path.read_bytes() == before
    with pytest.raises(QmkError, match="cannot write"):
        rates.check_writable(path / "below")


@pytest.mark.parametrize("where", ["a folder", "under a file"])
def test_only_a_file_is_replaced(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path if where == "a folder" else tmp_path / "file" / rates.NAME
    with pytest.raises(QmkError, match="written there" if where == "a folder" else "cannot write"):
        rates.save(path, calibration())
    assert (tmp_path / "file").read_text() == ""
