"""Any sequence generator as its user has it, from Python: channels, shapes, noise, codes and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import humouse_doctor
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.probe import Status
from humouse_doctor.core.report import Report, Verdict

N, T, Z = 64, 24, 8


def tracks(channels: int, seed: int = 1) -> Tensor:
    """Return smooth sequences (N, T, D) of five numbers each."""
    random = np.random.default_rng(seed)
    factors = random.normal(size=(N, 5))
    time = np.linspace(0, 1, T)[None, :, None]
    waves = [(factors @ random.normal(size=(5, channels)))[:, None] * np.sin(np.pi * (k + 0.5) * time) for k in range(3)]
    return torch.tensor(np.sum(waves, axis=0), dtype=torch.float32)


class Fitted(nn.Module):
    """The principal directions of sequences (N, T, D), driven by N(0, 1): healthy by construction."""

    latent_dim = Z

    def __init__(self, data: Tensor, std: float = 1.0) -> None:
        super().__init__()
        flat = data.reshape(len(data), -1)
        _, values, right = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
        kept = min(Z, len(values))
        self.map = nn.Linear(Z, flat.shape[1])
        with torch.no_grad():
            self.map.weight.zero_()
            self.map.weight[:, :kept] = (values[:kept, None] * right[:kept] / len(data) ** 0.5).T / std
            self.map.bias.copy_(flat.mean(0))
        self.shape = data.shape[1:]

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.map(z).view(len(z), *self.shape)
        return out


class Around(nn.Module):
    """A fitted generator whose output is changed."""

    latent_dim = Z

    def __init__(self, data: Tensor, change: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.inner, self.change = Fitted(data), change

    def forward(self, z: Tensor) -> object:
        return self.change(self.inner(z))


def inspected(generator: nn.Module, targets: Tensor, **more: object) -> Report:
    return humouse_doctor.inspect(generator=generator, targets=targets.numpy(), samples=N, quick=True, **more)  # type: ignore[arg-type]  # of one test


def reason_of(report: Report, code: str) -> str | None:
    return next(result.reason for result in report.probes if result.code == code)


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_every_channel_is_measured(channels: int) -> None:
    data = tracks(channels)

    well, last_dead = inspected(Fitted(data), data), inspected(Around(data, _still(channels - 1)), data)

    assert well.verdict is Verdict.HEALTHY, well.sentence
    assert last_dead.verdict is Verdict.COLLAPSED, last_dead.sentence
    assert (reason_of(well, "HD107") is None) == (channels == 2)


def _still(first: int) -> Callable[[Tensor], Tensor]:
    """Return a change that lets the channels from `first` on stand still."""
    return lambda made: torch.cat([made[..., :first], torch.zeros_like(made[..., first:])], dim=-1)


def test_dead_channels_are_counted_and_the_worst_is_named() -> None:
    data = tracks(6)

    report = inspected(Around(data, _still(2)), data)

    (found,) = (finding for finding in report.findings if finding.code == "HD101")
    assert "in channel 2, counted from 0; 4 channels are outside the healthy range" in found.message
    assert [cause.code for cause in report.causes] == ["HD201"]  # nothing passes the head of those channels


def test_a_channel_that_is_constant_in_the_data_is_left_out_and_said() -> None:
    data = tracks(4)
    data[..., 3] = 7.0

    report = inspected(Fitted(data), data)

    assert report.verdict is Verdict.HEALTHY, report.sentence
    assert "1 of the channels does not vary in the data: not compared." in report.sentence


def test_a_channel_that_counts_the_time_needs_no_velocity_of_its_own() -> None:
    data = tracks(4)
    data[..., 3] = torch.linspace(0, 50, T)
    jittered = data.clone()
    jittered[..., 3] += 1e-3 * torch.randn(N, T, generator=torch.Generator().manual_seed(0))

    assert inspected(Fitted(data), jittered).verdict is Verdict.HEALTHY


def test_one_channel_may_be_given_without_its_axis() -> None:
    data = tracks(1)

    well = inspected(Around(data, lambda made: made[..., 0]), data[..., 0])
    dead = inspected(Around(data, lambda made: 0 * made[..., 0]), data[..., 0])

    assert well.verdict is Verdict.HEALTHY, well.sentence
    assert dead.verdict is Verdict.COLLAPSED
    assert well.data is not None
    assert len(well.data.position_mean) == 1


def test_another_number_of_channels_is_a_finding() -> None:
    report = inspected(Fitted(tracks(2)), tracks(3))

    (found,) = (finding for finding in report.findings if finding.code == "HD006")
    assert "the data has 3 channels and the generator makes 2; the first 2 were compared" in found.message


class Pair(NamedTuple):
    """A named output."""

    score: Tensor
    made: Tensor


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda made: (made, torch.zeros(len(made))), "0"),
        (lambda made: (torch.zeros(len(made), 3, 5), made), "1"),
        (lambda made: {"mean": torch.zeros(len(made), 8), "recon": made}, "recon"),
        (lambda made: Pair(score=torch.zeros(len(made)), made=made), "made"),
        (lambda made: {"aux": None, "out": (torch.zeros(len(made)), made)}, "out.1"),
    ],
)
def test_the_sequences_are_found_in_what_a_generator_returns(change: Callable[[Tensor], object], part: str) -> None:
    data = tracks(2)

    report = inspected(Around(data, change), data)

    assert report.verdict is Verdict.HEALTHY, report.sentence
    assert f"the generator returns several parts; '{part}' is read" in report.subject.remarks


def test_the_named_part_is_read_and_one_that_is_not_there_refused() -> None:
    data = tracks(2)
    both = Around(data, lambda made: {"dead": 0 * made, "live": made})

    assert inspected(both, data).verdict is Verdict.COLLAPSED
    assert inspected(both, data, part="live").verdict is Verdict.HEALTHY
    with pytest.raises(UsageError, match=r"returns a dict of dead \(2, 24, 2\), live .*: there is no part 'alive'"):
        inspected(both, data, part="alive")


def test_channels_before_steps_are_refused() -> None:
    data = tracks(2)
    turned = Around(data, lambda made: made.transpose(1, 2))

    with pytest.raises(UsageError, match=r"makes \(N, 2, 24\) and the targets are \(N, 24, 2\).*transpose"):
        inspected(turned, data)
    with pytest.raises(UsageError, match=r"in 2 steps; if this is \(N, D, T\), transpose it"):
        inspected(turned, data.transpose(1, 2))


class Recurrent(nn.Module):
    """A latent that is repeated into a GRU."""

    latent_dim = Z

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rnn, self.out = nn.GRU(Z, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.out(self.rnn(z[:, None].expand(-1, T, -1))[0])
        return out


class Convolved(nn.Module):
    """A decoder of convolutions, six channels (N, 6, T) as they come."""

    latent_dim = Z

    def __init__(self) -> None:
        super().__init__()
        self.up, self.last = nn.Linear(Z, 4 * T), nn.Conv1d(4, 6, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.last(self.up(z).view(len(z), 4, T))
        return out


def test_a_last_layer_tells_which_side_is_the_wrong_way_round() -> None:
    data = tracks(6)

    class Right(Convolved):
        def forward(self, z: Tensor) -> Tensor:
            return super().forward(z).transpose(1, 2)

    with pytest.raises(UsageError, match=r"by a last layer of 6 channels: that is \(N, D, T\).*and the targets likewise"):
        inspected(Convolved(), data.transpose(1, 2))
    with pytest.raises(UsageError, match=r"its output stands as \(N, D, T\)"):
        inspected(Convolved(), data)
    with pytest.raises(UsageError, match=r"the targets stand as \(N, D, T\); transpose them"):
        inspected(Right(), data.transpose(1, 2))
    inspected(Right(), data)


class AlongSteps(nn.Module):
    """A last layer that runs along the steps, of sequences that are turned for it and back."""

    latent_dim = Z

    def __init__(self) -> None:
        super().__init__()
        self.up, self.last = nn.Linear(Z, 6 * 8), nn.Linear(8, T)

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.last(self.up(z).view(len(z), 6, 8)).transpose(1, 2)
        return out


def test_a_last_layer_along_the_steps_is_no_sign_of_channels_first() -> None:
    assert inspected(AlongSteps(), tracks(6)).verdict is not Verdict.HEALTHY  # nobody has trained it


class DecoderOfAll(nn.Module):
    """A variational autoencoder whose forward decodes: its recurrent encoder is never called."""

    latent_dim = Z

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.GRU(2, 8)
        self.steps, self.last = nn.Parameter(torch.randn(T, Z)), nn.Linear(Z, 2)

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.last(torch.tanh(z[:, None] * self.steps))
        return out


def test_an_encoder_that_is_not_called_makes_no_recurrent_generator() -> None:
    assert reason_of(inspected(DecoderOfAll(), tracks(2)), "HD210") == (
        "the learning rate is not known: the config lacks training.lr.generator"
    )


class Stepwise(nn.Module):
    """Noise at every step, as TimeGAN's; a moving sum of it is the sequence."""

    latent_dim = 2

    def __init__(self, std: float) -> None:
        super().__init__()
        self.rnn, self.last = nn.GRU(2, 8, batch_first=True), nn.Linear(8, 2)
        self.std = std

    def forward(self, noise: Tensor) -> Tensor:
        if noise.dim() != 3:
            raise ValueError("expected noise (N, T, 2)")
        out: Tensor = self.std * noise.cumsum(dim=1) / T**0.5 + 0 * self.last(self.rnn(noise)[0])
        return out


