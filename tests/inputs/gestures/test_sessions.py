from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.gestures import sessions
from humouse_doctor.inputs.gestures.gestures import Gestures

HEADER = "record timestamp,client timestamp,button,state,x,y"


def _line(seconds: float, x: float, y: float, button: str = "NoButton", state: str = "Move") -> str:
    return f"{seconds + 0.3:.3f},{seconds:.3f},{button},{state},{x:g},{y:g}"


def _session(path: Path, lines: list[str], ending: str = "\n") -> Path:
    path.write_bytes(ending.join([HEADER, *lines, ""]).encode())
    return path


def _steady(start: float, count: int = 20, pace: float = 0.02, step: float = 3.0) -> list[str]:
    return [_line(start + i * pace, 10 + step * i, 50 + 2 * step * i) for i in range(count)]


def _read(path: Path, length: int = 64, *, unit_path: bool = False, unit_time: bool = False) -> Gestures:
    return sessions.read([path], str(path), length, 100, 0, unit_path=unit_path, unit_time=unit_time)


def _slowly(points: list[tuple[float, float, float]], length: int) -> list[tuple[float, float, float]]:
    """Resample by hand: find the cursor's place at each hundredth of a second."""

    def at(moment: float) -> tuple[float, float]:
        for (t0, x0, y0), (t1, x1, y1) in pairwise(points):
            if t0 <= moment <= t1:
                share = (moment - t0) / (t1 - t0)
                return x0 + share * (x1 - x0), y0 + share * (y1 - y0)
        return points[-1][1], points[-1][2]

    begin, end = points[0][0], points[-1][0]
    places = []
    step = 0
    while begin + step / 100 <= end + 1e-9 and step <= length:
        places.append(at(begin + step / 100))
        step += 1
    rows = [(x1 - x0, y1 - y0, 0.01) for (x0, y0), (x1, y1) in pairwise(places)]
    return rows + [(0.0, 0.0, 0.0)] * (length - len(rows))


def test_a_hand_made_session_is_resampled_as_a_slow_twin_does_it(tmp_path: Path) -> None:
    points = [(0.0, 100.0, 100.0), (0.015, 103.0, 100.0), (0.031, 103.0, 90.0), (0.080, 120.0, 91.0), (0.125, 121.0, 99.0)]
    later = [(2.0, 5.0, 5.0), (2.125, 9.0, 5.0), (2.25, 9.0, 9.0), (2.3, 9.0, 9.0), (2.5, 30.0, 9.0)]
    path = _session(tmp_path / "session_1", [_line(*point) for point in points + later])
    read = _read(path, length=60)
    assert read.sequences.shape == (2, 60, 3)
    for row, expected in zip(read.sequences, (points, later), strict=True):
        np.testing.assert_allclose(row, _slowly(expected, 60), atol=1e-4)
    assert read.lengths.tolist() == [12, 50]
    assert (read.summary.total, read.summary.taken, read.summary.length) == (2, 2, 60)
    assert dict(read.summary.dropped) == {}


def test_a_gesture_beyond_the_length_is_cut_and_counted(tmp_path: Path) -> None:
    path = _session(tmp_path / "session_1", _steady(0.0))
    read, whole = _read(path, length=16), _read(path, length=64)
    np.testing.assert_array_equal(read.sequences, whole.sequences[:, :16])
    assert dict(read.summary.dropped) == {"tails beyond 16 steps": 1}
    assert read.lengths.tolist() == [16]
    assert dict(whole.summary.dropped) == {}


@pytest.mark.parametrize(("gap", "gestures"), [(0.24, 1), (0.26, 2), (5.0, 2), (-0.5, 2)])
def test_a_pause_or_a_clock_set_back_begins_a_new_gesture(tmp_path: Path, gap: float, gestures: int) -> None:
    first = _steady(10.0)
    path = _session(tmp_path / "session_1", first + _steady(10.0 + 19 * 0.02 + gap))
    assert _read(path, length=200).summary.total == gestures


def test_glitches_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = _steady(0.0)
    with_glitches = [*lines[:5], _line(0.085, 65535, 12), _line(0.086, 12, 65535), *lines[5:]]
    plain, read = _read(_session(tmp_path / "plain", lines)), _read(_session(tmp_path / "glitches", with_glitches))
    np.testing.assert_array_equal(read.sequences, plain.sequences)
    assert dict(read.summary.dropped) == {"glitches at 65535": 2}


