"""Carries out what scripts ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.scripts.messages import Answer, Asked, Wish, refusal

if TYPE_CHECKING:
    from qmk.api.embedded import Embedded
    from qmk.client.sync import Client


class Runs:
    """Carries out what a script asks for, as ``qmk.run`` or ``Client.run`` would for its caller. ``keyed``: run i has
    the idempotency key i, which its daemon puts behind the script's own."""

    def __init__(self, kernel: Embedded | Client, seed: int, shots: int | None, *, keyed: bool = False) -> None:
        self._kernel, self._seed, self._shots, self._keyed = kernel, seed, shots, keyed

    def answer(self, asked: Asked, left_ms: int | None = None) -> Answer:
        """The counts or values, or the error, as JSON. ``left_ms``: for how long it may take, None: as long as the
        script may."""
        try:
            return Answer(msgspec.json.encode(self._run(asked.index, asked.wish, left_ms)).decode())
        except QmkError as error:
            return refusal(error)

    def _run(self, index: int, wish: Wish, left_ms: int | None) -> Any:
        program = wish.program.encode(errors="surrogatepass")  # bytes are text; a str could name a file of ours
        seed = substream(self._seed, "script", index) if wish.seed is None else wish.seed
        common: Any = {"seed": seed}
        if left_ms is not None:
            common["timeout_ms"] = max(1, left_ms)
        if self._keyed:
            common["idempotency_key"] = str(index)
        if wish.observables is None:
            shots = self._shots if wish.shots is None else wish.shots
            return self._kernel.run(program, shots=shots, keep_events=False, **common).counts
        from qmk.request.outputs import outputs

        graph, wanted = outputs(program, expect=wish.observables, counts=False, sampled=wish.shots is not None)
        found = self._kernel.run(graph, shots=wish.shots, outputs=wanted, **common)
        assert found.values is not None
        return [row.value for row in found.values.points[0].expectations]
