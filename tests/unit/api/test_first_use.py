"""32 threads that use QMK for the first time at once: none waits for another for ever, and all get the same bits."""

from __future__ import annotations

import subprocess
import sys

FIRST_USE = """
import sys, threading
import qmk
bell = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'
plain = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1];'
stim = "H 0\\nCX 0 1\\nM 0 1\\n"
def counts(**keywords):
    return tuple(sorted(qmk.run(bell, shots=50, seed=1, **keywords).counts.items()))
works = [lambda engine=engine: (engine, counts(engine=engine)) for engine in (None, "stabilizer", "reference", "aer")]
works += [
    lambda: ("sample", tuple(sorted(qmk.sample(bell, shots=50, seed=1).counts.items()))),
    lambda: ("noise", counts(noise="depolarizing=0.1")),
    lambda: ("stim", tuple(sorted(qmk.run(stim, shots=50, seed=1).counts.items()))),
    lambda: ("value", round(float(qmk.expectation(plain, "ZZ")), 9)),
]
start, found, errors = threading.Barrier(32), {}, []
def work(at):
    start.wait()
    try:
        name, value = works[at % len(works)]()
        found.setdefault(name, set()).add(value)
    except BaseException as error:
        errors.append((at % len(works), repr(error)))
threads = [threading.Thread(target=work, args=(at,)) for at in range(32)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not errors, errors
assert len(found) == len(works) and all(len(values) == 1 for values in found.values()), found
"""


def test_first_use_from_32_threads_at_once() -> None:
    subprocess.run([sys.executable, "-c", FIRST_USE], check=True, timeout=300)
