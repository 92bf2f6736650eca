from __future__ import annotations

import json
import os
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.errors import DoctorError, ExitCode, InputError, UsageError
from humouse_doctor.core.gating import Ignore, Policy
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Verdict
from humouse_doctor.gate import policy
from tests.gate.builders import METRICS, policies

EVERYTHING = """\
fail-on = "error"
select = ["hd1", "HD203"]
require-data = true
verdicts = ["healthy", "at-risk"]

[thresholds]
"HD101.spread_ratio" = "0.4 to 3"
HD103.time_std_ratio = ">= 0.4"
HD103.velocity_std_ratio = "<=4"

[[ignore]]
code = "HD204"
path = "runs/*"
reason = "known until the new head lands"
expires = 2027-01-31

[[ignore]]
code = "hd002"
reason = "the key is our own"
"""


def _file(folder: Path, text: str, name: str = policy.FILE_NAME) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _in_pyproject(text: str) -> str:
    nested = text.replace("[[ignore]]", "[[tool.humouse-doctor.ignore]]").replace(
        "[thresholds]", "[tool.humouse-doctor.thresholds]"
    )
    return f'[project]\nname = "x"\n[tool.humouse-doctor]\n{nested}'


@pytest.mark.parametrize(("name", "text"), [(policy.FILE_NAME, EVERYTHING), ("pyproject.toml", _in_pyproject(EVERYTHING)),
                                            ("ci.toml", _in_pyproject(EVERYTHING))])  # fmt: skip
def test_every_key_is_read_from_a_file_of_its_own_and_from_pyproject(name: str, text: str, tmp_path: Path) -> None:
    path = _file(tmp_path, text, name)

    assert policy.read(path) == Policy(
        fail_on=Severity.ERROR,
        select=("HD1", "HD203"),
        ignores=(
            Ignore(code="HD204", path="runs/*", reason="known until the new head lands", expires=date(2027, 1, 31)),
            Ignore(code="HD002", reason="the key is our own"),
        ),
        thresholds={
            "HD101.spread_ratio": Interval(low=0.4, high=3.0),
            "HD103.time_std_ratio": Interval(low=0.4),
            "HD103.velocity_std_ratio": Interval(high=4.0),
        },
        require_data=True,
        verdicts=(Verdict.HEALTHY, Verdict.AT_RISK),
        source=str(path),
    )


def test_an_empty_file_asks_for_what_is_asked_without_one(tmp_path: Path) -> None:
    path = _file(tmp_path, "")

    assert policy.read(path) == Policy(source=str(path))


@pytest.mark.parametrize(
    "expires", ["2027-01-31", '"2027-01-31"', "2027-01-31T23:59:00", "2027-01-31 00:00:00Z", "2027-01-31T12:00:00+05:00"]
)
def test_a_day_may_be_a_date_a_time_or_text(expires: str, tmp_path: Path) -> None:
    read = policy.read(_file(tmp_path, f'[[ignore]]\ncode = "HD204"\nreason = "x"\nexpires = {expires}\n'))

    assert read.ignores[0].expires == date(2027, 1, 31)


def test_never_fails_on_no_severity(tmp_path: Path) -> None:
    assert policy.read(_file(tmp_path, 'fail-on = "never"')).fail_on is None


