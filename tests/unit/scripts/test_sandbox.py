"""What a script can do, and what is denied to it: each attempt is tried in plain Python too, where it works."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from msgspec.structs import replace

from qmk.scripts import build
from qmk.scripts.build import runners
from qmk.scripts.messages import Answer, Bounds, Ended, Script, Wish

pytest.importorskip("wasmtime")
from qmk.scripts.sandbox import Sandbox

BOUNDS = Bounds(fuel=1_000_000_000, memory_bytes=128 << 20, result_bytes=4096, log_bytes=4096, runs=3)

ATTEMPTS = {
    "read a file": "result = len(open('/etc/passwd').read())",
    "read a file below open": "import os; result = len(os.read(os.open('/etc/passwd', os.O_RDONLY), 9))",
    "read a file by the class": "import io; result = len(io.FileIO('/etc/passwd').read())",
    "list the root": "import os; result = len(os.listdir('/'))",
    "make a folder": "import os; os.mkdir('/tmp/qmk-attempt'); os.rmdir('/tmp/qmk-attempt'); result = 1",
    "follow a link of /proc": "import os; result = os.readlink('/proc/self/exe')",
    "open a socket": "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.close(); result = 1",
    "open a socket below": "import _socket; s = _socket.socket(); s.close(); result = 1",
    "start a process": "import subprocess; result = not subprocess.run(['true']).returncode",
    "start a shell": "import os; result = not os.system('true')",
    "signal a process": "import os; os.kill(os.getpid(), 0); result = 1",
    "call the C library": "import ctypes; result = ctypes.CDLL(None).getpid()",
    "see the environment": "import os; result = len(os.environ)",
    "make a pipe": "import os; result = os.pipe()",
    "map memory": "import mmap; result = len(mmap.mmap(-1, 4096))",
    "start a thread": "import _thread; _thread.start_new_thread(int, ()); result = 1",
    "tell the time": "import time; result = time.time() > 1.7e9",
    "wait": "import time; time.sleep(0.001); result = 1",
    "import our modules": "import qmk.host.spawn; result = 1",
    "import a package": "import numpy; result = 1",
    "import from a folder": "import sys; sys.path.append('/usr/lib'); import wave; result = 1",
}
PLAIN = """
import json, sys
def works(text):
    names = {}
    exec(text, names)
    return bool(names["result"])
