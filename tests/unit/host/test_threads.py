"""Work in threads: closing waits for all of it, and for what it brings about."""

from __future__ import annotations

import asyncio
import threading

from qmk.host.threads import Threads


def test_closing_waits_for_what_was_begun_and_what_follows_from_it():
    log: list[str] = []
    gate = threading.Event()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        threads = Threads(loop)

        def second() -> None:
            log.append("second")

        def then(error: BaseException | None) -> None:
            log.append("then")
            loop.call_soon(threads.do, second, lambda error: log.append("end"))

        def first() -> None:
            gate.wait()
            log.append("first")

        threads.do(first, then)
        closing = asyncio.ensure_future(threads.close())
        await asyncio.sleep(0)
        assert not closing.done()
        gate.set()
        await closing

    asyncio.run(main())
    assert log == ["first", "then", "second", "end"]


def test_an_error_is_handed_over():
    found: list[BaseException | None] = []

    async def main() -> None:
        threads = Threads(asyncio.get_running_loop())
        threads.do(lambda: int("x"), found.append)
        await threads.close()

    asyncio.run(main())
    assert [type(error) for error in found] == [ValueError]
