from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft4Validator

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.gating import Gate, Policy, Standing
from humouse_doctor.core.probe import Status
from humouse_doctor.core.remedy import Remedy, RemedyStatus
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.core.settings import Origin, Place, Setting
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.probes import pages
from humouse_doctor.probes.pages import page
from humouse_doctor.reporting import sarif
from tests.conftest import Golden
from tests.reporting.builders import FIX_A, collapsed, gated, healthy, without
from tests.reporting.hostile import HARMFUL, IDS, NAMES, hostile

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))


def run(gate: Gate, root: str = "") -> dict[str, Any]:
    """Return the only run of the log, after checking that the log is valid."""
    log = json.loads(sarif.render(gate, root=root), parse_constant=_no_number)
    Draft4Validator(SCHEMA).validate(log)
    (only,) = log["runs"]
    assert isinstance(only, dict)
    return only


def _no_number(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")


def alone(report: Report) -> Gate:
    return judged_alone(report, Policy(), "0.1.0")


def by_code(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {result["ruleId"]: result for result in found["results"]}


def texts(part: Any) -> Iterator[str]:
    """Yield every text and every name in `part`."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield name
            yield from texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from texts(value)
    elif isinstance(part, str):
        yield part


def taken_by_github(found: dict[str, Any]) -> None:
    """Assert GitHub's documented rules beyond the schema, and those for which it refuses a file."""
    assert all(text.strip() for text in texts(found))
    rules = found["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        for part in ("shortDescription", "fullDescription"):
            assert 0 < len(rule[part]["text"]) <= 1024
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert len(rule["properties"]["tags"]) <= 10
        assert rule["properties"]["problem.severity"] in ("error", "warning", "recommendation")
        assert rule["properties"]["precision"] in ("very-high", "high", "medium", "low")
        assert "security-severity" not in rule["properties"]
    for result in found["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in ("error", "warning", "note", "none")
        assert "primaryLocationLineHash" not in result["partialFingerprints"]
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        assert set(region) == {"startLine", "startColumn", "endLine", "endColumn"}
        assert 1 <= region["startLine"] == region["endLine"]
        assert 1 <= region["startColumn"] <= region["endColumn"]


def test_the_log_is_as_it_was(golden: Golden) -> None:
    golden("gated.sarif", sarif.render(gated()))


@pytest.mark.parametrize(
    "gate", [gated(), alone(healthy()), Gate(tool_version="1", entries=())], ids=["gated", "healthy", "no input"]
)
def test_a_log_is_valid_and_github_takes_it(gate: Gate) -> None:
    taken_by_github(run(gate))


def test_every_finding_is_one_result() -> None:
    gate = gated()

    found = [result for result in run(gate)["results"] if result["baselineState"] != "absent"]

    expected = [judged.finding for entry in gate.entries for judged in entry.findings]
    assert [result["ruleId"] for result in found] == [finding.code for finding in expected]
    for result, finding in zip(found, expected, strict=True):
        assert result["message"]["text"].startswith(finding.message)


def test_a_rule_has_the_probes_page() -> None:
    rules = {rule["id"]: rule for rule in run(gated())["tool"]["driver"]["rules"]}

    rule = rules["HD201"]
    assert rule["name"] == "out-of-reach-targets"
    assert rule["shortDescription"]["text"] == page("HD201").splitlines()[2].partition("*: ")[2]
    assert "## What to do" in rule["help"]["markdown"]
    assert "<!--" not in rule["help"]["markdown"]
    assert "cause" in rule["properties"]["tags"]


def test_a_finding_of_another_version_has_a_rule_too() -> None:
    report = healthy()
    odd = replace(collapsed().findings[0], code="XY999", name="unheard-of")

    (rule,) = run(alone(replace(report, findings=(odd,))))["tool"]["driver"]["rules"]

    assert (rule["id"], rule["name"]) == ("XY999", "unheard-of")


def test_a_level_is_the_severity_unless_the_finding_is_none_to_the_policy() -> None:
    gate = gated()

    found = by_code(run(gate))

    for judged in gate.entries[0].findings:
        aside = judged.standing in (Standing.BELOW, Standing.NOT_SELECTED, Standing.ACCEPTED)
        result = found[judged.finding.code]
        assert result["level"] == ("note" if aside else judged.finding.severity.value)
        assert result["properties"]["standing"] == judged.standing.value
        assert result["properties"]["severity"] == judged.finding.severity.value


def test_only_an_ignored_finding_is_suppressed_and_says_why() -> None:
    found = by_code(run(gated()))

    suppressed = {code: result["suppressions"] for code, result in found.items() if "suppressions" in result}
    why = "known until the new head lands (until 2027-01-31)."
    assert suppressed == {"HD204": [{"kind": "external", "status": "accepted", "justification": why}]}


def test_the_state_is_the_age_where_there_is_a_baseline() -> None:
    found = by_code(run(gated()))

    states = {code: result["baselineState"] for code, result in found.items()}
    assert states == {
        "HD001": "new",
        "HD002": "new",
        "HD101": "new",
        "HD107": "updated",
        "HD201": "unchanged",
        "HD204": "new",
        "HD205": "absent",
        "HD208": "new",
    }
    assert (found["HD205"]["kind"], found["HD205"]["level"]) == ("pass", "none")


def test_without_a_baseline_nothing_has_a_state() -> None:
    assert not any("baselineState" in result for result in run(alone(collapsed()))["results"])


def test_a_healed_finding_has_the_fingerprint_it_had() -> None:
    report = collapsed()
    entry = alone(report).entries[0]
    was = by_code(run(Gate(tool_version="1", entries=(entry,))))["HD201"]
    gone = replace(entry, findings=(), healed=("HD201:model.generator.activation_xy",))

    (healed,) = run(Gate(tool_version="1", entries=(gone,), baseline="b.json"))["results"]

    assert healed["partialFingerprints"] == was["partialFingerprints"]


def test_a_healed_finding_stands_where_its_setting_does() -> None:
    entry = replace(alone(collapsed()).entries[0], findings=(), healed=("HD209:data.batch_size", "HD210:training.lr"))

    healed = run(Gate(tool_version="1", entries=(entry,), baseline="b.json"))["results"]

    lines = [result["locations"][0]["physicalLocation"]["region"]["startLine"] for result in healed]
    assert lines == [3, 1]


def test_a_result_stands_on_the_configs_line_as_far_as_the_value() -> None:
    key = "model.generator.activation_xy"
    place = Place(file="conf/x.yaml", line=7, column=20)
    setting = Setting(key=key, value="tanh", origin=Origin.EXPLICIT, place=place)

    found = by_code(run(alone(replace(collapsed(), settings=(setting,)))))

    physical = found["HD201"]["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": "conf/x.yaml"}
    assert physical["region"] == {"startLine": 7, "startColumn": 1, "endLine": 7, "endColumn": 20}


@pytest.mark.parametrize("code", ["HD107", "HD204", "HD208"], ids=["unexplained", "of a default", "without a place"])
def test_a_finding_without_a_line_stands_on_the_configs_first(code: str) -> None:
    result = by_code(run(alone(collapsed())))[code]

    physical = result["locations"][0]["physicalLocation"]
    assert (physical["artifactLocation"]["uri"], physical["region"]["startLine"]) == ("conf/x.yaml", 1)
    assert "runs/generator_x.pt" in result["message"]["text"]
    related = result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]
    assert related == {"uri": "runs/generator_x.pt"}


def test_a_symptom_stands_on_the_line_of_the_likeliest_cause_that_explains_it() -> None:
    physical = by_code(run(alone(collapsed())))["HD101"]["locations"][0]["physicalLocation"]

    assert (physical["artifactLocation"]["uri"], physical["region"]["startLine"]) == ("conf/x.yaml", 7)


def test_without_a_config_a_result_stands_on_the_checkpoint() -> None:
    report = collapsed()

    result = by_code(run(alone(replace(report, subject=replace(report.subject, config=None)))))["HD107"]

    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "runs/generator_x.pt"
    assert "relatedLocations" not in result


def test_uris_are_relative_to_the_root_and_others_absolute() -> None:
    report = collapsed()
    subject = replace(report.subject, config="/ci/a b/x.yaml", checkpoint="/data/x.pt", name="/data/x.pt")
    found = replace(report.findings[0], location=replace(report.findings[0].location, file="/data/x.pt"))

    (result,) = run(alone(replace(report, subject=subject, findings=(found,), causes=())), "/ci")["results"]

    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/x.yaml"
    assert result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///data/x.pt"


def test_the_patch_is_on_the_causes_it_comes_from() -> None:
    found = by_code(run(gated()))

    assert [code for code, result in found.items() if "fixes" in result] == ["HD201"]
    (fix,) = found["HD201"]["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"] == {"uri": "conf/x.yaml"}
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 7, "startColumn": 1, "endLine": 8, "endColumn": 1},
            "insertedContent": {"text": "    activation_xy: linear  # bounded\n"},
        },
        {
            "deletedRegion": {"startLine": 9, "startColumn": 1, "endLine": 9, "endColumn": 1},
            "insertedContent": {"text": "  warmup_latent_normalize: false\n"},
        },
    ]
    assert "not verified" in fix["description"]["text"]


