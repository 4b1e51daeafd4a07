"""What idle subscribers cost: memory of the gateway for server-sent events on connections that stay open.

``python -m benchmarks.subscribers --count 2000`` opens so many streams of the events of jobs that wait, over real
connections on loopback, waits for heartbeats, and has the jobs cancelled: every subscriber is told.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time

from benchmarks.remote import cpu_s
from benchmarks.service import PROGRAM, Connection, Service, rss_bytes, service

JOBS = 200
OPENED_AT_ONCE = 50


async def submit(connection: Connection, shots: int) -> str:
    body = json.dumps({"program": {"text": PROGRAM}, "shots": shots, "policy": {"engine": "reference"}}).encode()
    status, said = await connection.ask("POST", "/v1/jobs", body, "Content-Type: application/json\r\n")
    assert status == 201, said
    return json.loads(said)["job_id"]


async def measure(place: Service, count: int, idle_s: float) -> None:
    asker = Connection(place.address)
    jobs = [await submit(asker, 20_000_000) for _ in range(JOBS)]
    before, began = rss_bytes(place.gateway), time.monotonic()
    streams: list[tuple[Connection, asyncio.StreamReader]] = []

    async def follow(number: int) -> None:
        async with room:
            connection = Connection(place.address)
            streams.append((connection, await connection.follow(f"/v1/jobs/{jobs[number % JOBS]}/events")))

    room = asyncio.Semaphore(OPENED_AT_ONCE)
    await asyncio.gather(*map(follow, range(count)))
    opened, spent = time.monotonic() - began, cpu_s([place.gateway])
    await asyncio.sleep(idle_s)
    spent = cpu_s([place.gateway]) - spent
    after = rss_bytes(place.gateway)
    for job in jobs:
        await asker.ask("POST", f"/v1/jobs/{job}/cancel", b"{}", "Content-Type: application/json\r\n")
    ended = await asyncio.gather(*(asyncio.wait_for(reader.read(), 60) for _, reader in streams))
    told = sum(b"event: cancelled" in each or b"event: completed" in each for each in ended)
    for connection, _ in streams:
        connection.close()
    print(f"{count} subscribers of {JOBS} jobs, opened in {opened:.1f} s")
    each_kb = (after - before) / count / 1e3
    print(f"gateway: {before / 1e6:.0f} MB before, {after / 1e6:.0f} MB with them; {each_kb:.1f} kB each")
    print(f"processor time of the gateway while idle: {spent / idle_s:.1%} of a core; {told} were told of the end")
    assert told == count


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the memory of idle subscribers.")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--idle-s", type=float, default=20.0)
    options = parser.parse_args()
    with service("--workers", "1") as place:
        asyncio.run(measure(place, options.count, options.idle_s))


if __name__ == "__main__":
    main()
