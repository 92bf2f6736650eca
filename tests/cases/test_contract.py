from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.case import PretrainerContract
from humouse_doctor.core.space import PIXELS, Reading
from humouse_doctor.core.spec import Activation
from humouse_doctor.probes.pretrainer_contract import broken_terms
from tests.cases.builders import LENGTH, write_checkpoint, write_config, write_data, write_pretrainer

#: What the configs of these tests say that their program reads.
DRAWN = Reading(space=PIXELS, because="training.output_space is positions")


def test_a_pretrainers_contract_with_the_run_is_read(tmp_path: Path) -> None:
    config = write_config(tmp_path, head="tanh", absolute="false", normalise="true")
    request = Request(checkpoint=write_pretrainer(tmp_path, head="tanh"), config=config, data=write_data(tmp_path), samples=8)
    contract = load_case(request).case.contract

    assert contract == PretrainerContract(
        file=str(tmp_path / "lstm_generator.pt"),
        head="tanh",
        run_head="tanh",
        run_compares_deltas=True,
        run_normalises=True,
    )


def test_the_checkpoint_a_config_starts_from_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_pretrainer(tmp_path)
    config = write_config(tmp_path, head="tanh", more=", generator_init_path: lstm_generator.pt")

    case = load_case(Request(config=config)).case

    assert case.contract == PretrainerContract(file="lstm_generator.pt", run_head="tanh", run_reads=DRAWN)


def test_a_plain_checkpoint_to_start_from_has_no_statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path)
    config = write_config(tmp_path, more=", generator_init_path: generator_x.pt")

    contract = load_case(Request(config=config)).case.contract

    assert contract == PretrainerContract(file="generator_x.pt", has_statistics=False, run_head="linear", run_reads=DRAWN)


def test_a_checkpoint_to_start_from_that_is_elsewhere_is_remarked(tmp_path: Path) -> None:
    config = write_config(tmp_path, more=", generator_init_path: elsewhere.pt")

    case = load_case(Request(config=config)).case

    assert case.contract is None
    assert any("elsewhere.pt was not found" in remark for remark in case.subject.remarks)


def test_a_silent_config_holds_the_trainers_default_against_the_contract(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    config.write_text(config.read_text().replace("activation_xy: linear, ", ""))

    case = load_case(Request(checkpoint=write_pretrainer(tmp_path), config=config, data=write_data(tmp_path), samples=8)).case

    assert case.contract is not None
    assert (case.contract.head, case.contract.run_head) == ("linear", "tanh")
    assert case.network is not None
    assert case.network.heads == (Activation.LINEAR, Activation.LINEAR)


def test_a_program_that_sums_what_a_pretrainers_checkpoint_emits_breaks_the_contract(tmp_path: Path) -> None:
    config = write_config(tmp_path, reads="")

    case = load_case(Request(checkpoint=write_pretrainer(tmp_path), config=config, data=write_data(tmp_path), samples=8)).case

    assert case.contract is not None
    (term,) = broken_terms(case.contract)
    assert term.startswith("the program sums the output (assumed: humouse has summed")
    assert term.endswith(", the checkpoint emits positions")


@pytest.mark.parametrize(("share", "said"), [(0.5, True), (0.55, True), (1.0, False), (0.25, False)])
@pytest.mark.parametrize("own", [True, False], ids=["its own file", "a run's"])
def test_statistics_that_are_half_noise_are_remarked_on(
    *, own: bool, share: float, said: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = write_data(tmp_path)
    real = np.cumsum(np.load(data)["sequences"][..., :2], axis=1).reshape(-1, 2).std(axis=0)
    content = torch.load(write_pretrainer(tmp_path), weights_only=False)
    torch.save({**content, "position_std": (real * np.sqrt(share)).astype(np.float32)}, tmp_path / "lstm_generator.pt")
    config = write_config(tmp_path, more=", generator_init_path: lstm_generator.pt")
    request = Request(checkpoint=tmp_path / "lstm_generator.pt") if own else Request(config=config)

    remarks = load_case(replace(request, data=data, samples=8, quick=True)).case.subject.remarks

    assert any("data.use_generated_negatives is on" in remark for remark in remarks) is said


def test_a_checkpoint_with_a_time_input_is_sampled_with_the_time(tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path)
    state = torch.load(weights, weights_only=True)
    first = "lstm_layers.0.weight_ih_l0"
    state[first] = torch.cat([state[first], torch.ones(len(state[first]), 1)], dim=1)
    torch.save(state, weights)

    case = load_case(Request(checkpoint=weights, config=write_config(tmp_path), data=write_data(tmp_path), samples=8)).case

    assert case.samples.rnn_input is not None
    assert case.samples.rnn_input[0, :, -1] == pytest.approx(np.linspace(0, 1, LENGTH))
    assert case.network is not None
    assert case.network.repeats_latent is False
    assert any("it is given the time" in remark for remark in case.subject.remarks)
