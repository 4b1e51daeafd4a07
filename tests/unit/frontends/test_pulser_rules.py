"""Every rule of the front-end ``pulser`` and of a device's channels with a sequence that breaks it; hostile input."""

from __future__ import annotations

import copy
import json
import math
import random
from typing import Any

import pytest

from qmk.base.errors import Finding, QmkError
from qmk.frontends.pulser.rules import PULSER_RULES
from qmk.models.atoms.channel_rules import CHANNEL_RULES
from qmk.qvm.verify import verify
from tests.unit.frontends.pulser_documents import (
    DATA,
    Document,
    constant,
    document,
    pulse,
    read,
    sampled,
    text,
    written_out,
)

MOCK = written_out("MockDevice")
DIGITAL = written_out("DigitalAnalogDevice")
LAYOUT = {"coordinates": [[0, 0], [8, 0], [16, 0], [24, 0]]}
NEAR = [{"name": f"q{k}", "x": 8.0 * k, "y": 0.0} for k in range(2)]
LOCAL = {"l": "rydberg_local", "r": "rydberg_global"}


def target(qubit: Any, channel: str = "l") -> Document:
    return {"op": "target", "channel": channel, "target": qubit}


def on_digital(*operations: Document, **more: Any) -> Document:
    return document(*operations, device=DIGITAL, register=NEAR, **more)


def channel_of(device: Document, **changes: Any) -> Document:
    """The device with another first channel."""
    return {**device, "channels": [{**device["channels"][0], **changes}, *device["channels"][1:]]}


def with_map(weight: float = 1.0, *operations: Document, device: Document = DIGITAL) -> Document:
    spots = [{"weight": weight, "x": 0.0, "y": 0.0}, {"weight": 0.5, "x": 8.0, "y": 0.0}]
    config = {"op": "config_detuning_map", "detuning_map": {"traps": spots}, "dmm_id": "dmm_0"}
    return document(config, *operations, pulse(), device=device, register=NEAR)


def dmm(waveform: Document) -> Document:
    return {"op": "add_dmm_detuning", "waveform": waveform, "dmm_name": "dmm_0", "protocol": "no-delay"}


EOM = {
    "mod_bandwidth": 40,
    "limiting_beam": "RED",
    "max_limiting_amp": 188.0,
    "intermediate_detuning": 2800.0,
    "controlled_beams": ["BLUE"],
}
WITH_EOM = channel_of(MOCK, mod_bandwidth=8, eom_config=EOM)
ENABLE = {"op": "enable_eom_mode", "channel": "r", "amp_on": 5.0, "detuning_on": 0.0, "optimal_detuning_off": 0.0}
SHIFT = {"op": "phase_shift", "phi": 1.0, "targets": [0], "basis": "ground-rydberg"}
ONE = {"x": {"type": "float", "value": [0.0]}}


def expression(**parts: Any) -> Document:
    return document(pulse(detuning=constant(100, parts)))