def test_a_confirmed_patch_says_so() -> None:
    cure = Remedy(id="cure", title="Both together", why="2 of 2 seeds", status=RemedyStatus.CONFIRMED, edits=FIX_A.edits)

    found = by_code(run(alone(replace(collapsed(), cure=cure))))

    assert "confirmed by trials: Both together" in found["HD201"]["fixes"][0]["description"]["text"]


def test_a_patch_without_a_diff_is_no_fix() -> None:
    assert not any("fixes" in result for result in run(alone(replace(collapsed(), diff="")))["results"])


def test_what_could_not_be_looked_at_is_told_by_the_invocation() -> None:
    (invocation,) = run(gated())["invocations"]

    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 4)
    told = [notice["message"]["text"] for notice in invocation["toolExecutionNotifications"]]
    assert told[0].startswith("HD106 crashed on runs/generator_x.pt")
    assert told[1].startswith("runs/cut.pt: the file is cut short")
    assert len(told) == 2


def test_a_verdict_that_cannot_be_reached_is_told_by_the_invocation() -> None:
    gate = alone(replace(healthy(), verdict=Verdict.UNDETERMINED, sentence="Too little could be measured."))

    (invocation,) = run(gate)["invocations"]

    assert gate.exit_code is ExitCode.INPUT
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["message"]["text"].startswith("Too little could be measured.")