def _ignore(more: str, code: str = "HD204", reason: str = '"known"') -> str:
    return f'[[ignore]]\ncode = "{code}"\nreason = {reason}\n{more}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('fail_on = "error"', "unknown key fail_on; did you mean fail-on?"),
        ("zzz = 1", "unknown key zzz; known are fail-on, select, ignore, thresholds, require-data, verdicts"),
        ('fail-on = "fatal"', "fail-on is 'fatal'; expected error, warning, note, never"),
        ("fail-on = true", "fail-on is True; expected"),
        ('select = "HD1"', "select is text; expected a list of texts"),
        ("select = [1]", "select is a list; expected a list of texts"),
        ('select = ["HD9"]', "select: no code starts with 'HD9'; did you mean HD"),
        ('select = [""]', "select: no code starts with ''"),
        ('require-data = "yes"', "require-data is text; expected true or false"),
        ("require-data = 1", "require-data is a number; expected true or false"),
        ('verdicts = ["helthy"]', "unknown verdict 'helthy'; did you mean healthy?"),
        ('verdicts = ["undetermined"]', "undetermined never passes"),
        ('ignore = ["HD204"]', "ignore is a list; expected tables"),
        ('[ignore]\ncode = "HD204"', "ignore is a table; expected tables"),
        ('[[ignore]]\nreason = "x"', "ignore 1: it has no code"),
        (_ignore("", code="HD240"), "ignore 1: unknown code 'HD240'; did you mean HD2"),
        (f"{_ignore('')}{_ignore('', code='204')}", "ignore 2: unknown code '204'; did you mean HD204?"),
        (_ignore("", code="HD001"), "HD001 cannot be ignored: where it is found, nothing is known of the run"),
        (_ignore("", code="hd003"), "HD003 cannot be ignored"),
        ('[[ignore]]\ncode = "HD204"', "HD204 has no reason"),
        (_ignore("", reason='"  "'), "HD204 has no reason"),
        (_ignore("", reason="3"), "HD204 has no reason"),
        (_ignore("expire = 2027-01-31"), "unknown key ignore 1: expire; did you mean expires?"),
        (_ignore('path = ""'), "path is text; expected a path or a pattern"),
        (_ignore("path = 3"), "path is a number"),
        (_ignore('expires = "soon"'), "expires is 'soon'; expected a day such as 2027-01-31"),
        (_ignore('expires = "20270131"'), "expires is '20270131'; expected a day"),
        (_ignore('expires = "2027-02-31"'), "expires is '2027-02-31'; expected a day"),
        (_ignore("expires = 12:00:00"), "expected a day"),
        (_ignore("expires = false"), "expires is False; expected a day"),
        ("thresholds = 1", "thresholds is a number; expected a table"),
        ('[thresholds]\nHD103.time_std = ">= 1"', "unknown metric HD103.time_std; did you mean HD103.time_std_ratio?"),
        ('[thresholds]\nHD103.zzz = ">= 1"', "unknown metric HD103.zzz; known are HD103."),
        ('[thresholds]\nHD103 = ">= 1"', "unknown metric HD103; known are HD103."),
        ("[thresholds.HD103]", "unknown metric HD103; known are HD103."),
        ('[thresholds]\nXY.zzz = ">= 1"', "unknown metric XY.zzz; there is none like it"),
        ("[thresholds]\nHD103.time_std_ratio = 0.4", 'HD103.time_std_ratio is 0.4; expected ">= 0.4", "<= 4" or "0.4 to 4"'),
        ('[thresholds]\nHD103.time_std_ratio = "> 0.4"', "is '> 0.4'; expected"),
        ('[thresholds]\nHD103.time_std_ratio = ">= nan"', "is '>= nan'; expected"),
        ('[thresholds]\nHD103.time_std_ratio = ">= 1e999"', "is '>= 1e999'; expected"),
        ('[thresholds]\nHD103.time_std_ratio = "4 to 0.4"', "is '4 to 0.4'; expected"),
        ('[thresholds]\nHD103.time_std_ratio.low = ">= 1"', "HD103.time_std_ratio is {'low': '>= 1'}; expected"),
        ('[thresholds]\n"HD103.time_std_ratio" = ">= 1"\nHD103.time_std_ratio = ">= 2"', "HD103.time_std_ratio appears twice"),
        ('select = ["HD1"]\n[tool.humouse-doctor]\n', "select is outside of [tool.humouse-doctor]"),
        ("[tool]\nhumouse-doctor = 3", "tool.humouse-doctor is a number; expected a table"),
        ("[tool.other]\n", "there is no [tool.humouse-doctor] in it"),
        ("tool = 3", "there is no [tool.humouse-doctor] in it"),
        ("fail-on = ", "not valid TOML: "),
        (f"fail-on = {'9' * 5000}", "not valid TOML: "),
        ("x = " + "[" * 5000, "not valid TOML: "),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    path = _file(tmp_path, text)

    with pytest.raises(UsageError) as caught:
        policy.read(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / policy.FILE_NAME
    path.write_bytes(b'\xef\xbb\xbffail-on = "note"\r\n')

    assert policy.read(path).fail_on is Severity.NOTE


def test_a_file_that_is_not_utf_8_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / policy.FILE_NAME
    path.write_bytes('[[ignore]]\ncode = "HD204"\nreason = "schön"\n'.encode("latin-1"))

    with pytest.raises(InputError, match="byte 39 is not UTF-8; save it as UTF-8"):
        policy.read(path)


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_is_not_there_is_unreadable(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the policy: ") as caught:
        policy.read(tmp_path / name)

    assert caught.value.exit_code is ExitCode.INPUT


def test_the_nearest_policy_upwards_holds(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    own = _file(tmp_path, "")
    nearer = _file(tmp_path / "a", "[tool.humouse-doctor]\n", "pyproject.toml")
    _file(inner, '[project]\nname = "x"\n', "pyproject.toml")

    assert policy.find(inner) == nearer
    assert policy.find(tmp_path) == own


def test_a_file_of_its_own_comes_before_pyproject(tmp_path: Path) -> None:
    _file(tmp_path, "[tool.humouse-doctor]\n", "pyproject.toml")
    own = _file(tmp_path, "")

    assert policy.find(tmp_path) == own


def test_the_search_ends_at_the_top_of_the_repository(tmp_path: Path) -> None:
    _file(tmp_path, "")
    inner = tmp_path / "repository" / "sub"
    inner.mkdir(parents=True)
    (inner.parent / ".git").mkdir()

    assert policy.find(inner) is None


def test_a_relative_folder_is_searched_upwards_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = _file(tmp_path, "")
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")  # as a work tree has it
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")

    assert policy.find(Path()) == own


@pytest.mark.parametrize("name", [policy.FILE_NAME, "pyproject.toml"])
def test_outside_of_a_repository_the_folders_own_policy_alone_counts(name: str, tmp_path: Path) -> None:
    inner = tmp_path / "mine"
    inner.mkdir()
    _file(tmp_path, '[tool.humouse-doctor]\nfail-on = "never"\n', name)

    assert policy.find(inner) is None
    assert policy.find(tmp_path) == tmp_path / name


def test_a_folder_is_where_its_link_leads(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "elsewhere" / ".git").mkdir(parents=True)
    own = _file(tmp_path / "real", "")
    (tmp_path / "real" / ".git").mkdir()
    _file(tmp_path / "elsewhere", 'fail-on = "never"')
    (tmp_path / "elsewhere" / "link").symlink_to(tmp_path / "real" / "inner")

    assert policy.find(tmp_path / "elsewhere" / "link") == own


def _given_to(uid: int, *paths: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that files belong to another user."""
    for name in ("stat", "lstat"):
        real = getattr(Path, name)

        def found(path: Path, real: Any = real, **options: Any) -> os.stat_result:
            status = real(path, **options)
            return os.stat_result((*status[:4], uid, *status[5:])) if path in paths else status

        monkeypatch.setattr(Path, name, found)


@pytest.mark.parametrize("strangers", [".git", policy.FILE_NAME, "."])
def test_what_another_user_may_have_put_above_is_refused_by_its_name(
    strangers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "mine"
    inner.mkdir()
    (tmp_path / ".git").mkdir()
    own = _file(tmp_path, 'fail-on = "never"')
    assert policy.find(inner) == own
    _given_to(54321, tmp_path / strangers, monkeypatch=monkeypatch)

    with pytest.raises(UsageError, match=f"{own}: the file or its repository belongs to another user; name it with --policy"):
        policy.find(inner)


def test_a_strangers_policy_in_a_shared_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = _file(tmp_path, 'fail-on = "never"')
    _given_to(54321, own, monkeypatch=monkeypatch)

    with pytest.raises(UsageError, match="belongs to another user"):
        policy.find(tmp_path)


def test_a_checkout_of_another_user_is_judged_by_its_own_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a container's root has it, which looks at a folder of the user outside."""
    inner = tmp_path / "sub"
    inner.mkdir()
    (tmp_path / ".git").mkdir()
    own = _file(tmp_path, "")
    _given_to(54321, tmp_path, tmp_path / ".git", own, inner, monkeypatch=monkeypatch)

    assert policy.find(inner) == own


def test_a_broken_pyproject_on_the_way_is_not_passed_over(tmp_path: Path) -> None:
    _file(tmp_path, "= 3", "pyproject.toml")

    with pytest.raises(UsageError, match="not valid TOML"):
        policy.find(tmp_path)


def _spelled(wanted: Policy) -> str:
    """`wanted` as TOML; JSON's strings are TOML's as long as they are ASCII."""

    def bounds(interval: Interval) -> str:
        if interval.low == float("-inf"):
            return f"<= {interval.high!r}"
        return f">= {interval.low!r}" if interval.high == float("inf") else f"{interval.low!r} to {interval.high!r}"

    lines = [
        f'fail-on = "{"never" if wanted.fail_on is None else wanted.fail_on.value}"',
        f"select = {json.dumps(wanted.select)}",
        f"require-data = {json.dumps(wanted.require_data)}",
        f"verdicts = {json.dumps([verdict.value for verdict in wanted.verdicts])}",
        "[thresholds]",
        *(f"{name} = {json.dumps(bounds(interval))}" for name, interval in wanted.thresholds.items()),
    ]
    for ignore in wanted.ignores:
        lines += ["[[ignore]]", f"code = {json.dumps(ignore.code)}", f"reason = {json.dumps(ignore.reason)}"]
        lines += [] if ignore.path is None else [f"path = {json.dumps(ignore.path)}"]
        lines += [] if ignore.expires is None else [f"expires = {ignore.expires.isoformat()}"]
    return "\n".join(lines)


@given(wanted=policies())
def test_a_policy_spelled_out_is_read_as_it_was(wanted: Policy) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read = policy.read(_file(Path(folder), _spelled(wanted)))

    assert (read.fail_on, read.select, read.ignores, read.thresholds, read.require_data, read.verdicts) == (
        wanted.fail_on,
        wanted.select,
        wanted.ignores,
        wanted.thresholds,
        wanted.require_data,
        wanted.verdicts,
    )


def _raw() -> st.SearchStrategy[str]:
    values = st.recursive(
        st.booleans() | st.integers() | st.floats() | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
        lambda parts: st.lists(parts, max_size=3),
        max_leaves=4,
    )
    keys = st.sampled_from(
        ["fail-on", "select", "ignore", "thresholds", "require-data", "verdicts", "thresholds.HD103.x", "tool"]
    )
    return st.dictionaries(keys, values, max_size=4).map(
        lambda table: "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
    )


def _refusal(path: Path) -> DoctorError | None:
    try:
        policy.read(path)
    except DoctorError as error:
        return error
    return None


@given(text=st.text() | _raw())
def test_any_text_is_a_policy_or_is_refused_in_one_line(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / policy.FILE_NAME
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        said = _refusal(path)
    assert said is None or (len(str(said).splitlines()) == 1 and said.exit_code in (ExitCode.USAGE, ExitCode.INPUT))


@given(name=st.sampled_from(METRICS), data=st.data())
def test_a_metric_that_lacks_a_letter_is_told_from_its_own_probe(name: str, data: st.DataObject) -> None:
    code, _, metric = name.partition(".")
    gap = data.draw(st.integers(0, len(metric) - 1))
    wrong = f"{code}.{metric[:gap]}{metric[gap + 1 :]}"
    with tempfile.TemporaryDirectory() as folder, pytest.raises(UsageError, match=f"did you mean {code}\\."):
        policy.read(_file(Path(folder), f'[thresholds]\n"{wrong}" = ">= 1"'))