BREAKING: list[tuple[str, Document, dict[str, Any]]] = [
    ("PULSER-01", document(surprise=1), {}),
    ("PULSER-01", document({"op": "dance"}), {}),
    ("PULSER-01", document(pulse(amplitude={"kind": "square", "duration": 5})), {}),
    ("PULSER-01", document(pulse(amplitude=constant("long"))), {}),
    ("PULSER-02", document(version="2"), {}),
    ("PULSER-03", document(pulse(amplitude=constant(100, 1e10))), {}),
    ("PULSER-03", document(pulse(amplitude=constant(-5))), {}),
    ("PULSER-03", document(register=[{"name": "a", "x": 1e12, "y": 0}]), {}),
    ("PULSER-03", document(device=channel_of(MOCK, clock_period=0)), {}),
    ("PULSER-03", document(device=channel_of(MOCK, mod_bandwidth=1e7)), {}),
    ("PULSER-04", document(variables=ONE), {}),
    ("PULSER-04", document(variables=ONE), {"x": [1.0, 2.0]}),
    ("PULSER-04", document(variables=ONE), {"x": float("nan")}),
    ("PULSER-04", document(variables={"x": {"type": "int", "value": [0]}}), {"x": 1.5}),
    ("PULSER-05", expression(variable="x"), {}),
    ("PULSER-05", expression(expression="sqrt", lhs=-1), {}),
    ("PULSER-05", expression(expression="div", lhs=1, rhs=0), {}),
    ("PULSER-05", expression(expression="pow", lhs=1e9, rhs=1e9), {}),
    ("PULSER-05", expression(expression="open", lhs=1, rhs=1), {}),
    ("PULSER-05", expression(expression="add", lhs=[1, 2], rhs=[1, 2, 3]), {}),
    ("PULSER-05", expression(expression="index", lhs=[1, 2], rhs=2), {}),
    ("PULSER-05", expression(expression="add", lhs=1), {}),
    ("PULSER-05", expression(expression="neg", lhs=[1, 2]), {}),
    ("PULSER-06", document(register=[]), {}),
    ("PULSER-06", document(register=[{"name": "a", "x": 0, "y": 0}, {"name": "a", "x": 9, "y": 0}]), {}),
    ("PULSER-06", document(register=[{"name": "a", "x": 0, "y": 0}, {"name": "b", "x": 9, "y": 0, "z": 0}]), {}),
    ("PULSER-06", document(register=[{"name": "a", "x": 1, "y": 0}], layout=LAYOUT), {}),
    ("PULSER-06", document(register=[{"qid": "a"}]), {"qubits": [0]}),
    ("PULSER-06", document(register=[{"qid": "a"}], layout=LAYOUT), {"qubits": [4]}),
    ("PULSER-06", document(register=[{"qid": "a"}], layout=LAYOUT), {}),
    ("PULSER-06", document(), {"qubits": [0]}),
    ("PULSER-06", document(target(3), pulse(), channels=LOCAL), {}),
    ("PULSER-06", document({"op": "config_slm_mask", "qubits": ["z"], "dmm_id": "dmm_0"}, pulse()), {}),
    ("PULSER-07", document(pulse(amplitude=constant(100, -1.0))), {}),
    ("PULSER-07", document(pulse(detuning=constant(99))), {}),
    ("PULSER-07", document(pulse(amplitude={"kind": "custom", "samples": []})), {}),
    ("PULSER-07", document(pulse(amplitude={"kind": "composite", "waveforms": [constant()]})), {}),
    ("PULSER-07", document(pulse(amplitude={"kind": "blackman_max", "max_val": 5.0, "area": -1.0})), {}),
    ("PULSER-07", document(pulse(amplitude={"kind": "kaiser", "duration": 100, "area": 1.0, "beta": -1})), {}),
    ("PULSER-07", document(pulse(amplitude={"kind": "kaiser", "duration": 100, "area": 1.0, "beta": 1e6})), {}),
    (
        "PULSER-07",
        document(pulse(amplitude={"kind": "interpolated", "duration": 100, "values": [1, 2], "times": [0.5, 0.5]})),
        {},
    ),
    ("PULSER-08", document(pulse("x")), {}),
    ("PULSER-08", document(pulse("l"), channels=LOCAL), {}),
    ("PULSER-08", document(SHIFT, pulse()), {}),
    ("PULSER-08", document(SHIFT, target([0, 1]), channels=LOCAL), {}),
    ("PULSER-08", document({**SHIFT, "basis": "digital"}, pulse()), {}),
    ("PULSER-08", document({"op": "align", "channels": ["r", "r"]}, pulse()), {}),
    ("PULSER-08", document(ENABLE, device=MOCK), {}),
    ("PULSER-08", document(ENABLE, pulse(), device=WITH_EOM), {}),
    ("PULSER-08", document({"op": "disable_eom_mode", "channel": "r"}, device=WITH_EOM), {}),
    ("PULSER-08", with_map(1.0, pulse("dmm_0")), {}),
    ("PULSER-08", document(channels={"dmm_x": "rydberg_global"}), {}),
    (
        "PULSER-08",
        document({"op": "config_slm_mask", "qubits": ["q0"], "dmm_id": "dmm_0"}, dmm(constant(100, -1.0)), pulse()),
        {},
    ),
    ("PULSER-09", document(channels={"m": "mw_global"}), {}),
    ("PULSER-09", document(magnetic_field=[0, 0, 30]), {}),
    ("PULSER-09", document(measurement="digital"), {}),
    ("PULSER-10", document(), {"colour": 1}),
    ("PULSER-10", document(), {"samples": "often"}),
    ("PULSER-10", document(), {"c6": "much"}),
    ("PULSER-11", document(pulse(amplitude=constant(100, 0.0))), {}),
    ("PULSER-11", document(pulse(amplitude=constant(2))), {}),
    ("PULSER-12", document(device={**MOCK, "rydberg_level": 49}), {}),
    ("PULSER-12", document(device="Chadoq2"), {}),
    ("ATOM-01", on_digital(pulse(), layout=None) | {"device": {**DIGITAL, "max_atom_num": 1}}, {}),
    ("ATOM-02", on_digital(pulse()) | {"device": {**DIGITAL, "max_radial_distance": 5}}, {}),
    ("ATOM-03", on_digital(pulse()) | {"device": {**DIGITAL, "min_atom_distance": 9}}, {}),
    ("ATOM-06", on_digital(pulse()) | {"device": {**DIGITAL, "max_sequence_duration": 96}}, {}),
    ("ATOM-09", on_digital(pulse(amplitude=constant(100, 16.0))), {}),
    ("ATOM-12", on_digital(pulse(detuning=constant(100, -126.0))), {}),
    ("ATOM-81", on_digital(pulse(), layout=LAYOUT) | {"device": {**DIGITAL, "max_layout_filling": 0.25}}, {}),
    ("ATOM-81", on_digital(pulse(), layout=LAYOUT) | {"device": {**DIGITAL, "min_layout_traps": 5}}, {}),
    ("ATOM-81", document(register=[{"name": "a", "x": 0, "y": 0, "z": 0}], device=DIGITAL), {}),
    ("ATOM-82", on_digital(pulse(amplitude=constant(12))), {}),
    ("ATOM-82", on_digital(pulse(amplitude={"kind": "custom", "samples": [1.0] * 99}, detuning=constant(99, 0))), {}),
    ("ATOM-82", on_digital(pulse(), {"op": "delay", "channel": "r", "time": 3}), {}),
    ("ATOM-82", on_digital(pulse(), {"op": "truncate", "duration": 3}), {}),
    ("ATOM-83", document(channels={"r": "rydberg_everywhere"}), {}),
    ("ATOM-83", on_digital(pulse(), channels={"r": "rydberg_global", "s": "rydberg_global"}), {}),
    ("ATOM-83", with_map(1.0, with_map()["operations"][0]), {}),
    ("ATOM-83", with_map(device={**DIGITAL, "dmm_objects": []}), {}),
    (
        "ATOM-83",
        document(
            {"op": "config_slm_mask", "qubits": ["q0"], "dmm_id": "dmm_0"}, device={**MOCK, "supports_slm_mask": False}
        ),
        {},
    ),
    ("ATOM-84", on_digital(target([0, 1]), pulse(), channels=LOCAL), {}),
    ("ATOM-84", document(target(0, "r"), pulse()), {}),
    ("ATOM-85", document(device=channel_of(MOCK, min_avg_amp=5.5)), {}),
    ("ATOM-86", with_map(1.5), {}),
    ("ATOM-86", with_map(1.0, dmm(constant(100, 1.0))), {}),
    ("ATOM-86", with_map(1.0, dmm(constant(100, -126.0))), {}),
]


