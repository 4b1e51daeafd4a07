"""Front-end ``pulser``: sequences of Pulser in its abstract representation, version 1, as ``Sequence.to_abstract_repr``
writes them and Pasqal's cloud takes them.

What it pins. Units are ns, rad/us, um, rad. The drive has e^{+i phase} |r><g|. C6 is that of the device's Rydberg level
in Pulser's table unless ``c6`` (rad um^6/us) says otherwise. Bits are printed in the register's order: 1 is the Rydberg
level where the ground-rydberg basis is measured, the level h where the digital one is. Waveforms are samples of 1 ns;
``samples`` says what is between them: ``spline``, a cubic spline through them, which Pulser's own simulator has, or
``hold``, each for its nanosecond, which is what Pulser calls a waveform's integral. Variables are given by their names.
The device in the file says what channels there are and what they can do, and the sequence is refused where it asks
for more.
"""

from __future__ import annotations

from qmk.sdk.frontend import Frontend, json_object
from qmk.sdk.references import later

NAME = "pulser.abstract_repr"


def recognise(data: bytes) -> int:
    """A JSON object with keys that only a sequence of Pulser has near each other."""
    head = json_object(data)
    if b'"register"' not in head:
        return 0
    if b'"pulser_version"' in head or b'"pulser-exported"' in head:
        return 100
    return 98 if b'"channels"' in head or b'"layout"' in head else 0


FRONTEND = Frontend(
    "pulser",
    "Sequences of Pulser for neutral atoms",
    (".pulser.json",),
    recognise,
    later("qmk.frontends.pulser.program:read"),
)
