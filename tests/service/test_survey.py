from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import ExitCode, InputError, MachineError, UsageError
from humouse_doctor.core.report import Report
from humouse_doctor.core.surveying import State, Survey
from humouse_doctor.inputs.remote import copies
from humouse_doctor.reporting.forms import SurveyFormat
from humouse_doctor.reporting.rendering import render
from humouse_doctor.service import commands
from humouse_doctor.service.survey import SurveyRequest, survey_view
from humouse_doctor.stored import answer
from humouse_doctor.survey import discover
from humouse_doctor.survey.discover import Run
from humouse_doctor.survey.weights import overwritten
from tests.survey.builders import hydra_run

SHARED = Request(samples=32, max_sequences=64, quick=True)


def _view(*paths: Path | str, **more: Any) -> Any:
    return survey_view(SurveyRequest(paths=paths, request=SHARED, workers=1, **more), "")


def _survey(*paths: Path | str, **more: Any) -> Survey:
    found: Survey = _view(*paths, **more).survey
    return found


@pytest.fixture
def multirun(collapsed_run: Path, healthy_run: Path, tmp_path: Path) -> Path:
    """Return a multirun of two sick runs, a healthy one, one whose weights are cut short, and one without weights."""
    root = tmp_path / "multirun" / "day" / "time"
    for number, source in enumerate((collapsed_run, healthy_run, collapsed_run, collapsed_run)):
        run = Path(shutil.copytree(source, root / str(number)))
        head = "linear" if source is healthy_run else "tanh"
        (run / ".hydra" / "overrides.yaml").write_text(f"- experiment.model.generator.activation_xy={head}\n")
    (cut,) = (root / "3").rglob("generator_*.pt")
    cut.write_bytes(b"PK\x03\x04 cut short")
    config = (collapsed_run / ".hydra" / "config.yaml").read_text()
    hydra_run(root / "10", "experiment.model.generator.activation_xy=tanh", config=config, checkpoint=False)
    (root / "multirun.yaml").write_text("hydra: {sweeper: {params: null}}\n")
    return tmp_path / "multirun"


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch, collapsed_run: Path, healthy_run: Path) -> list[str]:
    """Look at runs without looking: those with a tanh head are sick; returns the paths that were asked for."""
    asked: list[str] = []
    reports: dict[bool, Report] = {}

    def report_on(request: Request, **_: Any) -> Report:
        assert request.checkpoint is not None
        asked.append(request.checkpoint.name)
        text = (request.checkpoint / ".hydra" / "config.yaml").read_text()
        if "broken" in text:
            raise InputError(f"{request.checkpoint}: the file is cut short")
        sick = "tanh" in text
        if sick not in reports:
            reports[sick] = _report_on(
                request=Request(checkpoint=collapsed_run if sick else healthy_run, samples=32, quick=True)
            )
        return reports[sick]

    _report_on = commands.report_on
    monkeypatch.setattr(commands, "report_on", report_on)
    return asked


def _sweep(root: Path, count: int = 12, odd: str = "linear") -> Path:
    for number in range(count):
        head = odd if number % 2 else "tanh"
        config = f"experiment: {{model: {{generator: {{activation_xy: {head}}}}}, seed: {number}}}\n"
        hydra_run(root / str(number), f"experiment.model.generator.activation_xy={head}", config=config)
    return root


def test_every_run_is_a_row_and_none_that_cannot_be_read_is_healthy(multirun: Path) -> None:
    view = _view(multirun)
    rows = {Path(row.run).name: row for row in view.survey.rows}

    assert {name: row.verdict for name, row in rows.items()} == {
        "0": "collapsed", "1": "healthy", "2": "collapsed", "3": "unreadable", "10": "unreadable",
    }  # fmt: skip
    assert "generator_" in rows["3"].sentence
    assert "no generator checkpoint found" in rows["10"].sentence
    assert view.exit_code == ExitCode.INPUT
    assert rows["0"].settings == {"model.generator.activation_xy": "tanh"}
    assert rows["0"].cause.startswith("HD201")
    assert set(rows["0"].numbers) >= {"spread", "movement", "variety"}
    assert 0 < len(rows["1"].paths) <= 3
    assert max(abs(part) for path in rows["1"].paths for point in path for part in point) < 5
    assert "too few to tell a setting" in view.survey.untested
    worst = view.survey.rows[0].run
    assert view.following == (f"humouse-doctor inspect {worst}", f"humouse-doctor suggest-config {worst} --emit overrides")


