"""Runs one script with the module ``qmk`` and gives its outcome, in every sandbox for scripts.

It does not defend anything, as a script may take all of it apart. Errors become data, and ``print`` becomes lines of
the log.
"""

import builtins
import io
import json
import sys
import types


class QmkError(Exception):
    """An inner run did not succeed: ``kind`` is the name of the error, ``fields`` its data."""

    def __init__(self, kind, message, **fields):
        super().__init__(message)
        self.kind, self.message, self.fields = kind, message, fields


class Refused(Exception):
    """What a run raises that gave an error: JSON of it."""


class Host:
    """``run``: takes JSON of a wish, gives JSON or raises ``Refused``. ``log``: takes a line."""

    run = log = None


def connect(run, log):
    """Say where runs and lines of the log go."""
    Host.run, Host.log = staticmethod(run), staticmethod(log)


def ask(wish):
    try:
        return json.loads(Host.run(json.dumps(wish)))
    except Refused as error:
        said = json.loads(error.args[0])
        raise QmkError(said["kind"], said["message"], **said["fields"]) from None


def run(program, *, shots=None, seed=None):
    """Runs a program, OpenQASM or QVM text, and gives its counts by printed bitstring."""
    return ask({"program": program, "shots": shots, "seed": seed})


def expectation(program, observable, *, shots=None, seed=None):
    """The expectation value of an observable such as ``"ZZ + 0.5*XI"``, or a list of those of several: exact without
    ``shots``, else estimated from so many."""
    several = not isinstance(observable, str)
    observables = list(observable) if several else [observable]
    found = ask({"program": program, "observables": observables, "shots": shots, "seed": seed})
    return found if several else found[0]


class Log(io.TextIOBase):
    """Standard output and error of the script: each line goes to the log."""

    def __init__(self):
        self.line = ""

    def writable(self):
        return True

    def write(self, text):
        *lines, self.line = (self.line + text).split("\n")
        for line in lines:
            Host.log(line)
        return len(text)

    def finish(self):
        if self.line:
            Host.log(self.line)
            self.line = ""


def module_of(given):
    module = types.ModuleType("qmk", "What a script can do: run, expectation, log, input.")
    module.run, module.expectation, module.QmkError, module.input = run, expectation, QmkError, given
    module.log = lambda *words: sys.stdout.write(" ".join(map(str, words)) + "\n")
    return module


def place_of(error, file):
    """The line of the script where the error came from, 0 for none."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 0
    line, at = 0, error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == file:
            line = at.tb_lineno
        at = at.tb_next
    return line


def outcome(job):
    """What a script gave: its result, or its error with the place. Its printed lines go to the log."""
    sys.stdout = sys.stderr = log = Log()
    said = execute(job)
    log.finish()
    return said


def execute(job):
    file = job["file"]
    sys.modules["qmk"] = module_of(job["input"])
    names = {"__name__": "__main__", "__builtins__": builtins}
    try:
        exec(compile(job["text"], file, "exec", dont_inherit=True), names)  # noqa: S102
        main = names.get("main")
        result = main(job["input"]) if callable(main) else names.get("result")
    except SystemExit as error:
        if error.code not in (None, 0):
            return {"error": "SystemExit", "message": f"the script ended with {error.code!r}", "line": 0}
        result = names.get("result")
    except BaseException as error:
        said = {"error": type(error).__name__, "message": str(error)[:2000], "line": place_of(error, file)}
        if isinstance(error, QmkError):
            said |= {"kind": error.kind, "fields": error.fields}
        return said
    try:
        return {"result": json.loads(json.dumps(result, allow_nan=False))}
    except (TypeError, ValueError, RecursionError) as error:
        return {"error": "ResultError", "message": str(error)[:2000], "line": 0}
