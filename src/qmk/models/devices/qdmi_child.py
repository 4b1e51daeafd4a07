"""Loads a QDMI device library, asks it what its device is, and says so as JSON: ``python -m
qmk.models.devices.qdmi_child``.

It is a process of its own, so that what the library does wrong ends this one alone. What is asked for stands on the
standard input as JSON ({"library", "prefix", "parameters"}), so that tokens are in no list of processes; the answer is
on the descriptor that was the standard output, which the library cannot print on. Numbers of the interface are those
of QDMI 1.3 (https://munich-quantum-software-stack.github.io/QDMI).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

SUCCESS, WARNING = 0, 1
NOT_SUPPORTED = -9
STATUS = {
    -1: "a fatal error",
    -2: "out of memory",
    -3: "not implemented",
    -4: "a library was not found",
    -5: "an element was not found",
    -6: "out of range",
    -7: "an invalid argument",
    -8: "permission denied",
    -9: "not supported",
    -10: "a bad state",
    -11: "a timeout",
}
PARAMETERS = {
    "base-url": 0,
    "token": 1,
    "auth-file": 2,
    "auth-url": 3,
    "username": 4,
    "password": 5,
    **{f"custom{k}": 999_999_994 + k for k in range(1, 6)},
}
"""Parameters of a session by our names."""

NAME, VERSION, QUBITS, SITES, OPERATIONS, COUPLINGS, DURATION_UNIT, DURATION_SCALE = 0, 1, 4, 5, 6, 7, 12, 13
SITE_INDEX, SITE_T1, SITE_T2, SITE_ZONE = 0, 1, 2, 7
OP_NAME, OP_QUBITS, OP_PARAMETERS, OP_DURATION, OP_FIDELITY, OP_ZONED, OP_SITES = 0, 1, 2, 3, 4, 8, 9
MOST_BYTES = 1 << 24
"""Of one answer."""


class Refused(Exception):
    """What the library did not do, in words."""


class Library:
    """The functions of one library, with its session."""

    def __init__(self, path: str, prefix: str, parameters: dict[str, str]) -> None:
        self._prefix = prefix
        try:
            self._lib = ctypes.CDLL(path)
        except OSError as error:
            raise Refused(f"it cannot be loaded: {error}") from error
        self._call("device_initialize")
        self.session = ctypes.c_void_p()
        self._call("device_session_alloc", ctypes.byref(self.session))
        for name, text in parameters.items():
            data = text.encode() + b"\0"
            self._call("device_session_set_parameter", self.session, PARAMETERS[name], ctypes.c_size_t(len(data)), data)
        self._call("device_session_init", self.session)

    def close(self) -> None:
        free = self._function("device_session_free")
        free.restype = None
        free(self.session)
        self._call("device_finalize")

    def _function(self, name: str) -> Any:
        full = f"{self._prefix}_QDMI_{name}"
        try:
            return getattr(self._lib, full)
        except AttributeError:
            raise Refused(f"it has no function {full}: is '{self._prefix}' its prefix?") from None

    def _call(self, name: str, *args: Any) -> None:
        status = self._function(name)(*args)
        if status not in (SUCCESS, WARNING):
            raise Refused(f"{self._prefix}_QDMI_{name} gave {STATUS.get(status, f'status {status}')}")

    def ask(self, name: str, *args: Any) -> bytes | None:
        """The bytes of a property; None where the library does not have it."""
        query, size = self._function(name), ctypes.c_size_t()
        status = query(*args, ctypes.c_size_t(0), None, ctypes.byref(size))
        if status == NOT_SUPPORTED:
            return None
        if status not in (SUCCESS, WARNING) or size.value > MOST_BYTES:
            raise Refused(f"{self._prefix}_QDMI_{name} gave status {status} and {size.value} bytes")
        data = ctypes.create_string_buffer(max(1, size.value))
        self._call(name, *args, size, data, None)
        return data.raw[: size.value]

    def of_device(self, prop: int) -> bytes | None:
        return self.ask("device_session_query_device_property", self.session, prop)

    def of_site(self, site: int, prop: int) -> bytes | None:
        return self.ask("device_session_query_site_property", self.session, ctypes.c_void_p(site), prop)

    def of_operation(self, operation: int, prop: int, sites: Sequence[int] = ()) -> bytes | None:
        handles = (ctypes.c_void_p * len(sites))(*sites) if sites else None
        count, none = ctypes.c_size_t(len(sites)), ctypes.c_size_t(0)
        name = "device_session_query_operation_property"
        return self.ask(name, self.session, ctypes.c_void_p(operation), count, handles, none, None, prop)


def _text(data: bytes | None) -> str:
    return "" if data is None else data.split(b"\0")[0].decode(errors="replace")


def _numbers(data: bytes | None) -> list[int]:
    """Sizes and handles, which are words of the machine."""
    width, data = ctypes.sizeof(ctypes.c_size_t), data or b""
    return [int.from_bytes(data[at : at + width], sys.byteorder) for at in range(0, len(data), width)]


def _number(data: bytes | None) -> int | None:
    return int.from_bytes(data, sys.byteorder) if data else None


def _real(data: bytes | None) -> float | None:
    return ctypes.c_double.from_buffer_copy(data).value if data is not None and len(data) == 8 else None


def describe(library: Library) -> dict[str, Any]:
    """All that a target takes: sites by number, operations with what is known of each place. Times are in the device's
    unit."""
    handles = _numbers(library.of_device(SITES))
    handles = [site for site in handles if not any(library.of_site(site, SITE_ZONE) or b"")]
    given = {site: _number(library.of_site(site, SITE_INDEX)) or 0 for site in handles}
    place = {site: number for number, site in enumerate(sorted(handles, key=lambda site: given[site]))}
    flat = _numbers(library.of_device(COUPLINGS))
    pairs = list(zip(flat[::2], flat[1::2], strict=False))
    operations: list[dict[str, Any]] = []
    for operation in _numbers(library.of_device(OPERATIONS)):
        operations.append(_operation(library, operation, place, pairs))
    times = [[_number(library.of_site(site, prop)) for prop in (SITE_T1, SITE_T2)] for site in place]
    return {
        "name": _text(library.of_device(NAME)),
        "version": _text(library.of_device(VERSION)),
        "sites": len(place),
        "couplings": [[place[a], place[b]] for a, b in pairs if a in place and b in place] if pairs else None,
        "times": times,
        "unit": _text(library.of_device(DURATION_UNIT)),
        "scale": _real(library.of_device(DURATION_SCALE)),
        "operations": operations,
    }


def _operation(library: Library, operation: int, place: dict[int, int], pairs: list[tuple[int, int]]) -> dict[str, Any]:
    qubits = _number(library.of_operation(operation, OP_QUBITS)) or 0
    flat = _numbers(library.of_operation(operation, OP_SITES))
    groups = [tuple(flat[at : at + qubits]) for at in range(0, len(flat), qubits)] if qubits else []
    if not groups:
        groups = [(site,) for site in place] if qubits == 1 else list(pairs) if qubits == 2 else []
    facts: list[list[Any]] = []
    for group in groups:
        if all(site in place for site in group):
            fidelity = _real(library.of_operation(operation, OP_FIDELITY, group))
            duration = _number(library.of_operation(operation, OP_DURATION, group))
            facts.append([[place[site] for site in group], fidelity, duration])
    return {"name": _text(library.of_operation(operation, OP_NAME)), "qubits": qubits, "facts": facts}


def main() -> None:
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    try:
        library = Library(asked["library"], asked["prefix"], asked["parameters"])
        found = describe(library)
        library.close()
        said: dict[str, Any] = {"device": found}
    except Refused as refused:
        said = {"error": str(refused)}
    json.dump(said, answer)
    answer.flush()
    os._exit(0)  # what the library left running is nobody's


if __name__ == "__main__":
    main()
