"""A report as one HTML file: tables, plots as inline SVG, no script, no style sheet, no font and no picture fetched.
Every text of the input is escaped, and the page's policy forbids the browser to load or run anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, cast

from qmk.models.estimate import rows, svg
from qmk.models.estimate.estimate import Calibrated, Estimate
from qmk.models.estimate.output import metric, scientific
from qmk.models.estimate.rows import Row, duration

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}h3{font-size:1rem;margin-bottom:.3rem}
table{border-collapse:collapse;margin:.4rem 0 1rem}td,th{padding:.2rem .9rem .2rem 0;vertical-align:top;text-align:left}
tr{border-bottom:1px solid #e3e3e3}
td.value{font-variant-numeric:tabular-nums;white-space:nowrap}
td.part{padding-left:1.2rem}td.note{color:#666;font-size:.9em}

.warning{background:#fff4dc;border-left:4px solid #d98032;padding:.4rem .8rem}
svg{max-width:100%;height:auto}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html(estimates: Sequence[tuple[str, Estimate]], heading: str, calibrated: Calibrated | None = None) -> str:
    """``estimates``: name and estimate of each machine; with several the report starts with their comparison."""
    body = [f"<h1>Resource estimate: {escape(heading)}</h1>"]
    if len(estimates) > 1:
        body.append("<h2>Comparison</h2>" + _comparison(estimates) + _plane(estimates))
    for index, (name, estimate) in enumerate(estimates):
        body += _machine(name, estimate, calibrated if index == 0 else None)
    head = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>Resource estimate: {escape(heading)}</title><style>{_STYLE}</style></head><body>"
    )
    return head + "".join(body) + "</body></html>\n"


def _machine(name: str, estimate: Estimate, calibrated: Calibrated | None) -> list[str]:
    point = estimate.point
    out = [f"<h2>{escape(name)}</h2>"]
    out += [f'<p class="warning">{escape(text)}</p>' for text in estimate.warnings]
    if len(estimate.points) > 1:
        out.append(f"<p>{len(estimate.points)} machines on the frontier; below, the fastest.</p>")
        out.append(_plane([(name, estimate)]))
    parts = [svg.Part("program", point.algorithm_qubits, metric(point.algorithm_qubits))]
    if point.factory:
        parts.append(svg.Part("T factories", point.factory_qubits, metric(point.factory_qubits)))
    out += ["<h3>Space</h3>", svg.bar(parts, "Physical qubits"), _table(rows.space(point))]
    out += ["<h3>Time</h3>", svg.bar(_cycles(estimate), "Logical cycles"), _table(rows.time(point))]
    out += ["<h3>T states</h3>", _table(rows.states(point))]
    budget = estimate.budget
    shares = (("logical", budget.logical), ("T states", budget.t_states), ("rotations", budget.rotations))
    used = [svg.Part(label, value, scientific(value)) for label, value in shares if value]
    out += ["<h3>Error budget</h3>", svg.bar(used, "Error budget"), _table(rows.errors(estimate, point))]
    if calibrated is not None:
        out += ["<h3>With error rates of simulated circuits</h3>", _table(rows.measured_rows(calibrated))]
        out.append(f"<p>{escape(calibrated.source)}. The interval is of two standard deviations.</p>")
    counts = [Row(key, f"{value:,}") for key, value in estimate.counts.to_dict().items()]
    out += ["<h3>Logical counts</h3>", _table(counts)]
    for title, given in (
        ("Physical qubits assumed", estimate.machine.qubit.resolved),
        ("Code assumed", estimate.machine.code.resolved),
        ("Constraints", estimate.bounds.to_dict()),
    ):
        out += [f"<h3>{title}</h3>", _table(list(_flat(given)))]
    return out


def _flat(given: Mapping[str, Any], lead: str = "") -> Iterator[Row]:
    """Parameters as rows, those of an object under its name."""
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from _flat(cast("Mapping[str, Any]", value), f"{lead}{key}/")
        else:
            parts = cast("Sequence[Any]", value) if isinstance(value, (list, tuple)) else (value,)
            yield Row(f"{lead}{key}", "", ", ".join(map(str, parts)))


def _cycles(estimate: Estimate) -> list[svg.Part]:
    """What the logical cycles go to."""
    counts, point = estimate.counts, estimate.point
    costs = {
        "measurements": counts.measurement_count,
        "T gates": counts.t_count,
        "CCZ and CCiX": 3 * (counts.ccz_count + counts.ccix_count),
        "rotations": counts.rotation_count + (point.t_per_rotation or 0) * counts.rotation_depth,
        "waiting": point.depth - point.algorithmic_depth,
    }
    return [svg.Part(name, value, f"{metric(value)} cycles") for name, value in costs.items() if value]


def _table(found: Sequence[Row]) -> str:
    cells = "".join(
        f"<tr><td{' class=part' if row.label.startswith(' ') else ''}>{escape(row.label.strip())}</td>"
        f'<td class="value">{escape(row.value)}</td>'
        f'<td class="note">{escape(row.note)}</td></tr>'
        for row in found
    )
    return f"<table>{cells}</table>"


def _comparison(estimates: Sequence[tuple[str, Estimate]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in rows.HEAD)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in rows.summary(name, each, each.point)) + "</tr>"
        for name, each in estimates
    )
    return f"<table><tr>{head}</tr>{lines}</table>"


def _plane(estimates: Sequence[tuple[str, Estimate]]) -> str:
    dots = [
        svg.Dot(
            point.runtime_ns,
            point.physical_qubits,
            name,
            f"{point.physical_qubits:,} qubits, {duration(point.runtime_ns)}, d = {point.patch.distance}",
        )
        for name, estimate in estimates
        for point in estimate.points
    ]
    title = "Qubits against runtime"
    return svg.scatter(
        dots, title, ("runtime", "physical qubits"), lambda x: duration(round(x)), lambda y: metric(round(y))
    )
