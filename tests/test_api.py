from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pytest
import torch
from torch import Tensor, nn

import humouse_doctor
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.probe import Judgement
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.core.settings import Value
from humouse_doctor.inputs.gestures.synthetic import strokes
from tests.verify.runs import write_config, write_data

LENGTH = 16


class GruDecoder(nn.Module):
    """A generator that passes a repeated latent through a GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(4, 8, batch_first=True)
        self.out = nn.Linear(8, 2)

    def forward(self, z: Tensor) -> Tensor:
        states, _ = self.gru(z.unsqueeze(1).expand(-1, LENGTH, -1))
        result: Tensor = torch.tanh(self.out(states))
        return result


class Autoregressive(nn.Module):
    """A generator with an LSTM cell that reads its own last output."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(6, 8)
        self.out = nn.Linear(8, 2)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        state = (z.new_zeros(len(z), 8), z.new_zeros(len(z), 8))
        last, steps = z.new_zeros(len(z), 2), []
        for _ in range(LENGTH):
            state = self.cell(torch.cat([last, z], dim=-1), state)
            last = self.out(state[0])
            steps.append(last)
        return torch.stack(steps, dim=1)


class SmallTransformer(nn.Module):
    """A generator whose learned steps attend to a latent."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.Parameter(torch.randn(LENGTH, 8))
        self.embed = nn.Linear(4, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.0, batch_first=True)
        self.out = nn.Linear(8, 2)

    def forward(self, z: Tensor) -> Tensor:
        result: Tensor = self.out(self.layer(self.steps + self.embed(z).unsqueeze(1)))
        return result


class Recorded(nn.Module):
    """A generator that gives the paths it was made with, in turn."""

    def __init__(self, paths: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
        super().__init__()
        self.paths = nn.Parameter(torch.from_numpy(paths).float())

    def forward(self, z: Tensor) -> Tensor:
        return self.paths[torch.arange(len(z)) % len(self.paths)]


class StateAsOutput(nn.Module):
    """A generator whose LSTM's states are its output."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 2, batch_first=True)

    def forward(self, z: Tensor) -> Tensor:
        states: Tensor = self.lstm(z.unsqueeze(1).expand(-1, LENGTH, -1))[0]
        return states


def targets() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.cumsum(strokes(24, LENGTH, 0)[..., :2].astype(np.float64), axis=1)