def test_noise_may_be_given_for_every_step() -> None:
    data = torch.randn(N, T, 2, generator=torch.Generator().manual_seed(9)).cumsum(dim=1) / T**0.5

    well, dead = inspected(Stepwise(1.0), data), inspected(Stepwise(0.0), data)

    found = {result.code for result in well.probes if result.status is Status.FOUND}
    assert found <= {"HD106", "HD108", "HD210"}  # its GRU is neither trained nor used
    assert dead.verdict is not Verdict.HEALTHY
    assert f"the generator takes noise for every step: latents are drawn as (N, {T}, 2)" in well.subject.remarks
    stated = inspected(Stepwise(1.0), data, latent_dim=2)
    (counted,) = (result.measurements["latent_dim"] for result in stated.probes if result.code == "HD213")
    assert counted == 2 * T


@pytest.mark.parametrize("std", [0.15, 5.0])
def test_an_autoencoder_is_healthy_with_its_own_codes(std: float) -> None:
    data = tracks(2)
    decoder = Fitted(data, std)
    codes = std * torch.randn(N, Z, generator=torch.Generator().manual_seed(2))

    by_codes = humouse_doctor.inspect(generator=decoder, targets=data.numpy(), codes=codes, samples=2 * N)
    by_sampler = inspected(decoder, data, sampler=lambda n, generator: std * torch.randn(n, Z, generator=generator))
    without = inspected(decoder, data)

    assert by_codes.verdict is Verdict.HEALTHY, by_codes.sentence
    assert not by_codes.findings
    assert by_sampler.verdict is Verdict.HEALTHY, by_sampler.sentence
    assert any(remark.startswith("latents are drawn from the 64 codes given, of std") for remark in by_codes.subject.remarks)
    assert any(finding.code == "HD101" for finding in without.findings)
    assert "HD108" not in {finding.code for finding in without.findings}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"codes": np.zeros(3)}, r"codes have shape \(3,\); expected \(N, Z\)"),
        ({"codes": np.full((4, Z), np.nan)}, "codes hold NaN"),
        ({"codes": "abc"}, "codes are a str"),
        (
            {"sampler": lambda n, generator: torch.zeros(3, Z)},
            r"latents of the sampler have shape \(3, 8\); expected \(256, Z\)",
        ),
        ({"sampler": lambda n: torch.zeros(n, Z)}, "the sampler does not draw 256 latents"),
        ({"codes": np.zeros((4, Z)), "sampler": len}, "from one of them only"),
        ({"codes": np.zeros((4, Z + 1))}, r"does not take latents of shape \(2, 9\)"),
    ],
)
def test_codes_and_samplers_that_cannot_be_used_are_refused_in_one_line(options: dict[str, object], message: str) -> None:
    data = tracks(2)
    with pytest.raises(UsageError, match=message):
        inspected(Fitted(data), data, **options)


