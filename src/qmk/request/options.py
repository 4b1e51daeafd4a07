"""What a caller may ask of a run beside its program: every keyword is declared here, once.

``RunOptions`` holds the values, ``OPTIONS`` says what each of them means, and ``CALLS`` which call takes which. Derived
from these: the keywords of the functions in ``qmk`` and of both clients (``keywords``), the options of the command line
(``qmk.cli.request``), and the table in the docs. What goes over the wire has its text and its bounds from ``qmk.abi``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec
from msgspec.structs import force_setattr

from qmk.abi import shapes
from qmk.base.errors import QmkError
from qmk.base.isolation import AUTO
from qmk.base.limits import LIMITS, check
from qmk.request import arguments

if TYPE_CHECKING:
    from qmk.models.qec.logical import Machine
    from qmk.qvm.outputs import Outputs
    from qmk.request.logical import Adapt, Drift
    from qmk.request.physical import NoiseLike

Progress = Callable[[int], None]
"""Takes the number of shots that are done."""


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one run. Raises INVALID_PARAMS for a value of a wrong type, QUOTA_EXCEEDED for too many shots."""

    shots: int | None = None
    seed: int | None = None
    engine: str | None = None
    params: Mapping[Any, Any] | None = None
    format: str | None = None
    strict: bool = False
    noise: NoiseLike | Drift | None = None
    error: float | None = None
    qec: Machine | str | None = None
    adapt: Adapt | None = None
    device: str | None = None
    timeout_ms: int | None = None
    attempts: int | None = None
    keep_events: bool = True
    outputs: Outputs | None = None
    split: int = 0
    cache: bool = True
    isolation: str = AUTO
    resources: Mapping[str, float] | None = None
    rewrites: bool = True
    isolate: bool = False
    progress: Progress | bool | None = None
    priority: int = 0
    deadline_epochs: int | None = None
    idempotency_key: str = ""
    channels: Mapping[str, str] | None = None
    name: str = ""
    tags: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, take in _TAKE.items():
            value = getattr(self, name)
            if value is not None or name in _NEEDED:
                force_setattr(self, name, take(name, value))
        if self.error is not None and self.outputs is not None and not self.outputs.tolerance:
            force_setattr(self, "outputs", msgspec.structs.replace(self.outputs, tolerance=self.error))
        for (one, other), what in EITHER.items():
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise QmkError("INVALID_PARAMS", f"both {what}", field=other, help="give one of them")

    @property
    def all_outputs(self) -> Outputs | None:
        """The outputs, with the blocks of the shots."""
        if not self.split:
            return self.outputs
        from qmk.qvm.outputs import Outputs

        return msgspec.structs.replace(self.outputs or Outputs(), split=self.split)

    @property
    def is_ideal(self) -> bool:
        """Whether the run is without noise, device and logical qubits."""
        return self.noise is None and self.qec is None and self.adapt is None and self.device is None

    @property
    def report(self) -> Progress | None:
        """What is called with the number of shots done."""
        return None if isinstance(self.progress, bool) else self.progress

    def replace(self, **changes: Any) -> RunOptions:
        """The same options with some of them changed."""
        return msgspec.structs.replace(self, **changes)

    def non_default(self) -> dict[str, Any]:
        """The options that differ from their defaults, as keywords."""
        return {name: value for name in OPTIONS if (value := getattr(self, name)) != getattr(_DEFAULTS, name)}


class Option(NamedTuple):
    """``doc``: what it means. ``flags``: its names on the command line, none where it has none; ``metavar``: what
    stands there for its value. ``low`` and ``high``: bounds of a whole number; ``between``: those of another number,
    which it is not equal to."""

    doc: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    low: int | None = None
    high: int | None = None
    between: tuple[float, float] | None = None


def _on_the_wire(shape: Any, *flags: str, metavar: str = "") -> Option:
    """An option that a request of the ABI carries: that says what it means, and its bounds."""
    meta = shape.__metadata__[0]
    return Option(meta.description, flags, metavar, meta.ge, meta.le)


