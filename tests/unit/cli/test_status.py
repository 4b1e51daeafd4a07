"""``qmk status`` as a line."""

from __future__ import annotations

import msgspec
import pytest

from qmk.abi.calls import q_status
from qmk.abi.shapes import Progress
from qmk.client.job_text import line


@pytest.mark.parametrize(
    ("changes", "text"),
    [(0, ""), (1, ", its program written anew at 1 fence"), (2, ", its program written anew at 2 fences")],
)
def test_a_job_on_patches_tells_its_width_and_its_changes(changes: int, text: str) -> None:
    status = q_status.Reply(
        job_id="job_a",
        state="RUNNING",
        progress=Progress(2, 3, 5, 9, 0, 100, 12, 52),
        shots=100,
        seed=1,
        engine="stabilizer",
        method="",
        place_in_queue=None,
        estimated_start=None,
        submitted=1.0,
        physical_qubits=441,
        changes=changes,
    )
    told = line("job_a", msgspec.to_builtins(status))
    begin = "job_a: RUNNING on stabilizer, epoch 2 of 3, 12 of 52 rounds, 0 of 100 shots, 441 physical qubits"
    assert told == begin + text
