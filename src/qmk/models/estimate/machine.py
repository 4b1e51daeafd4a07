"""What an estimate is for: one kind of qubit, one code, one set of distillation units.

Machines are kept by the text of their parameters, and with them everything a search found, so that the second estimate
for a machine costs a tenth of the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from qmk.models.estimate import families, qubits, scheme, units
from qmk.models.estimate.factory import FactoryDesigns
from qmk.models.estimate.qubits import Qubit
from qmk.models.estimate.rates import RateFit, TableCode, calibrate_code
from qmk.models.estimate.scheme import FormulaCode
from qmk.models.estimate.units import Unit
from qmk.models.estimate.wrong import hint_at, show, wrong
from qmk.rpc.kept import Kept

_KEPT = 256


@dataclass(frozen=True, slots=True)
class Machine:
    qubit: Qubit
    code: FormulaCode | TableCode
    designs: FactoryDesigns
    parts: tuple[Unit, ...]
    warnings: tuple[str, ...]


_machines: Kept[bytes, Machine] = Kept()


def machine(qubit: Any, code: Any, distillation: Any) -> Machine:
    """The machine of three parameter objects. Raises INVALID_PARAMS when one of them is wrong."""
    try:
        key = msgspec.msgpack.encode((qubit, code, distillation))
    except (TypeError, ValueError, OverflowError):
        return _make(qubit, code, distillation)
    return _machines.get(key) or _machines.put(key, _make(qubit, code, distillation), 1, _KEPT)


def forget() -> None:
    """Drop what earlier estimates left; for measurements."""
    _machines.clear()


def _make(qubit_params: Any, qec_scheme: Any, distillation: Any) -> Machine:
    qubit = qubits.parse({"name": qubits.DEFAULT} if qubit_params is None else qubit_params)
    code = _code({"name": scheme.DEFAULT} if qec_scheme is None else qec_scheme, qubit)
    return _with(qubit, code, units.parse([] if distillation is None else distillation))


def _code(given: Any, qubit: Qubit) -> FormulaCode | TableCode:
    fields: Mapping[str, Any] = cast("Mapping[str, Any]", given) if isinstance(given, Mapping) else {}
    name = fields.get("name")
    if isinstance(name, str) and name.startswith(families.PREFIX):
        return families.parse(fields, qubit)
    if isinstance(name, str) and len(fields) == 1 and name not in scheme.SPELLINGS:
        named = ("surface_code", "floquet_code", *families.NAMES)
        help = f"{hint_at(name, named, 'codes')}; or give the formulas and rates of one of your own"
        raise wrong("qecScheme/name", f"no code is named {show(name)}", help)
    return FormulaCode(given, qubit)


def _with(qubit: Qubit, code: FormulaCode | TableCode, parts: tuple[Unit, ...]) -> Machine:
    designs = FactoryDesigns(
        code.factory_patches, parts, qubit.t_gate_rate, qubit.t_gate_time_ns, qubit.clifford_rate, qubit.readout_rate
    )
    return Machine(qubit, code, designs, parts, _warnings(qubit, code))


def calibrate(plain: Machine, fit: RateFit | None, sigmas: float) -> Machine:
    """The same machine with measured error rates, so many standard deviations off: those of ``fit`` for a code of
    formulas, and its own for a code that has them."""
    code = plain.code
    if isinstance(code, FormulaCode):
        return _with(plain.qubit, calibrate_code(code, fit, sigmas), plain.parts)
    if code.off is None:
        said = f"no interval is known of the rates of {code.resolved['name']}: they came without counts"
        raise wrong("qecScheme", said, "leave --calibrated out; the figures are those of the measured rates already")
    return _with(plain.qubit, code.off(sigmas), plain.parts)


def _warnings(qubit: Qubit, code: FormulaCode | TableCode) -> tuple[str, ...]:
    found = list(code.warnings)
    if qubit.readout_rate > qubit.clifford_rate:
        found.append(
            f"the read-out error rate {qubit.readout_rate:g} sets the distance, not the Clifford error rate "
            f"{qubit.clifford_rate:g}"
        )
    return tuple(found)