OPTIONS: dict[str, Option] = {
    "shots": _on_the_wire(shapes.Shots, "--shots", "-n", metavar="N"),
    "seed": _on_the_wire(shapes.Seed, "--seed", metavar="N"),
    "engine": _on_the_wire(shapes.Engine, "--engine", "-e", metavar="NAME"),
    "params": Option("Values of the program's inputs, by name.", ("--param", "-p"), "NAME=VALUE"),
    "format": Option("Format of the program; if not given, it is recognised by content.", ("--format", "-f"), "FORMAT"),
    "strict": _on_the_wire(shapes.Strict, "--strict"),
    "noise": Option(
        "Noise model: its JSON file, or terms such as depolarizing=1e-3 or si1000=1e-3,readout=0.02; for analog "
        "programs aquila or pasqal; or device, for the noise of the device. Terms after any of these take the place of "
        "its numbers: device,readout=0.02. With a code (qec) it is that of the physical qubits.",
        ("--noise",),
        "MODEL",
    ),
    "error": Option(
        "Instead of shots: as many as keep the standard error of each probability, and of each expectation value, at "
        "or below this. An expectation value that is computed may leave out as much where no method has it exactly.",
        ("--error",),
        "E",
        between=(0, 1),
    ),
    "qec": Option('Run on logical qubits of this code, such as "surface(d=9)".', ("--qec",), "CODE"),
    "adapt": Option(
        "Choose the code, its distance and how T states are made, by the noise of the physical qubits and this policy: "
        "a JSON file, or standard. With a code (qec) that is left only for one that is better.",
        ("--adapt",),
        "POLICY",
    ),
    "device": Option(
        "Run what this device makes of the program, noise included. Of neutral atoms: NAME, NAME:CONFIGURATION, or its "
        "JSON file, as 'qmk atoms devices' lists them, with waits and moves. Of coupled qubits: a name of 'qmk devices "
        "list' or a target's JSON file, compiled for it.",
        ("--device",),
        "NAME",
    ),
    "timeout_ms": _on_the_wire(shapes.JobTimeoutMs, "--timeout", metavar="DURATION"),
    "attempts": _on_the_wire(shapes.Attempts, "--attempts", metavar="N"),
    "keep_events": _on_the_wire(shapes.KeepEvents),
    "outputs": Option("What the run gives beyond counts; qmk.outputs makes it."),
    "split": Option(
        "Draw the shots in so many blocks, block k with the seed substream(seed, 'block', k): on a daemon they run "
        "beside each other, on as many worker slots as there are, and give the same bits on any number of them.",
        ("--split",),
        "N",
        low=0,
        high=LIMITS.script_runs,
    ),
    "cache": _on_the_wire(shapes.UseCache, "--no-cache"),
    "isolation": _on_the_wire(shapes.Isolation, "--isolation", metavar="LEVEL"),
    "resources": _on_the_wire(shapes.Resources, "--resource", metavar="NAME=AMOUNT"),
    "rewrites": Option("Whether the native core may rewrite the program first; if not, it runs as it was written."),
    "isolate": Option(
        "Whether the engine runs in a process of its own, apart from the caller's memory; timeout_ms needs that, and "
        "turns it on."
    ),
    "progress": Option(
        "Called with the number of shots done, of a sweep with that of its points, now and then. True: a bar on "
        "standard error, where that is a terminal or a notebook; a batch has one."
    ),
    "priority": _on_the_wire(shapes.Priority, "--priority", metavar="N"),
    "deadline_epochs": _on_the_wire(shapes.DeadlineEpochs, "--deadline", metavar="EPOCHS"),
    "idempotency_key": _on_the_wire(shapes.IdempotencyKey, "--idempotency-key", metavar="KEY"),
    "channels": _on_the_wire(shapes.Channels, "--channel", metavar="HANDLE=CHANNEL"),
    "name": _on_the_wire(shapes.JobName, "--name", metavar="NAME"),
    "tags": _on_the_wire(shapes.Tags, "--tag", metavar="TAG"),
}

