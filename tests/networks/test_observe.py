from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from humouse_doctor.core.case import Need
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.settings import Origin, Setting, Settings
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.networks.architectures import build
from humouse_doctor.networks.observe import Own, facts_by_behaviour, from_factory, observe, sampler_of, tensors_of
from humouse_doctor.networks.sampling import Sampler

Z, C, H, T, D = 3, 2, 4, 6, 3


def _built(architecture: Architecture) -> Sampler:
    spec = GeneratorSpec(
        architecture=architecture,
        latent_dim=Z,
        condition_dim=C,
        hidden_dim=H,
        num_layers=1,
        output_dim=D,
        target_len=T,
    )
    torch.manual_seed(0)
    return sampler_of(build(spec), spec)


def _observed(sampler: Sampler, absent: dict[Need, str], *, targets: Any = None, quick: bool = False) -> tuple[Any, list[str]]:
    said: list[str] = []
    samples = observe(
        sampler, targets=targets, conditions=None, count=8, seed=0, quick=quick, absent=absent, progress=said.append
    )
    return samples, said


def _targets() -> Any:
    return np.random.default_rng(0).normal(size=(5, T, D))


def test_a_player_has_its_specs_sizes() -> None:
    sampler = _built(Architecture.LSTM)
    assert (sampler.latent_dim, sampler.condition_dim) == (Z, C)


def test_everything_is_observed_where_there_are_targets() -> None:
    absent: dict[Need, str] = {}
    samples, said = _observed(_built(Architecture.LSTM), absent, targets=_targets())
    assert absent == {}
    assert samples.predictions.shape == (8, T, D)
    assert samples.rnn_input.shape == samples.hidden.shape == (8, T, H)
    assert samples.fit.targets.shape == (5, T, D)
    assert "pre.weight" in samples.gradients.rms_by_layer
    assert said == ["drawing 8 sequences", "taking the loss's gradient", "fitting latents to real sequences"]


