from __future__ import annotations

from pathlib import Path

import numpy as np

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.case import Need
from tests.cases.builders import write_checkpoint, write_config, write_data


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
