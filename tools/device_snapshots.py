"""Writes the snapshots of devices in src/qmk/models/devices/snapshots from the fake backends of qiskit-ibm-runtime.

    python tools/device_snapshots.py FOLDER

FOLDER is ``fake_provider/backends`` of an installed qiskit-ibm-runtime (Apache-2.0). What a ``Target`` has no field for
is left out, and so are limits of jobs; numbers have eight digits.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from qmk.models.devices.readers import read_ibm

NAMES = ("manila", "lagos", "guadalupe", "sherbrooke", "torino")
VERSION = "0.51.0"
OUT = Path(__file__).parent.parent / "src" / "qmk" / "models" / "devices" / "snapshots"


def shorten(value: Any) -> Any:
    """Data with eight digits of each number."""
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, dict):
        return {key: shorten(each) for key, each in value.items()}
    return [shorten(each) for each in value] if isinstance(value, list) else value


def main(folder: Path) -> None:
    for name in NAMES:
        conf, props = (folder / name / f"{kind}_{name}.json" for kind in ("conf", "props"))
        source = f"{conf.name} and {props.name} of qiskit-ibm-runtime {VERSION} (IBM, Apache-2.0), reduced"
        read = read_ibm(str(conf), str(props))
        read = msgspec.structs.replace(read, name=f"fake_{name}", source=source, max_shots=None)
        data = shorten(msgspec.json.decode(read.to_json()))
        rows = ",\n".join(
            f"{msgspec.json.encode(key).decode()}:{msgspec.json.encode(data[key]).decode()}" for key in data
        )
        (OUT / f"fake_{name}.json").write_text(f"{{{rows}}}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
