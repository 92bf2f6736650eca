from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.remedy import CodeChange
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.inputs.source.trainer import TrainerFacts
from humouse_doctor.training.plan import own_steps, rehearse, unfit
from tests.verify.runs import LENGTH, write_config, write_data


def settings(folder: Path, *overrides: str, **changes: str) -> Settings:
    return reader.read(write_config(folder, **changes), overrides).settings


def gestures(folder: Path, count: int = 64, kept: int = 64) -> Gestures:
    return read_gestures(write_data(folder, count), settings(folder), kept, 0)


def positions(of: Gestures) -> FloatArray:
    """Return the points of each path, summed one step at a time."""
    out = np.zeros((*of.sequences.shape[:2], 2))
    for row, sequence in enumerate(of.sequences):
        place = np.zeros(2)
        for step in range(len(sequence)):
            place = place + sequence[step, :2]
            out[row, step] = place
    return out


def test_the_warm_up_is_the_one_the_config_describes(tmp_path: Path) -> None:
    of = gestures(tmp_path)
    found = rehearse(settings(tmp_path, noise="0.25"), of, steps=7, seed=3)

    warm_up = found.warm_up
    assert (warm_up.steps, warm_up.seed, warm_up.batch_size) == (7, 3, 16)
    assert (warm_up.learning_rate, warm_up.betas) == (5e-3, (0.5, 0.9))
    assert (warm_up.whiten, warm_up.noise_std, warm_up.encoder_hidden) == (True, 0.25, 8)
    assert (warm_up.latent_table, warm_up.slow_gates, warm_up.time_input) == (False, False, False)
    assert warm_up.spec.activation_xy is Activation.TANH
    assert found.conditions is None
    np.testing.assert_allclose(found.targets, positions(of), atol=1e-5)


def test_a_batch_is_no_larger_than_the_data(tmp_path: Path) -> None:
    assert rehearse(settings(tmp_path), gestures(tmp_path, 8), steps=1, seed=0).warm_up.batch_size == 8


def test_deltas_are_compared_where_the_config_says_so(tmp_path: Path) -> None:
    of = gestures(tmp_path)
    found = rehearse(settings(tmp_path, "training.absolute_coordinates=false"), of, steps=1, seed=0)

    np.testing.assert_allclose(found.targets, of.sequences[..., :2], atol=1e-6)


def test_normalised_positions_have_no_mean_and_unit_spread(tmp_path: Path) -> None:
    of = gestures(tmp_path)
    found = rehearse(settings(tmp_path), of, steps=1, seed=0, changes=(CodeChange.NORMALISED_POSITIONS,))

    flat = positions(of).reshape(-1, 2)
    np.testing.assert_allclose(found.targets, (positions(of) - flat.mean(0)) / flat.std(0), rtol=1e-3, atol=1e-3)
    assert found.space.position_mean is not None
    np.testing.assert_allclose(found.space.position_mean, flat.mean(0), atol=1e-4)


def test_a_pretrainer_has_a_table_of_latents_undistorted_and_a_linear_head(tmp_path: Path) -> None:
    found = rehearse(settings(tmp_path, noise="0.5"), gestures(tmp_path), steps=1, seed=0, pretrainer=True)

    assert found.warm_up.latent_table
    assert (found.warm_up.whiten, found.warm_up.noise_std) == (False, 0.0)
    assert found.warm_up.spec.activation_xy is Activation.LINEAR
    assert found.space.position_mean is not None


def test_changes_of_the_code_are_passed_on(tmp_path: Path) -> None:
    changes = (CodeChange.SLOW_GATES, CodeChange.TIME_INPUT)
    warm_up = rehearse(settings(tmp_path), gestures(tmp_path), steps=1, seed=0, changes=changes).warm_up

    assert (warm_up.slow_gates, warm_up.time_input) == (True, True)


def test_seq2seq_distorts_no_latent(tmp_path: Path) -> None:
    warm_up = rehearse(settings(tmp_path, architecture="seq2seq", noise="0.5"), gestures(tmp_path), steps=1, seed=0).warm_up

    assert (warm_up.whiten, warm_up.noise_std, warm_up.kl_weight) == (False, 0.0, 0.1)


def test_what_the_encoder_had_more_of_is_remarked_upon(tmp_path: Path) -> None:
    plain = rehearse(settings(tmp_path), gestures(tmp_path), steps=1, seed=0)
    other = rehearse(settings(tmp_path, "training.warmup_encoder_layers=2"), gestures(tmp_path), steps=1, seed=0)

    assert plain.remarks == ()
    assert any("training.warmup_encoder_layers is 1 here" in remark for remark in other.remarks)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("model.generator.output_dim=4",), "the data has 3 channels and the generator makes 4; expected no more"),
        ((f"model.generator.target_len={LENGTH + 1}",), "the data has 16 steps and the generator makes 17"),
    ],
)
def test_data_that_do_not_fit_the_generator_are_refused(tmp_path: Path, overrides: tuple[str, ...], said: str) -> None:
    of = gestures(tmp_path)

    with pytest.raises(UsageError, match=said):
        rehearse(settings(tmp_path, *overrides), of, steps=1, seed=0)