@pytest.mark.parametrize(("rule", "made", "params"), BREAKING, ids=lambda x: x if isinstance(x, str) else "")
def test_a_sequence_that_breaks_a_rule_is_told_which(rule: str, made: Document, params: dict[str, Any]) -> None:
    with pytest.raises(QmkError) as refused:
        read(made, **params)
    assert {row.rule for row in refused.value.findings} == {rule}
    assert all(row.file == "p.json" and row.help and row.message for row in refused.value.findings)


def test_every_rule_is_broken_here() -> None:
    assert {rule for rule, _, _ in BREAKING} >= {*PULSER_RULES, *CHANNEL_RULES}


def test_what_the_rules_are_broken_against_is_sound() -> None:
    for made in (
        document(),
        on_digital(pulse()),
        with_map(1.0, dmm(constant(100, -20.0))),
        document(ENABLE, {"op": "disable_eom_mode", "channel": "r"}, pulse(), device=WITH_EOM),
        document(target(2), pulse("l"), channels=LOCAL),
        document({"op": "config_slm_mask", "qubits": ["q0"], "dmm_id": "dmm_0"}, pulse()),
    ):
        assert read(made)


def test_the_place_stands_in_the_message() -> None:
    with pytest.raises(QmkError, match=r"operations\[1\], pulse: detuning: sqrt\(-4\)"):
        read(document(pulse(), pulse(detuning=constant(100, {"expression": "sqrt", "lhs": -4}))))


def test_bounds_of_the_device_come_in_one_answer() -> None:
    made = on_digital(pulse(amplitude=constant(100, 16.0)), pulse(detuning=constant(100, 130.0)))
    with pytest.raises(QmkError) as refused:
        read({**made, "device": {**DIGITAL, "max_radial_distance": 5}})
    assert [row.rule for row in refused.value.findings] == ["ATOM-02", "ATOM-09", "ATOM-12"]


# -- hostile input ---------------------------------------------------------------------------------------------------


def nested(wave: Document, depth: int) -> Document:
    for _ in range(depth):
        wave = {"kind": "composite", "waveforms": [wave, constant(1)]}
    return wave


def much_nested(depth: int) -> bytes:
    """As ``nested``, as text: too deep for a writer of JSON."""
    return b'{"kind": "composite", "waveforms": [' * depth + text(constant(1)) + b"]}" * depth