def test_settings_may_have_their_common_names() -> None:
    data = tracks(2)

    report = inspected(Fitted(data), data, settings={"lr": 1e-3, "epochs": 100, "batch_size": 16})

    stated = {setting.key: setting.value for setting in report.settings}
    assert stated["training.lr.generator"] == 1e-3
    assert stated["training.reconstruction_epochs"] == 100
    assert stated["data.batch_size"] == 16


def test_a_module_that_takes_motion_is_told_how_to_be_wrapped() -> None:
    class Encoding(Fitted):
        def forward(self, motion: Tensor) -> Tensor:
            return super().forward(motion.reshape(len(motion), T, 2)[:, :Z, 0])

    data = tracks(2)
    with pytest.raises(UsageError, match="wrap it in a module whose forward takes the latents alone"):
        inspected(Encoding(data), data)


def test_a_generator_in_training_mode_is_measured_in_the_other_and_that_is_said() -> None:
    data = tracks(2)
    network = nn.Sequential(Fitted(data), nn.Dropout(0.5))

    report = inspected(network.train(), data, latent_dim=Z)

    (found,) = (finding for finding in report.findings if finding.code == "HD010")
    assert "call generator.eval() before sequences are drawn" in found.message
    assert report.verdict is Verdict.HEALTHY
    assert all(module.training for module in network.modules())
    assert not inspected(network.eval(), data, latent_dim=Z).findings
    assert not inspected(Fitted(data).train(), data).findings  # nothing in it has a mode


def test_padding_that_a_loss_left_out_is_no_lack_of_skill() -> None:
    data = tracks(2)
    ends = torch.linspace(5, T, N).round()
    padded = torch.where((torch.arange(T) < ends[:, None])[..., None], data, 0.0)

    report = humouse_doctor.inspect(generator=Fitted(data), targets=padded.numpy(), samples=N)

    assert report.verdict is Verdict.HEALTHY, report.sentence
    (skill,) = (result.measurements["skill"] for result in report.probes if result.code == "HD105")
    assert skill > 0.7


def test_a_series_of_two_channels_is_no_path_with_two_axes() -> None:
    data = tracks(2)
    constant = data * torch.tensor([1.0, 0.0])
    well, flat = inspected(Fitted(data), data), inspected(Around(data, lambda made: made * torch.tensor([0.05, 0.1])), data)
    alone = inspected(Fitted(constant), constant)

    said = {finding.code: finding.message for finding in flat.findings}
    assert "of the spread in channel 0 and 0." in said["HD101"]
    assert said["HD103"].startswith("within a sequence values vary 0.0")
    assert well.sentence.startswith("Generated sequences have")
    assert alone.sentence.endswith("Only one channel was compared: in the data channel 1 does not vary.")
    assert reason_of(well, "HD211") == "a series as given is read as it is compared"
    assert reason_of(well, "HD218") == (
        "the targets are taken for positions; if they are deltas, give training.absolute_coordinates=false"
    )
