"""A process that samples and decodes batches: one JSON line in (the job), then number and shots of a batch a line;
one JSON line out for each. It ends with its input."""

from __future__ import annotations

import sys
import time

import msgspec
import stim

from qmk.base.errors import QmkError
from qmk.models.qec import batches, decoders


class Job(msgspec.Struct, frozen=True):
    """What all batches of a run share."""

    circuit: str
    decoder: str
    seed: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The decoder is compiled; ``cpu_s`` of the process so far."""

    cpu_s: float


class Counted(msgspec.Struct, frozen=True, tag="counted"):
    """A batch is counted."""

    number: int
    shots: int
    errors_any: int
    errors: tuple[int, ...]
    cpu_s: float


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The error, as ``QmkError.to_dict`` gives it."""

    error: dict[str, object]


Reply = Ready | Counted | Failed


def main() -> None:
    def say(reply: Reply) -> None:
        sys.stdout.write(msgspec.json.encode(reply).decode() + "\n")
        sys.stdout.flush()

    job = msgspec.json.decode(sys.stdin.readline(), type=Job)
    try:
        loop = batches.Loop(stim.Circuit(job.circuit), decoders.get(job.decoder), job.seed)
        say(Ready(time.process_time()))
        for line in sys.stdin:
            number, shots = line.split()
            done = loop.run(int(number), int(shots))
            say(Counted(done.number, done.shots, done.errors_any, done.errors, done.cpu_s))
    except QmkError as error:
        say(Failed(error.to_dict()))
    except Exception as error:  # whatever a library raises, the asking process is told
        say(Failed(QmkError("INTERNAL_ERROR", f"{type(error).__name__}: {error}").to_dict()))


if __name__ == "__main__":
    main()
