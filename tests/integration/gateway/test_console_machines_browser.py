"""The pages about machines and programs in Chromium: judged by axe, used by keyboard, read without scripts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.gateway.test_console_browser import PHONE, WIDE, Visit, axe, chromium, url
from tests.integration.gateway.test_console_machines import LAB, Z2

__all__ = ["axe", "chromium", "url"]
LOGICAL = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
h q[0];
cx q[0], q[1];
c = measure q;
"""
MANY = 'OPENQASM 3.0; include "stdgates.inc"; qubit[12] q; bit[12] c;' + "".join(
    f"cx q[{k % 12}], q[{(k + 5) % 12}];" if k % 3 else f"rz({k / 100}) q[{k % 12}];" for k in range(1000)
)
SEND = """([text, fields]) => {
  const form = document.querySelector("form.submit");
  for (const [name, value] of Object.entries({ text, ...fields })) form.elements[name].value = value;
  form.requestSubmit(form.querySelector("button[value=submit]"));
}"""


def send(visit: Visit, text: str, **fields: str) -> str:
    """Submits a program; the path of its job, once it has ended."""
    visit.page.goto("/submit")
    visit.page.evaluate(SEND, [text, fields])
    visit.page.wait_for_url("**/jobs/job_*")
    visit.page.locator("#live:not([data-live])").wait_for()
    return visit.page.evaluate("location.pathname")


def keep(visit: Visit) -> None:
    found = visit.context.request.post("/v1/calibrations/lab", data=LAB)
    assert found.ok, found.text()


@pytest.mark.conformance
@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", PHONE)], ids=["light-wide", "dark-phone"])
def test_every_page_about_machines_is_sound(
    chromium: Any, url: str, axe: str, scheme: str, size: dict[str, int]
) -> None:
    visit = Visit(chromium, url, size, scheme)
    visit.sign_in()
    keep(visit)
    logical = send(visit, LOGICAL, machine="surface(d=5)", noise="p=1e-3")
    atoms = send(visit, Z2, shots="10")
    for path in (logical, f"{logical}/layers", f"{logical}/atoms", f"{logical}/atoms?device=zoned", f"{atoms}/atoms",
                 "/devices", "/devices/lab", "/devices/zoned"):  # fmt: skip
        visit.page.goto(path)
        visit.page.wait_for_load_state()
        visit.judge(axe)
        broken = "[...document.images].filter((each) => each.complete && !each.naturalWidth).map((each) => each.src)"
        assert visit.page.evaluate(broken) == []
    visit.context.close()


@pytest.mark.conformance
def test_layers_and_atoms_are_stepped_by_keyboard(chromium: Any, url: str) -> None:
    visit = Visit(chromium, url, WIDE)
    visit.sign_in()
    job = send(visit, LOGICAL, machine="surface(d=5)", noise="p=1e-3")
    visit.page.goto(f"{job}/layers")
    visit.page.get_by_label("Layer", exact=True).press("ArrowRight")
    assert visit.page.locator("#when b").inner_text() == "2 of 3"
    assert visit.page.locator(".stepper img").get_attribute("src") == f"{job}/layers/1"
    visit.page.goto(f"{job}/atoms?device=zoned")
    before = visit.page.locator("[data-atom=q_0]").get_attribute("transform")
    for _ in range(3):
        visit.page.get_by_label("Next event").press("Enter")
    assert visit.page.locator(".acts [aria-current=step]").count() >= 1
    assert visit.page.locator("[data-atom=q_0]").get_attribute("transform") != before
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.conformance
def test_machines_are_read_without_scripts(chromium: Any, url: str) -> None:
    scripted = Visit(chromium, url, WIDE)
    scripted.sign_in()
    job = send(scripted, LOGICAL, machine="surface(d=5)", noise="p=1e-3")
    scripted.context.close()
    visit = Visit(chromium, url, WIDE, script=False)
    visit.sign_in()
    visit.page.goto(f"{job}/layers")
    visit.page.get_by_label("Next layer").click()
    assert visit.page.locator("#when b").inner_text() == "2 of 3"
    visit.page.goto(job)
    assert visit.page.locator(f"img[src^='{job}/circuit.svg']").count() == 1
    visit.page.goto(f"{job}/atoms?device=zoned")
    assert visit.page.get_by_role("row").filter(has_text="move").count() >= 1
    visit.context.close()


@pytest.mark.conformance
def test_a_circuit_of_a_thousand_gates_is_folded_by_the_browser(chromium: Any, url: str) -> None:
    visit = Visit(chromium, url, WIDE)
    visit.sign_in()
    job = send(visit, MANY, shots="1")
    sizes: list[int] = []
    visit.page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
    visit.page.goto(job)
    visit.page.locator("[data-circuit]").scroll_into_view_if_needed()
    sheet = visit.page.locator(".circuit")
    sheet.wait_for()
    assert 0 < sum(sizes) < 150_000
    sizes.clear()
    high = sheet.bounding_box()["height"]
    work = """(name) => {
      const button = [...document.querySelectorAll("[data-circuit] button")].find((each) => each.textContent === name);
      const began = performance.now();
      button.click();
      document.querySelector(".circuit").getBoundingClientRect();
      return performance.now() - began;
    }"""
    for name in ("360", "one line", "1600", "+", "960"):
        assert min(visit.page.evaluate(work, name) for _ in range(3)) < 100
        if name == "one line":
            assert sheet.bounding_box()["height"] < high / 10
    assert sizes == [], "nothing is fetched to fold it"
    assert visit.complaints == []
    visit.context.close()