EITHER = {
    ("shots", "error"): "a number of shots and a standard error",
    ("qec", "device"): "a device of atoms and a machine of logical qubits",
    ("adapt", "device"): "a device of atoms and a machine of logical qubits",
}
"""Two options of which a run takes one at most, and what they are."""

_READ = ("params", "format", "strict")
_PHYSICS = ("noise", "error", "qec", "adapt", "device")
_DRAW = ("shots", "seed", "engine", *_READ)
_JOB = (
    *_DRAW, *_PHYSICS, "timeout_ms", "attempts", "keep_events", "outputs", "split", "cache", "isolation", "resources",
    "priority", "deadline_epochs", "idempotency_key", "channels", "name", "tags",
)  # fmt: skip

_SCRIPT = ("shots", "seed", "timeout_ms", "isolation")
_RUN = (*_DRAW, *_PHYSICS, "timeout_ms", "attempts", "keep_events", "outputs", "split", "rewrites", "cache",
        "progress")  # fmt: skip

CALLS: dict[str, tuple[str, ...]] = {
    "qmk.run": (*_RUN, "isolate"),
    "Embedded.run": _RUN,
    "qmk.sample": (*_DRAW, *_PHYSICS, "rewrites", "cache", "progress"),
    "qmk.expectation": (*_DRAW, *_PHYSICS),
    "qmk.probabilities": (*_DRAW, *_PHYSICS),
    "qmk.gradient": (*_DRAW, "noise", "device"),
    "qmk.value_and_grad": (*_DRAW, "noise", "device"),
    "qmk.metric_tensor": _READ,
    "qmk.sweep": (*_DRAW, "noise", "error", "device", "progress"),
    "qmk.state": ("engine", *_READ, "device"),
    "qmk.amplitudes": ("engine", *_READ, "device"),
    "Client.submit": _JOB,
    "Client.run": (*_JOB, "progress"),
    "Client.estimate": ("shots", *_READ, *_PHYSICS, "outputs"),
    "qmk.run_script": _SCRIPT,
    "Client.submit_script": (*_SCRIPT, "attempts", "cache", "priority", "idempotency_key", "name", "tags"),
}
"""Each call with the options that it takes, in the order in which they are shown. ``AsyncClient`` is as ``Client``."""

_EXACT = "it computes the state and draws nothing; qmk.probabilities and qmk.expectation can draw shots, with noise too"
_NO_ANGLES = "a machine of logical qubits has Clifford gates and T, and no rotation by an angle that varies"
_REASONS: dict[tuple[str, str], str] = {
    **{(call, name): _EXACT for call in ("qmk.state", "qmk.amplitudes")
       for name in ("shots", "seed", "error", "noise", "qec", "adapt")},
    ("Embedded.run", "isolate"): "it is of Embedded(isolate=True), for all its runs",
    **{(call, "error"): "no bound of the error of a derivative is known; give shots"
       for call in ("qmk.gradient", "qmk.value_and_grad")},
    **{(call, name): _NO_ANGLES for call in ("qmk.gradient", "qmk.value_and_grad", "qmk.sweep")
       for name in ("qec", "adapt")},
    **{("qmk.metric_tensor", name): "it is of the exact state, which the native core computes"
       for name in ("shots", "seed", "engine", "error", "noise", "qec", "adapt", "device")},
    ("Client.estimate", "seed"): "nothing is run",
    ("Client.estimate", "engine"): "its answer has every engine",
}  # fmt: skip
"""Why a call does not take an option, where the list of calls that do take it does not explain it."""

_KEYWORDS = {call: frozenset(names) for call, names in CALLS.items()}


def read_options(call: str, given: Mapping[str, Any]) -> RunOptions:
    """The keywords of one call as options. Raises INVALID_PARAMS for one that the call does not take, or that no call
    has; a default may be given to every call."""
    if not given.keys() <= _KEYWORDS[call]:
        given = {name: value for name, value in given.items() if not _is_left_out(call, name, value)}
    return RunOptions(**given)


