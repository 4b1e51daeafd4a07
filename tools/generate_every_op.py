"""Adds gates and error channels that are new to ``tests/golden/ops/every_op.qvm.json``, the program with every op.

An op that needs more than qubits and numbers (events, channels, tables) is put there by hand. With ``--check`` it only
says whether anything is missing.
"""

from __future__ import annotations

import json
import sys

from pages import ROOT, write_or_check

from qmk.qvm.families import OPS
from qmk.qvm.op import Op, Param

FILE = "tests/golden/ops/every_op.qvm.json"
LAST = '"op": "core.free"'
QUBITS = ("q0", "q1", "q2")
NUMBER = 0.1


def main(arguments: list[str]) -> int:
    lines = (ROOT / FILE).read_text().splitlines(keepends=True)
    used = {node["op"] for node in json.loads("".join(lines))["program"]["nodes"]}
    end = next(number for number, line in enumerate(lines) if LAST in line)
    new = [f"    {json.dumps(_node(op))},\n" for op in OPS.values() if op.name not in used and _is_plain(op)]
    return write_or_check({FILE: "".join((*lines[:end], *new, *lines[end:]))}, arguments)


def _is_plain(op: Op) -> bool:
    numbers = all(param.kind in ("angle", "float") for param in op.params if param.required)
    return op.op_class in ("unitary", "noise") and op.vqs.low > 0 and not op.produces.high and numbers


def _node(op: Op) -> dict[str, object]:
    args = {param.name: _number(param) for param in op.params if param.required}
    node: dict[str, object] = {"id": f"n_{op.short}", "op": op.name}
    if args:
        node["args"] = args
    node["vqs"] = QUBITS[: op.vqs.low]
    return node


def _number(param: Param) -> float:
    low = NUMBER if param.low is None else max(param.low, NUMBER)
    return low if param.high is None else min(low, param.high)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
