"""The catalogue of remedies: each with its config edits, hint for the code, and expected effect.

No remedy claims to cure; it is unverified until a paired trial has run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from humouse_doctor.cases import budget
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, DataSummary
from humouse_doctor.core.remedy import CodeChange, Edit, Expectation, Interval, Remedy, RemedyStatus, Safety
from humouse_doctor.core.settings import Value
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import Activation, Architecture, activation_of
from humouse_doctor.inputs.config.trainer_keys import BY_NAME, WARMUP_GATES, WARMUP_SPACE

_SPREAD = Expectation(metric="HD101.spread_ratio", interval=Interval(low=0.5, high=4.0))
_MOVES = Expectation(metric="HD103.time_std_ratio", interval=Interval(low=0.4, high=4.0))
_PRIOR = Expectation(metric="HD105.prior_fit_spread", interval=Interval(low=0.6, high=4.0))
_SKILL = Expectation(metric="HD105.skill", interval=Interval(low=0.2))

#: The place of humouse's warm-up, for hints.
_WARM_UP = "_reconstruction_warmup of src/train/train_gan.py"

_SUMMED_PIXELS = (
    "the checkpoint emits positions in pixels and the program sums them: in a run of humouse that started"
    " this way, the generated paths spread 12.8 and moved 42.5 times as far as real ones"
)

#: Adam's default learning rate (Kingma and Ba, 2015, algorithm 1).
USUAL_RATE = 1e-3
#: Every curable run of the zoo's calibration part was cured within 960 steps; this is half as many again.
ENOUGH_STEPS = 1_500
_SAME_RATE = "the adversarial training after the warm-up takes the same rate"
#: The latent of every healthy run in the zoo.
_WIDE = 16

#: The channels whose mean and std a hint lists.
_MOST_CHANNELS = 8
#: z-scoring that moves or scales by less than this is no change.
_NO_OP = 0.1

#: Delta space is proposed only if the head can reach at least this share of the loss,
FIT_REACHABLE = 0.9
#: and if fewer deltas than this share are exactly zero (HD209's page lists the runs).
FIT_STILL = 0.3


def edit(case: Case, key: str, new: Value) -> tuple[Edit, ...]:
    """Return the edit that sets `key` to `new`, as an insertion if the file does not have the key.

    Returns no edit if the config has that value already (also by default), or if there is no config.
    """
    if case.settings.source is None:
        return ()
    stands = case.settings.in_file.get(key)
    old = BY_NAME[key].default if stands is None else stands.value
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return ()
    return (Edit(key=key, old=old, new=new, absent=stands is None),)


def _linear_head(case: Case) -> tuple[Edit, ...]:
    """Return the edit to a linear head, none if the config already spells one."""
    setting = case.settings.get("model.generator.activation_xy")
    linear = setting is not None and activation_of(setting.value) is Activation.LINEAR
    return () if linear else edit(case, "model.generator.activation_xy", "linear")


def _coordinates(case: Case, *, absolute: bool) -> tuple[Edit, ...]:
    """Return the edits to absolute coordinates or to deltas.

    The discriminator sees the two channels of positions, or the three of sequences with time. humouse stops at the first
    adversarial step if its input has another size, so a size that the file states changes with the coordinates. It stops at
    the first step of the warm-up if the generator makes another number of channels than positions have.
    """
    stated = case.settings.in_file.get("model.discriminator.input_dim")
    width = () if stated is None else edit(case, "model.discriminator.input_dim", 2 if absolute else 3)
    changed = edit(case, "training.absolute_coordinates", absolute)
    return (*changed, *(_two_channels(case) if absolute else ()), *width) if changed else ()


def _two_channels(case: Case) -> tuple[Edit, ...]:
    """Return the edit to a generator of two channels, none if it is known to make them."""
    makes_two = case.network is not None and case.network.output_dim == 2
    return () if makes_two else edit(case, "model.generator.output_dim", 2)


def sums_output(case: Case) -> bool:
    """Return True if the program reads the output as deltas wherever the loss compares positions."""
    if case.reading is None:
        return False
    sums = case.reading.sums_positions
    return not case.reading.space.absolute if sums is None else sums


def gates_start_slow(case: Case) -> bool:
    """Return True if the trainer starts the gates of its LSTMs slow."""
    return WARMUP_GATES in case.added_keys and case.settings.text(WARMUP_GATES) == "slow"


def undistorted_latent(case: Case) -> Remedy:
    """Turn off whitening and noise; a key that the file lacks is added, since whitening is on by default."""
    return Remedy(
        id="undistorted-latent",
        title="Leave the latent as the encoder gives it: no whitening, no noise",
        why="the generator is trained on latents that the prior does not draw, so prior samples shrink",
        safety=Safety.SAFE,
        edits=(
            *edit(case, "training.warmup_latent_normalize", False),
            *(edit(case, "training.warmup_noise_std", 0.0) if case.settings.number("training.warmup_noise_std") else ()),
        ),
        expects=(_PRIOR, _SPREAD),
    )


def normalised_positions(case: Case) -> Remedy:
    """Use a linear head on z-scored positions ("Fix A"), or refuse it if the program sums the output."""
    given = compares_data(case)
    title = 'Linear head on z-scored targets ("Fix A")' if given else 'Linear head on z-scored positions ("Fix A")'
    if sums_output(case) and not given:
        return Remedy(
            id="normalised-positions",
            title=title,
            why="the program sums the output, though it would be positions already: in a run of humouse warmed up this way, the"
            " generated paths spread 0.083 and moved 0.14 times as far as real ones",
            status=RemedyStatus.REFUSED,
        )
    edits = (
        *_coordinates(case, absolute=True),
        *(edit(case, "data.normalize_sequences", False) if case.settings.flag("data.normalize_sequences") else ()),
        *undistorted_latent(case).edits,
    )
    edits = (*_linear_head(case), *edits)
    known = WARMUP_SPACE in case.added_keys
    hint = (
        "Compare the generator with (targets - mean) / std, per channel; where its output is used, multiply it by std and add"
        f" mean.{_statistics(case)}"
        if given
        else f"No config key normalises the positions of this warm-up: in {_WARM_UP}, compare the generator with"
        " (positions - mean) / std; if the program reads positions in the unit of its data, multiply the output layer by std"
        f" and add mean when the warm-up is over.{_statistics(case)}"
    )
    return Remedy(
        id="normalised-positions",
        title=title,
        why="targets of unit scale are in reach of a linear head, and of fewer steps; by itself it brings back spread,"
        " not movement: a repeated latent may stay flat over long sequences",
        edits=(*edits, *edit(case, WARMUP_SPACE, "read")) if known else edits,
        code_hint=None if known else hint,
        code_changes=() if known or given else (CodeChange.NORMALISED_POSITIONS,),
        expects=(_SPREAD, _SKILL),
    )


def linear_head(case: Case) -> Remedy:
    """Use a linear head on positions that have unit scale already, in which z-scoring would change nothing."""
    fix = normalised_positions(case)
    return Remedy(
        id="linear-head",
        title="Linear head on the positions as they are",
        why="they have a mean near 0 and a std near 1, so that z-scoring them would change nothing",
        edits=tuple(one for one in fix.edits if one.key != WARMUP_SPACE),
        expects=fix.expects,
    )


def unit_scale(case: Case) -> Remedy:
    """Return the remedy that brings positions to unit scale: "Fix A", or the linear head alone if they have it already."""
    return linear_head(case) if _has_unit_scale(case) and not sums_output(case) else normalised_positions(case)


def _has_unit_scale(case: Case) -> bool:
    """Return True if the data's positions have a mean within 0.1 of 0 and a std within 0.1 of 1 on both axes."""
    if case.data is None:
        return False
    means, stds = _moments(case, case.data)
    return all(abs(mean) <= _NO_OP for mean in means) and all(abs(std - 1) <= _NO_OP for std in stds)


