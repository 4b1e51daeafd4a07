"""Errors in the words of the command line: calls of the ABI by the commands that make them, arguments of Python by
options."""

from __future__ import annotations

import re
import shlex

from qmk.base.errors import QmkError

COMMANDS_OF: dict[str, str] = {
    "q_submit": "qmk submit",
    "q_status": "qmk status",
    "q_jobs": "qmk jobs",
    "q_wait": "qmk result JOB --wait",
    "q_result": "qmk result",
    "q_cancel": "qmk cancel",
    "q_label": "qmk label",
    "q_delete": "qmk delete",
    "q_estimate": "qmk explain",
    "q_query_resources": "qmk engines",
    "q_negotiate_caps": "qmk token show",
    "q_checkpoint": "qmk checkpoint",
    "q_checkpoints": "qmk checkpoints",
    "q_restore": "qmk restore",
    "q_migrate": "qmk migrate",
    "q_rollback": "qmk rollback",
    "q_replay": "qmk replay",
    "q_open_chan": "qmk channel open",
    "q_close_chan": "qmk channel close",
    "q_chan_status": "qmk channel status",
    "q_channels": "qmk channel list",
    "op_gc": "qmk gc",
    "op_jobs": "qmk jobs --all-tenants",
    "op_tenant_add": "qmk tenant add",
    "op_tenant_set": "qmk tenant set",
    "op_tenant_list": "qmk tenant list",
    "op_tenant_suspend": "qmk tenant suspend",
    "op_tenant_resume": "qmk tenant resume",
    "op_token_issue": "qmk tenant token",
    "op_token_list": "qmk tenant tokens",
    "op_token_revoke": "qmk tenant revoke",
}
"""Call to the command that makes it. Of the others no error speaks that a command can meet, but for those below."""

METHODS_OF: dict[str, str] = {
    "q_events": "Client.events",
    "q_get_telemetry": "Client.telemetry",
    "q_get_mapping": "q_get_mapping",
    "q_program": "Client.program",
    "q_alloc": "Client.alloc",
    "q_release": "Client.release",
    "q_revoke": "Client.revoke",
    "q_delegate": "Client.delegate",
    "q_close_session": "Client.close_session",
}
"""Calls that no command makes, to what makes them in Python."""

FIXES: dict[str, str] = {
    "CHANNEL_NOT_APPROVED": "the other tenant approves it with 'qmk channel approve CHANNEL'",
    "CHANNEL_NOT_FOUND": "'qmk channel list' lists those of your tenant",
    "CHANNEL_REQUIRED": "let both tenants agree on a channel ('qmk channel open', 'qmk channel approve'), "
    "then submit with --channel HANDLE=CHANNEL",
    "CHECKPOINT_NOT_FOUND": "'qmk checkpoints' lists those of your tenant",
    "INSUFFICIENT_CAPS": "show a token that allows it (--token-file); 'qmk token show' says what yours allows",
    "JOB_NOT_FOUND": "'qmk jobs' lists those of your tenant",
    "NOT_COMPLETED": "wait for it with 'qmk result JOB --wait'",
    "SESSION_NOT_FOUND": "give the command again: each opens a session of its own",
    "TENANT_SUSPENDED": "ask the operator, who can lift that with 'qmk tenant resume'",
}
"""What to do on the command line, where the error's own advice is for a program that speaks the protocol."""

LONGEST_NAMED = 64
"""Characters of a job's id that an error has; what is as long may be cut."""


def fix_of(error: QmkError) -> str:
    """What to do about ``error`` on the command line; "" where its own advice is as good."""
    job = error.fields.get("job_id")
    if error.kind.name == "JOB_NOT_FOUND" and isinstance(job, str) and 0 < len(job) < LONGEST_NAMED:
        from qmk.client.ids import may_be_id

        if not may_be_id(job):
            return f"a job is named by its id; qmk jobs --name {shlex.quote(job)} lists those of this name"
    return FIXES.get(error.kind.name, "")


_NAMED_TWICE = re.compile(r"\b(?:q|op)_[a-z_]+ \(('qmk [^']+')\)")
_LEAD = re.compile(r"^(?:q|op)_[a-z_]+: ")
_NAME = re.compile(r"\b(?:q|op)_[a-z_]+\b")


_PARAMS = re.compile(r"\bparams=\{'([^']+)': '?([^'}]+)'?\}")


def with_options(text: str) -> str:
    """``text`` with the option for the argument of Python: ``params={'a': 0.5}`` -> ``--param a=0.5``."""
    return _PARAMS.sub(r"--param \1=\2", text)


def spoken(text: str) -> str:
    """``text`` with commands for calls: ``q_replay runs it again`` -> ``'qmk replay' runs it again``."""
    text = _NAMED_TWICE.sub(r"\1", _LEAD.sub("", text))
    return _NAME.sub(lambda match: _name(match[0]), text)


def _name(call: str) -> str:
    command = COMMANDS_OF.get(call)
    return f"'{command}'" if command else METHODS_OF.get(call, call)
