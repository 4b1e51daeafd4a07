"""Writes ``schemas/*.json`` from the op declarations. With ``--check`` it only says whether they are up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from qvm_schema import texts

FOLDER = Path(__file__).resolve().parent.parent / "schemas"


def main(check: bool) -> int:
    stale = [
        name for name, text in texts().items() if not (FOLDER / name).is_file() or (FOLDER / name).read_text() != text
    ]
    if not check:
        FOLDER.mkdir(exist_ok=True)
        for name in stale:
            (FOLDER / name).write_text(texts()[name])
    sys.stdout.write("".join(f"{'stale' if check else 'written'}: schemas/{name}\n" for name in stale))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
