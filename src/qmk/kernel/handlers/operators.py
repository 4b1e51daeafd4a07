"""Handles the operator's calls, which come over the operator's socket only: tenants, tokens, jobs, garbage collection.

For op_gc the kernel says which jobs go; the host looks at its store.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from qmk.abi.operator import op_gc, op_tenant_add, op_tenant_list, op_token_issue, op_token_list, op_token_revoke
from qmk.abi.operator.shapes import TenantRow
from qmk.abi.quotas import check_limits
from qmk.abi.rights import JOB_RIGHTS, RIGHTS
from qmk.abi.token import Bounds
from qmk.base.errors import QmkError
from qmk.base.isolation import parse
from qmk.base.limits import check
from qmk.base.units import SECOND_NS
from qmk.kernel import authority, retention, tokens
from qmk.kernel.config import TenantConfig
from qmk.kernel.effects import Collect
from qmk.kernel.events import CallReceived, TenantSet, TokenIssued, TokenRevoked
from qmk.kernel.handlers.jobs import show_jobs
from qmk.kernel.objects.session import Session
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.state import State


def add(kernel: State, event: CallReceived) -> None:
    request: op_tenant_add.Request = event.params
    if kernel.tenants.knows(request.tenant) or request.tenant == kernel.config.local.name:
        raise kernel.refusals.tenant_exists(request.tenant)
    check("tenants", kernel.tenants.count + 1)
    _store(kernel, event, _change(kernel, TenantConfig(name=request.tenant), request))


def change(kernel: State, event: CallReceived) -> None:
    tenant = _tenant(kernel, event.params.tenant)
    _store(kernel, event, _change(kernel, tenant.config, event.params))
    gone = frozenset(RIGHTS) - {*tenant.config.allowed_caps, *JOB_RIGHTS}
    for session in _sessions(kernel, tenant):
        authority.strike(kernel, session, gone)
    kernel.launch_ready()


def tenants(kernel: State, event: CallReceived) -> None:
    request: op_tenant_list.Request = event.params
    found = kernel.tenants.list_registered() if request.tenant is None else [_tenant(kernel, request.tenant)]
    kernel.reply(event, op_tenant_list.Reply([_row(kernel, tenant) for tenant in found]))


def list_jobs(kernel: State, event: CallReceived) -> None:
    named = event.params.tenant
    show_jobs(kernel, event, {tenant.name for tenant in ([_tenant(kernel, named)] if named else kernel.tenants)})


def suspend(kernel: State, event: CallReceived) -> None:
    tenant = _tenant(kernel, event.params.tenant)
    _store(kernel, event, msgspec.structs.replace(tenant.config, suspended=True))
    for session in kernel.sessions:
        authority.recheck(kernel, session)


def resume(kernel: State, event: CallReceived) -> None:
    tenant = _tenant(kernel, event.params.tenant)
    _store(kernel, event, msgspec.structs.replace(tenant.config, suspended=False))
    kernel.launch_ready()


def issue(kernel: State, event: CallReceived) -> None:
    request: op_token_issue.Request = event.params
    tenant = _tenant(kernel, request.tenant)
    if not kernel.config.token_key:
        raise QmkError("UNSUPPORTED", "this kernel has no key to sign tokens with", feature="tokens")
    rights = None if request.rights is None else tuple(dict.fromkeys(request.rights))
    _require_rights(kernel, rights or (), "rights")
    expires_ns = (request.expires or 0) * SECOND_NS
    if 0 < expires_ns <= event.now_ns:
        raise QmkError("INVALID_PARAMS", "the token would have expired already", field="expires")
    check("tokens", len(_live(kernel, tenant, event.now_ns)) + 1, f"tenant '{tenant.name}'")
    bounds = Bounds(request.expires, None if rights is None else frozenset(rights), request.shots, request.uid)
    for row in kernel.tenants.tokens(tenant.name):
        if 0 < row.expires_ns <= event.now_ns:
            kernel.commit(TokenRevoked(now_ns=event.now_ns, tenant=tenant.name, serial=row.serial), durable=False)
    text, serial = tokens.mint(kernel.config.token_key, tenant.name, event.entropy, bounds)
    kernel.commit(
        TokenIssued(
            now_ns=event.now_ns,
            tenant=tenant.name,
            serial=serial,
            expires_ns=expires_ns,
            rights=rights or (),
            limited=rights is not None,
        )
    )
    kernel.audit(
        "token.issue",
        tenant.name,
        serial=serial,
        expires=request.expires,
        rights=None if rights is None else sorted(rights),
        shots=request.shots,
        uid=request.uid,
    )
    kernel.reply(event, op_token_issue.Reply(text, serial))


def tokens_of(kernel: State, event: CallReceived) -> None:
    tenant = _tenant(kernel, event.params.tenant)
    kernel.reply(
        event, op_token_list.Reply([kernel.views.token_row(row) for row in _live(kernel, tenant, event.now_ns)])
    )


def revoke(kernel: State, event: CallReceived) -> None:
    request: op_token_revoke.Request = event.params
    tenant = _tenant(kernel, request.tenant)
    serials = [row.serial for row in kernel.tenants.tokens(tenant.name)]
    if request.serial:
        if request.serial not in serials:
            raise kernel.refusals.no_token(tenant.name, request.serial)
        serials = [request.serial]
    kernel.commit(TokenRevoked(now_ns=event.now_ns, tenant=tenant.name, serial=request.serial))
    ended = [session for session in _sessions(kernel, tenant) if session.serial in serials]
    for session in ended:
        kernel.end_session(session, "its token was revoked")
    kernel.audit("token.revoke", tenant.name, serial=request.serial, count=len(serials), sessions=len(ended))
    kernel.reply(event, op_token_revoke.Reply(serials, len(ended)))


def _tenant(kernel: State, name: str) -> Tenant:
    if not kernel.tenants.knows(name) and name != kernel.config.local.name:
        raise kernel.refusals.no_tenant(name)
    return kernel.tenant(name)


def _change(kernel: State, config: TenantConfig, request: Any) -> TenantConfig:
    """The policy with what the request names; INVALID_PARAMS for quotas and rights that do not exist."""
    changes: dict[str, Any] = {}
    if request.weight is not None:
        changes["weight"] = request.weight
    if request.allowed is not None:
        _require_rights(kernel, request.allowed, "allowed")
        allowed = dict.fromkeys(request.allowed)
        changes["allowed_caps"] = tuple(allowed)
        changes["default_caps"] = tuple(name for name in TenantConfig().default_caps if name in allowed)
    if request.isolation is not None:
        changes["isolation"] = parse(request.isolation) or ""
    if request.quotas:
        check_limits(request.quotas, "quotas")
        changes["quotas"] = {**config.quotas, **request.quotas}
    return msgspec.structs.replace(config, **changes)


def _require_rights(kernel: State, names: Iterable[str], field: str) -> None:
    for name in names:
        if name not in RIGHTS:
            raise kernel.refusals.unknown_right(name, field)


def _store(kernel: State, event: CallReceived, config: TenantConfig) -> None:
    kernel.commit(TenantSet(now_ns=event.now_ns, config=config))
    kernel.audit(
        "tenant.set", config.name, suspended=config.suspended, weight=config.weight, isolation=config.isolation
    )
    kernel.reply(event, _row(kernel, kernel.tenant(config.name)))


def _sessions(kernel: State, tenant: Tenant) -> list[Session]:
    return [session for session in kernel.sessions if session.tenant is tenant]


def _live(kernel: State, tenant: Tenant, now_ns: int) -> list[TokenIssued]:
    return [row for row in kernel.tenants.tokens(tenant.name) if not 0 < row.expires_ns <= now_ns]


def _row(kernel: State, tenant: Tenant) -> TenantRow:
    live = len(_live(kernel, tenant, kernel.now_ns))
    return kernel.views.tenant_row(tenant, live, len(_sessions(kernel, tenant)))


def collect(kernel: State, event: CallReceived) -> None:
    request: op_gc.Request = event.params
    table = kernel.jobs.by_id
    jobs: list[str] = []
    if request.older_than_s is not None:
        before_ns = event.now_ns - int(request.older_than_s * SECOND_NS)
        for ended in kernel.jobs.ended_by_tenant.values():
            jobs += [id for id in ended.perhaps_before(before_ns) if table[id].ended_ns < before_ns]
    size = sum(map(table.kept_bytes, jobs))
    if not request.dry_run:
        for job in jobs:
            retention.forget(kernel, job)
        if jobs:
            kernel.audit("jobs.forget", "", jobs=len(jobs), older_than_s=request.older_than_s)
    kernel.out.append(
        Collect(
            event.conn,
            event.ref,
            request.dry_run,
            tuple(jobs),
            size,
            len(table) - (len(jobs) if request.dry_run else 0),
            sum(not job.has_ended for job in table.live.values()),
        )
    )
