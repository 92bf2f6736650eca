from __future__ import annotations

import json
import random
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

import humouse_doctor
from humouse_doctor.cases.from_module import bind_run, glimpsed
from humouse_doctor.cases.request import Request
from humouse_doctor.core.case import Samples
from humouse_doctor.core.cost import Look
from humouse_doctor.core.errors import DoctorError, UsageError
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.core.watching import WATCH_FILE
from humouse_doctor.diagnosis.outlook import Outlook
from humouse_doctor.live.figure import image_of
from humouse_doctor.live.watch import Collapsed, CollapseWarning, Watch, rate_of, watch
from humouse_doctor.networks.architectures import build
from humouse_doctor.networks.observe import sampler_of
from humouse_doctor.networks.sampling import draw
from humouse_doctor.stored.watch import read
from tests import builders
from tests.live.generators import LATENT, STEPS, Plain, targets, train

_FAR = 300.0  # no bounded head reaches targets of this scale
pytestmark = pytest.mark.usefixtures("few_fits")


def _sick() -> Plain:
    torch.manual_seed(0)
    return Plain(bounded=True, timed=False)


def _watched(network: nn.Module, scale: float = 1.0, **options: object) -> Watch:
    """Train a network to the end with a watch over it."""
    kept: list[Watch] = []
    wanted = targets(scale)
    train(
        network,
        wanted,
        begin=lambda one: kept.append(watch(network, one, targets=wanted, **{"every": 5, "steps": STEPS, **options})),  # type: ignore[arg-type]
    )
    return kept[0]


def test_a_collapse_is_said_once_with_its_cause_while_it_trains() -> None:
    with pytest.warns(CollapseWarning) as said:
        found = _watched(_sick(), _FAR)

    assert len(said) == 1
    assert "of 60: the generator has collapsed" in str(said[0].message)
    assert "HD201 out-of-reach-targets" in str(said[0].message)
    assert found.should_stop
    assert found.moment is not None
    assert found.moment.step == STEPS
    assert found.moment.causes[0] == "HD201"


def test_a_training_that_learns_is_never_stopped() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = _watched(Plain(), stop=True)

    assert found.verdict is Verdict.HEALTHY
    assert not found.should_stop


def test_losses_are_the_same_with_and_without_a_watch() -> None:
    def losses(*, watched: bool) -> list[float]:
        torch.manual_seed(0)
        network = Plain(dropout=0.3)
        return train(
            network,
            targets(),
            steps=30,
            begin=lambda one: watch(network, one, targets=targets(), every=3) if watched else None,
        )

    assert losses(watched=True) == losses(watched=False)


def test_told_to_stop_it_raises_out_of_the_optimizers_step_with_the_diagnosis() -> None:
    with pytest.raises(Collapsed, match="step 10 of 60") as stopped:
        _watched(_sick(), _FAR, stop=True)

    assert stopped.value.report is not None
    assert stopped.value.report.verdict is Verdict.COLLAPSED
    assert stopped.value.report.causes[0].code == "HD201"
    assert stopped.value.report.subject.name == "the generator at step 10"


class _Merging(nn.Module):
    """A layer that does more than change its mode, as adapters do that are merged into the weights for evaluation."""

    merged = False

    def train(self, mode: bool = True) -> _Merging:
        self.merged = not mode
        return super().train(mode)


