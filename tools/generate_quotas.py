"""``docs/reference/quotas.md`` from the table of quotas."""

from __future__ import annotations

import sys

from pages import NOTICE, table, write_or_check

from qmk.abi.quotas import QUOTAS
from qmk.kernel.config import KernelConfig

INTRO = """# Quotas

What a tenant may use. An operator sets limits for each tenant; a session may be opened with narrower ones of its own.
They differ from [limits](limits.md), which bound everybody and never change. How to set them and read them is told in
[Share a daemon](../howto/quotas.md).

"""

KINDS = """
## Kinds
| kind | counts | when it is exceeded |
|---|---|---|
| held | what is taken and given back | refused until something is given back; launches wait instead |
| per_job | one job | refused, whenever it is tried |
| spent | what was charged in the period, and what accepted jobs reserve | refused until the period ends |
| rate | calls | refused with `retry_after_ms` |

A period is {days} of UTC, counted from the Unix epoch (`KernelConfig.quota_period_s`). A charge belongs to the period
in which its launch ended.

## The refusal
`QUOTA_EXCEEDED` names the `quota`, what was `asked` for in all, the `limit`, what is `used`, and the `scope`
(`tenant` or `session`). `retryable` is false when the request alone exceeds the limit: waiting would not help. Of a
rate, and of a spent quota that the period's end frees, `retry_after_ms` says how long to wait, and `period_end` when
the period ends.

## What a job holds
A job is counted from `q_submit` on: already while the router looks for an engine, so that no number of sessions
submitting at once gets past a limit. It holds one of `queued_jobs`, the qubits that its program has alive at once,
and the bytes of its graph and of the largest result it can have, and reserves its shots, its gates and the run time
that the router predicts. While it runs it holds one of `running_jobs` and its place on the map. At its end all of
that is given back, and instead it is charged what it used and keeps the bytes of its graph and result until it is
forgotten.

| the launch | engine_seconds | shots_period, gates |
|---|---|---|
| completed | as measured | all |
| failed, cancelled or past `timeout_ms` | from its start to its end | those of the shots that were done |
| stopped at a fence, to go on elsewhere | from its start to the fence | with the launch that ends the job |
| lost: its worker died, the daemon stopped, or a defect of QMK | none | none |

So a job that was run twice because of us is charged its shots once, and only the run that counted. A run may take
longer than predicted: `engine_seconds` is the one quota that can end above its limit, by the runs that were under
way.

When a tenant's `bytes_stored` would exceed its limit, its oldest ended jobs are forgotten, and when all tenants
together keep more than `kept_bytes` ([limits](limits.md)), the oldest of all.
"""


def page() -> str:
    rows = [
        (
            f"`{name}`",
            row.kind,
            f"{row.default:,}",
            row.unit,
            "yes" if row.per_session else "",
            row.doc,
        )
        for name, row in QUOTAS.items()
    ]
    head = ("quota", "kind", "default", "unit", "a session may narrow it", "of")
    seconds = KernelConfig().quota_period_s
    days = "a day" if seconds == 86_400 else f"{seconds:,} s"
    notice = NOTICE.format(script="generate_quotas.py")
    return notice + INTRO + table(head, rows) + KINDS.format(days=days)


if __name__ == "__main__":
    sys.exit(write_or_check({"docs/reference/quotas.md": page()}, sys.argv[1:]))
