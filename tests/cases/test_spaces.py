from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import InputError, UsageError
from tests.cases.builders import write_checkpoint, write_config, write_data
from tests.inputs.source.test_trainer import CONVERSIONS, DIFFERS, SUMS, WARM_UP


def test_absolute_targets_are_summed_deltas(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    case = load_case(Request(config=write_config(tmp_path), data=data)).case

    raw = np.load(data)["sequences"].astype(np.float64)
    assert case.samples.loss_targets is not None
    np.testing.assert_allclose(case.samples.loss_targets, np.cumsum(raw[..., :2], axis=1), rtol=1e-6)


def test_delta_targets_keep_the_time_channel_as_it_is(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    config = write_config(tmp_path, absolute="false", channels=3)
    case = load_case(Request(config=config, data=data)).case

    assert case.samples.loss_targets is not None
    np.testing.assert_allclose(case.samples.loss_targets, np.load(data)["sequences"], rtol=1e-6)


def test_normalised_sequences_use_the_caches_statistics(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    Path(f"{data}.meta.json").write_text('{"sequence_mean": [1, 2, 0], "sequence_std": [2, 4, 1]}')
    config = write_config(tmp_path, absolute="false", normalise="true")

    case = load_case(Request(config=config, data=data)).case

    raw = np.load(data)["sequences"].astype(np.float64)[..., :2]
    assert case.samples.loss_targets is not None
    np.testing.assert_allclose(case.samples.loss_targets, (raw - [1, 2]) / [2, 4], rtol=1e-6)


def test_missing_statistics_are_computed_and_said_to_be(tmp_path: Path) -> None:
    case = load_case(Request(config=write_config(tmp_path, normalise="true"), data=write_data(tmp_path))).case

    assert any("computed them from the sequences taken" in remark for remark in case.subject.remarks)


def test_seq2seq_compares_z_scored_positions(tmp_path: Path) -> None:
    config = write_config(tmp_path, architecture="seq2seq", absolute="false")
    case = load_case(Request(config=config, data=write_data(tmp_path))).case

    assert case.samples.loss_targets is not None
    np.testing.assert_allclose(case.samples.loss_targets.mean((0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(case.samples.loss_targets.std((0, 1)), 1, atol=1e-4)


def test_seq2seq_without_data_still_has_a_space(tmp_path: Path) -> None:
    case = load_case(Request(config=write_config(tmp_path, architecture="seq2seq"))).case

    assert case.space is not None
    assert case.space.absolute
    assert case.lacks(Need.TARGETS) == "no data given; add --data"


def test_conditions_are_the_datas_features_normalised_as_the_run_does(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(5, 3, size=(12, 3)).astype(np.float32)
    data = write_data(tmp_path, features=features)
    config = write_config(tmp_path, conditions=3)
    request = Request(checkpoint=write_checkpoint(tmp_path, conditions=3), config=config, data=data, samples=8)

    with_features = load_case(request).case
    without = load_case(Request(checkpoint=request.checkpoint, config=config, data=write_data(tmp_path), samples=8)).case

    assert with_features.samples.predictions is not None
    assert without.samples.predictions is not None
    assert not np.allclose(with_features.samples.predictions, without.samples.predictions)
    assert any("conditions are zeros" in remark for remark in without.subject.remarks)


def test_feature_statistics_of_the_cache_are_used(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    data = write_data(tmp_path, features=features)
    request = Request(checkpoint=write_checkpoint(tmp_path, conditions=3), config=write_config(tmp_path, conditions=3),
                      data=data, samples=8)  # fmt: skip
    before = load_case(request).case.samples.predictions
    Path(f"{data}.meta.json").write_text('{"feature_mean": [9, 9, 9], "feature_std": [1, 1, 0]}')

    after = load_case(request).case.samples.predictions

    assert before is not None
    assert after is not None
    assert not np.allclose(before, after)


def test_features_of_another_width_are_remarked(tmp_path: Path) -> None:
    data = write_data(tmp_path, features=np.ones((12, 5), dtype=np.float32))
    request = Request(checkpoint=write_checkpoint(tmp_path, conditions=3), config=write_config(tmp_path, conditions=3),
                      data=data, samples=8)  # fmt: skip

    assert any("5 features were cut to the generator's 3" in remark for remark in load_case(request).case.subject.remarks)


def test_an_unusable_normalisation_leaves_the_space_unknown(tmp_path: Path) -> None:
    case = load_case(Request(config=write_config(tmp_path, normalise="perhaps"), data=write_data(tmp_path))).case

    assert case.space is None
    assert case.lacks(Need.TARGETS) is not None


def _case(folder: Path, *, source: Path | None = None, reads: str = "", **changes: object) -> Case:
    config = write_config(folder, reads=reads, **changes)
    return load_case(Request(config=config, data=write_data(folder), source=source)).case


@pytest.mark.parametrize("architecture", ["lstm", "tcn"])
def test_without_a_source_the_newest_code_is_assumed_to_sum_the_output(tmp_path: Path, architecture: str) -> None:
    case = _case(tmp_path, architecture=architecture)

    assert case.reading is not None
    assert (case.reading.space.name, case.reading.assumed, case.spaces_differ) == ("deltas", True, True)
    (said,) = (remark for remark in case.subject.remarks if "assumed" in remark)
    assert "--source" in said
    assert "--reads" in said


def test_deltas_are_read_as_such_and_seq2seqs_positions_too(tmp_path: Path) -> None:
    for case in (_case(tmp_path, absolute="false"), _case(tmp_path, architecture="seq2seq")):
        assert case.reading is not None
        assert (case.spaces_differ, case.reading.assumed) == (False, False)


def test_seq2seq_without_absolute_coordinates_is_read_as_deltas(tmp_path: Path) -> None:
    case = _case(tmp_path, architecture="seq2seq", absolute="false", normalise="true")

    assert case.reading is not None
    assert (case.space and case.space.name, case.reading.space.name) == ("z-scored positions", "z-scored deltas")


@pytest.mark.parametrize(("stated", "differ"), [("positions", False), ("deltas", True), ("Deltas", True), ("null", True)])
def test_what_the_config_states_comes_before_the_source(tmp_path: Path, stated: str, differ: bool) -> None:
    source = tmp_path / "train_gan.py"
    source.write_text(CONVERSIONS + WARM_UP + SUMS, encoding="utf-8")

    case = _case(tmp_path, source=source, reads=f", output_space: {stated}")

    assert case.spaces_differ is differ


def test_the_source_tells_what_is_read_and_where(tmp_path: Path) -> None:
    source = tmp_path / "train_gan.py"
    for text, absolute in ((CONVERSIONS + WARM_UP + DIFFERS, True), (CONVERSIONS + WARM_UP + SUMS, False)):
        source.write_text(text, encoding="utf-8")

        case = _case(tmp_path, source=source)

        assert case.reading is not None
        assert (case.reading.space.absolute, case.reading.assumed) == (absolute, False)
        assert case.reading.place is not None
        assert str(case.reading.place) in case.reading.because


def test_the_oldest_code_compares_deltas_and_reads_positions(tmp_path: Path) -> None:
    source = tmp_path / "train_gan.py"
    source.write_text(CONVERSIONS + "def _reconstruction_warmup():\n    pass\n" + DIFFERS, encoding="utf-8")

    case = _case(tmp_path, source=source)

    assert case.space is not None
    assert (case.space.name, case.spaces_differ) == ("deltas", True)


def test_the_checkout_around_a_run_is_read_and_a_broken_one_is_remarked(tmp_path: Path) -> None:
    source = tmp_path / "src" / "train" / "train_gan.py"
    source.parent.mkdir(parents=True)
    source.write_text(CONVERSIONS + WARM_UP + DIFFERS, encoding="utf-8")
    case = _case(tmp_path)
    assert not case.spaces_differ
    assert any(f"source: read {source}" in remark for remark in case.subject.remarks)

    source.write_text("def broken(:\n", encoding="utf-8")
    case = _case(tmp_path)

    assert case.spaces_differ
    assert any("the trainer is not Python" in remark and remark.endswith("; not used") for remark in case.subject.remarks)


def test_a_source_that_is_named_must_be_readable(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no src/train/train_gan\.py in it"):
        _case(tmp_path, source=tmp_path / "empty")
    broken = tmp_path / "train_gan.py"
    broken.write_text("def broken(:\n", encoding="utf-8")
    with pytest.raises(InputError, match="the trainer is not Python"):
        _case(tmp_path, source=broken)
