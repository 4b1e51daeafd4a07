"""What is gRPC's own: stubs, deadlines, bounds, health, reflection, and messages that are not ours."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_tools import protoc

from qmk.base.errors import QmkError
from qmk.gateway.callers import Callers
from qmk.gateway.grpc.files import RPC_STATUS, class_of, service_of
from qmk.gateway.grpc.server import DETAILS_BYTES, Place, address_of, serving_at, status_message
from qmk.gateway.http import BODY_BYTES, Gate
from qmk.gateway.rates import RateLimits, Rates
from qmk.gateway.records import Records
from qmk.gateway.rest.openapi import BELL
from qmk.gateway.rest.problem import problem_of
from qmk.gateway.service.operations import OPERATIONS
from qmk.gateway.tls import Tls
from tests.integration.gateway.tenants import Service, serving_both
from tests.serving import certificate

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference"


def test_stubs_made_of_the_committed_file_call_the_gateway(service: Service, tmp_path: Path) -> None:
    made = [f"-I{REFERENCE}", f"--python_out={tmp_path}", f"--grpc_python_out={tmp_path}"]
    assert protoc.main(["protoc", *made, f"-I{Path(protoc.__file__).parent / '_proto'}", "qmk.proto"]) == 0
    sys.path.insert(0, str(tmp_path))
    try:
        pb: Any = importlib.import_module("qmk_pb2")
        stubs: Any = importlib.import_module("qmk_pb2_grpc")
    finally:
        sys.path.remove(str(tmp_path))
    jobs = stubs.JobsServiceStub(service.channel)
    token = [*service.headers["chem"].items()]
    asked = pb.SubmitJob(program=pb.Program(text=BELL), shots=20, idempotency_key="stub")
    job = jobs.Submit(asked, metadata=token)
    assert jobs.Submit(asked, metadata=token).job_id == job.job_id
    assert jobs.Get(pb.GetJob(job_id=job.job_id, wait_s=30), metadata=token).state == "COMPLETED"
    counts = jobs.Result(pb.GetResult(job_id=job.job_id), metadata=token).counts
    assert sum(counts.values()) == 20
    assert [each.kind for each in jobs.FollowEvents(pb.GetEvents(job_id=job.job_id), metadata=token)][-1] == "completed"
    with pytest.raises(grpc.RpcError) as failed:
        jobs.Get(pb.GetJob(), metadata=token)
    assert failed.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_health_and_reflection_know_every_service(service: Service) -> None:
    known = ProtoReflectionDescriptorDatabase(service.channel)
    own = {service_of(each.resource) for each in OPERATIONS}
    assert own <= set(known.get_services())
    file = known.FindFileContainingSymbol("qmk.v1.JobsService")
    assert file.package == "qmk.v1"
    assert known.FindFileContainingSymbol("grpc.health.v1.Health").package == "grpc.health.v1"
    health: Any = health_pb2_grpc.HealthStub(service.channel)
    for name in ("", *own):
        assert (
            health.Check(health_pb2.HealthCheckRequest(service=name)).status == health_pb2.HealthCheckResponse.SERVING
        )


def test_health_follows_the_daemon(make_daemon: Any, tmp_path: Path) -> None:
    """Every service, "" and those that watch are told when the daemon is killed, and when it is there again."""
    daemon = make_daemon()
    states: Any = health_pb2.HealthCheckResponse
    names = ("", service_of(OPERATIONS[0].resource))
    with (
        serving_both(daemon, tmp_path / "gateway.db", needs_token=False) as (http, address),
        grpc.insecure_channel(address) as channel,
    ):
        health: Any = health_pb2_grpc.HealthStub(channel)
        requests = [health_pb2.HealthCheckRequest(service=name) for name in names]
        told = [health.Watch(each, timeout=60) for each in requests]
        assert [next(each).status for each in told] == [states.SERVING] * 2
        daemon.kill()
        assert [next(each).status for each in told] == [states.NOT_SERVING] * 2
        assert [health.Check(each).status for each in requests] == [states.NOT_SERVING] * 2
        assert http.get("/ready").status_code == 503
        daemon.start()
        assert [next(each).status for each in told] == [states.SERVING] * 2
        unknown = health.Watch(health_pb2.HealthCheckRequest(service="qmk.v1.None"), timeout=60)
        assert next(unknown).status == states.SERVICE_UNKNOWN


def refusal_of(service: Service, data: bytes) -> tuple[grpc.StatusCode, str]:
    ask: Any = service.channel.unary_unary("/qmk.v1.JobsService/Get")
    with pytest.raises(grpc.RpcError) as failed:
        ask(data, metadata=[*service.headers["chem"].items()])
    return failed.value.code(), str(failed.value.details())


def test_messages_that_are_not_ours_are_refused(service: Service) -> None:
    right = class_of("GetJob")(job_id=service.job).SerializeToString()
    wrong, large = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal_of(service, b"\xff\xff") == (wrong, "jobs.get: the message is not a GetJob")
    assert refusal_of(service, right + b"\x50\x01") == (wrong, "GetJob has no field of number 10")
    assert refusal_of(service, b"x" * (BODY_BYTES + 1))[0] == large


def test_the_details_of_an_error_fit_its_metadata() -> None:
    findings = [{"rule": "QASM-001", "message": "x" * 200, "line": at} for at in range(1000)]
    error = QmkError("INVALID_GRAPH", "y" * 5000, findings=findings, other="z" * 9000)
    data = status_message(grpc.StatusCode.INVALID_ARGUMENT, problem_of(error, 400, ""))
    assert len(data) <= DETAILS_BYTES


def test_calls_are_counted_and_tls_is_served(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    asked = class_of("GetJob")(job_id="job_x").SerializeToString()

    async def main() -> None:
        gate = Gate(
            Callers(tmp_path / "no.sock", needs_token=True),
            Records(tmp_path / "gateway.db"),
            Rates(RateLimits(of_address=0.01, burst_s=300)),
        )
        trust = grpc.ssl_channel_credentials(cert.read_bytes())
        async with serving_at(gate, Place("127.0.0.1", 0, Tls(cert, key))) as port:
            address = f"127.0.0.1:{port}"
            async with grpc.aio.secure_channel(address, trust) as channel:
                health: Any = health_pb2_grpc.HealthStub(channel)
                unary, stream = (f"/qmk.v1.JobsService/{name}" for name in ("Get", "FollowEvents"))
                codes = [await refused(channel.unary_unary(unary)(asked)) for _ in range(2)]
                assert [error.code().name for error in codes] == ["UNAUTHENTICATED"] * 2
                third = await refused(channel.unary_stream(stream)(asked).read())
                assert third.code().name == "UNAUTHENTICATED"
                for error in (
                    await refused(channel.unary_unary(unary)(asked)),
                    await refused(channel.unary_stream(stream)(asked).read()),
                ):
                    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
                    problem = problem_in(dict(error.trailing_metadata())["grpc-status-details-bin"])
                    assert (problem.kind, problem.retryable) == ("QUOTA_EXCEEDED", True)
                    assert 90_000 < problem.fields.fields["retry_after_ms"].number_value <= 100_000
                found = await health.Check(health_pb2.HealthCheckRequest())
                assert found.status == health_pb2.HealthCheckResponse.NOT_SERVING  # there is no daemon
            async with grpc.aio.secure_channel(address, grpc.ssl_channel_credentials()) as channel:
                assert (await refused(channel.unary_unary(unary)(asked))).code().name == "UNAVAILABLE"
        gate.records.close()

    asyncio.run(main())


async def refused(call: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return failed.value


def problem_in(data: bytes) -> Any:
    for each in class_of(RPC_STATUS).FromString(data).details:
        if each.type_url.endswith(".Problem"):
            return class_of("Problem").FromString(each.value)
    raise AssertionError("there is no problem in the details")


@pytest.mark.parametrize(
    ("peer", "address"),
    [("ipv4:10.1.2.3:50000", "10.1.2.3"), ("ipv6:%5Bfd00::1%5D:50000", "fd00::1"), ("ipv6:[::1]:1", "::1")],
)
def test_the_address_of_a_caller(peer: str, address: str) -> None:
    assert address_of(peer) == address
