"""Makes the screenshots of docs/howto/console.md: ``python tools/console/screenshots.py URL TOKEN``, where URL is of a
gateway on this machine that asks for no token, with a provider and passwords in its --sign-in, and TOKEN is one of its
admins' that administers. Needs Playwright, a Chromium, and Pillow."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

import qmk

IMAGES = Path(__file__).resolve().parents[2] / "docs/images"
CHROMIUM = os.environ.get("QMK_CHROMIUM", "/usr/bin/chromium")
WIDE, PHONE = {"width": 1180, "height": 760}, {"width": 390, "height": 760}
COLOURS = 128
LONG = 'OPENQASM 3.0; include "stdgates.inc"; qubit q; bit c; for int i in [0:9] { h q; } c = measure q;'
"""A program that runs until it is cancelled."""


def keep(page: Any, name: str) -> None:
    """Writes what the page shows, in few colours."""
    ready = (
        "[...document.images].every((each) => each.getBoundingClientRect().top > innerHeight || each.naturalWidth > 0)"
    )
    page.wait_for_timeout(1500)
    while not page.evaluate(ready):  # wait_for_function asks again by eval, which the console's policy forbids
        page.wait_for_timeout(200)
    with Image.open(io.BytesIO(page.screenshot())) as made:
        made.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
            IMAGES / f"console-{name}.png", optimize=True
        )


def submit(page: Any, example: str, tags: str = "") -> None:
    page.goto(f"/submit?example={example}")
    page.get_by_label("Name").fill(example)
    page.get_by_label("Tags").fill(tags)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url("**/jobs/job_*")


def keep_lists(page: Any, address: str) -> None:
    """The list with counts and its timeline, while jobs run and wait."""
    for example, tags in (
        ("bell", "demo"),
        ("teleport", "demo old"),
        ("ghz", "scan"),
        ("teleport", "demo"),
        ("bell", "scan"),
    ):
        submit(page, example, tags)
        page.locator("#live:not([data-live])").wait_for()
    with qmk.Client(address) as client:
        asked: dict[str, Any] = {"shots": 100_000_000, "engine": "reference", "tags": ["scan"]}
        jobs = [client.submit(LONG, name="long walk", cache=False, seed=seed, **asked).job_id for seed in range(3)]
        page.wait_for_timeout(15_000)
        page.goto("/jobs?show=facets")
        keep(page, "jobs-light")
        page.goto("/jobs?not_tag=old&show=timeline")
        keep(page, "timeline")
        for job in jobs:
            client.cancel(job)


def main() -> int:
    with sync_playwright() as playwright:
        browser: Any = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for scheme, size in (("light", WIDE), ("dark", PHONE)):
            context = browser.new_context(viewport=size, color_scheme=scheme, base_url=sys.argv[1])
            page = context.new_page()
            page.set_default_timeout(120_000)
            page.goto("/")
            page.get_by_role("button", name="Continue on this machine").click()
            for example in ("bell", "teleport", "ghz"):
                submit(page, example)
                page.locator("#live:not([data-live])").wait_for()
            keep(page, f"job-{scheme}")
            if scheme == "dark":
                page.goto("/jobs")
                keep(page, "jobs-dark")
            else:
                page.goto("/submit?example=teleport")
                keep(page, "submit")
                keep_lists(page, sys.argv[1])
        page = browser.new_context(viewport=WIDE, color_scheme="light", base_url=sys.argv[1]).new_page()
        page.set_viewport_size({**WIDE, "height": 860})
        page.goto("/signin")
        keep(page, "signin")
        page.set_viewport_size(WIDE)
        page.get_by_label("Token").fill(sys.argv[2])
        page.get_by_role("button", name="Sign in with a token").click()
        page.goto("/account/tokens")
        keep(page, "tokens")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
