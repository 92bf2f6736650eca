from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.outcome import Arm
from humouse_doctor.core.remedy import CodeChange, Edit
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Settings, Value
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.config import patcher, reader
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.verify.patches import arm_of
from tests.verify.runs import write_config, write_data

EPOCHS, HEAD, WHITENING = (
    "training.reconstruction_epochs",
    "model.generator.activation_xy",
    "training.warmup_latent_normalize",
)
NORMALISE, INIT, BETAS = "data.normalize_sequences", "training.generator_init_path", "training.betas"

Named = Callable[[object], Arm]


def looked_at(config: Path, data: Path | None = None, overrides: tuple[str, ...] = ()) -> tuple[Case, Report]:
    loaded = load_case(Request(config=config, data=data, overrides=overrides))
    return loaded.case, diagnose(loaded, examine(loaded.case))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path)


@pytest.fixture
def named(config: Path, tmp_path: Path) -> Named:
    """The arm that a word after `--patch` gives for a tiny run."""
    case, report = looked_at(config, write_data(tmp_path))
    return lambda patch: arm_of(str(patch), case, report, ())


def values(arm: Arm) -> dict[str, Value]:
    return {edit.key: edit.new for edit in arm.edits}


def diff_of(config: Path, *edits: Edit) -> str:
    before = config.read_bytes().decode()
    return patcher.unified_diff(before, patcher.patched(before, str(config), edits, "experiment."), str(config))


def edits_to(settings: Settings, wanted: dict[str, Value]) -> list[Edit]:
    return [Edit(key=key, old=settings.value(key), new=new, absent=key not in settings.in_file) for key, new in wanted.items()]


def test_a_remedys_id_is_that_remedy(named: Named) -> None:
    assert named("slow-gates").code_changes == (CodeChange.SLOW_GATES,)
    assert values(named("undistorted-latent")) == {WHITENING: False}
    assert values(named("longer-warm-up-4x")) == {EPOCHS: 24}


def test_a_probes_code_in_either_case_is_the_first_remedy_of_its_finding_that_can_be_tried(named: Named) -> None:
    assert named("HD204") == named("hd204")
    assert named("HD204").remedies == ("undistorted-latent",)


def test_a_probe_that_found_nothing_and_an_unknown_name_are_refused_in_one_line(named: Named) -> None:
    with pytest.raises(UsageError, match=r"--patch HD207: that probe found nothing here") as nothing:
        named("HD207")
    with pytest.raises(UsageError, match=r"--patch nonsense: no such file, probe or remedy; expected a file or one of .*slow"):
        named("nonsense")
    assert "\n" not in str(nothing.value)


def test_a_remedy_that_no_trial_can_make_is_refused_with_its_reason(named: Named) -> None:
    with pytest.raises(
        UsageError, match=r"--patch warm-start: Skip the warm-up .*: this cannot be tried here \(the pretrainer"
    ):
        named("warm-start")


def test_a_diff_made_by_the_patcher_gives_the_edits_it_was_made_from(config: Path, named: Named, tmp_path: Path) -> None:
    wanted: dict[str, Value] = {HEAD: "linear", EPOCHS: 50, NORMALISE: True, INIT: "a b.pt"}
    edits = edits_to(reader.read(config).settings, wanted)
    path = tmp_path / "fix.diff"
    path.write_text(diff_of(config, *edits), encoding="utf-8")

    arm = named(path)

    assert set(arm.edits) == set(edits)
    assert (arm.title, arm.code_changes) == (str(path), ())


KEYS: dict[str, st.SearchStrategy[Value]] = {
    EPOCHS: st.integers(0, 999),
    HEAD: st.sampled_from(["linear", "none"]),
    WHITENING: st.booleans(),
    NORMALISE: st.booleans(),
    "data.batch_size": st.integers(1, 64),
    "training.lr.generator": st.floats(1e-7, 1.0, allow_subnormal=False),
    "training.warmup_noise_std": st.floats(0.0, 2.0, allow_subnormal=False),
    "training.reset_generator_after_warmup": st.booleans(),
    "training.warmup_kl_weight": st.floats(0.0, 2.0, allow_subnormal=False),
    INIT: st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=8),
}


@given(
    wanted=st.fixed_dictionaries({}, optional=KEYS).filter(bool),
    ending=st.sampled_from(["\n", "\r\n"]),
    closed=st.booleans(),
)
def test_a_diff_of_any_edits_gives_them_back(wanted: dict[str, Value], ending: str, closed: bool) -> None:
    with TemporaryDirectory() as folder:
        config = write_config(Path(folder))
        text = config.read_text(encoding="utf-8").replace("\n", ending)
        config.write_bytes((text if closed else text.rstrip()).encode())
        settings = reader.read(config).settings
        edits = [edit for edit in edits_to(settings, wanted) if edit.old != edit.new and "${" not in str(edit.new)]
        if not edits:
            return
        path = Path(folder) / "fix.diff"
        path.write_bytes(diff_of(config, *edits).encode())
        case, report = looked_at(config)

        arm = arm_of(str(path), case, report, ())

        assert set(arm.edits) == set(edits)