class _Delicate(Plain):
    """A generator whose forward pass draws from every source of random numbers, and multiplies by a buffer."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(2))
        self.own, self.adapter = torch.Generator().manual_seed(1), _Merging()
        parametrizations.spectral_norm(self.head)

    def forward(self, latent: Tensor) -> Tensor:
        noise = torch.randn(2, generator=self.own) + random.random() + float(np.random.rand())  # noqa: NPY002
        return super().forward(latent) * self.scale + 0.01 * noise


def test_losses_stay_the_same_whatever_the_generator_draws_from() -> None:
    def losses(*, watched: bool) -> list[float]:
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        network = _Delicate()
        found = train(
            network,
            targets(),
            steps=12,
            begin=lambda one: watch(network, one, targets=targets(), every=3) if watched else None,
        )
        assert not network.adapter.merged
        return found

    assert losses(watched=True) == losses(watched=False)


def test_a_look_between_forward_and_backward_leaves_the_graph_whole() -> None:
    network = _Delicate()
    found = watch(network, targets=targets())
    loss = network(torch.randn(4, LATENT)).mean()

    found.look(1)

    loss.backward()


def test_hooks_that_were_registered_after_it_still_run_when_it_ends() -> None:
    network, seen = Plain(), list[int]()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    found = watch(network, optimizer, targets=targets(), every=1, steps=2)
    optimizer.register_step_post_hook(lambda *_: seen.append(found.step))

    for _ in range(3):
        optimizer.step()

    assert seen == [1, 2, 2]


def test_two_generators_under_one_optimizer_are_both_watched() -> None:
    pair = nn.ModuleList([Plain(), Plain()])
    optimizer = torch.optim.SGD(pair.parameters(), lr=0.0)
    both = [watch(one, optimizer, targets=targets(), every=1) for one in pair]
    optimizer.step()

    assert [one.step for one in both] == [1, 1]


def test_a_run_told_to_stop_has_an_end_in_its_history(tmp_path: Path) -> None:
    with pytest.raises(Collapsed):
        _watched(_sick(), _FAR, stop=True, history=tmp_path)

    ending = read(tmp_path / WATCH_FILE).ending
    assert ending is not None
    assert (ending.step, ending.verdict) == (10, Verdict.COLLAPSED)


def test_a_rerun_in_the_same_folder_begins_anew(tmp_path: Path) -> None:
    first = watch(Plain(), targets=targets(), history=tmp_path)
    for step in (10, 20):
        first.look(step)
    watch(Plain(), targets=targets(), history=tmp_path).look(15)

    assert [moment.step for moment in read(tmp_path / WATCH_FILE).moments] == [15]


def test_a_rate_that_a_schedule_changes_is_the_one_it_begins_with() -> None:
    network = Plain()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 100)

    assert optimizer.param_groups[0]["lr"] == 0
    assert rate_of(network, optimizer) == 0.02
    assert rate_of(network, torch.optim.SGD(network.parameters(), lr=0.1)) is None


def test_modes_and_gradients_are_left_as_they_were() -> None:
    network = Plain()
    network.drop.eval()
    network.head.weight.requires_grad_(False)
    given = network.head.bias.grad = torch.ones_like(network.head.bias)
    before = torch.get_rng_state()

    watch(network, targets=targets()).look()

    assert network.training
    assert not network.drop.training
    assert not network.head.weight.requires_grad
    assert network.head.bias.grad is given
    assert torch.equal(torch.get_rng_state(), before)


class _Breaks(Plain):
    broken = False

    def forward(self, latent: Tensor) -> Tensor:
        if self.broken and not self.training:
            raise ValueError("no samples today")
        return super().forward(latent)


def test_a_glance_that_fails_is_one_warning_and_the_training_goes_on() -> None:
    network = _Breaks()
    wanted = targets()

    def begin(optimizer: torch.optim.Optimizer) -> None:
        watch(network, optimizer, targets=wanted, every=5)
        network.broken = True

    with pytest.warns(RuntimeWarning) as said:
        losses = train(network, wanted, begin=begin)

    assert len(losses) == STEPS
    assert len(said) == 1
    assert "the watch of the generator ended at step 5, and the training goes on" in str(said[0].message)
    assert "no samples today" in str(said[0].message)


def test_a_warning_that_is_an_error_does_not_end_the_training_either() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _watched(_sick(), _FAR).should_stop


def test_a_log_gets_the_symptoms_numbers_and_is_dropped_once_it_fails() -> None:
    seen: list[tuple[int, Mapping[str, float]]] = []

    def log(step: int, numbers: Mapping[str, float]) -> None:
        seen.append((step, numbers))
        if step == 10:
            raise OSError("disk full")

    with pytest.warns(RuntimeWarning, match="not called again: .*disk full"):
        _watched(Plain(), log=log)

    assert [step for step, _ in seen] == [5, 10]
    assert seen[0][1]["doctor/HD101.spread_ratio"] > 0
    assert seen[0][1]["doctor/collapsed"] == 0.0


def test_a_second_watch_of_an_optimizer_replaces_the_first() -> None:
    network = Plain()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    first = watch(network, optimizer, targets=targets(), every=1)
    second = watch(network, optimizer, targets=targets(), every=1)

    optimizer.step()

    assert (first.step, second.step) == (0, 1)
    second.detach()
    optimizer.step()
    assert second.step == 1


class _Wrapped(torch.optim.SGD):
    """An optimiser that steps another, as accelerate's does."""

    def __init__(self, inner: torch.optim.Optimizer) -> None:
        self.optimizer = inner


