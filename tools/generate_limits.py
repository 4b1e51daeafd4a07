"""``docs/reference/limits.md`` from the table of limits."""

from __future__ import annotations

import sys

from pages import NOTICE, table, write_or_check

from qmk.base.limits import TABLE

INTRO = """# Limits

Everything has a bound, and they all stand here. Whoever exceeds one gets `QUOTA_EXCEEDED` (or, in a program, an
`INVALID_GRAPH` finding) that names the limit, the value asked for and the value allowed.

```python
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS, check

check("shots", LIMITS.shots)
try:
    check("shots", LIMITS.shots + 1)
except QmkError as error:
    assert error.kind.name == "QUOTA_EXCEEDED" and error.fields["limit"] == LIMITS.shots
```

"""


def page() -> str:
    rows = [(f"`{name}`", f"{row.value:,}", row.unit, row.doc) for name, row in TABLE.items()]
    return NOTICE.format(script="generate_limits.py") + INTRO + table(("limit", "value", "unit", "of"), rows)


if __name__ == "__main__":
    sys.exit(write_or_check({"docs/reference/limits.md": page()}, sys.argv[1:]))