def _statistics(case: Case) -> str:
    """Return a sentence with mean and std of the data's positions, empty without data."""
    if case.data is None:
        return ""
    pairs = [_axis(mean, std or 1.0) for mean, std in zip(*_moments(case, case.data), strict=True)]
    means, stds = (", ".join(pair[side] for pair in pairs[:_MOST_CHANNELS]) for side in (0, 1))
    more = f" (the first {_MOST_CHANNELS} of {len(pairs)} channels)" if len(pairs) > _MOST_CHANNELS else ""
    return f" From {case.data.taken} of {case.data.total} sequences: mean = [{means}], std = [{stds}]{more}."


def _moments(case: Case, data: DataSummary) -> tuple[Sequence[float], Sequence[float]]:
    """Return mean and std per channel of what Fix A would z-score: the positions, or the data that the loss compares."""
    targets = case.samples.loss_targets
    if targets is None or not compares_data(case):
        return data.position_mean, data.position_std
    values = np.asarray(targets, dtype=np.float64)
    return values.mean(axis=(0, 1)).tolist(), values.std(axis=(0, 1)).tolist()


def compares_data(case: Case) -> bool:
    """Return True if the loss compares the data as they are: a series, or raw deltas of a network that is not humouse's."""
    space = case.space
    if space is None or space.as_is:
        return space is not None
    return _is_own(case) and case.has_checkpoint and not space.absolute and space.sequence_mean is None


