from __future__ import annotations

import json
from dataclasses import replace

import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.probe import Status
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.core.settings import Origin, Setting
from humouse_doctor.stored import report as json_report
from tests.conftest import Golden
from tests.reporting.builders import collapsed, healthy, pictures, sound, without


def test_the_json_is_as_it_was(golden: Golden) -> None:
    golden("collapsed.json", json_report.render(collapsed()))


SOUND = sound()
DECIDING = SOUND.probes


@pytest.mark.parametrize("report", [collapsed(), SOUND], ids=["collapsed", "healthy"])
def test_a_report_survives_the_way_out_and_back(report: object) -> None:
    assert json_report.parse(json_report.render(report), "x") == report  # type: ignore[arg-type]  # both are reports


def test_pictures_of_an_older_file_are_read_without_those_that_it_does_not_have() -> None:
    content = json_report.to_dict(collapsed())
    known = {name: value for name, value in content["pictures"].items() if name not in ("ways", "fits")}

    drawn = json_report.parse(json.dumps({**content, "pictures": known}), "x").pictures

    assert drawn == replace(pictures(), ways={}, fits=())
    content["pictures"]["ways"]["targets"].pop()
    with pytest.raises(InputError, match="a curve or a histogram of another length"):
        json_report.parse(json.dumps(content), "x")


def test_only_the_patch_is_written_if_asked() -> None:
    content = json.loads(json_report.patch_text(collapsed()))

    assert content["prefix"] == "experiment."
    assert content["patch"][1] == {
        "key": "training.warmup_latent_normalize", "old": True, "new": False, "absent": True,
    }  # fmt: skip


def test_a_value_that_is_not_finite_is_written_as_text() -> None:
    settings = (Setting(key="training.warmup_noise_std", value=float("inf"), origin=Origin.EXPLICIT),)

    text = json_report.render(replace(healthy(), settings=settings))

    assert json.loads(text)["settings"][0]["value"] == ".inf"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"schema_version": "1.4"}', '{"schema_version": "1.4", "subject": 4, "data": null}']
)
def test_anything_else_is_no_report(text: str) -> None:
    with pytest.raises(InputError, match="not a report of humouse-doctor"):
        json_report.parse(text, "x.json")


def test_another_schema_is_named() -> None:
    with pytest.raises(InputError, match=r"schema '2\.0'; this version reads 1\.4"):
        json_report.parse('{"schema_version": "2.0"}', "x.json")


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        ("findings", "cause HD201 has no finding"),
        ("remedies", "finding HD201 names a remedy that is not there"),
    ],
)
def test_a_report_whose_parts_do_not_fit_together_is_refused(left_out: str, words: str) -> None:
    content = {**json_report.to_dict(collapsed()), left_out: []}

    with pytest.raises(InputError) as caught:
        json_report.parse(json.dumps(content), "x.json")

    assert str(caught.value) == f"x.json: not a whole report of humouse-doctor ({words}); write it anew with --format json"


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (healthy(), "it is healthy, and HD201 and HD202 were not measured"),
        (replace(SOUND, probes=DECIDING[:2]), "it is healthy, and HD201 and HD202 were not measured"),
        (
            replace(SOUND, subject=replace(SOUND.subject, checkpoint="x.pt"), probes=DECIDING[:2]),
            "it is healthy, and HD104 not measured",
        ),
        (replace(collapsed(), verdict=Verdict.HEALTHY), "it is healthy with the cause HD201"),
        (replace(SOUND, probes=(*DECIDING, DECIDING[0])), "probe HD101 is there 2 times"),
        (
            replace(SOUND, probes=(*DECIDING[:2], replace(DECIDING[2], status=Status.FOUND))),
            "HD104 has the status found, which contradicts its judgement",
        ),
        (
            replace(SOUND, probes=(*DECIDING, without("HD105", Status.HEALTHY, "none"))),
            "HD105 has the status healthy, which contradicts its judgement",
        ),
    ],
)
def test_health_that_was_not_measured_is_refused(report: Report, words: str) -> None:
    with pytest.raises(InputError, match=words):
        json_report.parse(json_report.render(report), "x.json")


def test_evidence_that_is_no_number_is_refused() -> None:
    content = json_report.to_dict(collapsed())
    content["findings"][0]["evidence"]["spread_ratio"] = "much"

    with pytest.raises(InputError, match="not a report of humouse-doctor"):
        json_report.parse(json.dumps(content), "x.json")
