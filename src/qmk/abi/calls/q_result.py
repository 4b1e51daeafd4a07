"""``q_result``: what a completed job gave."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call
from qmk.qvm.outputs import Values


class Request(shapes.OfJob, frozen=True):
    from_shot: Annotated[
        int, Meta(description="first shot of the page of per-shot events", ge=0, le=shapes.INT_MAX)
    ] = 0
    partial: Annotated[bool, Meta(description="of a RUNNING job: what there is so far, instead of NOT_COMPLETED")] = (
        False
    )


class Register(Struct, frozen=True):
    name: str
    bits: Annotated[list[str | None], Meta(description="event of each printed bit, left to right; null: constant 0")]
    descending: Annotated[bool, Meta(description="bits[0] is the highest index")] = False


class EventPage(Struct, frozen=True):
    """Per-shot events of consecutive shots."""

    from_shot: int
    names: list[str]
    widths: Annotated[list[int], Meta(description="bits of each event: 1, or 2 for a one-event Bell measurement")]
    rows: Annotated[list[str], Meta(description="one string of 0 and 1 a shot, events in the order of names")]
    next_shot: Annotated[int | None, Meta(description="from_shot of the next page; null after the last")]


class Fallback(Struct, frozen=True, kw_only=True):
    """An engine that the job was on before the one that gave the result."""

    engine: str
    method: str
    why: Annotated[str, Meta(description="memory, refused, slow, or hedged: another beside it was done first")]
    message: str
    seconds: Annotated[float, Meta(description="time it had")]


class Change(Struct, frozen=True, kw_only=True):
    """A calibration that came into force while the job ran: what was made of it."""

    epoch: Annotated[int, Meta(description="epochs that were behind the job, which stay as they are")]
    calibrated_s: Annotated[float, Meta(description="second of the calibration whose rates the rest has")]
    from_distance: int
    to_distance: Annotated[int, Meta(description="as it was, where only the rates of the noise change")]
    made: Annotated[bool, Meta(description="false: it was wanted and refused")]
    reason: str


class Provenance(Struct, frozen=True, kw_only=True):
    digest: Annotated[str, Meta(description="SHA-256 of the program's meaning")]
    engine: str
    method: str
    version: Annotated[str, Meta(description="version of the library under the engine")] = ""
    isolation: Annotated[str, Meta(description="level that it ran at: process, jail, ...; empty: not known")] = ""
    seed: int
    passes: list[str] = []
    reasons: Annotated[list[dict[str, Any]], Meta(description="why this engine: the router's candidates")] = []
    predicted_seconds: Annotated[float, Meta(description="engine time that was predicted for this engine")] = 0.0
    uncertainty: Annotated[float, Meta(description="factor within which the prediction was believed")] = 1.0
    fallbacks: Annotated[list[Fallback], Meta(description="engines tried before, in order")] = []
    cached_from: Annotated[str, Meta(description="job whose result this is; empty: it was computed")] = ""
    footprint: Annotated[
        shapes.Footprint | None, Meta(description="what the job took of the machine of logical qubits it asked for")
    ] = None
    moves: Annotated[
        int, Meta(description="moves of its patches at fences, which take rounds and, in this release, add no errors")
    ] = 0
    changes: Annotated[
        list[Change], Meta(description="calibrations that came into force at fences (`policy.qec.began`), in order")
    ] = []
    notes: Annotated[dict[str, Any], Meta(description="what the engine and the lowering had to say")] = {}


class Reply(Struct, frozen=True, kw_only=True):
    job_id: str
    shots: int
    seed: int
    counts: Annotated[dict[str, int], Meta(description="printed bitstring to number of shots")] = {}
    registers: list[Register] = []
    events: Annotated[EventPage | None, Meta(description="null when keep_events was false")] = None
    values: Annotated[Values | None, Meta(description="what outputs of q_submit asked for")] = None
    provenance: Provenance
    usage: Annotated[
        dict[str, Any],
        Meta(
            description="engine_seconds, cpu_seconds, peak_rss_bytes (most memory of the worker during this run, its "
            "libraries included), result_bytes, attempts, ..."
        ),
    ] = {}
    warnings: shapes.Warnings = []
    partial: Annotated[
        bool, Meta(description="the job is RUNNING: `shots` is those that counts and values are of so far, often 0")
    ] = False


CALL = Call(
    name="q_result",
    doc="Answers what a COMPLETED job gave; per-shot events come in pages of at most `page_shots` shots. With "
    "`partial`, also what a RUNNING job has so far: counts of the shots, or values of the points, that are done, where "
    "its method has some before others.",
    request=Request,
    reply=Reply,
    rights=("CAP_RESULT",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND", "NOT_COMPLETED", "JOB_FAILED", "JOB_CANCELLED"),
    aliases=("qmk_job_result",),
)