def _axis(mean: float, std: float) -> tuple[str, str]:
    """Format a mean and a standard deviation with enough digits for any scale."""
    plain = 0.01 <= std < 1e9 and abs(mean) < 1e9
    return (f"{mean:.4f}", f"{std:.4f}") if plain else (f"{mean:.6g}", f"{std:.6g}")


def loss_as_read(case: Case) -> Remedy:
    """Compare, in the warm-up, the positions that the program sums from the output, with gates of an LSTM started slow.

    In a trial without slow gates the paths were straight lines: their detours were 0.02 times the real ones', and 0.33 times
    with slow gates (hidden 64, T = 50, 640 steps, one seed).
    """
    recurrent = case.network is None or case.network.architecture in (None, Architecture.LSTM)
    known = WARMUP_SPACE in case.added_keys and (not recurrent or WARMUP_GATES in case.added_keys)
    where = "" if case.reading is None or case.reading.place is None else f" (it sums at {case.reading.place})"
    hint = (
        f"In {_WARM_UP}, take the output for steps in stds of the positions, sum it over time as the program does afterwards"
        f"{where}, and compare sum - (mean / std) with (positions - mean) / std, each per axis; when the warm-up is over,"
        f" multiply weight and bias of the output layer by std.{_statistics(case)}"
    )
    changes: tuple[CodeChange, ...] = (CodeChange.LOSS_AS_READ,)
    keys = edit(case, WARMUP_SPACE, "read")
    if recurrent:
        changes, keys = (*changes, CodeChange.SLOW_GATES), (*keys, *edit(case, WARMUP_GATES, "slow"))
        hint += f" {_slow_gates_hint(case)}"
    edits = (*_linear_head(case), *_coordinates(case, absolute=True), *undistorted_latent(case).edits)
    return Remedy(
        id="loss-as-read",
        title="Compare what the program reads: z-scored positions summed from the output",
        why="the loss then asks for what the program draws; in a run of humouse warmed up this way, with gates started"
        " slow, its paths spread 0.43 and moved 0.80 times as far as real ones (0.66 and 1.30 after one adversarial epoch)",
        edits=(*edits, *keys) if known else edits,
        code_hint=None if known else hint,
        code_changes=() if known else changes,
        expects=(_SPREAD, _MOVES),
    )


def seq2seq(case: Case) -> Remedy:
    """Use the trainer's other architecture, which z-scores positions by itself.

    humouse's own runs with it only on absolute coordinates: else it stops at its first adversarial step. With several layers
    its decoder mixes the sequences of a batch (HD216), so it gets one.
    """
    other = edit(case, "model.architecture", "seq2seq")
    several = (case.settings.integer("model.generator.num_layers") or 1) > 1
    return Remedy(
        id="seq2seq",
        title="architecture: seq2seq, whose warm-up z-scores positions by itself",
        why="no code has to change; but its warm-up shows the decoder, at step t, the target of step t itself, so its loss"
        " says little: in one trial prior samples spread 1.7 and moved 2.7 times as far as the targets",
        edits=(
            *other,
            *(edit(case, "model.generator.num_layers", 1) if other and several else ()),
            *_coordinates(case, absolute=True),
        ),
        expects=(_SPREAD, _MOVES),
    )