def deep(depth: int) -> Any:
    found: Any = 1.0
    for _ in range(depth):
        found = {"expression": "neg", "lhs": found}
    return found


DELAY = {"op": "delay", "channel": "r", "time": 1}
HUGE: list[tuple[Document | bytes, dict[str, Any]]] = [
    (document(pulse(amplitude=constant(1_000_000_000))), {}),
    (document(*[pulse(amplitude=constant(1_000_000))] * 40), {}),
    (document({"op": "delay", "channel": "r", "time": 1_000_000_000}, pulse()), {}),
    (document(pulse(amplitude={"kind": "kaiser_max", "max_val": 1e-9, "area": 1e9, "beta": 14})), {}),
    (document(pulse(amplitude={"kind": "blackman_max", "max_val": 1e-9, "area": 1e9})), {}),
    (document(pulse(amplitude=nested(constant(1), 65))), {}),
    (text(document(pulse(amplitude=constant(7)))).replace(text(constant(7)), much_nested(20_000)), {}),
    (expression(expression="neg", lhs=deep(70)), {}),
    (document(pulse(amplitude={"kind": "custom", "samples": [k % 7 for k in range(100_000)]})), {}),
    (
        document(
            *[{"op": "delay", "channel": "r", "time": 1}] * 20_000,
            register=[{"name": str(k), "x": k, "y": 0} for k in range(300)],
        ),
        {},
    ),
]


QUICK = channel_of(MOCK, mod_bandwidth=400, eom_config={**EOM, "mod_bandwidth": 400, "custom_buffer_time": 1})
BACK_AND_FORTH = [
    {**ENABLE, "amp_on": 0.0, "correct_phase_drift": True},
    {"op": "disable_eom_mode", "channel": "r", "correct_phase_drift": True},
]
HUGE += [
    (document(*BACK_AND_FORTH * 20_000, pulse(), device=QUICK), {}),
    (document(target(0), *[DELAY] * 20_000, *[pulse("l", constant(1))] * 1000, channels=LOCAL), {}),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("made", "params"), HUGE)
def test_what_is_too_large_is_refused_soon(made: Document | bytes, params: dict[str, Any]) -> None:
    data = made if isinstance(made, bytes) else text(made)
    with pytest.raises(QmkError) as refused:
        read(data, **params)
    assert refused.value.kind.name in ("INVALID_GRAPH", "QUOTA_EXCEEDED")


@pytest.mark.parametrize("data", [b"{", b"[]", b"null", b"\xff{}", b'{"register": ' * 3000, b'{"version": NaN}'])
def test_bytes_that_are_no_sequence(data: bytes) -> None:
    with pytest.raises(QmkError) as refused:
        read(data)
    assert [row.rule for row in refused.value.findings] == ["PULSER-01"]


SEEDS = [
    *(json.loads(path.read_text()) for path in sorted(DATA.glob("*.pulser.json"))),
    *(case["sequence"] for case in sampled()),
]
STRANGE = [None, True, -1, 0, 0.5, 1e9, 1e300, 10**30, "", "r", "digital", [], [[]], {}, {"variable": "t"}, math.pi]


def changed(made: Any, dice: random.Random) -> None:
    """Somewhere below, one value becomes another, goes, or comes twice."""
    while True:
        keys = list(made) if isinstance(made, dict) else list(range(len(made)))
        if not keys:
            return
        key = dice.choice(keys)
        if isinstance(made[key], (dict, list)) and dice.random() < 0.8:
            made = made[key]
            continue
        chance = dice.random()
        if chance < 0.2:
            del made[key]
        elif chance < 0.3 and isinstance(made, list):
            made.append(made[key])
        else:
            made[key] = copy.deepcopy(dice.choice(STRANGE))
        return


@pytest.mark.parametrize("seed", range(300))
def test_changed_sequences_are_read_or_refused(seed: int) -> None:
    dice = random.Random(seed)
    made = copy.deepcopy(dice.choice(SEEDS))
    made["device"] = dice.choice([made["device"], made["device"], "MockDevice"])
    for _ in range(dice.randint(1, 2)):
        inner = made.get("operations")
        changed(inner if isinstance(inner, list) and dice.random() < 0.5 else made, dice)
    findings: list[Finding] = []
    kind = ""
    try:
        assert verify(read(made, **({"omega": 2.5, "t": 60} if made.get("variables") else {}))).ok
    except QmkError as refused:
        kind, findings = refused.kind.name, refused.findings
    assert kind in ("", "INVALID_GRAPH", "QUOTA_EXCEEDED")
    assert all(row.rule and row.message for row in findings)
    assert bool(findings) == (kind == "INVALID_GRAPH")