def test_all_of_it_runs_on_one_thread_and_the_callers_number_is_restored() -> None:
    sampler, counts, before = _built(Architecture.LSTM), set[int](), torch.get_num_threads()
    sampler.network.register_forward_hook(lambda *_: counts.add(torch.get_num_threads()))
    torch.set_num_threads(2)
    try:
        _observed(sampler, {}, targets=_targets())
        assert (counts, torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(before)


def test_without_targets_nothing_is_fitted_and_no_gradient_taken() -> None:
    absent: dict[Need, str] = {}
    samples, said = _observed(_built(Architecture.LSTM), absent)
    assert samples.fit is None
    assert samples.gradients is None
    assert said == ["drawing 8 sequences"]
    assert absent == {}


def test_quick_leaves_the_fit_out_and_says_so() -> None:
    absent: dict[Need, str] = {}
    samples, _ = _observed(_built(Architecture.LSTM), absent, targets=_targets(), quick=True)
    assert samples.fit is None
    assert samples.gradients is not None
    assert absent == {Need.FIT: "left out by --quick"}


def test_a_network_without_recurrence_says_so() -> None:
    absent: dict[Need, str] = {}
    samples, _ = _observed(_built(Architecture.TCN), absent)
    assert samples.hidden is None
    assert absent == {Need.RECURRENCE: "the network has no recurrent layer (RNN, GRU, LSTM) that runs over the steps"}


class _Flat(nn.Module):
    """A generator with all steps from one layer, with noise; it has the attributes `latent_dim` and `cond_dim`."""

    def __init__(self) -> None:
        super().__init__()
        self.z_dim, self.cond_dim = Z, C
        self.out = nn.Linear(Z + C, T * D)

    def forward(self, latents: Tensor, conditions: Tensor) -> Tensor:
        out: Tensor = self.out(torch.cat([latents, conditions], dim=-1))
        return out.view(-1, T, D) + 0 * torch.rand(1)


class _Keyword(nn.Module):
    """A generator whose recurrent layer gets its input by name: only its states can be recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.GRU(Z, H, batch_first=True), nn.Linear(H, D)

    def forward(self, latents: Tensor) -> Tensor:
        states, _ = self.rnn(input=latents.unsqueeze(1).expand(-1, T, -1))
        out: Tensor = self.out(states)
        return out


def test_half_a_recurrence_counts_as_none() -> None:
    absent: dict[Need, str] = {}
    samples, _ = _observed(Sampler(_Keyword(), Z, 0), absent)
    assert samples.hidden is None
    assert samples.rnn_input is None
    assert Need.RECURRENCE in absent


def _settings(**values: Any) -> Settings:
    return Settings(
        {
            f"model.generator.{k}": Setting(key=f"model.generator.{k}", value=v, origin=Origin.EXPLICIT)
            for k, v in values.items()
        }
    )


def test_the_facts_of_a_foreign_network_are_found_by_running_it() -> None:
    network, random = _Flat(), torch.get_rng_state()
    facts, sampler = facts_by_behaviour(Own(network=network), Settings(), [])
    assert torch.equal(torch.get_rng_state(), random), "its noise must not be the caller's"
    assert (sampler.latent_dim, sampler.condition_dim) == (Z, C)
    assert facts.label == "_Flat"
    assert (facts.output_dim, facts.target_len) == (D, T)
    assert facts.heads == (Activation.LINEAR,) * D
    assert facts.hidden_dim is None
    assert facts.architecture is None
    assert facts.repeats_latent is None


def test_the_width_of_a_recurrent_foreign_network_is_its_output_layers_input() -> None:
    facts, _ = facts_by_behaviour(Own(network=_Keyword()), _settings(latent_dim=Z), [])
    assert facts.hidden_dim == H
    assert facts.heads == (Activation.LINEAR,) * D


def test_settings_go_before_attributes_but_defaults_do_not() -> None:
    network = _Flat()
    network.z_dim, network.cond_dim = 99, 99
    _, sampler = facts_by_behaviour(Own(network=network), _settings(latent_dim=Z, condition_dim=C), [])
    assert (sampler.latent_dim, sampler.condition_dim) == (Z, C)
    key = "model.generator.latent_dim"
    defaults = Settings({key: Setting(key=key, value=64, origin=Origin.DEFAULT)})
    _, sampler = facts_by_behaviour(Own(network=_Flat()), defaults, [])
    assert sampler.latent_dim == Z


def test_a_latent_of_unknown_size_is_asked_for() -> None:
    with pytest.raises(UsageError) as caught:
        facts_by_behaviour(Own(network=_Keyword()), Settings(), [])
    assert str(caught.value) == (
        "the latent's size is not known; give latent_dim=N in Python, or --set model.generator.latent_dim=N in a command"
    )


def test_the_tensors_of_a_network_are_those_of_its_state() -> None:
    network = nn.BatchNorm1d(2)
    assert list(tensors_of(network)) == list(network.state_dict())


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    (tmp_path / "factories_of_this_test.py").write_text(
        "from torch import nn\n"
        "from humouse_doctor.core.errors import InputError\n"
        "def good():\n    return nn.Linear(2, 3)\n"
        "def number():\n    return 7\n"
        "def asking(size):\n    return nn.Linear(size, size)\n"
        "def failing():\n    raise KeyError('no\\nsuch thing ' + 'x' * 5000)\n"
        "def refusing():\n    raise InputError('own words')\n"
    )
    (tmp_path / "broken_module_of_this_test.py").write_text("def good(:\n")
    yield tmp_path
    for name in ("factories_of_this_test", "broken_module_of_this_test"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("factories")
def test_a_factory_in_the_working_folder_is_called() -> None:
    for _ in range(2):
        network = from_factory("factories_of_this_test:good").network
        assert isinstance(network, nn.Linear)
        assert str(Path.cwd()) not in sys.path


@pytest.mark.usefixtures("factories")
@pytest.mark.parametrize("name", ["factories_of_this_test:failing", "no_such_module_of_this_test:good"])
def test_the_working_folder_is_not_left_on_the_path_by_a_failure(name: str) -> None:
    with pytest.raises(UsageError):
        from_factory(name)
    assert str(Path.cwd()) not in sys.path


@pytest.mark.usefixtures("factories")
def test_a_working_folder_that_was_on_the_path_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path.cwd())])
    before = list(sys.path)
    from_factory("factories_of_this_test:good")
    assert sys.path == before


@pytest.mark.usefixtures("factories")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("factories_of_this_test", "expected package.module:factory"),
        ("factories_of_this_test:", "expected package.module:factory"),
        ("", "expected package.module:factory"),
        (":good", "ValueError"),
        ("no_such_module_of_this_test:good", "ModuleNotFoundError: No module named 'no_such_module_of_this_test'"),
        ("broken_module_of_this_test:good", "SyntaxError"),
        ("factories_of_this_test:absent", "AttributeError"),
        ("factories_of_this_test:asking", "TypeError: asking() missing 1 required positional argument"),
        ("factories_of_this_test:failing", "KeyError: 'no\\nsuch thing xxx"),
        ("factories_of_this_test:number", "returned a int; expected a torch.nn.Module"),
    ],
)
def test_a_factory_that_does_not_serve_is_refused_in_one_line(name: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_factory(name)
    message = str(caught.value)
    assert message.startswith(f"--model {name}: ")
    assert words in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.usefixtures("factories")
def test_a_factorys_own_refusal_is_passed_on() -> None:
    with pytest.raises(InputError, match=r"^own words$"):
        from_factory("factories_of_this_test:refusing")
