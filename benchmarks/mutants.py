"""Counts the mutants of the verifier and the kernel that their tests kill: ``python -m benchmarks.mutants verifier``.

A mutant is the code with one small change: a comparison turned round, a condition negated, a number one larger, a
statement left out. Each of a random sample runs the tests in a process of its own, in which an import gives the changed
module. A mutant that no test notices is printed with its line: either the change means nothing, or a test is missing.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 120


class Target(NamedTuple):
    """A folder below ``src/qmk``, and its tests, the quick ones first."""

    folder: str
    tests: tuple[str, ...]


TARGETS = {
    "verifier": Target(
        "qvm/verify",
        ("tests/exhaustive/test_verifier.py", "tests/unit/qvm/verify", "tests/property/qvm/test_verify.py"),
    ),
    "kernel": Target(
        "kernel", ("tests/unit/kernel", "tests/exhaustive/test_jobs.py", "tests/exhaustive/test_capabilities.py")
    ),
}
_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Mutant(NamedTuple):
    path: Path
    line: int
    what: str
    source: str


def changes(tree: ast.Module) -> Iterator[tuple[ast.AST, str, Callable[[], None], Callable[[], None]]]:
    """Each place that can be changed: the node, what the change is, and how to make and to undo it."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(ops=[op]) if type(op) in _COMPARE:
                yield _swap(node, "ops", [_COMPARE[type(op)]()])
            case ast.BoolOp():
                yield _swap(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
            case ast.BinOp() | ast.AugAssign() if type(node.op) in _ARITHMETIC:
                yield _swap(node, "op", _ARITHMETIC[type(node.op)]())
            case ast.If() | ast.IfExp() | ast.While():
                yield _swap(node, "test", ast.UnaryOp(ast.Not(), node.test))
            case ast.Constant(value=bool() as value):
                yield _swap(node, "value", not value)
            case ast.Constant(value=int() as value):
                yield _swap(node, "value", value + 1)
            case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
                yield _swap(node, "func", ast.Name(_CALLS[name]))
            case ast.Expr(value=ast.Call()):
                yield _swap(node, "value", ast.Constant(None))
            case ast.Return(value=ast.expr()) if not isinstance(node.value, ast.Constant):
                yield _swap(node, "value", ast.Constant(None))
            case _:
                pass


def _swap(node: Any, field: str, new: Any) -> tuple[ast.AST, str, Callable[[], None], Callable[[], None]]:
    old = getattr(node, field)
    what = f"{type(node).__name__}.{field}"
    return node, what, lambda: setattr(node, field, new), lambda: setattr(node, field, old)


def mutants(folder: Path) -> Iterator[Mutant]:
    """All mutants of the functions of a folder; what is declared outside of functions is left alone."""
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text())
        within = [(at.lineno, at.end_lineno or 0) for at in ast.walk(tree) if isinstance(at, ast.FunctionDef)]
        for node, what, change, undo in changes(tree):
            line = getattr(node, "lineno", 0)
            if any(first < line <= last for first, last in within):
                change()
                yield Mutant(path, line, what, ast.unparse(ast.fix_missing_locations(tree)))
                undo()


class Changed(importlib.abc.MetaPathFinder):
    """Gives one module from another file."""

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != self.name:
            return None
        package = [str(Path(path[0]) / fullname.rpartition(".")[2])] if self.is_package else None
        return importlib.util.spec_from_file_location(fullname, self.path, submodule_search_locations=package)

    is_package = False


def survives(mutant: Mutant, tests: tuple[str, ...]) -> bool:
    """Whether all tests pass with the mutant in place of the module. Too slow is noticed, too."""
    parts = mutant.path.relative_to(ROOT / "src").with_suffix("").parts
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(mutant.source)
        file.flush()
        child = os.fork()
        if not child:
            finder = Changed(".".join(parts).removesuffix(".__init__"), file.name)
            finder.is_package = parts[-1] == "__init__"
            _run_tests(finder, tests)
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return status == 0
            time.sleep(0.02)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return False


def _run_tests(finder: Changed, tests: tuple[str, ...]) -> None:
    import pytest

    sys.meta_path.insert(0, finder)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    code = 1
    try:
        code = int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *tests]))
    finally:
        os._exit(1 if code else 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    target = TARGETS[options.target]
    every = list(mutants(ROOT / "src" / "qmk" / target.folder))
    chosen = random.Random(options.seed).sample(every, min(options.sample, len(every)))
    killed = 0
    for mutant in chosen:
        if survives(mutant, target.tests):
            where = f"{mutant.path.relative_to(ROOT)}:{mutant.line}"
            text = mutant.path.read_text().splitlines()[mutant.line - 1].strip()
            print(f"survives: {where} {mutant.what}: {text}", flush=True)
        else:
            killed += 1
        print(f"{killed} killed", end="\r", file=sys.stderr)
    print(f"{options.target}: {killed} of {len(chosen)} mutants killed ({killed / len(chosen):.0%}), of {len(every)}")


if __name__ == "__main__":
    main()
