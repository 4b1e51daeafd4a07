"""Every integration runs on a server by its URL and a token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmk.client import Operator
from qmk.gateway.app import make_app
from qmk.integrations.target import Target
from tests.serving import serving

BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """``server`` and ``token`` of a server that lets nobody in without."""
    from tests.conftest import RunningDaemon

    folder: Path = tmp_path_factory.mktemp("server")
    daemon = RunningDaemon(folder, require_token=True).start()
    operator = Operator(folder / "state")
    operator.call("op_tenant_add", tenant="chem")
    token = operator.call("op_token_issue", tenant="chem").token
    with serving(make_app(daemon.socket, folder / "gateway.db", needs_token=True)) as url:
        yield {"server": url, "token": token}
    daemon.kill()


def test_the_target_of_every_integration(server: dict[str, Any]) -> None:
    here, there = Target(), Target(**server)
    assert there.is_remote
    assert [each.counts for each in there.run([BELL, BELL], shots=50, seed=3)] == [
        each.counts for each in here.run([BELL, BELL], shots=50, seed=3)
    ]
    gates = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1];'
    assert np.allclose(there.state(gates), here.state(gates))
    assert there.values(gates, ["Z0 Z1"])[0][0].value == pytest.approx(1)
    assert there.submit([BELL], shots=10)[0].result().shots == 10
    there.close()


def test_qiskit(server: dict[str, Any]) -> None:
    qiskit = pytest.importorskip("qiskit")
    from qmk.integrations.qiskit import Provider, SamplerV2

    bell = qiskit.QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    counts = SamplerV2(seed=5, **server).run([bell], shots=100).result()[0].data.meas.get_counts()
    assert (set(counts), sum(counts.values())) == ({"00", "11"}, 100)
    job = Provider(**server).get_backend().run(bell, shots=10)
    assert sum(Provider(**server).retrieve_job(job.job_id()).result().get_counts().values()) == 10