def test_a_wrapped_optimizers_own_steps_and_a_wrapped_generators_module_are_used() -> None:
    network = Plain()
    inner = torch.optim.SGD(network.parameters(), lr=0.0)
    found = watch(nn.DataParallel(network), _Wrapped(inner), targets=targets(), every=1)

    inner.step()

    assert found.step == 1
    assert found.moment is not None


def test_the_history_is_appended_as_it_goes_and_ends_with_the_answer(tmp_path: Path) -> None:
    file = tmp_path / "run" / WATCH_FILE
    with pytest.warns(CollapseWarning):
        found = _watched(_sick(), _FAR, every=20, steps=2 * STEPS, history=tmp_path / "run")
    half = read(file)
    found.record(torch.tensor(2.5))
    found.step += 1
    report = found.close()

    whole = read(file)
    assert [moment.step for moment in half.moments] == [20, 40, 60]
    assert half.ending is None
    assert half.beginning.steps == 2 * STEPS
    assert half.beginning.best_constant is not None
    assert whole.moments[-1].loss == 2.5
    assert whole.moments[-1].now is whole.moments[-1].outlook is Verdict.COLLAPSED
    assert report is not None
    assert whole.ending is not None
    assert (whole.ending.step, whole.ending.verdict, whole.ending.sentence) == (61, report.verdict, report.sentence)
    assert found.look() is None
    assert found.close() is report


def test_after_the_last_step_it_ends_by_itself(tmp_path: Path) -> None:
    found = _watched(Plain(), steps=STEPS - 10, history=tmp_path)

    ending = read(tmp_path / WATCH_FILE).ending
    assert ending is not None
    assert (ending.step, found.step) == (STEPS - 10, STEPS - 10)


def test_an_exception_in_its_block_leaves_the_history_without_an_end(tmp_path: Path) -> None:
    def training() -> None:
        with watch(Plain(), targets=targets(), history=tmp_path) as found:
            found.look(3)
            raise KeyError("of the training")

    with pytest.raises(KeyError):
        training()

    assert read(tmp_path / WATCH_FILE).ending is None


def test_a_history_that_cannot_be_written_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.warns(RuntimeWarning, match="cannot write the watch") as said:
        found = watch(Plain(), targets=targets(), history=tmp_path / "file" / "below")

    assert found.look(1) is not None
    assert len(said) == 1


def test_a_resumed_training_goes_on_in_the_same_file(tmp_path: Path) -> None:
    first = watch(Plain(), targets=targets(), history=tmp_path)
    for step in (10, 20, 30):
        first.look(step)
    second = watch(Plain(), targets=targets(), history=tmp_path, start=20)
    second.look(25)

    assert [moment.step for moment in read(tmp_path / WATCH_FILE).moments] == [10, 20, 25]


def test_a_resumed_training_is_told_what_was_seen_before(tmp_path: Path) -> None:
    network = _sick()
    train(network, targets(_FAR), steps=30)

    def stops_at(*, resumed: bool) -> int:
        folder = tmp_path / str(resumed)
        found = watch(network, targets=targets(_FAR), steps=100, history=folder)
        for step in range(2, 100, 2):
            if resumed and step == 8:
                found = watch(network, targets=targets(_FAR), steps=100, history=folder, start=6)
            found.look(step)
            if found.should_stop:
                return step
        return 0

    with pytest.warns(CollapseWarning):
        assert stops_at(resumed=False) == stops_at(resumed=True) == 8


def test_an_optimizer_of_something_else_is_a_warning() -> None:
    with pytest.warns(RuntimeWarning, match="none of the watched generator's parameters"):
        watch(Plain(), torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1), targets=targets())