def check_names(given: Iterable[str]) -> None:
    """Raises INVALID_PARAMS for a name that no call has an option of."""
    for name in given:
        if name not in OPTIONS:
            raise _unknown("qmk.run", name)


def _is_left_out(call: str, name: str, value: object) -> bool:
    """Whether the value asks nothing of ``call``."""
    if name in _KEYWORDS[call]:
        return False
    if name not in OPTIONS:
        raise _unknown(call, name)
    default = getattr(_DEFAULTS, name)
    if value is default or (isinstance(value, type(default)) and value == default):
        return True
    reason = _REASONS.get((call, name))
    if reason is None:
        reason = f"taken by {', '.join(each for each, names in CALLS.items() if name in names)}"
    raise QmkError("INVALID_PARAMS", f"{call} does not take '{name}'", field=name, call=call, help=reason)


def _unknown(call: str, name: str) -> QmkError:
    import difflib

    near = difflib.get_close_matches(name, CALLS[call], 1) or difflib.get_close_matches(name, OPTIONS, 1)
    fix = f"did you mean '{near[0]}'?" if near else f"it takes {', '.join(CALLS[call])}"
    return QmkError("INVALID_PARAMS", f"{call} has no keyword '{name[:40]}'", field=name[:40], call=call, help=fix)


def _whole(name: str, value: Any) -> int:
    return arguments.whole(name, value, OPTIONS[name].low, OPTIONS[name].high)


def _shots(name: str, value: Any) -> int:
    found = _whole(name, value)
    check("shots", found)
    return found


def _fraction(name: str, value: Any) -> float:
    between = OPTIONS[name].between
    assert between is not None, "an option that is a fraction has bounds"
    found = arguments.number_between(name, value, *between)
    if found is None:
        raise arguments.refuse(name, value, "a standard error between {} and {}".format(*between), "give such as 0.01")
    return found


def _mapping(name: str, value: Any) -> dict[str, Any] | None:
    return arguments.mapping(name, value) or None


def _resources(name: str, value: Any) -> dict[str, float] | None:
    """Amounts by name. The daemon checks the names and the bounds."""
    found = _mapping(name, value) or {}
    for key, amount in found.items():
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise arguments.refuse(f"{name}['{key}']", amount, "a number", "such as {'gpu': 1}")
    return found or None


def _progress(name: str, value: Any) -> Progress | bool | None:
    if isinstance(value, bool):
        return value or None
    if not callable(value):
        raise arguments.refuse(name, value, "a function or True", "give one that takes the number of shots done")
    return cast("Progress", value)


def _outputs(name: str, value: Any) -> Outputs:
    from qmk.qvm.outputs import Outputs

    if not isinstance(value, Outputs):
        raise arguments.refuse(name, value, "what qmk.outputs gives", "give the second of the two that it gives")
    return value


def read_tags(name: str, value: Any) -> tuple[str, ...]:
    """A list of tags, or one."""
    return (value,) if isinstance(value, str) else arguments.texts(name, value)


_TAKE: dict[str, Callable[[str, Any], Any]] = {
    "shots": _shots,
    **dict.fromkeys(("seed", "timeout_ms", "attempts", "priority", "deadline_epochs", "split"), _whole),
    **dict.fromkeys(("engine", "format", "device", "idempotency_key", "name", "isolation"), arguments.text),
    **dict.fromkeys(("keep_events", "cache", "rewrites", "isolate", "strict"), arguments.switch),
    **dict.fromkeys(("params", "channels"), _mapping),
    "resources": _resources,
    "error": _fraction,
    "progress": _progress,
    "outputs": _outputs,
    "tags": read_tags,
}
"""The function that reads the value of each option. Noise and code are read with the program."""

_NEEDED = frozenset(
    name
    for name, value in zip(RunOptions.__struct_fields__, RunOptions.__struct_defaults__, strict=True)
    if value is not None
)
"""The options that None does not leave out."""

_DEFAULTS = RunOptions()
