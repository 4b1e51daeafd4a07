"""What a user of the Amazon Braket SDK writes, run as it is against the endpoints of the environment; JSON out."""

from __future__ import annotations

# runs in the clients' own environment
# pyright: reportMissingImports=false
import json
import math
import sys
from decimal import Decimal
from itertools import pairwise

from braket.ahs import AnalogHamiltonianSimulation, AtomArrangement, DrivingField
from braket.aws import AwsDevice
from braket.circuits import Circuit, FreeParameter, Observable
from braket.timings import TimeSeries

AQUILA = "arn:aws:braket:us-east-1::device/qpu/quera/Aquila"
GATES = "arn:aws:braket:::device/quantum-simulator/qmk/gates"


def series(*points: tuple[float, float]) -> TimeSeries:
    made = TimeSeries()
    for time, value in points:
        made.put(time, value)
    return made


def chain(sites: int) -> AnalogHamiltonianSimulation:
    """The sweep to the Z2 order."""
    register = AtomArrangement()
    for site in range(sites):
        register.add((Decimal("6.1e-6") * site, Decimal(0)))
    drive = DrivingField(
        amplitude=series((0, 0), (3e-7, 15e6), (3.7e-6, 15e6), (4e-6, 0)),
        phase=series((0, 0), (4e-6, 0)),
        detuning=series((0, -30e6), (3e-7, -30e6), (3.7e-6, 40e6), (4e-6, 40e6)),
    )
    return AnalogHamiltonianSimulation(register=register, hamiltonian=drive)


def analog() -> dict[str, object]:
    device = AwsDevice(AQUILA)
    result = device.run(chain(3), shots=1200).result()  # more than its schema of queraMetadata can tell
    return {
        "name": device.name,
        "sites": int(device.properties.paradigm.lattice.geometry.numberSitesMax),
        "counts": result.get_counts(),
        "shots": len(result.measurements),
    }


def circuits() -> dict[str, object]:
    device = AwsDevice(GATES)
    ghz = Circuit().h(0)
    for left, right in pairwise(range(4)):
        ghz.cnot(left, right)
    turned = Circuit().rx(0, FreeParameter("theta"))
    few = Circuit().x(0).x(2).h(1).measure([2, 0])
    results = [
        device.run(ghz, shots=100).result(),
        device.run(turned, shots=20, inputs={"theta": float(math.pi)}).result(),
        device.run(few, shots=5).result(),
    ]
    return {
        "counts": [dict(result.measurement_counts) for result in results],
        "qubits": [list(map(int, result.measured_qubits)) for result in results],
    }


def absent() -> dict[str, object]:
    """What the service refuses comes as the SDK's own errors."""
    from botocore.exceptions import ClientError

    device, codes = AwsDevice(GATES), []
    slope = Circuit().rx(0, FreeParameter("t")).adjoint_gradient(Observable.Z(), [0], ["t"])
    for wrong in (lambda: device.run(slope, shots=0, inputs={"t": 0.3}), lambda: AwsDevice(f"{GATES}x")):
        try:
            wrong()
        except (ClientError, ValueError) as error:
            codes.append(type(error).__name__)
    return {"errors": codes}


if __name__ == "__main__":
    json.dump({name: globals()[name]() for name in sys.argv[1:]}, sys.stdout)