def test_without_a_learning_rate_nothing_is_trained(tmp_path: Path) -> None:
    of = gestures(tmp_path)
    config = tmp_path / "bare.yaml"
    config.write_text("data: {batch_size: 8}\nmodel: {generator: {target_len: 16}}\n", encoding="utf-8")

    with pytest.raises(UsageError, match=r"the learning rate is not known; add training\.lr\.generator"):
        rehearse(reader.read(config).settings, of, steps=1, seed=0)


_SUMMED = ("training.output_space=deltas", "model.generator.activation_xy=linear")
FITS = {
    CodeChange.NORMALISED_POSITIONS: {Architecture.LSTM, Architecture.TCN},
    CodeChange.LOSS_AS_READ: {Architecture.LSTM, Architecture.TCN},
    CodeChange.TIME_INPUT: {Architecture.LSTM},
    CodeChange.SLOW_GATES: {Architecture.LSTM, Architecture.SEQ2SEQ},
}


@pytest.mark.parametrize("change", CodeChange)
@pytest.mark.parametrize("architecture", Architecture)
def test_a_change_that_has_no_place_in_an_architecture_is_refused(
    tmp_path: Path, change: CodeChange, architecture: Architecture
) -> None:
    reads = _SUMMED if change is CodeChange.LOSS_AS_READ else ()
    of, known = gestures(tmp_path), settings(tmp_path, *reads, architecture=architecture.value)

    if architecture in FITS[change]:
        assert unfit(change, architecture) is None
        rehearse(known, of, steps=1, seed=0, changes=(change,))
    else:
        said = f"{change.value} does not apply to a {architecture.value} generator"
        assert unfit(change, architecture) == said
        with pytest.raises(UsageError, match=said):
            rehearse(known, of, steps=1, seed=0, changes=(change,))


@pytest.mark.parametrize(("count", "kept", "steps"), [(64, 64, 6 * 4), (60, 60, 6 * 4), (64, 32, 6 * 4), (8, 8, 6)])
def test_own_steps_are_batches_of_all_the_data_times_epochs(tmp_path: Path, count: int, kept: int, steps: int) -> None:
    assert own_steps(settings(tmp_path), gestures(tmp_path, count, kept)) == steps


def test_a_config_without_epochs_has_no_own_steps(tmp_path: Path) -> None:
    assert not own_steps(settings(tmp_path, "training.reconstruction_epochs=0"), gestures(tmp_path))


def test_a_loss_as_read_compares_z_scored_positions_with_what_the_program_sums(tmp_path: Path) -> None:
    of, known = gestures(tmp_path), settings(tmp_path, *_SUMMED)

    found = rehearse(known, of, steps=1, seed=0, changes=(CodeChange.LOSS_AS_READ,))

    assert found.reading is not None
    assert (found.reading.compared, found.warm_up.summed) == (True, found.space)
    assert not found.reading.space.absolute
    np.testing.assert_allclose(found.targets.mean((0, 1)), 0, atol=1e-6)
    plain = rehearse(known, of, steps=1, seed=0)
    assert plain.reading is not None
    assert (plain.reading.compared, plain.warm_up.summed) == (False, None)


def test_keys_of_a_patched_trainer_are_trained_as_it_trains_them(tmp_path: Path) -> None:
    of = gestures(tmp_path)
    keys = (*_SUMMED, "training.warmup_space=read", "training.warmup_gates=slow")

    found = rehearse(settings(tmp_path, *keys), of, steps=1, seed=0)

    assert (found.warm_up.summed, found.warm_up.slow_gates) == (found.space, True)
    ignored = rehearse(settings(tmp_path, *keys), of, steps=1, seed=0, source=TrainerFacts(file="train_gan.py"))
    assert (ignored.warm_up.summed, ignored.warm_up.slow_gates) == (None, False)


def test_a_head_that_is_not_linear_takes_no_scale_over(tmp_path: Path) -> None:
    known = settings(tmp_path, "training.output_space=deltas", "model.generator.activation_xy=tanh")
    with pytest.raises(UsageError, match="needs a linear head"):
        rehearse(known, gestures(tmp_path), steps=1, seed=0, changes=(CodeChange.LOSS_AS_READ,))


def test_a_program_that_does_not_sum_has_no_loss_as_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not sum the output"):
        rehearse(settings(tmp_path), gestures(tmp_path), steps=1, seed=0, changes=(CodeChange.LOSS_AS_READ,))
