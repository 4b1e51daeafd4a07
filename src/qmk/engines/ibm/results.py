"""Results of the sampler, version 2, in both forms that the service has.

With ``support_qiskit`` objects are ``{"__type__": .., "__value__": ..}``, and arrays are those of numpy's own format,
compressed by zlib, in base64; without, samples are hexadecimal numbers. Bit k of a number is bit k of its register.
"""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any, cast

import numpy as np

from qmk.ir.bits import Bits

LARGEST_BYTES = 1 << 30
"""Most bytes of an array."""


def read(found: Any, register: str) -> Bits:
    """The bits of a register of the first circuit, one row a shot, bit k in column k. Raises ``ValueError`` and what
    looking into something else raises."""
    plain = plain_of(found)
    results = plain["pub_results"] if "pub_results" in plain else plain["results"]
    data = results[0]["data"]
    data = data.get("fields", data)[register]
    width = int(data["num_bits"])
    if "samples" in data:
        return _of_numbers([int(text, 16) for text in data["samples"]], width)
    rows = np.asarray(data["array"], dtype=np.uint8)
    if rows.ndim != 2 or rows.shape[1] != -(-width // 8):
        raise ValueError(f"an array of shape {rows.shape} for {width} bits")
    return np.unpackbits(rows, axis=1)[:, ::-1][:, :width]


def _of_numbers(numbers: list[int], width: int) -> Bits:
    if not all(0 <= number < 1 << width for number in numbers):
        raise ValueError("a sample that does not fit its register")
    rows = [[number >> bit & 1 for bit in range(width)] for number in numbers]
    return np.array(rows, dtype=np.uint8).reshape(len(numbers), width)


def plain_of(found: Any) -> Any:
    """JSON with typed objects replaced by their values. No type is looked up by name but arrays."""
    if isinstance(found, list):
        return [plain_of(item) for item in cast("list[Any]", found)]
    if not isinstance(found, dict):
        return found
    found = cast("dict[str, Any]", found)
    if set(found) != {"__type__", "__value__"}:
        return {name: plain_of(value) for name, value in found.items()}
    value = found["__value__"]
    if found["__type__"] == "ndarray" and isinstance(value, str):
        return _array(value)
    return plain_of(value)


def _array(text: str) -> Any:
    opened = zlib.decompressobj()
    data = opened.decompress(base64.b64decode(text, validate=True), LARGEST_BYTES)
    if opened.unconsumed_tail:
        raise ValueError(f"an array of more than {LARGEST_BYTES >> 20} MiB")
    return np.load(io.BytesIO(data), allow_pickle=False)
