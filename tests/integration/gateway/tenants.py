"""Two tenants of one gateway, and a request of each operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import graphql
import grpc
import httpx
from google.protobuf import json_format

from qmk.cli.gateway import free_place
from qmk.client import Operator
from qmk.gateway.app import make_app
from qmk.gateway.graphql.schema import text
from qmk.gateway.grpc.files import class_of
from qmk.gateway.grpc.server import Place, serving_at
from qmk.gateway.grpc.shapes import item_of, method_of, names, service_of, stream_of
from qmk.gateway.rest.openapi import BELL, SWEPT
from qmk.gateway.service.operations import OPERATIONS
from qmk.host import ledger
from qmk.host.config import JOURNAL_NAME
from tests.conftest import RunningDaemon
from tests.serving import serving

CASES: dict[str, dict[str, Any]] = {
    "jobs.submit": {"json": {"program": {"text": BELL}, "shots": 10, "policy": {"seed": 7}, "tags": ["a"]}},
    "jobs.list": {"params": {"tags": "a", "limit": 5}},
    "jobs.count": {"params": {"tags": "a", "look": 5}},
    "jobs.get": {"params": {"wait_s": 30}},
    "jobs.cancel": {"json": {"reason": "test"}},
    "jobs.label": {"json": {"add": ["b"], "remove": ["a"]}},
    "jobs.delete": {},
    "jobs.cancel_matching": {"json": {"tags": ["none"], "reason": "test"}},
    "jobs.label_matching": {"json": {"tags": ["none"], "add": ["b"]}},
    "jobs.delete_matching": {"json": {"tags": ["none"]}},
    "jobs.result": {},
    "jobs.program": {},
    "jobs.shots": {"params": {"from_shot": 3, "count": 2}},
    "jobs.events": {},
    "jobs.telemetry": {},
    "batches.submit": {"json": {"programs": [{"text": SWEPT}], "points": {"theta": [0, 3.141592653589793]}}},
    "batches.get": {},
    "batches.cancel": {},
    "programs.check": {"json": {"program": {"text": BELL}}},
    "programs.explain": {"json": {"program": {"text": BELL}, "shots": 10}},
    "programs.draw": {"json": {"program": {"text": BELL}, "width": 400}},
    "programs.circuit": {"json": {"program": {"text": BELL}}},
    "programs.layers": {"json": {"program": {"text": BELL}, "machine": "surface(d=3)"}},
    "programs.course": {"json": {"program": {"text": BELL}, "device": "zoned"}},
    "formats.list": {},
    "engines.list": {},
    "engines.devices": {},
    "engines.atoms": {},
    "engines.load": {},
    "calibrations.devices": {},
    "calibrations.add": {"json": {"time": 1.8e9, "qubits": [{"qubit": "q_0", "t1_s": 1e-4, "readout": 0.01}]}},
    "calibrations.list": {"params": {"limit": 5}},
    "calibrations.get": {},
    "calibrations.noise": {},
    "account.me": {},
    "account.usage": {},
    "account.telemetry": {},
    "capabilities.list": {},
    "capabilities.revoke": {},
}


class Tenants:
    """A gateway that asks for tokens, the headers of two tenants, and a job, a batch and a calibration of the first."""

    calibration = "0" * 16

    def __init__(self, http: Any, operator: Operator) -> None:
        self.http, self.operator = http, operator
        self.headers: dict[str, dict[str, str]] = {}
        for name in ("chem", "bio"):
            operator.call("op_tenant_add", tenant=name)
            self.add(name)
        self.job = self.ask("jobs.submit").json()["job_id"]
        assert self.ask("jobs.get").json()["state"] == "COMPLETED"
        self.batch = self.ask("batches.submit").json()["batch"]
        self.calibration = self.ask("calibrations.add").json()["id"]

    def add(self, name: str) -> None:
        token = self.operator.call("op_token_issue", tenant=name).token
        self.headers[name] = {"authorization": f"Bearer {token}"}

    def ask(self, name: str, tenant: str = "chem", job: str = "", batch: str = "", **more: Any) -> Any:
        operation = next(each for each in OPERATIONS if each.call.name == name)
        ids = {"job_id": job or getattr(self, "job", ""), "batch": batch or getattr(self, "batch", "")}
        ids |= {"device": "lab", "calibration": self.calibration, "capability": "cap_none"}
        if not job:
            ids |= self.own_ids(name, tenant)
        if name == "capabilities.revoke" and tenant == "chem":
            ids["capability"] = self.ask("capabilities.list").json()["held"][-1]["capability"]
        asked = CASES[name] | more
        headers = self.headers[tenant] | asked.pop("headers", {})
        return self.http.request(operation.method, operation.path.format(**ids), headers=headers, **asked)

    def own_ids(self, name: str, tenant: str) -> dict[str, str]:
        """What is only for this request of the first tenant: a job that has ended, to be deleted."""
        if name != "jobs.delete" or tenant != "chem":
            return {}
        made = self.ask("jobs.submit").json()["job_id"]
        assert self.ask("jobs.get", job=made).json()["state"] == "COMPLETED"
        return {"job_id": made}


@contextmanager
def serving_both(daemon: RunningDaemon, records: Path, *, needs_token: bool) -> Iterator[tuple[httpx.Client, str]]:
    """A client of a gateway, and the address at which it serves gRPC."""
    host, port = free_place("127.0.0.1", 0)
    beside = [partial(serving_at, place=Place(host, port))]
    state = daemon.folder / "state"
    app = make_app(
        daemon.socket,
        records,
        needs_token=needs_token,
        beside=beside,
        data_dir=state,
        ledger=partial(ledger.read, state / JOURNAL_NAME),
    )
    with serving(app) as url, httpx.Client(base_url=url, timeout=60) as http:
        yield http, f"{host}:{port}"


class Service(Tenants):
    """Two tenants who ask in each of the three protocols."""

    def __init__(self, http: httpx.Client, address: str, operator: Operator | None = None, job: str = "") -> None:
        self.channel = grpc.insecure_channel(address)
        self.schema = graphql.build_schema(text())
        if operator is not None:
            super().__init__(http, operator)
        else:
            self.http, self.headers, self.job, self.batch = http, {"chem": {}}, job, ""

    def fields(self, name: str, **ids: str) -> dict[str, Any]:
        """The request of an operation."""
        operation = operation_of(name)
        own = {"job_id": self.job, "batch": self.batch, "device": "lab", "calibration": self.calibration} | ids
        given = CASES[name].get("json") or CASES[name].get("params") or {}
        return {**given, **{each: own[each] for each in operation.fields_at("path")}}

    def query(self, name: str, kind: str = "") -> str:
        """The text of an operation in GraphQL: what is given as variables, and every field of the answer."""
        kind = kind or ("query" if operation_of(name).method == "GET" else "mutation")
        root = {"query": self.schema.query_type, "mutation": self.schema.mutation_type}
        name = name.replace(".", "_")
        field = (root.get(kind) or self.schema.subscription_type).fields[name]
        given = self.fields(name.replace("_", ".", 1))
        declared = ", ".join(f"${each}: {row.type}" for each, row in field.args.items() if each in given)
        passed = ", ".join(f"{each}: ${each}" for each in field.args if each in given)
        head = f"({declared})" if declared else ""
        return f"{kind}{head} {{ {name}{f'({passed})' if passed else ''} {selection_of(field.type)} }}"

    def ask_graphql(self, name: str, tenant: str = "chem", kind: str = "", accept: str = "*/*", **ids: str) -> Any:
        body = {"query": self.query(name, kind), "variables": self.fields(name, **self.own_ids(name, tenant), **ids)}
        return self.http.post("/graphql", json=body, headers=self.headers[tenant] | {"accept": accept})

    def ask_grpc(
        self, name: str, tenant: str = "chem", timeout: float = 60, *, stream: bool = False, **ids: str
    ) -> Any:
        """The answer, or the answers of a stream."""
        operation = operation_of(name)
        fields = self.fields(name, **self.own_ids(name, tenant), **ids)
        if isinstance(fields.get("tags"), str):
            fields["tags"] = [fields["tags"]]
        if "points" in fields:
            fields["points"] = {"items": fields["points"]}
        message = json_format.ParseDict(fields, class_of(names()[operation.call.request])())
        method = stream_of(operation) if stream else method_of(operation)
        reply = class_of(names()[item_of(operation) if stream else operation.call.reply])
        make = self.channel.unary_stream if stream else self.channel.unary_unary
        ask: Any = make(
            f"/{service_of(operation.resource)}/{method}", type(message).SerializeToString, reply.FromString
        )
        return ask(message, metadata=(*self.headers[tenant].items(),), timeout=timeout)


def operation_of(name: str) -> Any:
    return next(each for each in OPERATIONS if each.call.name == name)


def selection_of(kind: Any) -> str:
    kind = graphql.get_named_type(kind)
    if not isinstance(kind, graphql.GraphQLObjectType):
        return ""
    return "{ " + " ".join(f"{name} {selection_of(row.type)}".strip() for name, row in kind.fields.items()) + " }"
