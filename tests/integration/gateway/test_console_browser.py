"""The console in Chromium: every page and flow, wide and on a phone, light and dark, judged by axe; without scripts.

It needs Playwright, a Chromium at /usr/bin/chromium (or QMK_CHROMIUM), and for axe npm, which fetches it once into a
cache outside the repository. What is not there is skipped with the reason.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.gateway.app import make_app
from tests.conftest import RunningDaemon
from tests.e2e.commands import Commands, Started
from tests.serving import serving

api: Any = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = os.environ.get("QMK_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
AXE = "axe-core@4.14.1"
AXE_SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
"""Hash of its package, in the registry's form."""
FIRST_VIEW_BYTES = 150_000
LONG = 'OPENQASM 3.0; include "stdgates.inc"; qubit q; bit c; for int i in [0:9] { h q; } c = measure q;'
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    daemon = RunningDaemon(tmp_path_factory.mktemp("daemon")).start()
    app = make_app(daemon.socket, tmp_path_factory.mktemp("console") / "gateway.db", needs_token=False)
    with serving(app) as found:
        yield found
    daemon.kill()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no browser at {CHROMIUM}: tools/hosts.sh installs it")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """The text of axe-core, out of the package with the hash above."""
    kept = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "qmk-tests"
    packed = kept / f"{AXE.replace('@', '-')}.tgz"
    if not packed.exists():
        if shutil.which("npm") is None:
            pytest.skip("axe-core is not in the cache, and there is no npm to fetch it: tools/hosts.sh installs it")
        kept.mkdir(parents=True, exist_ok=True)
        made = subprocess.run(["npm", "pack", AXE], cwd=kept, capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip("npm cannot fetch axe-core: it needs the registry once")
    assert base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() == AXE_SHA512
    with tarfile.open(packed) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()


class Visit:
    """A page in a context of its own, and what the browser complained about."""

    def __init__(
        self, chromium: Any, url: str, size: dict[str, int], scheme: str = "light", script: bool = True
    ) -> None:
        self.context = chromium.new_context(
            viewport=size, color_scheme=scheme, base_url=url, java_script_enabled=script, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)  # the first job of an engine waits for its worker
        self.complaints: list[str] = []
        self.bytes = 0
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def sign_in(self) -> None:
        self.page.goto("/")
        self.page.get_by_role("button", name="Continue on this machine").click()
        self.page.wait_for_url("**/jobs*")

    def submit(self, example: str) -> str:
        """Submits an example; the path of what it became, once it has ended."""
        self.page.goto(f"/submit?example={example}")
        self.page.get_by_label("Name").fill(example)
        self.page.get_by_role("button", name="Submit", exact=True).click()
        self.page.wait_for_url("**/jobs/job_*" if example != "rabi" else "**/batches/*")
        self.page.locator("#live:not([data-live])").wait_for()
        return self.page.evaluate("location.pathname")

    def judge(self, axe: str) -> None:
        self.page.evaluate(axe + ";0")
        found = self.page.evaluate("axe.run()")["violations"]
        assert [(row["id"], [node["html"][:200] for node in row["nodes"]]) for row in found] == []
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert self.complaints == []


def test_a_program_is_submitted_and_its_result_appears_by_itself(chromium: Any, url: str) -> None:
    visit = Visit(chromium, url, WIDE)
    sizes: list[int] = []
    visit.page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
    visit.sign_in()
    assert 0 < sum(sizes) < FIRST_VIEW_BYTES
    visit.page.get_by_role("link", name="A Bell pair").first.click()
    editor = visit.page.locator(".cm-content")
    editor.click()
    visit.page.keyboard.press("Control+End")
    visit.page.keyboard.type("foo q[0];")
    visit.page.get_by_text("no gate 'foo' is defined").first.wait_for()
    for _ in range(len("foo q[0];")):
        visit.page.keyboard.press("Backspace")
    visit.page.get_by_text("No error: 2 qubits").wait_for()
    visit.page.get_by_role("button", name="Submit", exact=True).click()
    visit.page.locator("text=completed").first.wait_for()
    assert visit.page.get_by_role("heading", name="Outcomes").is_visible()
    assert visit.complaints == []
    visit.context.close()


def test_the_editor_completes_gates_and_marks_findings_where_they_are(chromium: Any, url: str) -> None:
    visit = Visit(chromium, url, WIDE)
    visit.sign_in()
    visit.page.goto("/submit?example=bell")
    text = visit.page.locator("textarea[name=text]")
    before = text.input_value()
    lines = before.count("\n") + 2  # with the one that is typed
    visit.page.locator(".cm-content").click()
    visit.page.keyboard.press("Control+End")
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.type("csw")
    offered = visit.page.locator(".cm-tooltip-autocomplete li")
    offered.first.wait_for()
    assert offered.all_inner_texts()[0] == "cswap"
    assert offered.first.get_attribute("aria-selected") == "true"
    offered.first.click()
    visit.page.keyboard.type(" q[0], q[1], q[7];")
    assert text.input_value() == f"{before}\ncswap q[0], q[1], q[7];"
    mark = visit.page.locator(".cm-lintRange-error")
    mark.first.wait_for()
    assert mark.all_inner_texts() == ["7"], "the index that is out of range, and nothing else"
    assert visit.page.locator(".cm-lint-marker-error").count() == 1
    visit.page.get_by_text(f"Line {lines}, column 21: ").wait_for()
    mark.hover()
    visit.page.locator(".cm-tooltip-lint").wait_for()
    said = visit.page.locator(".cm-tooltip-lint").inner_text()
    assert said.startswith("index 7 is outside a register of 2. What to do: valid indexes are 0 to 1")
    visit.page.keyboard.press("Shift+Home")
    visit.page.keyboard.press("Backspace")
    mark.wait_for(state="detached")
    assert visit.complaints == []
    visit.context.close()


def test_a_page_goes_on_by_itself_when_what_serves_it_was_killed(
    chromium: Any, make_daemon: Any, forked: Commands, tmp_path: Path
) -> None:
    """The gateway twice, the second time with the end of the job while it is away, and the daemon."""
    daemon = make_daemon()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    arguments = ["gateway", "--port", port, "--socket", str(daemon.socket), "--data-dir", str(tmp_path)]

    def start() -> Started:
        made = forked.start(arguments, tmp_path, os.environ)
        assert made.stderr is not None
        assert made.stderr.readline().startswith("listening")
        return made

    gateway = start()
    client = qmk.Client(daemon.socket, patience_s=30)
    visit = Visit(chromium, f"http://127.0.0.1:{port}", WIDE)
    visit.sign_in()
    ended = visit.page.locator("#live:not([data-live])").get_by_text("cancelled").first
    for killed in ("gateway", "daemon"):
        job = client.submit(LONG, shots=100_000_000, engine="reference").job_id
        with visit.page.expect_response("**/live/jobs/*"):
            visit.page.goto(f"/jobs/{job}")
        if killed == "gateway":
            with visit.page.expect_response(lambda answer: "/live/jobs/" in answer.url and answer.status == 200):
                gateway.close()
                gateway = start()
            gateway.close()
        else:
            daemon.kill()
            daemon.start()
            with visit.page.expect_response(f"**/jobs/{job}"):
                pass  # the gateway found the daemon again: the stream of the page goes on
        client.cancel(job)
        if killed == "gateway":
            gateway = start()
        ended.wait_for()
    gateway.close()
    visit.context.close()


def test_a_filter_changes_the_list_in_place_and_its_boxes_stay(chromium: Any, url: str) -> None:
    """The form is sent without a new document; the box that selects all outlives a renewal of the list."""
    visit = Visit(chromium, url, WIDE)
    visit.sign_in()
    visit.submit("bell")
    visit.page.goto("/jobs?name=bell")
    visit.page.evaluate("window.same = true; window.rows = document.getElementById('live')")
    visit.page.locator("[name=show]").first.select_option("list with counts")
    visit.page.get_by_role("button", name="Show").click()
    visit.page.get_by_role("region", name="Counts").wait_for()
    assert visit.page.evaluate("document.getElementById('live') === window.rows"), "the rows are not laid out again"
    assert visit.page.locator("main [data-live] > input").evaluate_all("rows => rows.map((row) => row.name)") == [
        "csrf", "state", "not_state", "name", "tag", "not_tag", "show"
    ]  # fmt: skip
    assert visit.page.get_by_role("button", name="Cancel those selected").count() == 1
    visit.page.locator("[name=show]").first.select_option("timeline")
    visit.page.get_by_role("button", name="Show").click()
    visit.page.wait_for_url("**/jobs?name=bell&show=timeline")
    visit.page.locator("svg.span").first.wait_for()
    visit.page.locator("[name=show]").first.select_option("list with counts")
    visit.page.get_by_role("button", name="Show").click()
    visit.page.get_by_role("region", name="Counts").wait_for()
    visit.page.get_by_role("link", name="leave out state COMPLETED").click()
    visit.page.get_by_text("No job fits this filter").wait_for()
    assert visit.page.evaluate("window.same")
    visit.page.get_by_role("link", name="Jobs", exact=True).click()
    visit.page.wait_for_url("**/jobs?not_state=COMPLETED&name=bell&show=facets")
    visit.page.get_by_role("link", name="Clear").click()
    visit.page.get_by_label("select all that are shown").wait_for()
    visit.page.evaluate("window.was = document.getElementById('live')")
    with visit.page.expect_response("**/jobs?all=1"), qmk.Client(url) as client:
        client.submit("OPENQASM 3.0; qubit q; bit c; c = measure q;")
    visit.page.wait_for_function("() => document.getElementById('live') !== window.was")
    assert visit.page.get_by_label("select all that are shown").is_visible()
    visit.page.goto("/queue")
    visit.page.evaluate("window.was = document.getElementById('live')")
    visit.page.wait_for_function("() => document.getElementById('live') !== window.was")
    visit.page.evaluate("window.was = document.getElementById('live')")
    with qmk.Client(url) as client:  # a page that opens itself again and again has forgotten what it was
        client.cancel(client.submit(LONG, shots=100_000_000, engine="reference").job_id)
    visit.page.wait_for_function("() => window.was && document.getElementById('live') !== window.was")
    visit.context.close()


@pytest.mark.conformance
@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", PHONE)], ids=["light-wide", "dark-phone"])
def test_every_page_is_sound(chromium: Any, url: str, axe: str, scheme: str, size: dict[str, int]) -> None:
    visit = Visit(chromium, url, size, scheme)
    visit.page.goto("/")
    visit.judge(axe)
    visit.sign_in()
    visit.judge(axe)
    jobs = {name: visit.submit(name) for name in ("bell", "ghz", "teleport", "rabi")}
    bell, ghz = (jobs[name].removeprefix("/jobs/") for name in ("bell", "ghz"))
    pages = ["/jobs", "/submit", "/queue", "/engines", "/devices", "/account", "/guide", *jobs.values(),
             f"/jobs/{bell}/shots", f"/compare?job={bell}&job={ghz}", "/jobs?tag=none",
             "/jobs?show=timeline", "/jobs?show=facets"]  # fmt: skip
    for path in pages:
        visit.page.goto(path)
        for summary in visit.page.locator("main summary").all():
            summary.click()
        visit.page.wait_for_load_state("networkidle") if "job" not in path else visit.page.wait_for_load_state()
        visit.judge(axe)
        broken = "[...document.images].filter((each) => each.complete && !each.naturalWidth).map((each) => each.src)"
        assert visit.page.evaluate(broken) == []
    visit.context.close()


@pytest.mark.conformance
def test_pages_are_read_and_forms_sent_without_scripts(chromium: Any, url: str) -> None:
    visit = Visit(chromium, url, WIDE, script=False)
    visit.sign_in()
    visit.page.goto("/submit?example=bell")
    visit.page.get_by_label("Program").wait_for()
    visit.page.get_by_role("button", name="Check").click()
    assert visit.page.get_by_text("The program is right").is_visible()
    visit.page.get_by_role("button", name="Submit", exact=True).click()
    visit.page.wait_for_url("**/jobs/job_*")
    while not visit.page.get_by_text("completed").first.is_visible():
        visit.page.reload()
    assert visit.page.get_by_role("heading", name="Outcomes").is_visible()
    visit.context.close()


@pytest.mark.conformance
def test_it_is_used_by_keyboard_alone(chromium: Any, url: str) -> None:
    visit = Visit(chromium, url, WIDE)
    visit.sign_in()
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "main"
    visit.page.goto("/submit?example=ghz")
    visit.page.locator(".cm-content").focus()
    visit.page.keyboard.press("Escape")  # and then Tab leaves the editor
    for _ in range(3):  # a scrolled part of it may be a stop of its own
        visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.closest('.options') !== null")
    visit.context.close()