def delta_space(case: Case, reachable: float | None, still_share: float | None) -> Remedy:
    """Compare deltas instead of positions ("Fix B"), or refuse with the number that speaks against it."""
    title = 'Compare deltas instead of positions ("Fix B")'
    against = []
    if still_share is None:
        against.append("without data it is not known whether the deltas fit the head")
    elif reachable is None:
        against.append("whether the deltas fit the head is not known, since its bounds are not")
    elif reachable < FIT_REACHABLE:
        against.append(f"only {reachable:.0%} of the loss on deltas is in reach of the head")
    if still_share is not None and still_share >= FIT_STILL:
        against.append(f"{still_share:.0%} of the deltas are exactly zero, so a warm-up starts out by standing still")
    if against:
        return Remedy(id="delta-space", title=title, why="; ".join(against), status=RemedyStatus.REFUSED)
    return Remedy(
        id="delta-space",
        title=title,
        why=f"{reachable:.0%} of the loss on deltas is in reach of the head, and {still_share:.0%} of them are zero",
        edits=_coordinates(case, absolute=False),
        expects=(_SPREAD, _MOVES),
    )


def time_input(case: Case) -> Remedy:
    """Add a ramp over time as one more input of the first recurrent layer."""
    length = case.network.target_len if case.network else None
    return Remedy(
        id="time-input",
        title="Give the recurrent layer the time as an input",
        why="an input that changes with every step keeps the state from settling",
        code_hint=(
            "In LSTMGenerator of src/models/gan_lstm.py, concatenate torch.linspace(0, 1, T) to the repeated latent before the"
            " first LSTM"
            f"{f' (T = {length})' if length else ''}. A ramp in the condition vector does nothing: it is repeated too."
        ),
        code_changes=(CodeChange.TIME_INPUT,),
        expects=(_MOVES,),
    )


def slow_gates(case: Case) -> Remedy:
    """Use chrono initialisation of the gates, which needs no new input."""
    known = WARMUP_GATES in case.added_keys
    return Remedy(
        id="slow-gates",
        title="Start the LSTM's gates slow (chrono initialisation)",
        why="gates that forget over the whole sequence keep moving under a constant input; no layer changes its shape",
        edits=edit(case, WARMUP_GATES, "slow") if known else (),
        code_hint=None if known else _slow_gates_hint(case),
        code_changes=() if known else (CodeChange.SLOW_GATES,),
        expects=(_MOVES,),
    )


def _slow_gates_hint(case: Case) -> str:
    length = case.network.target_len if case.network else None
    most = f"{length - 1})" if length else "T - 1) for sequences of T steps"
    return (
        f"At the start of {_WARM_UP}, in each LSTM layer: of bias_ih the forget gate's numbers = log U(1, {most}, a draw each,"
        " the input gate's = -those; the same numbers of bias_hh = 0 (order of the gates: input, forget, cell, output)."
    )


def warm_start(case: Case, file: str = "checkpoints/pretrain/lstm_generator.pt") -> Remedy:
    """Start from the pretrainer checkpoint `file` instead of warming up, or refuse it if the program sums the output."""
    title = "Skip the warm-up and load weights from a pretrainer's checkpoint"
    if sums_output(case):
        return Remedy(id="warm-start", title=title, why=_SUMMED_PIXELS, status=RemedyStatus.REFUSED)
    return Remedy(
        id="warm-start",
        title=title,
        why="the pretrainer already compares z-scored positions with a linear head; it repeats its latent as well, so this"
        " is not a cure for flatness by itself",
        edits=start_edits(case, file),
        code_hint="Run the pretrainer first and name the file it wrote.",
        expects=(_SPREAD,),
    )