def test_of_two_points_with_one_stamp_the_later_stands(tmp_path: Path) -> None:
    lines = _steady(0.0)
    doubled = [*lines[:5], _line(0.10, 900, 900), *lines[5:]]  # lines[5] has the stamp 0.10 as well
    plain, read = _read(_session(tmp_path / "plain", lines)), _read(_session(tmp_path / "doubled", doubled))
    np.testing.assert_array_equal(read.sequences, plain.sequences)
    assert dict(read.summary.dropped) == {"points with a repeated stamp": 1}


def test_scrolling_is_no_movement(tmp_path: Path) -> None:
    lines = _steady(0.0)
    scrolled = [*lines[:5], _line(0.09, 0, 0, button="Scroll", state="Down"), *lines[5:]]
    plain, read = _read(_session(tmp_path / "plain", lines)), _read(_session(tmp_path / "scrolled", scrolled))
    np.testing.assert_array_equal(read.sequences, plain.sequences)
    assert dict(read.summary.dropped) == {"scroll events": 1}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        "1,2,3",
        "0.1,0.1,NoButton,Move,5,5,5",
        "0.1,abc,NoButton,Move,5,5",
        "0.1,0.1,NoButton,Move,,5",
        "0.1,nan,NoButton,Move,5,5",
        "0.1,0.1,NoButton,Move,inf,5",
        "0.1,0.1,NoButton,Move,5,-inf",
        "0.1,1e12,NoButton,Move,5,5",
        "0.1,0.1,NoButton,Move,1e7,5",
        "\u00fc\u00fc,\u00fc,\u00fc,\u00fc,\u00fc,\u00fc",
        "x" * 5000,
        "0.1,0.1,NoButton,Move,5,5" + " " * 5000,
        "x" * 4096 + "0.1,0.1,NoButton,Move,5,5",
    ],
)
def test_a_malformed_line_is_counted_and_does_no_harm(tmp_path: Path, line: str) -> None:
    lines = _steady(0.0)
    path = tmp_path / "broken"
    path.write_text("\n".join([HEADER, *lines[:5], line, *lines[5:], ""]), encoding="utf-8")
    plain, read = _read(_session(tmp_path / "plain", lines)), _read(path)
    np.testing.assert_array_equal(read.sequences, plain.sequences)
    assert dict(read.summary.dropped) == {"malformed lines": 1}


def test_windows_line_endings_and_a_missing_last_one_change_nothing(tmp_path: Path) -> None:
    lines = _steady(0.0)
    plain = _read(_session(tmp_path / "plain", lines))
    windows = _read(_session(tmp_path / "windows", lines, ending="\r\n"))
    open_end = tmp_path / "open"
    open_end.write_text("\n".join([HEADER, *lines]))
    np.testing.assert_array_equal(windows.sequences, plain.sequences)
    np.testing.assert_array_equal(_read(open_end).sequences, plain.sequences)
    assert dict(windows.summary.dropped) == {}


def test_too_few_points_and_standing_still_are_no_gestures(tmp_path: Path) -> None:
    still = [_line(10 + i * 0.02, 7, 7) for i in range(20)]
    quick = [_line(20 + i * 0.002, 7 + i, 7) for i in range(6)]
    path = _session(tmp_path / "session_1", [*_steady(0.0), *_steady(5.0, count=4), *still, *quick])
    read = _read(path)
    assert (read.summary.total, read.summary.usable, read.summary.taken) == (4, 1, 1)
    assert dict(read.summary.dropped) == {"gestures of fewer than 5 points": 1, "gestures that do not move": 2}


def test_a_session_of_no_gesture_at_all_says_what_was_left_out(tmp_path: Path) -> None:
    path = _session(tmp_path / "session_1", [*_steady(0.0, count=3), "rubbish"])
    with pytest.raises(InputError) as caught:
        _read(path)
    message = str(caught.value)
    assert str(path) in message
    assert "1 malformed lines" in message
    assert "1 gestures of fewer than 5 points" in message
    assert "\n" not in message