def test_a_crashed_probe_has_a_rule() -> None:
    report = replace(healthy(), probes=(without("HD103", Status.CRASHED, "ZeroDivisionError"),))

    found = run(alone(report))

    (notice,) = found["invocations"][0]["toolExecutionNotifications"]
    assert found["tool"]["driver"]["rules"][notice["associatedRule"]["index"]]["id"] == "HD103"


def test_a_gate_that_looked_at_everything_was_successful_though_it_fails() -> None:
    report = replace(collapsed(), probes=())

    (invocation,) = run(alone(report))["invocations"]

    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, 1)


def test_every_input_and_every_note_is_told() -> None:
    found = run(gated())

    assert [entry["name"] for entry in found["properties"]["inputs"]] == ["runs/generator_x.pt", "runs/cut.pt", "runs/well.pt"]
    notes = [notice["message"]["text"] for notice in found["invocations"][0]["toolConfigurationNotifications"]]
    assert any("HD102 is not used" in note for note in notes)
    assert any("HD203 expired" in note for note in notes)


def test_the_run_has_a_category_of_its_own() -> None:
    assert run(gated())["automationDetails"] == {"id": "humouse-doctor/"}


def test_a_number_that_is_none_is_text() -> None:
    report = collapsed()
    odd = replace(report.findings[0], evidence={"spread_ratio": float("nan"), "loss": float("inf")})

    found = by_code(run(alone(replace(report, findings=(odd, *report.findings[1:])))))

    assert found["HD101"]["properties"]["evidence"] == {"spread_ratio": "nan", "loss": "inf"}


def test_braces_and_links_of_a_message_are_only_text() -> None:
    report = collapsed()
    odd = replace(report.findings[0], message="see [here](http://x.example) for {0} [1]")

    found = by_code(run(alone(replace(report, findings=(odd, *report.findings[1:])))))

    assert found["HD101"]["message"]["text"].startswith(r"see \[here\](http://x.example) for {{0}} [1].")


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_hostile_name_is_harmless(name: str) -> None:
    found = run(hostile(name))

    taken_by_github(found)
    assert len(found["results"]) == 8
    inserted = [text for result in found["results"] for text in texts(result.get("fixes", []))]
    assert not any(HARMFUL.search(text) for text in (*texts(found["results"]), *texts(found["invocations"])))
    assert not any("\n" in text for text in texts(found["results"]) if text not in inserted)
    for result in found["results"]:
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        parts = urlsplit(uri)
        assert uri.isascii()
        assert parts.scheme in ("", "file")
        assert not parts.netloc
        assert unquote(uri)


def test_a_rule_links_to_its_page_where_the_package_names_a_site(monkeypatch: pytest.MonkeyPatch) -> None:
    named = Message()
    named["Project-URL"] = "Source, https://code.example/x"
    named["Project-URL"] = "Documentation, https://docs.example/doctor/"
    assert not any("helpUri" in rule for rule in run(gated())["tool"]["driver"]["rules"])
    monkeypatch.setattr(pages, "metadata", lambda _: named)
    monkeypatch.setattr(pages, "_site", pages._site.__wrapped__)

    rules = {rule["id"]: rule.get("helpUri") for rule in run(alone(collapsed()))["tool"]["driver"]["rules"]}

    assert rules["HD201"] == "https://docs.example/doctor/probes/hd201-out-of-reach-targets.html"
    assert pages.address("HD001") == "https://docs.example/doctor/probes/tool-codes.html#hd001"
    assert pages.address("XX999") is None
