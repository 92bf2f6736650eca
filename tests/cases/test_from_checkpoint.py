from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.case import Need, PretrainerContract
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.spec import Activation
from tests.cases.builders import LENGTH, SESSION, write_checkpoint, write_config, write_data, write_pretrainer


@pytest.mark.parametrize("architecture", ["lstm", "tcn", "seq2seq"])
def test_every_architecture_is_loaded_and_run(tmp_path: Path, architecture: str) -> None:
    request = Request(
        checkpoint=write_checkpoint(tmp_path, architecture=architecture),
        config=write_config(tmp_path, architecture=architecture),
        data=write_data(tmp_path),
        samples=8,
    )
    case = load_case(request).case

    assert case.samples.predictions is not None
    assert case.samples.predictions.shape == (8, LENGTH, 2)
    assert case.samples.fit is not None
    assert (case.samples.hidden is None) == (architecture == "tcn")
    assert case.subject.sha256 is not None


def test_quick_leaves_fitting_out_and_says_so(tmp_path: Path) -> None:
    request = Request(checkpoint=write_checkpoint(tmp_path), config=write_config(tmp_path), data=write_data(tmp_path),
                      samples=8, quick=True)  # fmt: skip
    assert load_case(request).case.lacks(Need.FIT) == "left out by --quick"


def test_a_pretrainers_network_is_compared_in_its_own_space(tmp_path: Path) -> None:
    case = load_case(Request(checkpoint=write_pretrainer(tmp_path), data=write_data(tmp_path), samples=8)).case

    assert case.space is not None
    assert case.space.name == "z-scored positions"
    assert case.contract == PretrainerContract(file=str(tmp_path / "lstm_generator.pt"))
    assert any("scaling of its output layer to pixels is undone" in remark for remark in case.subject.remarks)


def test_nan_weights_are_counted_and_nothing_is_fitted(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path)
    state = torch.load(path, weights_only=True)
    state["pre.weight"][0, 0] = float("nan")
    torch.save(state, path)

    request = Request(checkpoint=path, config=write_config(tmp_path), data=write_data(tmp_path), samples=8)
    case = load_case(request).case

    assert case.weights is not None
    assert case.weights.non_finite == 1
    assert case.lacks(Need.FIT) == "the weights hold NaN or infinite values"


def test_a_generator_of_ones_own_is_built_by_its_factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_for_loading.py").write_text(
        "import torch\n"
        "class Mine(torch.nn.Module):\n"
        "    latent_dim = 4\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.net = torch.nn.GRU(4, 8, batch_first=True)\n"
        "        self.out = torch.nn.Linear(8, 2)\n"
        "    def forward(self, z):\n"
        f"        return torch.tanh(self.out(self.net(z[:, None].expand(-1, {LENGTH}, -1))[0]))\n"
    )
    monkeypatch.chdir(tmp_path)
    from importlib import import_module

    monkeypatch.syspath_prepend(str(tmp_path))
    torch.save(import_module("mine_for_loading").Mine().state_dict(), "mine.pt")

    request = Request(checkpoint=Path("mine.pt"), config=write_config(tmp_path, head="tanh"), data=write_data(tmp_path),
                      samples=8, model="mine_for_loading:Mine")  # fmt: skip
    case = load_case(request).case

    assert case.network is not None
    assert case.network.label == "Mine"
    assert case.network.heads == (Activation.TANH, Activation.TANH)
    assert case.samples.rnn_input is not None


def test_a_length_nothing_tells_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--set model\.generator\.target_len=N"):
        load_case(Request(checkpoint=write_checkpoint(tmp_path)))


def test_the_length_of_raw_sessions_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "session_1").write_text(SESSION)

    with pytest.raises(UsageError, match="how many steps it generates"):
        load_case(Request(checkpoint=write_checkpoint(tmp_path), data=tmp_path / "session_1"))


_SAID = ("training.absolute_coordinates=false", "data.normalize_sequences=false", "model.generator.latent_dim=4")


@pytest.mark.parametrize(
    ("said", "lacking"),
    [
        ((), {Need.PREDICTIONS: "activation_xy", Need.FIT: "activation_xy", Need.GRADIENTS: "activation_xy"}),
        (("activation_xy=tanh",), {Need.FIT: "activation_dt", Need.GRADIENTS: "activation_dt"}),
        (("activation_xy=tanh", "activation_dt=linear"), {}),
    ],
    ids=["nothing", "xy", "both"],
)
def test_without_a_config_what_depends_on_an_unknown_head_is_left_out(
    said: tuple[str, ...], lacking: dict[Need, str], tmp_path: Path
) -> None:
    overrides = (*_SAID, *(f"model.generator.{head}" for head in said))
    weights, data = write_checkpoint(tmp_path, channels=3), write_data(tmp_path)

    case = load_case(Request(checkpoint=weights, data=data, overrides=overrides, samples=16)).case

    needs = (Need.PREDICTIONS, Need.FIT, Need.GRADIENTS)
    assert {need for need in needs if case.lacks(need)} == set(lacking)
    assert all(f"--set model.generator.{key}=" in str(case.lacks(need)) for need, key in lacking.items())
    assert case.lacks(Need.RECURRENCE) is None
    assert case.lacks(Need.TARGETS) is None


@pytest.mark.parametrize("said", [True, False])
def test_without_a_config_the_scale_of_the_conditions_is_not_assumed(*, said: bool, tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path, conditions=2)
    data = write_data(tmp_path, features=np.ones((12, 2), dtype=np.float32))
    more = ("data.normalize_features=true",) if said else ()

    case = load_case(
        Request(checkpoint=weights, data=data, overrides=(*_SAID, "model.generator.activation_xy=tanh", *more), quick=True)
    ).case

    assert ("data.normalize_features is not known" in str(case.lacks(Need.PREDICTIONS))) is not said


def test_without_a_config_the_unit_of_the_loss_is_not_assumed(tmp_path: Path) -> None:
    weights, data = write_checkpoint(tmp_path), write_data(tmp_path)

    case = load_case(Request(checkpoint=weights, data=data, overrides=_SAID[:1], quick=True, samples=8)).case

    assert "--set data.normalize_sequences=true" in str(case.lacks(Need.TARGETS))
    assert "absolute" not in str(case.lacks(Need.TARGETS))
