"""From a method of Kirin's to its JSON, which QMK reads."""

from __future__ import annotations

from typing import Any

from kirin.ir import Method

from qmk.circuit.objects import not_a_program
from qmk.sdk.adapter import cannot


def read(program: object, params: Any) -> bytes:
    """The JSON of a kernel. Raises UNSUPPORTED for another object of Kirin's, or for a kernel that Kirin cannot
    write."""
    kernel: Any = program
    if not isinstance(program, Method):
        fix = "give the kernel, which is what @squin.kernel makes of a function"
        raise not_a_program("kirin", program, fix)
    try:
        return kernel.dialects.encode_json(kernel).encode()
    except Exception as error:  # Kirin has many kinds of errors, and none for this
        fix = "keep values of other packages out of the kernel"
        raise cannot("kirin", f"it has no JSON: {error}", f"the kernel {kernel.sym_name}", fix) from error