@pytest.mark.parametrize("network", [GruDecoder, Autoregressive, SmallTransformer])
def test_any_generator_is_diagnosed_in_memory(network: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    generator = network()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(1.5)

    report = humouse_doctor.inspect(generator=generator, targets=targets(), latent_dim=4, samples=16)

    assert report.verdict is Verdict.COLLAPSED
    codes = {result.code: result for result in report.probes}
    assert codes["HD101"].judgement is not None
    assert (codes["HD203"].judgement is None) == (network is SmallTransformer)
    assert (codes["HD201"].judgement is not None) == (network is GruDecoder)


def test_a_generator_that_repeats_the_targets_is_not_collapsed() -> None:
    real = targets() / targets().std()

    report = humouse_doctor.inspect(generator=Recorded(real), targets=real, latent_dim=4, samples=24, quick=True)

    assert report.verdict is Verdict.HEALTHY, report.sentence


@pytest.mark.parametrize("edge", [False, True], ids=["zeros", "last position repeated"])
def test_of_padded_targets_only_the_steps_before_the_padding_are_looked_at(edge: bool) -> None:
    real = targets() / targets().std()
    tail = np.repeat(real[:, -1:], 15 * LENGTH, axis=1) if edge else np.zeros((24, 15 * LENGTH, 2))
    padded = np.concatenate([real, tail], axis=1)
    frozen = np.concatenate([real[:, :1] * np.ones((1, LENGTH, 1)), tail], axis=1)  # moves in the padding alone
    jump = np.concatenate([np.zeros_like(real), np.repeat(real, 15, axis=1)], axis=1)

    def inspected(paths: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Report:
        return humouse_doctor.inspect(generator=Recorded(paths), targets=padded, latent_dim=4, samples=24, quick=True)

    well = inspected(padded)
    assert well.verdict is Verdict.HEALTHY, well.sentence
    assert well.sentence.endswith("of the data's steps are padding, where nothing was compared.")
    assert inspected(frozen).verdict is Verdict.COLLAPSED
    found = {result.code for result in inspected(jump).probes if result.judgement is Judgement.FOUND}
    assert {"HD101", "HD103", "HD104"} <= found


def test_where_the_state_is_the_output_no_change_of_its_gates_is_offered() -> None:
    torch.manual_seed(0)
    generator = StateAsOutput()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(2)  # the state then settles before the end

    report = humouse_doctor.inspect(generator=generator, targets=targets(), latent_dim=4, samples=24, quick=True)

    (cause,) = (one for one in report.causes if one.code == "HD203")
    assert "the state itself is the output" in cause.message
    assert not {"slow-gates", "time-input"} & {remedy.id for remedy in report.remedies}


def test_the_generator_is_left_as_it_was() -> None:
    generator = Autoregressive().train()
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    state = torch.get_rng_state()

    humouse_doctor.inspect(generator=generator, targets=targets(), latent_dim=4, samples=8)

    assert generator.training
    assert all(torch.equal(before[name], tensor) for name, tensor in generator.state_dict().items())
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert torch.equal(state, torch.get_rng_state())


def test_settings_tell_deltas_from_positions() -> None:
    deltas = strokes(24, LENGTH, 0)[..., :2].astype(np.float64)
    report = humouse_doctor.inspect(
        generator=GruDecoder(),
        targets=deltas,
        settings={"training.absolute_coordinates": False, "model.generator.latent_dim": 4},
        samples=16,
    )

    assert any(result.code == "HD209" for result in report.probes)


def test_a_latent_the_callers_settings_distort_is_judged_in_memory() -> None:
    def judged(**settings: Value) -> dict[str, Judgement | None]:
        stated = {f"training.{key}": value for key, value in settings.items()}
        report = humouse_doctor.inspect(
            generator=GruDecoder(), targets=targets(), latent_dim=4, samples=16, quick=True, settings=stated
        )
        return {result.code: result.judgement for result in report.probes if result.code in ("HD204", "HD205")}

    on = judged(warmup_latent_normalize=True, warmup_noise_std=1.0)
    assert on == {"HD204": Judgement.BORDERLINE, "HD205": Judgement.BORDERLINE}
    off = judged(warmup_latent_normalize=False, warmup_noise_std=0.0)
    assert off == {"HD204": Judgement.HEALTHY, "HD205": Judgement.HEALTHY}
    assert judged() == {"HD204": None, "HD205": None}


def test_without_targets_little_is_known() -> None:
    report = humouse_doctor.inspect(generator=GruDecoder(), latent_dim=4, samples=8)

    assert report.verdict is not Verdict.HEALTHY
    assert next(result for result in report.probes if result.code == "HD101").reason == "no targets given"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either a checkpoint or a generator"),
        ({"checkpoint": "x.pt", "generator": GruDecoder()}, "either a checkpoint or a generator"),
        ({"checkpoint": "x.pt", "latent_dim": 4}, "go with a generator"),
        ({"generator": GruDecoder()}, "latent_dim=N"),
        ({"generator": len, "latent_dim": 4}, "expected a torch.nn.Module"),
        ({"generator": GruDecoder(), "latent_dim": 5}, "does not take latents"),
        ({"generator": nn.Linear(4, 2), "latent_dim": 4}, "expected a tensor"),
        ({"generator": GruDecoder(), "latent_dim": 4, "targets": np.zeros(3)}, "targets have shape"),
        ({"generator": GruDecoder(), "latent_dim": 4, "targets": np.full((3, 4, 2), np.nan)}, "finite"),
        ({"generator": GruDecoder(), "latent_dim": 4, "settings": {"data.batch_sizes": 3}}, "did you mean data.batch_size"),
    ],
)
def test_wrong_use_is_said_in_one_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        humouse_doctor.inspect(**options)  # type: ignore[arg-type]  # wrong on purpose


