"""Programs that a new user can run as they are."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """``title`` says what the program shows."""

    title: str
    text: str
    points: str = ""


EXAMPLES = {
    "bell": Example(
        "A Bell pair: two qubits that always agree",
        'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n',
    ),
    "ghz": Example(
        "Five qubits in a GHZ state",
        "OPENQASM 3.0;\n"
        'include "stdgates.inc";\n'
        "qubit[5] q;\nbit[5] c;\n"
        "h q[0];\nfor int i in [0:3] { cx q[i], q[i + 1]; }\nc = measure q;\n",
    ),
    "teleport": Example(
        "Teleportation: gates that wait for measurements",
        "OPENQASM 3.0;\n"
        'include "stdgates.inc";\n'
        "qubit[3] q;\nbit a;\nbit b;\nbit out;\n"
        "ry(0.9) q[0];\nh q[1];\ncx q[1], q[2];\ncx q[0], q[1];\nh q[0];\n"
        "a = measure q[0];\nb = measure q[1];\nif (b) x q[2];\nif (a) z q[2];\nout = measure q[2];\n",
    ),
    "rabi": Example(
        "A sweep: one rotation at nine angles",
        "OPENQASM 3.0;\ninput float theta;\nqubit q;\nbit c;\nU(theta, 0, 0) q;\nc = measure q;\n",
        '{"theta": [0, 0.7854, 1.5708, 2.3562, 3.1416, 3.927, 4.7124, 5.4978, 6.2832]}',
    ),
}
