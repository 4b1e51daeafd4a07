"""What is gRPC's own: stubs, deadlines, bounds, health, reflection, and messages that are not ours."""

from __future__ import annotations

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
from qmk.gateway.grpc.files import class_of, service_of
from qmk.gateway.grpc.server import DETAILS_BYTES, status_message
from qmk.gateway.http import BODY_BYTES
from qmk.gateway.rest.openapi import BELL
from qmk.gateway.rest.problem import problem_of
from qmk.gateway.service.operations import OPERATIONS
from tests.integration.gateway.tenants import Service

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