def start_edits(case: Case, file: str) -> tuple[Edit, ...]:
    """Return the edits of the run's config that start it from a generator whose output is in the unit of its data.

    A pretrainer makes positions in pixels. Where the program sums the output, these are deltas in the data's unit.
    """
    return (
        *edit(case, "training.generator_init_path", file),
        *edit(case, "training.reconstruction_epochs", 0),
        *_linear_positions(case),
    )


def _linear_positions(case: Case) -> tuple[Edit, ...]:
    """Return the edits to a linear head and absolute coordinates, of raw deltas unless the program sums the output."""
    scored = case.settings.flag("data.normalize_sequences") and not sums_output(case)
    raw = edit(case, "data.normalize_sequences", False) if scored else ()
    return (*_linear_head(case), *_coordinates(case, absolute=True), *raw)


def enough_steps(case: Case, needed: float, available: float) -> Remedy:
    """Train for more epochs, by the number of steps the output layer needs."""
    epochs = case.settings.integer("training.reconstruction_epochs") or 1
    rate = case.settings.number("training.lr.generator")
    factor = needed / max(available, 1.0)
    wanted = math.ceil(epochs * factor)
    return Remedy(
        id="enough-steps",
        title=f"Warm up longer: {wanted} epochs instead of {epochs}",
        why=f"the output layer needs about {needed:,.0f} steps to the targets' scale and has {available:,.0f}"
        + (f"; by the same estimate a learning rate of {rate * factor:.1e} instead would do as much" if rate else ""),
        safety=Safety.SAFE,
        edits=edit(case, "training.reconstruction_epochs", wanted),
        expects=(_SPREAD,),
    )


def longer(case: Case, factor: int) -> Remedy:
    """Train for `factor` times as many epochs, independent of the reason."""
    epochs = case.settings.integer("training.reconstruction_epochs") or 0
    elsewhere = case.subject_is_pretrainer  # the run's own epochs are not those of the program that trained this file
    counted = f": {epochs * factor} epochs instead of {epochs}" if epochs and not elsewhere else ""
    return Remedy(
        id=f"longer-warm-up-{factor}x",
        title=f"Warm up {factor} times as long{counted}",
        why="what has not settled yet may only need more steps",
        safety=Safety.SAFE,
        edits=edit(case, "training.reconstruction_epochs", epochs * factor) if epochs and not elsewhere else (),
        code_hint=f"Run the pretrainer again, for {factor} times as many epochs." if elsewhere else None,
        expects=(_SPREAD, _MOVES, _SKILL),
    )


def other_rate(case: Case, factor: float) -> Remedy:
    """Multiply the learning rate by `factor`; humouse's adversarial training after the warm-up uses it as well."""
    rate = case.settings.number("training.lr.generator") or 0.0
    new = float(f"{rate * factor:.6g}")
    return Remedy(
        id="slower-rate" if factor < 1 else "faster-rate",
        title=f"Learning rate {new:g} instead of {rate:g}",
        why="each step moves the weights by about the rate" if _is_own(case) else _SAME_RATE,
        edits=edit(case, "training.lr.generator", new) if rate else (),
        expects=(_SPREAD, _SKILL),
    )


def usual_rate(case: Case) -> Remedy:
    """Set Adam's default learning rate."""
    rate = case.settings.number("training.lr.generator") or 0.0
    return Remedy(
        id="usual-rate",
        title=f"Learning rate {USUAL_RATE:g} instead of {rate:g}",
        why=f"{USUAL_RATE:g} is Adam's default" + ("" if _is_own(case) else f"; {_SAME_RATE}"),
        edits=edit(case, "training.lr.generator", USUAL_RATE) if rate else (),
        expects=(_SPREAD, _SKILL),
    )


def wider_latent(case: Case) -> Remedy:
    """Give the latent as many numbers as in the zoo's runs, if it has fewer."""
    size = case.settings.integer("model.generator.latent_dim")
    return Remedy(
        id="wider-latent",
        title=f"Latent of {_WIDE} numbers instead of {size}",
        why="a latent of few numbers can tell few paths apart",
        edits=edit(case, "model.generator.latent_dim", _WIDE) if size is not None and size < _WIDE else (),
        expects=(Expectation(metric="HD104.latent_std_ratio", interval=Interval(low=0.5, high=4.0)), _SPREAD),
    )


