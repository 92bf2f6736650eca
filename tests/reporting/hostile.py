from __future__ import annotations

import re
from dataclasses import replace

from humouse_doctor.core.errors import ExitCode, InputError
from humouse_doctor.core.gating import Age, Entry, Gate, JudgedFinding, Standing
from humouse_doctor.core.probe import Status
from humouse_doctor.core.remedy import Edit
from humouse_doctor.gate.judging import refused
from tests.reporting.builders import collapsed, without

#: Names that an attacker may give to a file, a key or an error.
NAMES = [
    "\x1b[31mred\x1b[0m",
    "<script>alert(1)</script>",
    "a\n::error::owned",
    "a | b | c",
    "nul\x00here",
    "lone\ud800surrogate\udc80",
    "rtl\u202egnp.exe",
    "not a character \ufffe\uffff",
    "]]>&amp;<!-- -->",
    "[click](javascript:alert(1)) {0}",
    "",
    " \n\t ",
    "../../etc/passwd",
    "/somewhere else/ä%20.yaml",
    "C:\\runs\\x.pt",
    "http://evil.example/x.yaml",
    "x" * 5000,
]
IDS = [ascii(name)[:24] for name in NAMES]

#: Characters that may change what a terminal, a log or a page shows, and line ends within a text.
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def hostile(name: str) -> Gate:
    """Return a gate with findings of every standing, in which every text from outside is `name`."""
    report = collapsed()
    report = replace(
        report,
        sentence=name,
        subject=replace(report.subject, name=name, checkpoint=f"runs/{name}", config=name, data=name),
        findings=tuple(
            replace(
                finding,
                message=name,
                evidence={name: float("nan"), "spread_ratio": 0.5},
                location=replace(finding.location, file=name, key=name),
            )
            for finding in report.findings
        ),
        probes=(*report.probes, without("HD103", Status.SKIPPED, name), without("HD104", Status.CRASHED, name)),
        patch=(*report.patch, Edit(key=name, old=name, new=name)),
        config_prefix=name,
    )
    judged = tuple(
        JudgedFinding(finding=finding, standing=standing, reason=name, age=Age.NEW)
        for finding, standing in zip(report.findings, Standing, strict=True)
    )
    sick = Entry(
        name=name, report=report, findings=judged, exit_code=ExitCode.INTERNAL, healed=(f"HD205:{name}",), notes=(name,)
    )
    cut = refused(name, InputError(name))
    return Gate(tool_version=name, entries=(sick, cut), baseline=name, notes=(name,))
