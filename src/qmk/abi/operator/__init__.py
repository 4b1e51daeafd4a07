"""The operator's calls. They are declared like those of the ABI and answered on the operator's socket alone, which only
the daemon's own user can open; on the ordinary socket they do not exist."""

from __future__ import annotations

from qmk.abi.call import Call
from qmk.abi.operator import (
    op_gc,
    op_jobs,
    op_tenant_add,
    op_tenant_list,
    op_tenant_resume,
    op_tenant_set,
    op_tenant_suspend,
    op_token_issue,
    op_token_list,
    op_token_revoke,
)

OPERATOR_CALLS: tuple[Call, ...] = (
    op_tenant_add.CALL,
    op_tenant_set.CALL,
    op_tenant_list.CALL,
    op_tenant_suspend.CALL,
    op_tenant_resume.CALL,
    op_token_issue.CALL,
    op_token_list.CALL,
    op_token_revoke.CALL,
    op_gc.CALL,
    op_jobs.CALL,
)

OPERATOR_METHODS: dict[str, Call] = {call.name: call for call in OPERATOR_CALLS}
