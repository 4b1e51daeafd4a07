"""Runs a script several times in this process and prints, as JSON, what it printed and the CPU seconds of each run.

``PYTHON benchmarks/tasks/once.py SCRIPT TIMES`` runs under any interpreter. Imports cost something in the first run
only. What QMK keeps of programs that were run is forgotten between runs.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import resource
import sys
import warnings


def cpu_s() -> float:
    """CPU seconds of this process, all its threads, and of its children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main(script: str, times: int) -> None:
    warnings.simplefilter("ignore")
    with open(script) as file:
        code = compile(file.read(), script, "exec")
    taken: list[float] = []
    output = ""
    for _ in range(times):
        for name in ("qmk.api.plans", "qmk.api.parametrised"):
            if name in sys.modules:
                sys.modules[name].forget()
        gc.collect()
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            begin = cpu_s()
            exec(code, {"__name__": "__main__"})
            taken.append(cpu_s() - begin)
        output = printed.getvalue()
    print(json.dumps({"output": output, "seconds": taken}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