def test_gate_takes_a_folder_of_runs_and_inspect_names_survey(multirun: Path, invoke: Callable[..., Any]) -> None:
    gated = invoke("gate", multirun, "--quick", "--samples", 32, "--workers", 1, "-f", "json")

    assert gated.code == 3
    names = [Path(entry["name"]).name for entry in json.loads(gated.out)["inputs"]]
    assert sorted(names) == ["0", "1", "10", "2", "3"]

    far = invoke("inspect", multirun.parent, "--quick")
    assert far.code == 3
    assert far.err == (
        f"humouse-doctor: {multirun.parent}: 5 runs below it, and inspect looks at one; at all of them looks"
        f" humouse-doctor survey {multirun.parent}\n"
    )
    near = multirun / "day" / "time"
    for name in ("3", "10"):
        shutil.rmtree(near / name)
    shown = invoke("inspect", near, "--quick", "--samples", 32)
    assert shown.out.splitlines()[-1] == f"humouse-doctor survey {near}"
    assert "no config" not in shown.out  # that of the run whose weights were taken


def test_a_remote_folder_is_surveyed_gated_and_inspected_as_a_local_one(
    multirun: Path, invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    url = "memory://surveyed/runs"
    fsspec.filesystem("memory").put(f"{multirun}/", "/surveyed/runs", recursive=True)
    here, there = _view(multirun), _view(url)

    assert render(there, SurveyFormat.JSONL) == render(here, SurveyFormat.JSONL).replace(str(multirun), url)
    worst = there.survey.rows[0].run
    assert worst.startswith(f"{url}/day/time/")
    assert there.following == (f"humouse-doctor inspect {worst}", f"humouse-doctor suggest-config {worst} --emit overrides")
    (tmp_path / "rows.jsonl").write_text(render(there, SurveyFormat.JSONL))
    assert _view(tmp_path / "rows.jsonl", merge=True).following == ()

    gated = json.loads(invoke("gate", url, "--quick", "--samples", 32, "--workers", 1, "-f", "json").out)
    assert sorted(entry["name"] for entry in gated["inputs"]) == [
        f"{url}/day/time/{name}" for name in ("0", "1", "10", "2", "3")
    ]
    inspected = invoke("inspect", worst, "--quick", "--samples", 32, "--full")
    assert f"took{worst}/.hydra/config.yaml" in "".join(inspected.out.split())
    assert str(tmp_path) not in inspected.out
    assert invoke("survey", f"{url}/none").err == f"humouse-doctor: {url}/none: there is no such file or folder\n"


def test_a_remote_file_in_place_of_a_folder_is_not_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(copies, "received", None)
    fsspec.filesystem("memory").pipe_file("/surveyed/x.pt", b"weights")
    with pytest.raises(InputError, match=r"^memory://surveyed/x\.pt: a file, where a folder is expected$"):
        _view("memory://surveyed/x.pt")
    with pytest.raises(UsageError, match=r"^https://none\.invalid/x\.pt: a folder cannot be listed by HTTP"):
        _view("https://none.invalid/x.pt")


def test_a_gate_does_not_pass_a_folder_that_it_has_not_seen_all_of(
    multirun: Path, invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("1", "4"):
        shutil.copytree(multirun / "day" / "time" / "1", multirun / name)
    with monkeypatch.context() as shallow:
        shallow.setattr(discover, "_LEVELS", 2)
        gated = invoke("gate", multirun, "--quick", "--samples", 32, "--workers", 1, "-f", "json")
    codes = {Path(entry["name"]).name: entry["exit_code"] for entry in json.loads(gated.out)["inputs"]}
    assert (gated.code, codes) == (3, {"multirun": 3, "1": 0, "4": 0})
    assert "folders more than 2 levels down: left out" in gated.out
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(discover, "MOST_ENTRIES", 3)
    fsspec.filesystem("memory").put(f"{multirun}/", "/surveyed/most", recursive=True)
    gated = json.loads(invoke("gate", "memory://surveyed/most", "--quick", "-f", "json").out)

    assert [entry["name"] for entry in gated["inputs"]] == ["memory://surveyed/most"]
    assert "only the first 3 entries were looked at" in json.dumps(gated["inputs"])


def test_parts_joined_are_the_file_of_one_run(looked: list[str], tmp_path: Path) -> None:
    root = _sweep(tmp_path / "runs")
    texts = dict[str, str]()
    for name, shard in (("whole", None), ("a", (1, 3)), ("b", (2, 3)), ("c", (3, 3))):
        looked.clear()
        texts[name] = render(_view(root, shard=shard), SurveyFormat.JSONL)
        (tmp_path / f"{name}.jsonl").write_text(texts[name])
        assert len(looked) == len(texts[name].splitlines())  # nothing is looked at twice

    joined = _view(tmp_path / "c.jsonl", tmp_path / "a.jsonl", tmp_path / "b.jsonl", merge=True)

    assert sorted(len(texts[name].splitlines()) for name in "abc") == [0, 4, 8]  # by the names' digests: a part may be empty
    assert _view(root, shard=(2, 3)).exit_code == ExitCode.CLEAN
    assert render(_view(root, shard=(2, 3)), SurveyFormat.TEXT).startswith("0 runs: 0 sick, 0 healthy.")
    assert render(joined, SurveyFormat.JSONL) == texts["whole"]
    assert render(joined, SurveyFormat.JSON) == render(_view(root), SurveyFormat.JSON)
    assert joined.survey.separations[0].key == "model.generator.activation_xy"


def test_a_journal_goes_on_where_it_stopped(looked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = _sweep(tmp_path / "runs", 6, odd="broken")
    whole = _survey(root)
    looked.clear()
    render_answer, stopped = answer.render, iter(range(4))

    def stop(found: Any) -> bytes:
        if next(stopped, None) is None:
            raise KeyboardInterrupt
        return render_answer(found)

    with monkeypatch.context() as patched:
        patched.setattr(answer, "render", stop)
        with pytest.raises(KeyboardInterrupt):
            _survey(root, journal=tmp_path / "journal.jsonl")
    again = _survey(root, journal=tmp_path / "journal.jsonl")

    assert again == whole
    assert looked == ["0", "1", "2", "3", "4", "4", "5"]
    looked.clear()
    (root / "2" / "checkpoints" / "generator_x.pt").write_bytes(b"new weights")
    assert _survey(root, journal=tmp_path / "journal.jsonl") == whole
    assert looked == ["2"]


def test_the_machines_trouble_is_no_runs(looked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Request, **__: Any) -> Report:
        raise MemoryError

    monkeypatch.setattr(commands, "report_on", refuse)

    with pytest.raises(MachineError, match="not enough memory"):
        _survey(_sweep(tmp_path / "runs", 2))


def test_runs_are_picked_by_their_values_and_listed_by_their_state(looked: list[str], tmp_path: Path) -> None:
    root = _sweep(tmp_path / "runs")

    assert _view(root).exit_code == ExitCode.FINDINGS
    assert _view(root, where=("model.generator.activation_xy=linear",)).exit_code == ExitCode.CLEAN
    looked.clear()
    picked = _survey(root, where=("experiment.model.generator.activation_xy=linear",))
    assert {row.state for row in picked.rows} == {State.HEALTHY}
    assert len(looked) == 6
    assert _survey(root, where=("seed=3",)).rows[0].run == str(root / "3")  # a key that the sweep has not overridden
    listed = _survey(root, only="healthy")
    assert [row.state for row in listed.listed] == [State.HEALTHY] * 6
    assert len(listed.rows) == 12
    with pytest.raises(UsageError, match=r"--where head=tanh: expected key=value, with a key of these runs: .*activation_xy"):
        _survey(root, where=("head=tanh",))
    with pytest.raises(UsageError, match=r"none of 12 runs below .* is one with seed=99"):
        _survey(root, where=("seed=99",))


def test_of_runs_that_wrote_the_same_file_the_last_one_has_it(
    looked: list[str], tmp_path: Path, invoke: Callable[..., Any]
) -> None:
    """They all ran in one folder, with one name: as a multirun of humouse does if nobody thinks of it."""
    shared = tmp_path / "checkpoints"
    shared.mkdir()
    (shared / "generator_x.pt").touch()
    for number in range(3):
        config = f"experiment: {{logging: {{checkpoint_dir: checkpoints}}, model: {{tanh: {number}}}}}\n"
        hydra_run(tmp_path / "multirun" / str(number), config=config, checkpoint=False)

    rows = {Path(row.run).name: row for row in _survey(tmp_path / "multirun").rows}

    assert looked == ["2"]
    assert {name: row.verdict for name, row in rows.items()} == {"0": "unreadable", "1": "unreadable", "2": "collapsed"}
    assert "its weights are gone: " in rows["0"].sentence
    assert f"also that of {tmp_path / 'multirun' / '2'}" in rows["0"].sentence

    gated = json.loads(invoke("gate", tmp_path / "multirun", "--workers", 1, "-f", "json").out)
    assert looked == ["2", "2"]
    assert {Path(entry["name"]).name: entry["exit_code"] for entry in gated["inputs"]} == {"0": 3, "1": 3, "2": 1}
    assert sum("its weights are gone: " in entry["sentence"] for entry in gated["inputs"]) == 2

    each = [tmp_path / "multirun" / str(number) for number in range(3)]
    (tmp_path / "link").symlink_to(each[2])
    for inputs in (each, [tmp_path / "multirun", each[0]], [each[2], tmp_path / "link", *each]):
        looked.clear()
        gated = json.loads(invoke("gate", *inputs, "--workers", 1, "-f", "json").out)
        assert looked == ["2"]
        assert {Path(entry["name"]).name: entry["exit_code"] for entry in gated["inputs"]} == {"0": 3, "1": 3, "2": 1}


def test_which_of_two_remote_runs_wrote_a_file_last_is_not_told_by_uploads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    root, runs = tmp_path / "humouse-doctor" / "remote" / "0", list[Run]()
    runs.extend(Run(path=root / "runs" / str(number)) for number in range(3))
    shared = root / "runs" / "generator_x.pt"

    gone = overwritten(runs, {1: shared, 0: shared, 2: root / "runs" / "2.pt"})

    assert sorted(gone) == [0, 1]
    assert f"is also that of {runs[1].path}, and times of uploads do not tell which was started later" in gone[0]
    assert f"is also that of {runs[0].path}, and" in gone[1]


def test_a_checkpoint_that_is_found_with_and_without_its_run_is_one_run(looked: list[str], tmp_path: Path) -> None:
    """The whole checkout is surveyed, and humouse has written the checkpoint outside of the run's folder."""
    config = "experiment: {experiment_name: x, logging: {checkpoint_dir: checkpoints}, model: {head: tanh}}\n"
    run = hydra_run(tmp_path / "outputs" / "0", config=config, checkpoint=False)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "generator_x.pt").touch()

    assert [row.run for row in _survey(tmp_path).rows] == [str(run)]


def test_a_foreign_line_is_refused_with_its_number(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"kind": "humouse-doctor survey row", "schema_version": "9"}\n')
    with pytest.raises(InputError, match="line 1: a row of schema '9'"):
        _survey(rows, merge=True)
    rows.write_text("\n{}\n")
    with pytest.raises(InputError, match=f"{rows}, line 2: not a row of a survey"):
        _survey(rows, merge=True)
    rows.write_text("")
    with pytest.raises(InputError, match="none of 0 rows"):
        _survey(rows, merge=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--shard", "0/3"), "--shard 0/3: expected K/N"),
        (("--shard", "4/3"), "--shard 4/3: expected K/N"),
        (("--merge",), "--merge reads files of rows"),
        (("-o", "rows.parquet"), "--output rows.parquet: expected FORMAT=PATH"),
    ],
)
def test_options_that_cannot_be_used(invoke: Callable[..., Any], options: tuple[str, ...], said: str) -> None:
    ended = invoke("survey", *options)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
