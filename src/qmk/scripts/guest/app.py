"""The program inside the sandbox: runs one script with the module ``qmk`` and gives its outcome as JSON.

It does not defend anything: a script may take all of it apart. What holds a script is the WebAssembly around this
interpreter, and what the host defines for it. Here errors become data, and ``print`` becomes lines of the log.
"""

import array
import base64
import bisect
import builtins
import cmath
import collections
import contextlib
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import gc
import hashlib
import heapq
import io
import itertools
import json
import math
import operator
import os
import random
import re
import statistics
import string
import struct
import sys
import textwrap
import time
import types
import typing

import wit_world
from componentize_py_types import Err
from wit_world.imports import host

OFFERED = (
    array, base64, bisect, cmath, collections, contextlib, copy, dataclasses, datetime, decimal, enum, fractions,
    functools, hashlib, heapq, io, itertools, json, math, operator, random, re, statistics, string, struct, textwrap,
    time, types, typing,
)  # fmt: skip
NAMES = ", ".join(sorted(module.__name__ for module in OFFERED))


class QmkError(Exception):
    """An inner run did not succeed: ``kind`` is the name of the error, ``fields`` its data."""

    def __init__(self, kind, message, **fields):
        super().__init__(message)
        self.kind, self.message, self.fields = kind, message, fields


def ask(wish):
    try:
        return json.loads(host.run(json.dumps(wish)))
    except Err as error:
        said = json.loads(error.value)
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
            host.log(line)
        return len(text)

    def finish(self):
        if self.line:
            host.log(self.line)
            self.line = ""


class Finder:
    """The last of the finders: what is not here is not there for scripts."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        raise ModuleNotFoundError(f"no module '{name}' in a script; there are qmk, {NAMES}", name=name)


def no_file(*_, **__):
    raise PermissionError("a script has no files; give it data with the script's input, and return its result")


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


def seed(a=None, version=2, *, plain=random.seed):
    """``random.seed``; without a seed it takes 8 bytes of the system's, not 2496. The runtime around this program seeds
    so before every first call, and bytes from the host are slow."""
    plain(int.from_bytes(os.urandom(8)) if a is None else a, version)


class WitWorld(wit_world.WitWorld):
    def run(self, job):
        job = json.loads(job)
        random.seed(job["seed"])
        sys.stdout = sys.stderr = log = Log()
        said = outcome(job)
        log.finish()
        return json.dumps(said)


builtins.open = io.open = no_file
sys.path[:], sys.path_hooks[:] = [], []
sys.path_importer_cache.clear()
sys.meta_path[:] = [each for each in sys.meta_path if getattr(each, "__name__", "") != "PathFinder"] + [Finder]
random.seed = seed
gc.collect()
gc.freeze()  # else the first collection of every instance touches, and so copies, all that was imported here