def test_a_session_of_a_header_alone_is_refused_as_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no usable sequence"):
        _read(_session(tmp_path / "session_1", []))


def test_unit_paths_have_length_one_and_keep_their_direction(tmp_path: Path) -> None:
    path = _session(tmp_path / "session_1", _steady(0.0))
    plain, unit = _read(path), _read(path, unit_path=True)
    steps = np.hypot(plain.sequences[0, :, 0], plain.sequences[0, :, 1])
    np.testing.assert_allclose(unit.sequences[0, :, :2], plain.sequences[0, :, :2] / steps.sum(), rtol=1e-5)
    np.testing.assert_allclose(np.hypot(unit.sequences[0, :, 0], unit.sequences[0, :, 1]).sum(), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(unit.sequences[..., 2], plain.sequences[..., 2])


def test_unit_times_add_up_to_one_and_leave_the_path(tmp_path: Path) -> None:
    path = _session(tmp_path / "session_1", _steady(0.0))
    plain, unit = _read(path), _read(path, unit_time=True)
    np.testing.assert_allclose(unit.sequences[0, :, 2].sum(), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(unit.sequences[..., :2], plain.sequences[..., :2])


def test_a_file_a_users_folder_and_a_whole_data_set_are_searched(tmp_path: Path) -> None:
    for folder, name in (("user7", "session_2"), ("user7", "session_1"), ("user12", "session_9")):
        (tmp_path / "training_files" / folder).mkdir(parents=True, exist_ok=True)
        _session(tmp_path / "training_files" / folder / name, _steady(0.0))
    (tmp_path / "training_files" / "user7" / "notes.txt").write_text("not a session")
    (tmp_path / "labels.csv").write_text("filename,is_illegal\n")
    user = sessions.session_files(tmp_path / "training_files" / "user7")
    assert [path.name for path in user] == ["session_1", "session_2"]
    found = sessions.session_files(tmp_path)
    assert [f"{path.parent.name}/{path.name}" for path in found] == ["user12/session_9", "user7/session_1", "user7/session_2"]
    read = sessions.read(found, "all of them", 64, 100, 0)
    assert read.summary.total == 3
    assert read.summary.source == "all of them"


def test_a_folder_without_sessions_gives_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    assert sessions.session_files(tmp_path) == []


def test_a_gesture_does_not_run_on_from_one_file_into_the_next(tmp_path: Path) -> None:
    first = _session(tmp_path / "session_1", _steady(0.0))
    second = _session(tmp_path / "session_2", _steady(0.4))
    assert sessions.read([first, second], "two", 200, 100, 0).summary.total == 2


def test_a_sample_of_sessions_is_bounded_and_repeatable(tmp_path: Path) -> None:
    lines = [line for i in range(40) for line in _steady(10.0 * i, step=1.0 + i)]
    path = _session(tmp_path / "session_1", lines)
    first, again, other = (sessions.read([path], "s", 64, 8, seed) for seed in (1, 1, 2))
    assert (first.summary.total, first.summary.usable, first.summary.taken) == (40, 40, 8)
    np.testing.assert_array_equal(first.sequences, again.sequences)
    assert not np.array_equal(first.sequences, other.sequences)
    speeds = first.sequences[:, 0, 0]
    assert speeds.tolist() == sorted(speeds.tolist())


def test_a_file_that_is_no_session_is_told_by_its_first_line(tmp_path: Path) -> None:
    good, bad = _session(tmp_path / "good", _steady(0.0)), tmp_path / "bad"
    bad.write_text("filename,is_illegal\n")
    assert sessions.is_session(good)
    assert not sessions.is_session(bad)
    with pytest.raises(InputError) as caught:
        _read(bad)
    assert str(caught.value) == f"{bad}: not a mouse session; expected the columns {HEADER}"


def test_more_columns_than_a_session_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide"
    path.write_text(HEADER + ",pressure\n")
    with pytest.raises(InputError, match="not a mouse session"):
        _read(path)


def test_a_session_that_went_away_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no usable sequence \\(1 files that cannot be read\\)"):
        _read(tmp_path / "gone")


def test_links_and_pipes_are_not_taken_for_sessions(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    _session(tmp_path / "session_1", _steady(0.0))
    assert [path.name for path in sessions.session_files(tmp_path)] == ["session_1"]