def test_a_checkpoint_is_inspected_and_loaded_by_path(collapsed_run: Path) -> None:
    report = humouse_doctor.inspect(collapsed_run, samples=16, quick=True)
    case = humouse_doctor.load_case(collapsed_run, samples=16, quick=True, settings={"data.batch_size": 16})

    assert isinstance(report, humouse_doctor.Report)
    assert report.verdict is Verdict.COLLAPSED
    assert case.settings.value("data.batch_size") == 16


def test_what_was_left_out_of_a_remote_folder_is_a_remark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    url, config = "memory://api/run", write_config(tmp_path)
    for name in ("config.yaml", "a\\b.pt"):
        fsspec.filesystem("memory").pipe_file(f"/api/run/{name}", config.read_bytes())
    remark = f"{url}: 1 file of a name that no copy can have, the first {url}/a\\b.pt"

    assert remark in humouse_doctor.preflight(url).subject.remarks
    assert remark in humouse_doctor.load_case(config=url).subject.remarks


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        getattr(humouse_doctor, "nothing_of_the_kind")  # noqa: B009  # a plain attribute does not pass mypy


def test_conditions_reach_the_generator() -> None:
    class Conditioned(nn.Module):
        latent_dim, condition_dim = 4, 1

        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(5, 2)

        def forward(self, z: Tensor, c: Tensor) -> Tensor:
            result: Tensor = self.out(torch.cat([z, c], dim=-1)).unsqueeze(1).expand(-1, LENGTH, -1)
            return result

    torch.manual_seed(0)
    network = Conditioned()
    far = 1e3 * np.arange(24, dtype=np.float64)[:, None]

    told = humouse_doctor.inspect(generator=network, targets=targets(), conditions=far, samples=24, quick=True)
    untold = humouse_doctor.inspect(generator=network, targets=targets(), samples=24, quick=True)

    spread = [report.probes[0].measurements["prediction_std"] for report in (told, untold)]
    assert spread[0] > 10 * spread[1]
    assert "the 1 conditions are zeros: none were given" in untold.subject.remarks


def test_conditions_say_their_own_number() -> None:
    class Conditioned(nn.Module):
        latent_dim = 4

        def forward(self, z: Tensor, c: Tensor) -> Tensor:
            return (z[:, :2] + c).unsqueeze(1).expand(-1, LENGTH, -1)

    given = np.zeros((24, 2))
    report = humouse_doctor.inspect(generator=Conditioned(), targets=targets(), conditions=given, samples=24, quick=True)
    assert report.probes[0].measurements["prediction_std"] > 0


def test_targets_of_another_length_are_a_finding() -> None:
    report = humouse_doctor.inspect(generator=GruDecoder(), targets=targets()[:, :9], latent_dim=4, samples=16)

    assert any(finding.code == "HD006" for finding in report.findings)


def test_config_and_data_do_not_go_with_a_generator() -> None:
    with pytest.raises(UsageError, match="go with a checkpoint"):
        humouse_doctor.inspect(generator=GruDecoder(), config="x.yaml")


def test_preflight_judges_a_config_by_rules_or_by_measuring(tmp_path: Path) -> None:
    config, data = write_config(tmp_path), write_data(tmp_path)

    rules = humouse_doctor.preflight(config, data=data)
    measured = humouse_doctor.preflight(config, data=data, rehearse_s=60)
    other = humouse_doctor.preflight(config, data=data, rehearse_s=60, seed=1, settings={"training.reconstruction_epochs": 3})

    assert (rules.verdict, rules.rehearsed) == (Verdict.AT_RISK, None)
    assert measured.verdict is Verdict.COLLAPSED
    assert measured.rehearsed is not None
    assert (measured.rehearsed.steps, measured.rehearsed.seed) == (24, 0)
    assert other.rehearsed is not None
    assert (other.rehearsed.steps, other.rehearsed.seed) == (12, 1)
