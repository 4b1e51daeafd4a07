"""The program inside the WebAssembly sandbox: what ``program`` asks goes to the host, and what is not there says so.

It does not defend anything: a script may take all of it apart. What holds a script is the WebAssembly around this
interpreter, and what the host defines for it.
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

import program
import wit_world
from componentize_py_types import Err
from wit_world.imports import host

OFFERED = (
    array, base64, bisect, cmath, collections, contextlib, copy, dataclasses, datetime, decimal, enum, fractions,
    functools, hashlib, heapq, io, itertools, json, math, operator, random, re, statistics, string, struct, textwrap,
    time, types, typing,
)  # fmt: skip
NAMES = ", ".join(sorted(module.__name__ for module in OFFERED))


def answer(wish):
    try:
        return host.run(wish)
    except Err as error:
        raise program.Refused(error.value) from None


class Finder:
    """The last of the finders: what is not here is not there for scripts."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        raise ModuleNotFoundError(f"no module '{name}' in a script; there are qmk, {NAMES}", name=name)


def no_file(*_, **__):
    raise PermissionError("a script has no files; give it data with the script's input, and return its result")


def seed(a=None, version=2, *, plain=random.seed):
    """``random.seed``; without a seed it takes 8 bytes of the system's, not 2496. The runtime around this program seeds
    so before every first call, and bytes from the host are slow."""
    plain(int.from_bytes(os.urandom(8)) if a is None else a, version)


class WitWorld(wit_world.WitWorld):
    def run(self, job):
        job = json.loads(job)
        random.seed(job["seed"])
        return json.dumps(program.outcome(job))


program.connect(answer, host.log)
builtins.open = io.open = no_file
sys.path[:], sys.path_hooks[:] = [], []
sys.path_importer_cache.clear()
sys.meta_path[:] = [each for each in sys.meta_path if getattr(each, "__name__", "") != "PathFinder"] + [Finder]
random.seed = seed
gc.collect()
gc.freeze()  # else the first collection of every instance touches, and so copies, all that was imported here