@pytest.mark.parametrize("line", ["activation_xy: linear", "activation_xy:  tanh", "other: 1"])
def test_a_stale_diff_is_refused_in_one_line_and_the_config_left_alone(
    config: Path, named: Named, tmp_path: Path, line: str
) -> None:
    path = tmp_path / "fix.diff"
    path.write_text(diff_of(config, Edit(key=HEAD, old="tanh", new="linear")), encoding="utf-8")
    changed = config.read_text(encoding="utf-8").replace("activation_xy: tanh", line)
    config.write_text(changed, encoding="utf-8")

    with pytest.raises(
        UsageError, match=r"fix\.diff: the diff does not fit the config at line \d+; make the diff again"
    ) as refused:
        named(path)

    assert "\n" not in str(refused.value)
    assert config.read_text(encoding="utf-8") == changed


def test_a_diff_for_a_longer_file_is_refused(config: Path, named: Named, tmp_path: Path) -> None:
    path = tmp_path / "fix.diff"
    path.write_text(f"--- a/x\n+++ b/x\n@@ -900,1 +900,1 @@\n-{config.name}\n+y\n", encoding="utf-8")

    with pytest.raises(UsageError, match="overlaps another or lies outside"):
        named(path)


def test_overrides_as_suggest_config_prints_them_are_taken(named: Named, tmp_path: Path) -> None:
    path = tmp_path / "fix.txt"
    lines = ["# by hand", "", f"experiment.{HEAD}=linear", f"++experiment.{NORMALISE}=true", f"{EPOCHS}=12"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    assert values(named(path)) == {HEAD: "linear", NORMALISE: True, EPOCHS: 12}


def test_an_override_of_an_unknown_key_is_refused(named: Named, tmp_path: Path) -> None:
    path = tmp_path / "fix.txt"
    path.write_text("training.reconstruction_epoch=12\n", encoding="utf-8")

    with pytest.raises(UsageError, match=r"did you mean training\.reconstruction_epochs"):
        named(path)


def test_yaml_as_suggest_config_prints_it_is_taken(config: Path, named: Named, tmp_path: Path) -> None:
    edits = edits_to(reader.read(config).settings, {HEAD: "linear", EPOCHS: 50, BETAS: (0.9, 0.99)})
    path = tmp_path / "fix.yaml"
    path.write_text(patcher.as_yaml(edits, "experiment."), encoding="utf-8")

    assert set(named(path).edits) == set(edits)


def test_values_that_the_run_has_already_are_no_edits(named: Named, tmp_path: Path) -> None:
    path = tmp_path / "fix.txt"
    path.write_text(f"{HEAD}=tanh\n{EPOCHS}=12\n", encoding="utf-8")

    assert values(named(path)) == {EPOCHS: 12}


def test_a_diff_is_read_against_the_file_and_compared_with_the_run_as_overridden(config: Path, tmp_path: Path) -> None:
    path = tmp_path / "fix.diff"
    path.write_text(diff_of(config, Edit(key=HEAD, old="tanh", new="linear")), encoding="utf-8")
    overrides = (f"{EPOCHS}=9",)
    case, report = looked_at(config, overrides=overrides)

    assert values(arm_of(str(path), case, report, overrides)) == {HEAD: "linear"}


def test_a_file_that_is_no_config_is_refused(named: Named, tmp_path: Path) -> None:
    path = tmp_path / "fix.yaml"
    path.write_text("shopping: [milk]\n", encoding="utf-8")

    with pytest.raises(UsageError, match="none of the sections"):
        named(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("data.batch_size=many", "data.batch_size=many: expected a whole number"),
        ("data.batch_size=*a", "data.batch_size=*a: not a YAML value: found undefined alias 'a'"),
        ("data.batch=4", "data.batch=4: unknown key 'data.batch'; did you mean data.batch_size"),
    ],
)
def test_an_override_of_a_file_that_does_not_fit_is_told_of_that_file(
    content: str, said: str, named: Named, tmp_path: Path
) -> None:
    path = tmp_path / "overrides.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        named(path)
    assert str(caught.value).startswith(f"--patch {path}: {said}")


def test_a_diff_that_breaks_the_config_is_told_of_as_the_diffs_fault(config: Path, named: Named, tmp_path: Path) -> None:
    path = tmp_path / "fix.diff"
    path.write_text("@@ -1 +1,2 @@\n # small enough for a test\n+a: [\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        named(path)
    message = str(caught.value)
    assert message.startswith(f"--patch {path}: the config with this patch cannot be used: {config}:")
    assert "\n" not in message


LINES = [
    "@@ -1 +1 @@", "@@ -1,3 +1,4 @@", "@@ -0,0 +1 @@", "@@ -24,2 +24,2 @@", "@@ -999999999,1 +1 @@", "@@ -9999999999 +1 @@",
    "--- a/run.yaml", "+++ b/run.yaml", "--- ", "+++ ", "\\ No newline at end of file", " # small enough for a test",
    "-# small enough for a test", "+# more", " experiment:", "-experiment:", "+experiment:", "+a: [", "+  x: &a 1",
    "+training: {}", "++data.batch_size=4", "data.batch_size=4", "data.batch_size=\x1b", "a=b", "training:", "  betas: [1]",
    "  <<: *a", "", " ", "+", "-", "\r", "# x",
]  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Case, Report]:
    folder = tmp_path_factory.mktemp("tiny")
    return folder, *looked_at(write_config(folder))


