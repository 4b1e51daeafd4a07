"""What a script gave, wherever it ran."""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.scripts.messages import Usage


class ScriptResult(msgspec.Struct, frozen=True):
    """What a script gave. ``value`` is its result, as JSON has it; ``log`` its lines; ``provenance`` says how it ran:
    level of isolation, version, and the digest of the runner, with which the same script, input and seed give the same
    bits. ``process`` is the level of isolation of the process around the runner."""

    value: Any
    seed: int
    log: list[str]
    usage: Usage
    provenance: dict[str, str]