def lighter_kl(case: Case, heaviest: float | None = None) -> Remedy:
    """Lower the weight of the KL term to humouse's default, or to a tenth if it is not above the default.

    It becomes at most a tenth of the `heaviest` weight with which a code carries anything, if that is known.
    """
    default = BY_NAME["training.warmup_kl_weight"].default
    assert isinstance(default, float)
    weight = case.settings.number("training.warmup_kl_weight")
    own = default if weight is None else weight
    new = min(default if own > default else own / 10, float("inf") if heaviest is None else heaviest / 10)
    new = float(f"{new:.2g}")
    return Remedy(
        id="lighter-kl",
        title=f"KL weight {new:g} instead of {own:g}",
        why="a heavy KL term makes the code of every sequence the same",
        edits=edit(case, "training.warmup_kl_weight", new) if own > 0 else (),
        expects=(_PRIOR, _SKILL),
    )


def fresh_statistics() -> Remedy:
    """Take the running statistics of batch norms anew, or copy them beside averaged weights."""
    return Remedy(
        id="fresh-statistics",
        title="Take the batch norms' running statistics from the data",
        why="the weights may be sound: only the statistics that evaluation mode uses were never taken; no training is needed",
        safety=Safety.SAFE,
        code_hint=(
            "Copy the buffers beside averaged weights: for mine, theirs in zip(average.buffers(), model.buffers()):"
            " mine.copy_(theirs). Or take them anew by torch.optim.swa_utils.update_bn(loader, average)."
        ),
        expects=(_SPREAD,),
    )


def statistics_of_the_data(case: Case) -> Remedy:
    """Scale the output by mean and std of the training data."""
    known = "" if case.data is None else f" Here: {_statistics(case)}."
    return Remedy(
        id="statistics-of-the-data",
        title="Scale the output by the mean and std of the training data",
        why="the weights may be sound: what they make is scaled by statistics of something else, such as a single clip",
        safety=Safety.SAFE,
        code_hint=f"Set the mean and std that the output is scaled by to those of all training sequences.{known}",
        expects=(_SPREAD,),
    )


def codes_as_drawn() -> Remedy:
    """Draw latents like the codes that the decoder was trained on."""
    return Remedy(
        id="codes-as-drawn",
        title="Draw latents like the codes that the decoder was trained on",
        why="the weights may be sound: real sequences have latents that are hardly ever drawn",
        code_hint=(
            "Fit a Gaussian, or a mixture, to the codes of the training data and draw from it; or train again with more weight"
            " on the KL term, until codes have a std of about 1. Hand the codes in (codes=) to have samples of these judged."
        ),
        expects=(_PRIOR, _SPREAD),
    )


def less_teaching() -> Remedy:
    """Let a decoder need its code, by showing it less of the true past."""
    return Remedy(
        id="less-teaching",
        title="Show the decoder less of the true past while it is trained",
        why="a decoder that sees the true past does without the code, and has neither when it runs by itself",
        code_hint=(
            "Train it on its own output (no teacher forcing), or leave the true value out at a growing share of the steps; and"
            " let the weight of the KL term rise from 0. Then train again."
        ),
        expects=(_SPREAD, _MOVES),
    )


def moved_weights() -> Remedy:
    """Look for the reason why the weights of a recurrent layer are still at their start."""
    return Remedy(
        id="moved-weights",
        title="Train, load and average every weight of the generator",
        why="steps and rate would have moved them: more steps do not help weights that nothing trains, or that were not loaded",
        code_hint=(
            "Load with load_state_dict(..., strict=True) and look at the names it complains of; make the optimiser of"
            " generator.parameters() after the last change of the network; with averaged weights take a decay of at most"
            " 1 - 10 / steps, or the weights themselves."
        ),
        expects=(_SPREAD, _MOVES),
    )


