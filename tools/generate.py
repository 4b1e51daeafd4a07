"""Write every generated page and schema, or with ``--check`` say which are out of date.

Each ``tools/generate_<what>.py`` is one generator: run alone it writes its files, with ``--check`` it only compares and
exits 1 when one differs. This runner finds them by name, so a new generator needs no registration.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Run every generator with ``arguments``; the exit code is 1 when any of them failed."""
    failed = [
        script.name
        for script in sorted(HERE.glob("generate_*.py"))
        if subprocess.run([sys.executable, str(script), *arguments], cwd=HERE.parent).returncode
    ]
    for name in failed:
        print(f"out of date or failed: tools/{name} (run: make docs)", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
