from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from humouse_doctor.core.gating import Gate, Policy, Standing
from humouse_doctor.core.report import Location, Report
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.reporting import gitlab
from tests.conftest import Golden
from tests.reporting.builders import collapsed, gated, healthy
from tests.reporting.hostile import HARMFUL, IDS, NAMES, hostile

#: The keys of a report's entries that GitLab documents.
REQUIRED = {"description", "check_name", "fingerprint", "severity", "location"}
SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def violations(gate: Gate, root: str = "") -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads(gitlab.render(gate, root=root))
    return content


def alone(report: Report) -> Gate:
    return judged_alone(report, Policy(), "0.1.0")


def test_the_report_is_as_it_was(golden: Golden) -> None:
    golden("gated.gitlab.json", gitlab.render(gated()))


def test_every_finding_appears_once_and_as_gitlab_wants_it() -> None:
    gate = gated()

    found = violations(gate)

    expected = [judged.finding.code for entry in gate.entries for judged in entry.findings]
    assert [entry["check_name"] for entry in found] == expected
    for entry in found:
        assert set(entry) == REQUIRED
        assert entry["severity"] in SEVERITIES
        assert entry["location"]["lines"]["begin"] >= 1


def test_only_what_fails_the_gate_is_more_than_info() -> None:
    gate = gated()

    grave = {entry["check_name"] for entry in violations(gate) if entry["severity"] != "info"}

    judged = [judged for entry in gate.entries for judged in entry.findings]
    assert grave == {found.finding.code for found in judged if found.standing is Standing.FAILS}


def test_severities_follow_the_findings() -> None:
    found = {entry["check_name"]: entry["severity"] for entry in violations(alone(collapsed()))}

    assert (found["HD101"], found["HD107"]) == ("critical", "major")


def test_the_same_finding_of_two_inputs_has_two_fingerprints() -> None:
    first, second = alone(collapsed()).entries[0], alone(collapsed("runs/other.pt")).entries[0]

    found = violations(Gate(tool_version="0.1.0", entries=(first, second)))

    assert len({entry["fingerprint"] for entry in found}) == len(found) == 12


def test_equal_findings_of_one_input_have_two_fingerprints() -> None:
    report = collapsed()
    twice = replace(report, findings=(*report.findings, report.findings[3]))

    found = [entry["fingerprint"] for entry in violations(alone(twice)) if entry["check_name"] == "HD002"]

    assert len(set(found)) == 2


def test_a_fingerprint_survives_other_numbers_and_another_machine() -> None:
    def changed(finding: Any) -> Any:
        where = finding.location
        moved = Location(file=where.file and f"/ci/{where.file}", line=where.line and where.line + 3, key=where.key)
        return replace(finding, message="other numbers", evidence={}, location=moved)

    report = collapsed()
    name = f"/ci/{report.subject.name}"
    later = replace(
        report,
        subject=replace(report.subject, name=name, checkpoint=name, config="/ci/conf/x.yaml"),
        findings=tuple(changed(finding) for finding in report.findings),
    )

    was, now = violations(alone(report)), violations(alone(later), "/ci")

    assert [entry["fingerprint"] for entry in was] == [entry["fingerprint"] for entry in now]
    assert [entry["location"]["path"] for entry in was] == [entry["location"]["path"] for entry in now]


def test_a_finding_without_a_line_is_shown_in_the_config() -> None:
    found = {entry["check_name"]: entry["location"] for entry in violations(alone(collapsed()))}

    assert found["HD107"] == found["HD204"] == {"path": "conf/x.yaml", "lines": {"begin": 1}}
    assert found["HD101"] == found["HD201"] == {"path": "conf/x.yaml", "lines": {"begin": 7}}


def test_without_a_config_the_checkpoint_is_shown() -> None:
    report = collapsed()

    found = violations(alone(replace(report, subject=replace(report.subject, config=None))))

    (unexplained,) = [entry for entry in found if entry["check_name"] == "HD107"]
    assert unexplained["location"] == {"path": "runs/generator_x.pt", "lines": {"begin": 1}}


def test_a_healthy_input_has_no_entries() -> None:
    assert gitlab.render(alone(healthy())) == "[]\n"


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_hostile_name_is_harmless(name: str) -> None:
    text = gitlab.render(hostile(name))

    found = json.loads(text)
    assert len(found) == 7
    assert len({entry["fingerprint"] for entry in found}) == 7
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    for entry in found:
        said = (entry["description"], entry["location"]["path"])
        assert all(part and "\n" not in part and not HARMFUL.search(part) for part in said)


@pytest.mark.parametrize("name", ["a  b.yaml", " a.yaml ", "a b.yaml"])
def test_a_path_keeps_its_blanks(name: str) -> None:
    report = collapsed()
    report = replace(report, findings=tuple(replace(f, location=Location(file=name, line=1)) for f in report.findings))
    assert {entry["location"]["path"] for entry in violations(alone(report))} == {name}