print(json.dumps({name: works(text) for name, text in json.load(sys.stdin).items()}))
"""


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(build.runner(runners()))


def outcome(sandbox: Sandbox, text: str, given: Any = None, seed: int = 7, **bounds: int) -> Ended:
    def answer(index: int, wish: Wish) -> Answer:
        return Answer(json.dumps({wish.program: index}))

    script = Script(text, given, seed, "loop.py", replace(BOUNDS, **bounds))
    return sandbox.run(script, answer, lambda line: None)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_attempt_is_denied(sandbox: Sandbox, name: str) -> None:
    ended = outcome(sandbox, ATTEMPTS[name])
    assert ended.kind in ("JOB_FAILED", "INSUFFICIENT_CAPS") or (not ended.kind and not ended.result), ended
    assert "/usr" not in ended.message.replace(ATTEMPTS[name], "")


def test_attempts_work_in_plain_python() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLAIN], input=json.dumps(ATTEMPTS), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == dict.fromkeys(ATTEMPTS, True)


LIMITS = {
    "script_fuel": "while True: pass",
    "script_memory_bytes": "kept = []\nwhile True: kept.append(bytearray(1 << 24))",
    "script_log_bytes": "while True: print('x' * 100)",
    "script_result_bytes": "result = 'x' * 10_000",
    "script_runs": "import qmk\nwhile True: qmk.run('x;')",
}


@pytest.mark.parametrize("limit", LIMITS)
def test_script_is_ended_at_a_limit(sandbox: Sandbox, limit: str) -> None:
    ended = outcome(sandbox, LIMITS[limit], fuel=200_000_000)
    assert (ended.kind, ended.fields["quota"]) == ("QUOTA_EXCEEDED", limit), ended
    assert ended.message.startswith("loop.py")
    assert ended.fields["help"]


MISTAKES = {
    "x = 1\ny = x / 0\n": (2, "loop.py:2: ZeroDivisionError: division by zero"),
    "x = (\n": (1, "loop.py:1: SyntaxError: '(' was never closed (loop.py, line 1)"),
    "def f():\n  f()\nf()": (2, "loop.py:2: RecursionError: maximum recursion depth exceeded"),
    "import json\n\njson.loads('{')": (3, "loop.py:3: JSONDecodeError: "),
    "result = {1j}": (0, "loop.py: the result is not JSON: "),
    "result = float('nan')": (0, "loop.py: the result is not JSON: "),
    "raise SystemExit(3)": (0, "loop.py: SystemExit: the script ended with 3"),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistake_is_told_with_its_line(sandbox: Sandbox, text: str) -> None:
    ended = outcome(sandbox, text)
    line, message = MISTAKES[text]
    assert (ended.kind, ended.fields["line"]) == ("JOB_FAILED", line)
    assert ended.message.startswith(message), ended.message
    assert "Traceback" not in ended.message


def test_a_broken_interpreter_is_a_failed_script_and_no_more(sandbox: Sandbox) -> None:
    for text in (
        "import json\njson.dumps = lambda *_, **__: 'x'",
        "x = " + "(" * 5000 + ")" * 5000,
        "import os; os.abort()",
    ):
        assert outcome(sandbox, text).kind in ("JOB_FAILED", "QUOTA_EXCEEDED", "INSUFFICIENT_CAPS")
    assert outcome(sandbox, "result = 1").result == 1


def test_nothing_is_left_for_the_next_script(sandbox: Sandbox) -> None:
    outcome(sandbox, "import builtins, math\nbuiltins.left = math.left = 1")
    assert outcome(
        sandbox, "import builtins, math\nresult = [hasattr(builtins, 'left'), hasattr(math, 'left')]"
    ).result == [
        False,
        False,
    ]


def test_all_that_is_random_follows_from_the_seed(sandbox: Sandbox) -> None:
    text = (
        "import os, random, time\n"
        "result = [random.random(), random.SystemRandom().random(), os.urandom(4).hex(), hash('a'),"
        " list({'a', 'b', 'c'}), time.time(), time.monotonic()]"
    )
    first, again, other = outcome(sandbox, text), outcome(sandbox, text), outcome(sandbox, text, seed=8)
    assert first.result == again.result
    assert first.usage.fuel == again.usage.fuel
    assert all(one != two for one, two in zip(first.result[:3], other.result[:3], strict=True))


def test_runs_are_numbered_and_input_comes_in(sandbox: Sandbox) -> None:
    text = "import qmk\ndef main(given):\n  return [qmk.run('a;'), qmk.run('b;'), given, qmk.input]"
    ended = outcome(sandbox, text, {"n": [1, None]})
    assert ended.result == [{"a;": 0}, {"b;": 1}, {"n": [1, None]}, {"n": [1, None]}]
    assert ended.usage.runs == 2


def test_a_wish_that_is_none_is_refused(sandbox: Sandbox) -> None:
    ended = outcome(sandbox, "import qmk\nqmk.run(3)")
    assert ended.kind == "JOB_FAILED"
    assert ended.message.startswith("loop.py:2: INVALID_PARAMS: ")


def test_compiled_code_of_others_is_not_loaded(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"script-{build.digest()[:32]}.cwasm"
    path.write_bytes(b"")
    path.chmod(0o622)
    with pytest.raises(Exception, match="another user owns it or may write it"):
        build.runner(tmp_path)
    path.chmod(0o600)
    tmp_path.chmod(0o777)
    with pytest.raises(Exception, match="another user owns it or may write it"):
        build.runner(tmp_path)
