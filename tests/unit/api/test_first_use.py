"""Two threads that use an engine for the first time at once: neither waits for the other for ever."""

from __future__ import annotations

import subprocess
import sys

THREADS = """
import threading
import qmk
program = "OPENQASM 2.0; qreg q[1]; creg c[1]; U(pi,0,pi) q[0]; measure q -> c;"
counts = []
def use(engine):
    counts.append(qmk.run(program, shots=5, seed=1, engine=engine).counts)
threads = [threading.Thread(target=use, args=(name,)) for name in ("stabilizer", "reference") * 3]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert counts == [{"1": 5}] * 6, counts
"""


def test_an_engine_is_loaded_in_one_thread_at_a_time() -> None:
    subprocess.run([sys.executable, "-c", THREADS], check=True, timeout=120)
