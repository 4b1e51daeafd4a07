"""mqt.qmap's zoned compilers on OpenQASM 2 files of cz and u3: run under an interpreter that has mqt.qmap.

    python benchmarks/zoned_peer.py ARCHITECTURE FOLDER

Writes NAME.agnostic.naviz and NAME.aware.naviz beside each NAME.qasm, both with their default settings, and prints a
JSON object of CPU seconds a compiler and circuit.
"""

import json
import sys
import time
from pathlib import Path


def main() -> None:
    from mqt.core import load
    from mqt.qmap.na import zoned

    architecture = zoned.ZonedNeutralAtomArchitecture.from_json_file(sys.argv[1])
    compilers = {"agnostic": zoned.RoutingAgnosticCompiler, "aware": zoned.RoutingAwareCompiler}
    seconds: dict[str, dict[str, float]] = {}
    for path in sorted(Path(sys.argv[2]).glob("*.qasm")):
        row = seconds.setdefault(path.stem, {})
        for name, compiler in compilers.items():
            began = time.process_time()
            try:
                text = compiler(architecture, log_level="C").compile(load(path.read_text()))
            except Exception as error:
                print(f"{path.stem} {name}: {error}", file=sys.stderr)
                continue
            row[name] = time.process_time() - began
            path.with_suffix(f".{name}.naviz").write_text(text)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
