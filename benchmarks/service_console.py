"""The console with many jobs listed, in a browser: bytes and time of the first view, and how soon each flow reacts.

``python -m benchmarks.service_console --jobs 10000`` starts a daemon with a gateway, runs so many jobs, and opens the
list in Chromium (Playwright drives it; QMK_CHROMIUM names another). Each flow is done several times, from the event to
the second frame after what it shows is in the page. Beside the time stands the processor time of the page and of
gateway and daemon, which a busy machine does not stretch.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import median
from benchmarks.remote import cpu_s
from benchmarks.service import PROGRAM, Service, service

CHROMIUM = os.environ.get("QMK_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
BATCH = 1000
REACT_MS, VIEW_MS, VIEW_BYTES = 100.0, 500.0, 150_000
"""What is aimed at: most milliseconds of a flow and of the first view, and most bytes of that."""
UNTIL = """async (act) => {
  const frame = () => new Promise(requestAnimationFrame), began = performance.now();
  const changed = new Promise((done) => new MutationObserver((_, all) => { all.disconnect(); done(); })
    .observe(document.body, { childList: true, subtree: true }));
  const follows = act(document);
  if (follows) await changed;
  await frame(); await frame();
  return performance.now() - began;
}"""
FLOWS = {
    "select all that are shown": "(page) => { page.querySelector('thead .choose input').click(); return false; }",
    "open the saved views": "(page) => { page.querySelector('.views summary').click(); return false; }",
    "older": "(page) => { page.querySelector('a[rel=next]').click(); return true; }",
    "filter by state": "(page) => { page.querySelector('[name=state]').value = 'COMPLETED'; "
    "page.querySelector('.filter button').click(); return true; }",
    "leave out a tag": "(page) => { page.querySelector('.filter [name=not_tag]').value = 'odd'; "
    "page.querySelector('.filter button').click(); return true; }",
    "as a timeline": "(page) => { page.querySelector('.filter [name=show]').value = 'timeline'; "
    "page.querySelector('.filter button').click(); return true; }",
    "counts of 1,000": "(page) => { page.querySelector('.filter [name=show]').value = 'facets'; "
    "page.querySelector('.filter button').click(); return true; }",
}
"""What a reader does, as a function of the page; true where the page then changes."""


@dataclass
class Times:
    """Of one flow: milliseconds to the frame that shows it, and processor time of browser page and of the servers."""

    shown_ms: list[float]
    page_ms: list[float]
    server_ms: list[float]

    def line(self) -> str:
        p50, most = median(sorted(self.shown_ms)), max(self.shown_ms)
        page, server = (median(sorted(each)) for each in (self.page_ms, self.server_ms))
        return f"{p50:7.0f} {most:7.0f} {page:9.1f} {server:9.1f}"


def submit(place: Service, count: int) -> None:
    """Runs the jobs, every other with the tag odd, by batches of the REST API, and waits for the last one."""
    for first in range(0, count, BATCH):
        some = min(BATCH, count - first)
        tags = ["bench", "odd"] if first // BATCH % 2 else ["bench"]
        asked = {"programs": [{"text": PROGRAM}] * some, "shots": 10, "name": f"scan-{first // BATCH}", "tags": tags}
        head = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{place.url}/v1/batches", json.dumps(asked).encode(), head))
        while json.load(urllib.request.urlopen(f"{place.url}/v1/jobs?state=QUEUED&limit=1"))["jobs"]:
            time.sleep(0.2)


def first_view(browser: Any, place: Service) -> tuple[int, float, Any]:
    """Bytes with the sign-in before it, milliseconds to the load of the list, and its page."""
    context = browser.new_context(base_url=place.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
    page.goto("/")
    page.get_by_role("button", name="Continue on this machine").click()
    page.wait_for_url("**/jobs*")
    page.wait_for_load_state()
    took = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    return sum(sizes), took, page


def measure(page: Any, place: Service, act: str, times: int) -> Times:
    """The same flow so many times, each from the first page of the list."""
    found = Times([], [], [])
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def page_ms() -> float:
        rows = session.send("Performance.getMetrics")["metrics"]
        return next(row["value"] for row in rows if row["name"] == "TaskDuration") * 1e3

    for _ in range(times):
        page.goto("/jobs?all=1")
        page.wait_for_load_state()
        before, served = page_ms(), cpu_s([place.gateway, place.daemon])
        found.shown_ms.append(page.evaluate(f"({UNTIL})({act})"))
        found.page_ms.append(page_ms() - before)
        found.server_ms.append((cpu_s([place.gateway, place.daemon]) - served) * 1e3)
    return found


def main(say: Callable[[str], None] = print) -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with service("--workers", "1") as place, sync_playwright() as playwright:
        submit(place, asked.jobs)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        size, took, page = first_view(browser, place)
        rows = {name: measure(page, place, act, asked.times) for name, act in FLOWS.items()}
        browser.close()
    if asked.json:
        flows = {name: vars(each) for name, each in rows.items()}
        say(json.dumps({"jobs": asked.jobs, "view_bytes": size, "view_ms": took, "flows": flows}))
        return
    say(f"{asked.jobs} jobs; first view {size / 1e3:.0f} kB ({VIEW_BYTES / 1e3:.0f}), {took:.0f} ms ({VIEW_MS:.0f})")
    say(f"ms ({REACT_MS:.0f})                     median    most  page CPU  server CPU")
    for name, each in rows.items():
        say(f"{name:<26} {each.line()}")


if __name__ == "__main__":
    main()
