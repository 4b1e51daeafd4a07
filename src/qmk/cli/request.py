"""What a command asks of a run: its options come from ``qmk.request.options``, and it gets them as one object."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from qmk.cli import choices, parameters
from qmk.request.options import OPTIONS, RunOptions

Command = TypeVar("Command", bound=Callable[..., Any])

RUN = ("shots", "seed", "engine", "timeout_ms", "noise", "error", "qec", "adapt", "device")
"""Options of every command that runs a program, or says how it would run."""

_KINDS: dict[str, dict[str, Any]] = {
    "shots": {"type": parameters.Shots()},
    "timeout_ms": {"type": parameters.Milliseconds(), "hint": "Write it as 30 (seconds), 500ms, 5m or 1h."},
    "params": {"type": parameters.Assignment(), "multiple": True, "callback": parameters.gather_pairs,
               "hint": "Such as theta=pi/2; may be given several times."},
    "engine": {"shell_complete": choices.engines},
    "format": {"shell_complete": choices.formats},
    "device": {"shell_complete": choices.devices},
    "noise": {"shell_complete": choices.noise},
    "channels": {"type": parameters.ChannelOf(), "multiple": True, "callback": parameters.gather_pairs,
                 "hint": "May be given several times."},
    "resources": {"type": parameters.Amount(), "multiple": True, "callback": parameters.gather_pairs,
                  "hint": "May be given several times."},
    "tags": {"multiple": True, "hint": "May be given several times."},
}  # fmt: skip
"""How the text of an option is read, where it is not text or a whole number, what a shell completes it
with, and a hint for whoever writes it."""


def option(name: str, argument: str, **more: Any) -> Callable[[Command], Command]:
    """The option of the command line for an option of a run, handed over as ``argument``; ``more`` is for click."""
    declared = OPTIONS[name]
    flags, kind = declared.flags, dict(_KINDS.get(name, {}))
    default = RunOptions.__struct_defaults__[RunOptions.__struct_fields__.index(name)]
    text = " ".join(filter(None, (declared.doc, kind.pop("hint", ""))))
    given: dict[str, Any] = {"metavar": declared.metavar or None, "help": text, **kind, **more}
    if default is False:
        given |= {"is_flag": True, "default": False}
    elif isinstance(default, bool):
        flags, given["default"] = (f"--{name}/{flags[0]}",), default
    elif "multiple" not in kind:
        given["default"] = default
    if declared.low is not None and "type" not in kind:
        given["type"] = click.IntRange(declared.low, declared.high)
    if declared.between is not None:
        given["type"] = click.FloatRange(*declared.between, min_open=True, max_open=True)
    return click.option(*flags, argument, **given)


def run_options(*names: str) -> Callable[[Command], Command]:
    """Options of a command, by their names in ``RunOptions``; it gets them as ``asked``."""

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def collect(*args: Any, **given: Any) -> Any:
            asked = RunOptions(**{name: given.pop(name) for name in names})
            return command(*args, asked=asked, **given)

        for name in reversed(names):
            collect = option(name, name)(collect)
        return collect  # type: ignore[return-value]

    return add


def drift_options(command: Command) -> Command:
    """``--target`` and ``--began``, as ``target`` and ``began_s``; see ``with_drift``."""
    for each in (
        click.option(
            "--began",
            "began_s",
            type=parameters.Age(),
            metavar="AGE",
            help="With --target: how long ago second 0 of the calibration was, such as 2h; now, if not given.",
        ),
        click.option(
            "--target",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            metavar="P",
            help="With --qec, and a calibration file as --noise: follow it while the job runs, and change the distance "
            "at a fence so that a patch errs no more than this a round.",
        ),
    ):
        command = each(command)
    return command


def with_drift(asked: RunOptions, target: float | None, began_s: float | None) -> RunOptions:
    """The options of a job, whose noise drifts if there is a target."""
    if target is None:
        if began_s is not None:
            raise click.UsageError("--began needs --target")
        return asked
    if not isinstance(asked.noise, str) or asked.qec is None:
        raise click.UsageError("--target needs --qec, and --noise with a calibration file")
    from qmk.request.logical import Drift

    began = None if began_s is None else time.time() - began_s
    return asked.replace(noise=Drift(asked.noise, target, began))
