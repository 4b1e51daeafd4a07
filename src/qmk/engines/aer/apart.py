"""Running Aer in a forked child, for runs with a bond cap.

Aer's log of truncations is kept for the whole life of a process and only grows, and Aer (0.18) crashes where very much
of a state has been cut off. A child starts with an empty log, takes a crash with it, and dies with its parent.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import NoReturn

import msgspec

from qmk.base.errors import QmkError
from qmk.worker import process

_ERROR, _RESULT = b"e", b"r"


def run_apart(work: Callable[[], bytes], what: str) -> bytes:
    """The bytes that ``work`` returns in a child process. Raises the ``QmkError`` that it raised, or RESOURCE_EXHAUSTED
    naming ``what`` when the child dies."""
    here, there = Pipe(duplex=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on forking beside threads: ours only wait
        child = os.fork()
    if child == 0:
        here.close()
        _serve(work, there)
    there.close()
    try:
        message = here.recv_bytes()
    except EOFError:
        how = _end(child)
        child = 0
        text = f"{what}: Aer's process ended with {how}"
        raise QmkError("RESOURCE_EXHAUSTED", text, engine="aer", ended_by=how) from None
    finally:
        here.close()
        if child:
            os.kill(child, signal.SIGKILL)  # it has answered, or the parent was interrupted: nothing is lost
            _end(child)
    if message[:1] == _ERROR:
        raise QmkError.from_dict(msgspec.json.decode(message[1:]))
    return message[1:]


def _serve(work: Callable[[], bytes], channel: Connection) -> NoReturn:
    """Runs in the child from its start to its end. It exits without the parent's clean-up handlers, which are not its
    own."""
    faulthandler.disable()  # a crash here is an answer, not news for the terminal
    try:
        process.settle("qmk-aer-apart", 1)
        channel.send_bytes(_RESULT + work())
    except QmkError as error:
        channel.send_bytes(_ERROR + msgspec.json.encode(error.to_dict()))
    except MemoryError:
        error = QmkError("RESOURCE_EXHAUSTED", "aer ran out of memory", engine="aer", resource="memory_bytes")
        channel.send_bytes(_ERROR + msgspec.json.encode(error.to_dict()))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _end(child: int) -> str:
    """Waits for the child to end, and gives its exit status."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit code {os.waitstatus_to_exitcode(status)}"
