"""Many clients of the REST API at the same time: how long a submission takes, and whether anything is lost.

``python -m benchmarks.service_load --clients 200 --seconds 60`` starts a daemon that keeps what it has accepted through
a power failure, with a gateway beside it. Each client, on a connection of its own, submits a job with a key, thinks,
and now and then reads a result; all are one process, which has the processors with the server. At the end every
accepted job is looked for. The memory of daemon and gateway is read every second; its slope is given over all of the
time after the first ten seconds and over the last half of it, with an interval: caches that fill look like a leak at
first, and then no longer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.measure import BLOCKS, percentile, trend
from benchmarks.remote import cpu_s
from benchmarks.service import PROGRAM, Connection, Service, rss_bytes, service

READ_EVERY = 5
WARM_UP_S = 2.0
"""One client before the others: the first programs start the processes that read and run them."""
LOOKERS = 8
"""Connections by which jobs are looked for."""
SETTLED_S = 10.0
"""From then on memory is looked at."""
JSON = "Content-Type: application/json\r\n"
BODY = b'{"program":{"text":%b},"shots":100,"policy":{"seed":%d}}'
TEXT = json.dumps(PROGRAM).encode()


@dataclass
class Load:
    """What the clients have seen. ``submit_s`` and ``result_s``: seconds of each answer."""

    submit_s: list[float] = field(default_factory=list[float])
    result_s: list[float] = field(default_factory=list[float])
    accepted: list[str] = field(default_factory=list[str])
    errors: Counter[str] = field(default_factory=Counter[str])


async def client(place: Service, load: Load, number: int, think_s: float, end_s: float) -> None:
    """Submits until the time is over; every so often waits for the job and reads its result."""
    rng = random.Random(number)
    connection = Connection(place.address)
    await asyncio.sleep(rng.uniform(0, think_s))
    turn = 0
    while time.monotonic() < end_s:
        turn += 1
        began = time.monotonic()
        key = f"{JSON}Idempotency-Key: load-{number}-{turn}\r\n"
        try:
            status, said = await connection.ask("POST", "/v1/jobs", BODY % (TEXT, number * 100_000 + turn), key)
            load.submit_s.append(time.monotonic() - began)
            if status != 201:
                load.errors[f"submit: {status} {said[:200]!r}"] += 1
            else:
                load.accepted.append(job := json.loads(said)["job_id"])
                if turn % READ_EVERY == 0:
                    await read(connection, load, job)
        except (OSError, EOFError) as error:
            load.errors[f"{type(error).__name__}: {error}"] += 1
        await asyncio.sleep(rng.uniform(0, 2 * think_s))
    connection.close()


async def read(connection: Connection, load: Load, job: str) -> None:
    status, said = await connection.ask("GET", f"/v1/jobs/{job}?wait_s=30")
    began = time.monotonic()
    if status == 200:
        status, said = await connection.ask("GET", f"/v1/jobs/{job}/result")
        load.result_s.append(time.monotonic() - began)
    if status != 200:
        load.errors[f"result: {status} {said[:200]!r}"] += 1


async def look_for_all(place: Service, accepted: list[str]) -> int:
    """How many of the accepted jobs are not COMPLETED."""

    async def look(jobs: list[str]) -> int:
        connection, missing = Connection(place.address), 0
        for job in jobs:
            status, said = await connection.ask("GET", f"/v1/jobs/{job}?wait_s=60")
            missing += status != 200 or json.loads(said)["state"] != "COMPLETED"
        connection.close()
        return missing

    return sum(await asyncio.gather(*(look(accepted[first::LOOKERS]) for first in range(LOOKERS))))


@dataclass
class Memory:
    """Memory of processes every second. A row of ``rows`` is the jobs accepted so far and the bytes of each process."""

    pids: list[int]
    rows: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])

    async def follow(self, load: Load, end_s: float) -> None:
        while time.monotonic() < end_s:
            self.rows.append((len(load.accepted), *map(rss_bytes, self.pids)))
            await asyncio.sleep(1.0)

    def text(self, process: int) -> str:
        """First and last value, and slopes by job and by minute."""
        jobs, found = [row[0] for row in self.rows], [row[1 + process] for row in self.rows]
        shown = [f"{found[0] / 1e6:.1f} MB at {SETTLED_S:.0f} s, {found[-1] / 1e6:.1f} MB at the end"]
        for name, first in (("slope", 0), ("of the last half", len(found) // 2)):
            if len(found) - first >= 2 * BLOCKS:
                by_job = "{:.0f} +- {:.0f} B a job".format(*trend(jobs[first:], found[first:]))
                by_minute = trend([each / 60 for each in range(len(found) - first)], found[first:])
                shown.append(f"{name} {by_job}, {by_minute[0] / 1e6:.2f} +- {by_minute[1] / 1e6:.2f} MB a minute")
        return "; ".join(shown)


async def run(place: Service, clients: int, seconds: float, think_s: float, kept_jobs: int | None) -> bool:
    await client(place, Load(), clients, 0.0, time.monotonic() + WARM_UP_S)
    load, end_s = Load(), time.monotonic() + seconds
    pids = [place.daemon, place.gateway]
    spent = [cpu_s([pid]) for pid in pids]
    own = time.process_time()
    tasks = [asyncio.create_task(client(place, load, number, think_s, end_s)) for number in range(clients)]
    await asyncio.sleep(min(SETTLED_S, seconds / 2))
    memory = Memory(pids)
    await asyncio.gather(memory.follow(load, end_s), *tasks)
    spent = [cpu_s([pid]) - before for pid, before in zip(pids, spent, strict=True)]
    own = time.process_time() - own
    submit_s, result_s = sorted(load.submit_s), sorted(load.result_s)
    print(f"{clients} clients, {seconds:.0f} s, {os.cpu_count()} processors with the load generator:")
    print(f"{len(load.accepted)} jobs accepted, {len(load.accepted) / seconds:.0f} a second")
    for name, found in (("submit", submit_s), ("result", result_s)):
        if found:
            shown = (f"p{share * 100:g} {percentile(found, share) * 1e3:.0f} ms" for share in (0.5, 0.9, 0.99, 0.999))
            print(f"{name}: {', '.join(shown)}, longest {found[-1] * 1e3:.0f} ms")
    for at, name in enumerate(("daemon", "gateway")):
        print(f"{name}: {spent[at]:.0f} s CPU; {memory.text(at)}")
    missing = await look_for_all(place, load.accepted[-(kept_jobs // 2) :] if kept_jobs else load.accepted)
    print(f"load generator: {own:.0f} s CPU; errors: {dict(load.errors) or 'none'}; {missing} jobs lost")
    return not missing and not load.errors


def main() -> int:
    parser = argparse.ArgumentParser(description="Load the REST API with many clients.")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--think-s", type=float, default=2.0, help="average pause of a client between two requests")
    parser.add_argument("--kept-jobs", type=int, help="ended jobs that the daemon remembers")
    parser.add_argument("--durability", choices=["process", "power"], default="power")
    options = parser.parse_args()
    keep = [] if options.kept_jobs is None else ["--keep", f"jobs={options.kept_jobs}"]
    with service("--durability", options.durability, "--workers", "1", *keep) as place:
        work = run(place, options.clients, options.seconds, options.think_s, options.kept_jobs)
        return 0 if asyncio.run(work) else 1


if __name__ == "__main__":
    raise SystemExit(main())
