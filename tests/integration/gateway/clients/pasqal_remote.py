"""What a user of Pulser and pasqal-cloud writes, run as it is against the URL of the first argument; JSON out."""

from __future__ import annotations

# runs in the clients' own environment
# pyright: reportMissingImports=false
import json
import sys

import numpy as np
from pasqal_cloud import Endpoints
from pasqal_cloud.authentication import TokenProvider
from pasqal_cloud.backends import RemoteSVBackend
from pasqal_cloud.pasqal_cloud_connection import PasqalCloudConnection
from pulser import Pulse, Register, Sequence
from pulser.devices import MockDevice


class Token(TokenProvider):
    def get_token(self) -> str:
        return sys.argv[2]


def sequence(parametrised: bool) -> Sequence:
    """Two atoms in each other's blockade, driven by an amplitude for one time of pi of the pair."""
    made = Sequence(Register({"q0": (-3.0, 0.0), "q1": (3.0, 0.0)}), MockDevice)
    made.declare_channel("r", "rydberg_global")
    amplitude = made.declare_variable("amplitude") if parametrised else 6.0
    made.add(Pulse.ConstantPulse(int(1000 * np.pi / (6.0 * np.sqrt(2))), amplitude, 0.0, 0.0), "r")
    return made


def main() -> None:
    connection = PasqalCloudConnection(
        project_id="p", token_provider=Token(), endpoints=Endpoints(core=sys.argv[1] + "/pasqal")
    )
    plain = RemoteSVBackend(sequence(False), connection).run([{"runs": 50}], wait=True)
    turned = RemoteSVBackend(sequence(True), connection).run(
        [{"runs": 20, "variables": {"amplitude": value}} for value in (1e-9, 6.0)], wait=True
    )
    json.dump(
        {
            "counts": [dict(result.final_bitstrings) for result in (*plain.results, *turned.results)],
            "devices": sorted(connection.fetch_available_devices()),
            "status": plain.get_batch_status().name,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