_SPEC = GeneratorSpec(
    architecture=Architecture.LSTM,
    latent_dim=LATENT,
    condition_dim=0,
    hidden_dim=8,
    num_layers=1,
    output_dim=2,
    target_len=24,
    activation_xy=Activation.LINEAR,
    activation_dt=Activation.LINEAR,
)


def _written(folder: Path, *, scale: float, more: str = "") -> tuple[Path, Path]:
    """Write the config and the gestures of a run whose warm-up compares positions; `more` are keys of its training."""
    wanted = targets(scale)
    deltas = torch.diff(wanted, dim=1, prepend=torch.zeros_like(wanted[:, :1]))
    rows = torch.cat([deltas, torch.ones_like(deltas[..., :1])], dim=-1).numpy().astype(np.float32)
    config, data = folder / "config.yaml", folder / "gestures_seq24.npz"
    np.savez(data, sequences=rows, features=np.zeros((len(rows), 0), dtype=np.float32))
    config.write_text(
        "data: {normalize_sequences: false, normalize_features: false, batch_size: 16}\n"
        "model: {architecture: lstm, generator: {latent_dim: 4, condition_dim: 0, hidden_dim: 8, num_layers: 1, target_len: 24,"
        " output_dim: 2, activation_xy: linear, activation_dt: linear}}\n"
        f"training: {{absolute_coordinates: true, reconstruction_epochs: 5, lr: {{generator: 0.001}}{more}}}\n"
    )
    return config, data


def test_with_a_config_and_data_it_judges_the_space_that_the_program_reads(tmp_path: Path) -> None:
    """Positions that the program sums run away, though the loss compares them rightly."""
    config, data = _written(tmp_path, scale=10.0)
    torch.manual_seed(0)
    found = watch(build(_SPEC), config=config, data=data, every=1)
    moment = found.look(1)

    assert moment is not None
    assert "HD211" in moment.causes
    report = found.report(samples=64)
    assert report.subject.config == str(config)
    assert any(cause.code == "HD211" for cause in report.causes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "takes either targets, with settings, or a config with data"),
        ({"targets": [[0.0]], "every": 0}, "every is 0"),
        ({"targets": [[0.0, 1.0, 2.0]], "data": "x.npz"}, "data and source go with a config"),
        ({"targets": [[0.0, 1.0], [2.0, 3.0]], "latent_dim": 5}, "does not take latents of shape"),
        ({"targets": torch.zeros(4, 20, 2)}, "the targets do not fit the generator: the data has 20 steps"),
        ({"targets": torch.zeros(4, 24, 3)}, "the targets do not fit the generator: the data has 3 channels"),
        ({"targets": targets(), "steps": 5, "start": 5}, "start is 5 and steps 5"),
        ({"targets": targets(), "optimizer": "adam"}, "optimizer is a str"),
    ],
)
def test_what_does_not_fit_is_one_line_before_the_training(options: dict[str, object], message: str) -> None:
    with pytest.raises(DoctorError, match=message):
        watch(Plain(), **options)  # type: ignore[arg-type]


def test_something_else_than_a_module_is_refused() -> None:
    with pytest.raises(UsageError, match=r"expected a torch\.nn\.Module"):
        humouse_doctor.watch("generator", targets=targets())  # type: ignore[arg-type]


def test_its_memory_does_not_grow_with_the_glances() -> None:
    outlook = Outlook(steps=None)
    for step in range(1, 20_000):
        outlook.after(step, Verdict.HEALTHY, {})

    assert len(outlook._points) <= 256


def test_a_file_of_a_watch_is_read_with_bounds(tmp_path: Path) -> None:
    found = watch(Plain(), targets=targets(), history=tmp_path)
    found.look(1)
    file = tmp_path / WATCH_FILE
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"line":"look","st')

    assert len(read(file).moments) == 1
    begin, look = (json.loads(line) for line in whole.splitlines())
    for wrong, why in (
        (b"not json\n", "not a line of a watch"),
        (json.dumps({**look, "line": "glance"}).encode() + b"\n", "not a line of a watch"),
        (json.dumps({**look, "step": -1}).encode() + b"\n", "not a line of a watch"),
        (json.dumps({**begin, "schema_version": "9.0"}).encode() + b"\n", "a watch of schema 9.0"),
    ):
        file.write_bytes(whole + wrong)
        with pytest.raises(DoctorError, match=why):
            read(file)
    file.write_bytes(whole.splitlines(keepends=True)[1])
    with pytest.raises(DoctorError, match="no watch has begun"):
        read(file)


