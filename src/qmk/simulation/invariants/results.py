"""A completed job's result is that of its program and seed: the same from whichever worker, after whatever faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qmk.simulation.invariants.invariant import Invariant
from qmk.simulation.programs import counts_of, events_of

if TYPE_CHECKING:
    from qmk.simulation.network import Call
    from qmk.simulation.world import World


class Results(Invariant):
    name = "results"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._seeds: dict[str, int] = {}

    def on_answer(self, call: Call) -> None:
        if call.error is not None:
            return
        if call.method in ("q_submit", "q_status", "q_wait"):
            seed = self._seeds.setdefault(call.result.job_id, call.result.seed)
            self.holds(seed == call.result.seed, f"{call.result.job_id} changed its seed")
            wanted = getattr(getattr(call.request, "policy", None), "seed", None)
            self.holds(wanted in (None, seed), f"{call.result.job_id} was not given the seed it asked for")
        result = call.result.result if call.method == "q_wait" else call.result if call.method == "q_result" else None
        if call.method == "q_wait" and result is not None:
            self.holds(call.result.state == "COMPLETED", "a q_wait has a result too early")
        if result is not None:
            self._require(result)

    def _require(self, result: Any) -> None:
        digest, seed, shots = result.provenance.digest, result.seed, result.shots
        self.holds(seed == self._seeds.get(result.job_id, seed), f"{result.job_id} ran with another seed")
        self.holds(result.counts == counts_of(digest, seed, shots), f"{result.job_id} has the counts of another run")
        page = result.events
        if page is not None and page.rows:
            rows = ["1" if octet else "0" for octet in events_of(digest, seed, shots)]
            part = rows[page.from_shot : page.from_shot + len(page.rows)]
            self.holds(page.rows == part, f"{result.job_id} has the events of another run")
