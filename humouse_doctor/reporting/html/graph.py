"""The causes of a report and the symptoms that they explain, as a graph."""

from __future__ import annotations

from humouse_doctor.core.probe import Kind
from humouse_doctor.core.report import Report
from humouse_doctor.reporting.html import svg
from humouse_doctor.reporting.html.axes import WIDTH
from humouse_doctor.reporting.html.plots import Plot, shortened

#: Where the edges begin and end, the height of a node, and the letters of a name that fit beside the edges.
_LEFT, _RIGHT, _ROW, _LONGEST = 168.0, 232.0, 46.0, 22


def explained(name: str, title: str, report: Report) -> Plot | None:
    """Return an edge from each cause to each symptom that it explains, None without any edge.

    Symptoms without a cause have no edge.
    """
    names = {finding.code: finding.name for finding in report.findings if finding.kind is Kind.SYMPTOM}
    causes = [(cause.code, cause.name) for cause in report.causes]
    edges = [(cause.code, code) for cause in report.causes for code in cause.explains if code in names]
    symptoms = sorted({code for _, code in edges} | (names.keys() & set(report.unexplained)))
    if not edges:
        return None
    rows = max(len(causes), len(symptoms))
    left = {code: _middle(number, len(causes), rows) for number, (code, _) in enumerate(causes)}
    right = {code: _middle(number, len(symptoms), rows) for number, code in enumerate(symptoms)}
    shapes = [svg.line([(_LEFT, left[cause]), (_RIGHT, right[symptom])], "muted", width=1.5) for cause, symptom in edges]
    for code, label in causes:
        shapes += _node((_LEFT, left[code]), code, label, "end", "prior")
    for code in symptoms:
        shapes += _node((_RIGHT, right[code]), code, names[code], "start", "targets")
    by_cause = {code: [symptom for cause, symptom in edges if cause == code] for code, _ in causes}
    said = [f"{code} explains {', '.join(shown) or 'no symptom that was found'}" for code, shown in by_cause.items()]
    said += [f"no cause explains {code}" for code in symptoms if all(code != symptom for _, symptom in edges)]
    return Plot(name=name, title=title, numbers="; ".join(said) + ".", width=WIDTH, height=rows * _ROW, shapes="".join(shapes))


def _middle(number: int, count: int, rows: int) -> float:
    return (number + 0.5) * rows * _ROW / count


def _node(place: svg.Place, code: str, label: str, anchor: str, style: str) -> list[str]:
    """Return a dot, and beside it the code above the name."""
    x, y = place
    words = x - 9 if anchor == "end" else x + 9
    return [
        svg.dot(place, style, radius=4),
        svg.text((words, y - 4), code, anchor=anchor, style="ink"),
        svg.text((words, y + 13), shortened(label, _LONGEST), anchor=anchor),
    ]
