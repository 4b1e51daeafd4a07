"""What the kernel asks of a list of ids that is read in pages; policy keeps it (``qmk.policy.index``)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol


class Index(Protocol):
    """Ids in groups, ordered by a moment. Whoever shows a row checks that the caller may see it."""

    def put(self, group: Hashable, at_ns: int, id: str, /) -> None: ...

    def drop(self, group: Hashable, at_ns: int, id: str, /) -> None: ...

    def oldest(self, group: Hashable, /) -> list[str]:
        """All ids of the group, oldest first."""
        ...

    def page(self, groups: Sequence[Hashable], cursor: str, limit: int, /) -> tuple[list[str], str | None]:
        """At most ``limit`` ids of these groups, newest first, from behind the cursor; and the next page's cursor."""
        ...
