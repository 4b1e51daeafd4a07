"""``docs/reference/api.md``: every public name of ``qmk`` with signature, docstring and errors, from the package."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from pages import NOTICE, write_or_check

import qmk
from qmk.abi.calls import CALLS
from qmk.circuit.declared import gate_methods, op_methods, program_methods
from qmk.request.options import OPTIONS

INTRO = """# Python reference

What `import qmk` offers, name by name: signature, meaning, and what it raises. Options that many calls share are
explained once, in [Options of a run](options.md); the kinds of `QmkError` are in [Errors](errors.md).

```python
import qmk

assert {"Circuit", "run", "expectation", "Client"} <= set(qmk.__all__)
```

"""
GROUPS = {
    "Programs": ("Circuit", "Program", "Drive", "Parameter", "draw", "rewrite", "compile", "Compiled", "on_device"),
    "Running": ("run", "run_script", "submit_script", "ScriptResult", "sample", "outputs", "NoiseModel", "Embedded"),
    "Observables": ("Observable", "X", "Y", "Z"),
    "Values and derivatives": (
        "expectation", "probabilities", "amplitudes", "state", "sweep", "gradient", "value_and_grad", "metric_tensor",
        "Objective",
    ),
    "Results": (
        "Result", "Sampled", "Counts", "Batch", "Expectation", "Probabilities", "Gradient", "Swept", "Trajectory",
    ),
    "Pictures": ("plot",),
    "Resources": ("estimate", "Estimate", "LogicalCounts"),
    "The daemon": ("Client", "AsyncClient"),
    "Errors and warnings": ("QmkError", "ProgramWarning"),
}  # fmt: skip
"""Every name of ``qmk.__all__`` but the version, once."""
WIDTH = 88
FEW = 3
"""So many options of a run stand in a signature themselves."""
SHARED = set(OPTIONS) | {"progress", "isolate"}
BY_NAME = {call.name: call for call in CALLS}
OPS = {*gate_methods(), *op_methods(), *program_methods()}


def written(parameters: Iterable[inspect.Parameter]) -> Iterator[str]:
    """Parameters as they stand in a signature, with a star before the first that goes by name only."""
    starred = False
    for p in parameters:
        starred |= p.kind is p.VAR_POSITIONAL
        if p.kind is p.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        kind = p.annotation if isinstance(p.annotation, str) else inspect.formatannotation(p.annotation)
        name, _, default = str(p.replace(annotation=p.empty)).partition("=")
        typed = "" if p.annotation is p.empty else f": {kind}"
        yield name + typed + (f" = {default}" if default else "")


def signature(name: str, value: Any) -> str:
    """A call as it is written, one argument a line where a line does not hold all; options of a run stand by name."""
    try:
        found = inspect.signature(value)
    except ValueError:
        return name
    kept = [p for p in found.parameters.values() if p.name not in ("self", "cls")]
    shared = {p.name for p in kept if p.kind is p.KEYWORD_ONLY and p.name in SHARED}
    arguments = list(written(p for p in kept if len(shared) <= FEW or p.name not in shared))
    if len(shared) > FEW:
        arguments.append("**options")
    gives = found.return_annotation
    gives = gives if isinstance(gives, str) else inspect.formatannotation(gives)
    end = "" if isinstance(value, type) or found.return_annotation is found.empty else f" -> {gives}"
    line = f"{name}({', '.join(arguments)}){end}"
    return line if len(line) <= WIDTH else "\n".join([f"{name}(", *(f"    {a}," for a in arguments), f"){end}"])


def prose(value: Any) -> str:
    """A docstring without the lines on shared options, which end with a list of their names."""
    lines = [line.strip() for line in (inspect.getdoc(value) or "").splitlines()]
    named = [match[1] for line in lines if (match := re.match(r"``(\w+)``: ", line)) and match[1] in SHARED]
    if len(named) > FEW:
        lines = [line for line in lines if not ((match := re.match(r"``(\w+)``: ", line)) and match[1] in SHARED)]
        lines += ["", f"[Options](options.md): {', '.join(f'`{name}`' for name in named)}."]
    text = re.sub(r"``([^`]+)``", r"`\1`", "\n".join(lines))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"^(`\w+`: )", r"- \1", text, flags=re.MULTILINE)).strip()


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties of a class and of the classes of ours below it, in the order of the source."""
    seen: set[str] = set()
    for base in cls.__mro__:
        for name, value in vars(base).items() if base.__module__.startswith("qmk") else ():
            of_circuit = cls is qmk.Program and hasattr(qmk.Circuit, name)
            if name.startswith("_") or name in seen or of_circuit or (issubclass(cls, qmk.Circuit) and name in OPS):
                continue
            seen.add(name)
            if isinstance(value, (property, functools.cached_property, classmethod, staticmethod)) or callable(value):
                yield name, value


def member(cls: type, name: str, value: Any) -> str:
    """One row: a method as it is called, or a property, with its docstring in one paragraph."""
    if isinstance(value, (property, functools.cached_property)):
        head, text = name, prose(value)
    else:
        bound = getattr(cls, name)
        head, text = " ".join(signature(name, bound).split()), prose(bound)
        head = head.replace("( ", "(").replace(", )", ")")
    call = BY_NAME.get(f"q_{name}") if cls in (qmk.Client, qmk.AsyncClient) else None
    raises = f" Raises {', '.join(call.errors)}." if call is not None and call.errors else ""
    told = " ".join(text.replace("\n- ", " ").split()) + raises
    return f"- `{head}`" + (f"  \n  {told}" if told else "")


def function(name: str, value: Any) -> str:
    """A heading, how it is called, and what it does."""
    return f"### {name}\n\n```text\n{signature(name, value)}\n```\n\n{prose(value)}\n"


def sections() -> Iterator[str]:
    """The page, a piece a name."""
    for group, names in GROUPS.items():
        yield f"## {group}\n"
        for name in names:
            value = getattr(qmk, name)
            if inspect.ismodule(value):
                yield f"### qmk.{name}\n\n{prose(value)}\n"
                yield from (function(f"qmk.{name}.{each}", getattr(value, each)) for each in value.__all__)
                continue
            yield function(f"qmk.{name}", value)
            rows = [member(value, *row) for row in members(value)] if isinstance(value, type) else []
            if name == "AsyncClient":
                rows = []
            if rows:
                yield "\n".join(rows) + "\n"
            if name in ("Circuit", "Program"):
                yield "Every op is a method too: [Gates of a circuit](circuit.md).\n"


def page() -> str:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted({*qmk.__all__} - {"__version__"})
    return NOTICE.format(script="generate_api.py") + INTRO + "\n".join(sections())


if __name__ == "__main__":
    sys.exit(write_or_check({"docs/reference/api.md": page()}, sys.argv[1:]))
