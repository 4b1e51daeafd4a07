"""Targets of QRMI, the resource interface of HPC centres: ``QuantumResource.target().value``, and its configuration.

The text is in the form of the vendor behind the resource: IBM's ``configuration`` and ``properties``, or IQM's
architecture with its observations (qrmi 0.26). Nothing of QRMI is imported, and no credential is read.
"""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.models.arguments import show
from qmk.models.devices.iqm import from_iqm
from qmk.models.devices.readers import decode, from_ibm
from qmk.models.devices.target import Target, wrong

IBM, IQM = ("configuration",), ("dynamic_quantum_architecture", "calibration_set", "quality_metrics")
"""The keys by which a vendor's form is known; the first is there always."""


class Resource(msgspec.Struct, frozen=True):
    """One resource of ``qrmi_config.json``: its name, QRMI's name of its kind, and settings that are not secret."""

    name: str
    type: str
    environment: dict[str, Any] = {}


class _Config(msgspec.Struct, frozen=True):
    resources: list[Resource]


def from_qrmi(value: bytes | str, name: str = "qrmi") -> Target:
    """The target of a resource from its ``target().value``. Raises INVALID_PARAMS for a form that is none of IBM's and
    IQM's, naming the keys there are."""
    fix = "give the text of QuantumResource.target().value"
    parts: dict[str, msgspec.Raw] = decode(value, dict[str, msgspec.Raw], name, fix)
    if IBM[0] in parts:
        properties = parts.get("properties")
        made = from_ibm(bytes(parts[IBM[0]]), None if properties is None else bytes(properties), name, name)
    elif IQM[0] in parts:
        made = from_iqm(bytes(parts[IQM[0]]), *(bytes(parts[key]) for key in IQM[1:] if key in parts), name=name)
    else:
        raise wrong(f"'{name}': a target with {', '.join(map(show, sorted(parts)[:8]))}", f"{fix} of IBM or IQM")
    return msgspec.structs.replace(made, name=name if name != "qrmi" else made.name, source=f"QRMI: {made.source}")


def resources(config: bytes | str, path: str = "qrmi_config.json") -> tuple[Resource, ...]:
    """The resources of a ``qrmi_config.json``, without settings whose names say that they are secret. Raises
    INVALID_PARAMS naming the place."""
    fix = 'give {"resources": [{"name": ..., "type": ..., "environment": {...}}]}'
    read: _Config = decode(config, _Config, path, fix)
    return tuple(
        msgspec.structs.replace(
            row, environment={key: row.environment[key] for key in row.environment if not _secret(key)}
        )
        for row in read.resources
    )


def _secret(key: str) -> bool:
    return any(word in key.upper() for word in ("KEY", "TOKEN", "PASSWORD", "SECRET"))
