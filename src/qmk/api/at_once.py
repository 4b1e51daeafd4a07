"""The fast path of the command line: the counts of a program text that the native core reads and runs by itself.

No worker process is started for it: the run is over before that had loaded, and Ctrl-C stops the core as it stops
Python. Where the counts are enough, no front end, graph or router is loaded either.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qmk.api.execution import Executor
from qmk.api.results import brief, result_of
from qmk.api.source import Source
from qmk.base.limits import LIMITS
from qmk.request import native_text

if TYPE_CHECKING:
    from qmk.client.result import Result
    from qmk.request.options import RunOptions


def run_at_once(path: str, options: RunOptions, whole: bool) -> Result | None:
    """Run the program in a file, if nothing but counts is asked for and nothing can be said against its text; None for
    every other, with nothing run and nothing reported. ``whole``: the result has its digest, every bit of its registers
    and the reasons for the engine, as that of ``qmk.run``."""
    if (
        options.strict
        or not options.is_ideal
        or options.all_outputs is not None
        or options.engine
        or options.timeout_ms is not None
    ):
        return None
    if options.format not in (None, *native_text.FORMATS):
        return None
    if not os.path.isfile(path) or os.path.getsize(path) > LIMITS.source_bytes:
        return None
    with open(path, "rb") as file:
        text = file.read()
    circuit = native_text.read(text, options.format, options.params)
    if circuit is None:
        return None
    source = Source(text, options.replace(keep_events=False), circuit)
    executed = Executor().run_at_once(source)
    if executed is None:
        return None
    return result_of(executed, source) if whole else brief(executed, source)