def conditions_as_trained() -> Remedy:
    """Give the conditions the scale that they had in training."""
    return Remedy(
        id="conditions-as-trained",
        title="Scale the conditions as they were scaled in training",
        why="no training is needed: with rescaled conditions the same weights draw sequences like the targets",
        safety=Safety.SAFE,
        code_hint=(
            "Before the generator is called, subtract the mean and divide by the std that the conditions had in training, per"
            " channel, or leave them in their own unit if they were not scaled then; best keep both as buffers of the"
            " generator, so that they are saved with its weights."
        ),
        expects=(_SPREAD, _MOVES),
    )


def masked_loss() -> Remedy:
    """Return the remedy that leaves padded steps out of the loss."""
    return Remedy(
        id="masked-loss",
        title="Leave the padded steps out of the loss",
        why="in small runs that stood still with the padding compared, the same training with a mask moved; nothing was tried"
        " here, since a trial trains without one",
        code_hint=(
            "With mask (N, T) of the steps before the padding: loss = ((generated - targets).abs() * mask[..., None]).sum() /"
            " (mask.sum() * channels). Cut what is generated at lengths of the data's: after them it is arbitrary."
        ),
        expects=(_MOVES, _SPREAD),
    )


def no_decay() -> Remedy:
    """Leave out the weight decay, or make it small."""
    return Remedy(
        id="no-decay",
        title="Train without weight decay, or with a small one",
        why="a decay that outweighs the loss pulls every weight to 0; nothing was tried here, since a trial trains without one",
        code_hint=(
            "Leave out weight_decay of the optimiser, or take at most 0.001 with Adam, which adds it to the gradient, and 1"
            " with AdamW, which does not; then train anew."
        ),
        expects=(_MOVES, _SPREAD),
    )


def living_head() -> Remedy:
    """Let the last layers pass a gradient where the training starts."""
    return Remedy(
        id="living-head",
        title="Let the last layers pass a gradient where the training starts",
        why="where an activation is flat no gradient passes it, so that no training moves anything before it",
        code_hint=(
            "Leave out the ReLU, clamp or softmax behind the last layer and scale the targets instead; or take one that is flat"
            " nowhere, such as LeakyReLU or softplus; or start the bias before it where it passes. Then train again."
        ),
        expects=(_SPREAD, _MOVES),
    )


def separate_sequences(case: Case) -> Remedy:
    """Keep the sequences of a batch apart."""
    usual = (
        "Give recurrent layers batch_first=True if their input is (N, T, H), and batch norms track_running_stats=True; look"
        " for a view() or reshape() across the batch axis. Then train again."
    )
    own = (
        "In src/models/seq2seq.py the decoder's start, (N, L * H), is read as (L, N, H), which mixes the sequences if there are"
        " several layers: read it as (N, L, H) and transpose the first two axes, for h and c, in every place. Then train again."
    )
    seq2seq = case.network is not None and case.network.architecture is Architecture.SEQ2SEQ
    return Remedy(
        id="separate-sequences",
        title="Keep the sequences of a batch apart",
        why="what a sequence becomes must not depend on its neighbours: a recurrent layer that takes the batch for time carries"
        " one sequence's state into the next",
        code_hint=own if seq2seq else usual,
        expects=(_SPREAD, _MOVES),
    )


def scaled_inputs() -> Remedy:
    """Scale the inputs of the first recurrent layer to about one."""
    return Remedy(
        id="scaled-inputs",
        title="Scale the inputs of the first recurrent layer to a std of about 1",
        why="gates at an end of their range pass no gradient, so no training moves them",
        code_hint=(
            "z-score what the layer is given (latent, condition, its own last output) with statistics of the training data, or"
            " put torch.nn.LayerNorm before it; keep PyTorch's own start of its weights. Then train again."
        ),
        expects=(_SPREAD, _MOVES),
    )


def raw_deltas(case: Case) -> Remedy:
    """Sum positions from raw deltas rather than from z-scored ones."""
    return Remedy(
        id="raw-deltas",
        title="Sum raw deltas, not z-scored ones",
        why="z-scoring deltas does not normalise the positions summed from them",
        edits=edit(case, "data.normalize_sequences", False) if case.settings.flag("data.normalize_sequences") else (),
        expects=(_SPREAD,),
    )


