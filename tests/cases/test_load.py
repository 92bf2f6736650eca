from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.gestures.synthetic import strokes
from tests.cases.builders import LENGTH, SESSION, write_config


def test_a_replay_buffer_is_data(tmp_path: Path) -> None:
    path = tmp_path / "replay_buffer.pt"
    sequences = torch.from_numpy(strokes(12, LENGTH, 0))
    sequences[3] = float("nan")
    torch.save({"sequences": sequences, "features": torch.zeros(12, 5)}, path)

    case = load_case(Request(config=write_config(tmp_path), data=path)).case

    assert case.data is not None
    assert (case.data.total, case.data.taken) == (12, 11)
    assert any("1 with NaN, infinite or overly large values" in remark for remark in case.subject.remarks)


def test_a_bare_tensor_of_gestures_is_data(tmp_path: Path) -> None:
    path = tmp_path / "gestures.pt"
    torch.save(torch.from_numpy(strokes(12, LENGTH, 0)), path)

    case = load_case(Request(config=write_config(tmp_path), data=path)).case

    assert case.data is not None
    assert case.data.taken == 12


def test_sessions_are_cut_to_the_configs_length(tmp_path: Path) -> None:
    folder = tmp_path / "users" / "user1"
    folder.mkdir(parents=True)
    (folder / "session_1").write_text(SESSION)

    for source in (folder / "session_1", folder, tmp_path / "users"):
        case = load_case(Request(config=write_config(tmp_path), data=source)).case
        assert case.data is not None
        assert (case.data.taken, case.data.length) == (1, LENGTH)


def test_canonicalised_runs_see_sessions_of_unit_length(tmp_path: Path) -> None:
    (tmp_path / "session_1").write_text(SESSION)
    config = write_config(tmp_path)
    request = Request(config=config, data=tmp_path / "session_1",
                      overrides=("data.canonicalize_path=true", "data.canonicalize_duration=true"))  # fmt: skip
    sequences = load_case(request).case.samples.sequences

    assert sequences is not None
    assert np.hypot(sequences[0, :, 0], sequences[0, :, 1]).sum() == pytest.approx(1, abs=1e-5)
    assert sequences[0, :, 2].sum() == pytest.approx(1, abs=1e-5)


def test_a_folder_without_sessions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no mouse session"):
        load_case(Request(config=write_config(tmp_path), data=tmp_path))


def test_steps_are_counted_over_usable_sequences_not_over_dropped_points(tmp_path: Path) -> None:
    (tmp_path / "session_1").write_text(SESSION + "broken line\n" * 90)

    data = load_case(Request(config=write_config(tmp_path), data=tmp_path / "session_1")).case.data

    assert data is not None
    assert (data.total, data.usable, data.dropped["malformed lines"]) == (1, 1, 90)
