"""``python -m qmk.integrations.qdmi build FOLDER`` compiles the device library; ``serve`` is a session of it."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.integrations.qdmi import MANIFEST, build


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m qmk.integrations.qdmi", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    made = verbs.add_parser("build", help="compile the device library into a folder")
    made.add_argument("folder", type=Path)
    made.add_argument("--headers", type=Path, help="the folder that has qdmi/device.h (default: of mqt-core)")
    made.add_argument("--qdmi-version", default="", help="of these headers (default: as their CMake files say)")
    verbs.add_parser("serve", help="a session, which the device library starts: answers on descriptor 0")
    given = parser.parse_args()
    if given.verb == "serve":
        from qmk.integrations.qdmi.serve import serve

        with socket.socket(fileno=os.dup(0)) as own:
            serve(own)
        os._exit(0)  # a program that still runs is nobody's any more
    try:
        library = build(given.folder, given.headers, given.qdmi_version)
    except QmkError as error:
        sys.stderr.write(f"qdmi: {error}\n")
        return 1
    sys.stdout.write(f"{library}, and {library.with_name(MANIFEST)} for drivers that read manifests\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