def honour_contract(case: Case) -> Remedy:
    """Set what a pretrainer checkpoint requires, or refuse it if the program sums the output.

    It emits positions in pixels through a linear head.
    """
    title = "Use the pretrainer checkpoint in the space it was trained for"
    if sums_output(case):
        return Remedy(id="honour-contract", title=title, why=_SUMMED_PIXELS, status=RemedyStatus.REFUSED)
    return Remedy(
        id="honour-contract",
        title=title,
        why="it emits positions in pixels through a linear head",
        edits=_linear_positions(case),
        expects=(_SPREAD,),
    )


def keep_warm_up(case: Case) -> Remedy:
    """Let the warm-up run and keep its weights; one that did not run gets the epochs that make enough steps, at least five."""
    reset = case.settings.flag("training.reset_generator_after_warmup")
    none = not case.settings.integer("training.reconstruction_epochs")
    epochs = max(5, math.ceil(ENOUGH_STEPS / (budget.steps_of_epoch(case) or ENOUGH_STEPS)))
    return Remedy(
        id="keep-warm-up",
        title="Let the warm-up run and keep its weights",
        why="without it the adversarial training starts from random weights",
        safety=Safety.SAFE,
        edits=(
            *(edit(case, "training.reset_generator_after_warmup", False) if reset else ()),
            *(edit(case, "training.reconstruction_epochs", epochs) if none else ()),
        ),
    )


def scale_remedies(case: Case) -> tuple[Remedy, ...]:
    """Return the remedies for a wrong scale of the targets, the best one first.

    There is none for seq2seq, which z-scores positions itself. A pretrainer's checkpoint fits only an LSTM, and a foreign
    network cannot change to one of humouse's architectures.
    """
    architecture = case.network.architecture if case.network else None
    if architecture is Architecture.SEQ2SEQ:
        return ()
    if compares_data(case):
        return (unit_scale(case),)
    other = () if architecture is None else (seq2seq(case),)
    if sums_output(case):
        as_read = () if case.reading is not None and case.reading.compared else (loss_as_read(case),)
        deltas = (delta_space(case, *delta_fit(case)),) if case.spaces_differ else ()
        return (*as_read, *deltas, *other, normalised_positions(case))
    start = (warm_start(case),) if architecture is Architecture.LSTM else ()
    absolute = case.space is None or case.space.absolute
    deltas = (delta_space(case, *delta_fit(case)),) if absolute else ()  # else it compares them already
    return (unit_scale(case), *other, *start, *deltas)


def delta_fit(case: Case) -> tuple[float | None, float | None]:
    """Return the share of an L1 on deltas that the head can reach, and the share of raw deltas that are exactly zero.

    The deltas are those the run would compare, z-scored if it z-scores its sequences. The first share is None if the head's
    bounds are unknown; both are None without data or with non-finite data.
    """
    if case.samples.sequences is None or case.samples.sequences.size == 0:
        return None, None
    still = float((case.samples.sequences[..., :2] == 0).mean())
    space = Space(
        absolute=False,
        sequence_mean=None if case.space is None else case.space.sequence_mean,
        sequence_std=None if case.space is None else case.space.sequence_std,
    )
    with np.errstate(all="ignore"):  # an overflow of float64 shows in the sum
        deltas = space.targets(case.samples.sequences, 2)  # (N, T, 2)
        whole = np.abs(deltas).sum()
    if not np.isfinite(whole):
        return None, None
    heads = (None,) if case.network is None else case.network.heads[:2]
    bounds = [head.bounds for head in heads if head is not None]
    if len(bounds) < len(heads):
        return None, still
    if whole <= 0:
        return 1.0, still
    low, high = np.transpose(bounds)
    return float(1 - np.abs(deltas - np.clip(deltas, low, high)).sum() / whole), still


def _is_own(case: Case) -> bool:
    """Return True for a network of the caller's own, after whose training humouse's program does nothing."""
    return case.network is not None and case.network.architecture is None
