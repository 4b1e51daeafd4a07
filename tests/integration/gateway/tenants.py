"""Two tenants of one gateway, and a request of each operation."""

from __future__ import annotations

from typing import Any

from qmk.client import Operator
from qmk.gateway.rest.openapi import BELL, SWEPT
from qmk.gateway.service.operations import OPERATIONS

CASES: dict[str, dict[str, Any]] = {
    "jobs.submit": {"json": {"program": {"text": BELL}, "shots": 10, "policy": {"seed": 7}, "tags": ["a"]}},
    "jobs.list": {"params": {"tags": "a", "limit": 5}},
    "jobs.get": {"params": {"wait_s": 30}},
    "jobs.cancel": {"json": {"reason": "test"}},
    "jobs.result": {},
    "jobs.shots": {"params": {"from_shot": 3, "count": 2}},
    "jobs.events": {},
    "jobs.telemetry": {},
    "batches.submit": {"json": {"programs": [{"text": SWEPT}], "points": {"theta": [0, 3.141592653589793]}}},
    "batches.get": {},
    "batches.cancel": {},
    "programs.check": {"json": {"program": {"text": BELL}}},
    "programs.explain": {"json": {"program": {"text": BELL}, "shots": 10}},
    "programs.draw": {"json": {"program": {"text": BELL}, "width": 400}},
    "formats.list": {},
    "engines.list": {},
    "engines.devices": {},
    "engines.load": {},
    "account.me": {},
    "account.usage": {},
    "account.telemetry": {},
}


class Tenants:
    """A gateway that asks for tokens, the headers of two tenants, and a job and a batch of the first."""

    def __init__(self, http: Any, operator: Operator) -> None:
        self.http, self.operator = http, operator
        self.headers: dict[str, dict[str, str]] = {}
        for name in ("chem", "bio"):
            operator.call("op_tenant_add", tenant=name)
            self.add(name)
        self.job = self.ask("jobs.submit").json()["job_id"]
        assert self.ask("jobs.get").json()["state"] == "COMPLETED"
        self.batch = self.ask("batches.submit").json()["batch"]

    def add(self, name: str) -> None:
        token = self.operator.call("op_token_issue", tenant=name).token
        self.headers[name] = {"authorization": f"Bearer {token}"}

    def ask(self, name: str, tenant: str = "chem", job: str = "", batch: str = "", **more: Any) -> Any:
        operation = next(each for each in OPERATIONS if each.call.name == name)
        ids = {"job_id": job or getattr(self, "job", ""), "batch": batch or getattr(self, "batch", "")}
        asked = CASES[name] | more
        headers = self.headers[tenant] | asked.pop("headers", {})
        return self.http.request(operation.method, operation.path.format(**ids), headers=headers, **asked)
