"""Family ``channel``: entanglement links between qubits, possibly of two tenants."""

from __future__ import annotations

from qmk.qvm.op import Family, Op, Param, exactly

OPTS = (
    Param("fidelity", "float", "lowest fidelity of a Bell pair", required=False, low=0.25, high=1.0),
    Param("type", "text", "kind of link: bell_pair", required=False, choices=("bell_pair",)),
    Param(
        "raw",
        "float",
        "fidelity of the pairs that the link makes, before purification; the device's own if not given",
        required=False,
        low=0.25,
        high=1.0,
    ),
    Param("opts", "map", "the parameters above as an object, the 0.1 spelling", required=False),
)

FAMILY = Family(
    "channel",
    1,
    "entanglement links between qubits",
    (
        Op(
            "channel.open",
            "open a channel between two qubits, which makes Bell pairs of at least this fidelity",
            "channel",
            "OPEN_CHAN",
            vqs=exactly(2),
            chs=exactly(1),
            params=OPTS,
            cap="CAP_LINK",
            channel_effect="open",
        ),
        Op(
            "channel.use",
            "move the state of the channel's first qubit to its second (teleport), or exchange them (swap)",
            "channel",
            "USE_CHAN",
            chs=exactly(1),
            params=(
                Param(
                    "semantic",
                    "text",
                    "teleport (the default) takes one Bell pair and leaves |0> behind, swap takes two",
                    required=False,
                    choices=("teleport", "swap"),
                ),
            ),
            cap="CAP_LINK",
            channel_effect="use",
        ),
        Op(
            "channel.close",
            "close a channel",
            "channel",
            "CLOSE_CHAN",
            chs=exactly(1),
            cap="CAP_LINK",
            channel_effect="close",
        ),
    ),
)