@settings(max_examples=100)
@given(
    st.text(max_size=80).map(str.encode)
    | st.binary(max_size=60)
    | st.lists(st.sampled_from(LINES), max_size=8).map(lambda lines: "\n".join(lines).encode())
    | st.lists(st.sampled_from(LINES), max_size=8).map(lambda lines: "\n".join([LINES[1], LINES[11], *lines]).encode())
)
def test_any_file_gives_edits_of_this_run_or_one_line(tiny: tuple[Path, Case, Report], content: bytes) -> None:
    folder, case, report = tiny
    path = folder / "fix"
    path.write_bytes(content)
    try:
        arm = arm_of(str(path), case, report, ())
    except UsageError as error:
        message = str(error)
        assert message.startswith((f"--patch {path}: ", str(path)))
        assert message.isprintable()
        assert len(message) < 900
        return
    assert arm.edits
    for edit in arm.edits:
        assert BY_NAME[edit.key].complaint(edit.new) is None
        assert edit.new != edit.old
        assert edit.old == case.settings.value(edit.key)


OTHER = "--- a/setup.py\n+++ b/setup.py\n@@ -1 +1 @@\n-import os\n+import sys\n"


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (lambda diff: diff + OTHER, "names another file"),
        (lambda diff: OTHER + diff, "names another file"),
        (lambda diff: "--- a/x\n" + diff, "names another file"),
        (lambda diff: f"diff --git a/setup.py b/setup.py\ndiff --git a/run.yaml b/run.yaml\n{diff}", "names another file"),
        (
            lambda diff: f"diff --git a/x b/x\n{diff}diff --git a/y b/y\nold mode 100644\nnew mode 100755\n",
            "names another file",
        ),
        (lambda diff: f"Index: x\nIndex: setup.py\n{diff}", "names another file"),
        (lambda diff: f"diff --git a/run.yaml b/setup.py\nrename from run.yaml\nrename to setup.py\n{diff}", "does more than"),
        (lambda diff: re.sub(r"^\+\+\+ .*", "+++ /dev/null", diff, flags=re.MULTILINE), "does more than"),
        (lambda diff: f"{diff}+import os\n", "belongs to no hunk"),
        (lambda diff: diff.rpartition("\n ")[0] + "\n", "is cut short"),
    ],
    ids=[
        "after",
        "before",
        "a name more",
        "two of git's",
        "a mode",
        "indexes",
        "renamed",
        "removed",
        "more rows",
        "fewer rows",
    ],
)
def test_a_diff_of_more_than_the_lines_of_one_file_is_refused(
    forge: Callable[[str], str], said: str, config: Path, named: Named, tmp_path: Path
) -> None:
    path = tmp_path / "fix.diff"
    path.write_text(forge(diff_of(config, Edit(key=HEAD, old="tanh", new="linear"))), encoding="utf-8")

    with pytest.raises(UsageError, match=rf"fix\.diff: .*{said}") as refused:
        named(path)

    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "around", ["diff --git a/run.yaml b/run.yaml\nindex 1..2 100644\n{}", "From: x\n---\n run.yaml | 2 +-\n\n{}-- \n2.39.5\n\n"]
)
def test_a_diff_as_git_mails_and_shows_it_is_taken(around: str, config: Path, named: Named, tmp_path: Path) -> None:
    path = tmp_path / "fix.diff"
    path.write_text(around.format(diff_of(config, Edit(key=HEAD, old="tanh", new="linear"))), encoding="utf-8")

    assert values(named(path)) == {HEAD: "linear"}


@pytest.mark.parametrize("end", ["\x85", "\u2028", "\x0b", "\x1c"])
def test_only_a_line_feed_ends_an_override(end: str, named: Named, tmp_path: Path) -> None:
    path = tmp_path / "fix.txt"
    path.write_text(f"{INIT}=a{end}{EPOCHS}=12\n", encoding="utf-8")
    with suppress(UsageError):  # for what YAML cannot hold
        assert list(values(named(path))) == [INIT]


@pytest.mark.parametrize("value", ["x\\", "it's", "a\\'b", "\\\\'", "'", "a\\b", "it''s", "a b", "'x'"])
def test_an_override_reads_back_as_hydra_reads_it(value: str, named: Named, tmp_path: Path) -> None:
    path = tmp_path / "fix.txt"
    path.write_text(patcher.override_line(Edit(key=INIT, old=None, new=value, absent=True)) + "\n", encoding="utf-8")
    assert values(named(path)) == {INIT: value}