def test_a_run_whose_warm_up_compares_what_is_read_is_judged_as_it_will_end(tmp_path: Path) -> None:
    """Its output is in stds of the positions until the end, where the output layer takes the scale over."""
    config, data = _written(tmp_path, scale=10.0, more=", warmup_space: read, output_space: deltas")
    network = build(_SPEC)
    bound = bind_run(network, Request(config=config, data=data), look=Look(samples=8, quick=True))

    case = glimpsed(bound, samples=8, seed=0, most_targets=8)

    assert case.space is not None
    assert case.space.position_std is not None
    unscaled = draw(sampler_of(network, _SPEC), None, 8, 0).predictions
    assert case.samples.predictions == pytest.approx(unscaled * case.space.position_std, rel=1e-5)
    assert np.median(case.space.position_std) > 3


def test_what_it_draws_shows_real_paths_on_the_left_and_generated_ones_on_the_right() -> None:
    seen: list[tuple[int, np.ndarray]] = []

    with pytest.warns(CollapseWarning):
        _watched(_sick(), _FAR, draw=lambda step, image: seen.append((step, image)), every=30)

    assert [step for step, _ in seen] == [30, 60]
    image = seen[-1][1]
    assert image.shape[2] == 3
    assert image.dtype == np.uint8
    left, right = np.array_split(image, 2, axis=1)
    blue, orange = ((half == colour).all(axis=2) for half, colour in ((left, (0, 114, 178)), (right, (213, 94, 0))))
    assert blue.sum() > 1_000  # paths all over the panel
    rows, columns = np.nonzero(orange)
    assert np.ptp(rows) < 20 > np.ptp(columns)  # motionless points, at the same scale
    assert abs(rows.mean() - image.shape[0] / 2) < 10


def test_one_channel_is_drawn_over_the_steps_with_a_scale_of_its_own() -> None:
    time = np.linspace(0, 6, 40)[None, :, None]
    found = Samples(loss_targets=np.sin(time), predictions=1e-3 * np.sin(time))

    image = image_of(builders.case(found, space=Space(absolute=True, as_is=True)))

    assert image is not None
    left, right = np.array_split(image, 2, axis=1)
    for half, colour, high in ((left, (0, 114, 178), True), (right, (213, 94, 0), False)):
        rows, columns = np.nonzero((half == colour).all(axis=2))
        assert np.ptp(columns) > 200
        assert bool(np.ptp(rows) > 200) == high


def test_a_draw_that_fails_is_dropped_and_the_numbers_are_still_told() -> None:
    told: list[int] = []

    def refuse(step: int, image: np.ndarray) -> None:
        raise ValueError("no room for images")

    with pytest.warns(RuntimeWarning, match="draw given to humouse_doctor.watch failed and is not called again.*no room"):
        _watched(Plain(), log=lambda step, _: told.append(step), draw=refuse, every=30)

    assert told == [30, 60]


def test_a_watch_that_has_ended_is_not_attached_again() -> None:
    network = Plain()
    optimizer = torch.optim.SGD(network.parameters())
    found = watch(network, optimizer, targets=targets())
    found.detach()

    with pytest.raises(UsageError, match=r"this watch ended at step 0; make a new one"):
        found.attach(optimizer)


@pytest.mark.parametrize("fused", [True, False])
def test_a_step_that_a_gradient_scaler_skips_is_not_counted(fused: bool) -> None:
    network, wanted = Plain(), targets()
    optimizer = torch.optim.Adam(network.parameters(), fused=fused)
    scaler = torch.amp.GradScaler("cpu")
    found = watch(network, optimizer, targets=wanted)

    for step in range(4):
        loss = (network(torch.randn(len(wanted), LATENT)) - wanted).abs().mean()
        optimizer.zero_grad()
        scaler.scale(loss * (float("inf") if step == 1 else 1.0)).backward()
        scaler.step(optimizer)
        scaler.update()

    assert found.step == 3
