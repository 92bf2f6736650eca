from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Need, PretrainerContract
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.probe import Status
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.gestures.synthetic import strokes
from humouse_doctor.networks.architectures import build

LENGTH = 16

CONFIG = """\
data: {{dataset_id: x, sequence_length: {length}, batch_size: 8, normalize_sequences: {normalise}}}
model:
  architecture: {architecture}
  generator: {{latent_dim: 4, condition_dim: {conditions}, hidden_dim: 6, target_len: {length}, num_layers: 1,
    output_dim: {channels}, activation_xy: {head}, activation_dt: linear}}
training: {{lr: {{generator: 1e-3}}, betas: [0.5, 0.9], reconstruction_epochs: 2, absolute_coordinates: {absolute}{more}}}
"""


def write_config(folder: Path, **changes: object) -> Path:
    values = {"length": LENGTH, "normalise": "false", "architecture": "lstm", "conditions": 0, "channels": 2,
              "head": "linear", "absolute": "true", "more": "", **changes}  # fmt: skip
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(**values))
    return path


def write_data(folder: Path, count: int = 12, features: FloatArray | None = None) -> Path:
    path = folder / "gestures.npz"
    if features is None:
        np.savez(path, sequences=strokes(count, LENGTH, 0))
    else:
        np.savez(path, sequences=strokes(count, LENGTH, 0), features=features)
    return path


def write_checkpoint(folder: Path, conditions: int = 0, channels: int = 2, architecture: str = "lstm") -> Path:
    spec = GeneratorSpec(
        architecture=Architecture(architecture), latent_dim=4, condition_dim=conditions, hidden_dim=6, num_layers=1,
        output_dim=channels, target_len=LENGTH, activation_xy=Activation.LINEAR, activation_dt=Activation.LINEAR,
    )  # fmt: skip
    torch.manual_seed(0)
    path = folder / "generator_x.pt"
    torch.save(build(spec).state_dict(), path)
    return path


def write_pretrainer(folder: Path, head: str = "linear") -> Path:
    state = torch.load(write_checkpoint(folder), weights_only=True)
    std, mean = np.array([20.0, 30.0], dtype=np.float32), np.array([1.0, -2.0], dtype=np.float32)
    state["output.weight"] *= torch.tensor(std)[:, None]
    state["output.bias"] = state["output.bias"] * torch.tensor(std) + torch.tensor(mean)
    fields = {"latent_dim": 4, "condition_dim": 0, "hidden_dim": 6, "target_len": LENGTH, "num_layers": 1,
              "output_dim": 2, "activation_xy": head, "activation_dt": "none", "use_spectral_norm": False}  # fmt: skip
    path = folder / "lstm_generator.pt"
    torch.save({"state_dict": state, "config": fields, "position_mean": mean, "position_std": std}, path)
    return path


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


def test_a_pretrainers_network_is_compared_in_its_own_space(tmp_path: Path) -> None:
    case = load_case(Request(checkpoint=write_pretrainer(tmp_path), data=write_data(tmp_path), samples=8)).case

    assert case.space is not None
    assert case.space.name == "z-scored positions"
    assert case.contract == PretrainerContract(file=str(tmp_path / "lstm_generator.pt"))
    assert any("rescaling to pixels is undone" in remark for remark in case.subject.remarks)


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

    assert case.contract == PretrainerContract(file="lstm_generator.pt", run_head="tanh")


def test_a_plain_checkpoint_to_start_from_has_no_statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path)
    config = write_config(tmp_path, more=", generator_init_path: generator_x.pt")

    contract = load_case(Request(config=config)).case.contract

    assert contract == PretrainerContract(file="generator_x.pt", has_statistics=False, run_head="linear")


def test_a_checkpoint_to_start_from_that_is_elsewhere_is_remarked(tmp_path: Path) -> None:
    config = write_config(tmp_path, more=", generator_init_path: elsewhere.pt")

    case = load_case(Request(config=config)).case

    assert case.contract is None
    assert any("elsewhere.pt is not here" in remark for remark in case.subject.remarks)


def test_a_replay_buffer_is_data(tmp_path: Path) -> None:
    path = tmp_path / "replay_buffer.pt"
    sequences = torch.from_numpy(strokes(12, LENGTH, 0))
    sequences[3] = float("nan")
    torch.save({"sequences": sequences, "features": torch.zeros(12, 5)}, path)

    case = load_case(Request(config=write_config(tmp_path), data=path)).case

    assert case.data is not None
    assert (case.data.total, case.data.taken) == (12, 11)
    assert any("1 with NaN, infinite or overly large values" in remark for remark in case.subject.remarks)


def test_a_bare_tensor_of_gestures_is_data(tmp_path: Path) -> None:
    path = tmp_path / "gestures.pt"
    torch.save(torch.from_numpy(strokes(12, LENGTH, 0)), path)

    case = load_case(Request(config=write_config(tmp_path), data=path)).case

    assert case.data is not None
    assert case.data.taken == 12


SESSION = "record timestamp,client timestamp,button,state,x,y\n" + "".join(
    f"{i * 0.02},{i * 0.02},NoButton,Move,{100 + i * i},{200 + 3 * i}\n" for i in range(40)
)


def test_sessions_are_cut_to_the_configs_length(tmp_path: Path) -> None:
    folder = tmp_path / "users" / "user1"
    folder.mkdir(parents=True)
    (folder / "session_1").write_text(SESSION)

    for source in (folder / "session_1", folder, tmp_path / "users"):
        case = load_case(Request(config=write_config(tmp_path), data=source)).case
        assert case.data is not None
        assert (case.data.taken, case.data.length) == (1, LENGTH)


def test_canonicalised_runs_see_sessions_of_unit_length(tmp_path: Path) -> None:
    (tmp_path / "session_1").write_text(SESSION)
    config = write_config(tmp_path)
    request = Request(config=config, data=tmp_path / "session_1",
                      overrides=("data.canonicalize_path=true", "data.canonicalize_duration=true"))  # fmt: skip
    sequences = load_case(request).case.samples.sequences

    assert sequences is not None
    assert np.hypot(sequences[0, :, 0], sequences[0, :, 1]).sum() == pytest.approx(1, abs=1e-5)
    assert sequences[0, :, 2].sum() == pytest.approx(1, abs=1e-5)


def test_a_folder_without_sessions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no mouse session"):
        load_case(Request(config=write_config(tmp_path), data=tmp_path))


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


def test_an_old_torch_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.9.1+cpu")
    request = Request(checkpoint=write_checkpoint(tmp_path), config=write_config(tmp_path), samples=8)

    assert ToolCode.OLD_TORCH in {finding.code for finding in load_case(request).tool_findings}


def test_a_salvaged_checkpoint_is_a_finding_that_names_its_code(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path)
    torch.save({"model": torch.load(path, weights_only=True), "path": Path("a"), "kept": Fraction(1, 2)}, path)
    request = Request(checkpoint=path, config=write_config(tmp_path), samples=8)
    with pytest.raises(InputError, match="--salvage"):
        load_case(request)

    (finding,) = load_case(replace(request, salvage=True)).tool_findings

    assert finding.code is ToolCode.FOREIGN_CODE
    assert finding.serious
    assert finding.message.startswith(f"{path.name} refers to foreign code: fractions.Fraction, pathlib.")


def test_a_length_nothing_tells_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--set model\.generator\.target_len=N"):
        load_case(Request(checkpoint=write_checkpoint(tmp_path)))


def test_values_the_trainer_does_not_take_are_unknown_not_its_defaults(tmp_path: Path) -> None:
    config = write_config(tmp_path, head="relu", architecture="cnn")

    loaded = load_case(Request(config=config))

    assert loaded.case.network is not None
    assert loaded.case.network.architecture is None
    assert loaded.case.network.heads == (None, None)
    assert {finding.key for finding in loaded.tool_findings} == {
        "model.architecture",
        "model.generator.activation_xy",
    }


def test_a_silent_config_holds_the_trainers_default_against_the_contract(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    config.write_text(config.read_text().replace("activation_xy: linear, ", ""))

    case = load_case(Request(checkpoint=write_pretrainer(tmp_path), config=config, data=write_data(tmp_path), samples=8)).case

    assert case.contract is not None
    assert (case.contract.head, case.contract.run_head) == ("linear", "tanh")
    assert case.network is not None
    assert case.network.heads == (Activation.LINEAR, Activation.LINEAR)


def test_steps_are_counted_over_usable_sequences_not_over_dropped_points(tmp_path: Path) -> None:
    (tmp_path / "session_1").write_text(SESSION + "broken line\n" * 90)

    data = load_case(Request(config=write_config(tmp_path), data=tmp_path / "session_1")).case.data

    assert data is not None
    assert (data.total, data.usable, data.dropped["malformed lines"]) == (1, 1, 90)


@pytest.mark.parametrize("in_data", [8, 24])
def test_what_is_compared_has_the_steps_that_both_have(tmp_path: Path, in_data: int) -> None:
    data = tmp_path / "other.npz"
    np.savez(data, sequences=strokes(24, in_data, 0))
    request = Request(checkpoint=write_checkpoint(tmp_path), config=write_config(tmp_path), data=data, samples=24)

    loaded = load_case(request)

    samples, common = loaded.case.samples, min(in_data, LENGTH)
    assert ToolCode.DATA_MISMATCH in {finding.code for finding in loaded.tool_findings}
    assert samples.predictions is not None
    assert samples.loss_targets is not None
    assert samples.fit is not None
    arrays = (samples.predictions, samples.loss_targets, samples.fit.predictions, samples.fit.targets)
    assert {array.shape[1] for array in arrays} == {common}
    assert all(result.status is not Status.CRASHED for result in examine(loaded.case))


def test_a_head_the_trainer_does_not_know_is_unknown(tmp_path: Path) -> None:
    config = write_config(tmp_path, head="relu")
    request = Request(checkpoint=write_checkpoint(tmp_path), config=config, data=write_data(tmp_path), samples=8)

    assert load_case(request).case.network is not None
    assert load_case(request).case.network.heads == (None, None)  # type: ignore[union-attr]  # asserted above
    before = load_case(Request(config=config)).case.network
    assert before is not None
    assert before.heads == (None, None)


def test_the_file_named_after_the_experiment_comes_before_the_newest(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    config.write_text("experiment_name: x\n" + config.read_text())
    checkpoint = write_checkpoint(tmp_path)
    (tmp_path / "generator_y.pt").write_bytes(checkpoint.read_bytes())

    case = load_case(Request(checkpoint=tmp_path, samples=8)).case
    checkpoint.unlink()
    other = load_case(Request(checkpoint=tmp_path, samples=8))

    assert any("took" in remark and "generator_x.pt" in remark for remark in case.subject.remarks)
    assert any("experiment_name is x" in finding.message for finding in other.tool_findings)


def test_the_length_of_raw_sessions_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "session_1").write_text(SESSION)

    with pytest.raises(UsageError, match="how many steps it generates"):
        load_case(Request(checkpoint=write_checkpoint(tmp_path), data=tmp_path / "session_1"))


def test_features_of_another_width_are_remarked(tmp_path: Path) -> None:
    data = write_data(tmp_path, features=np.ones((12, 5), dtype=np.float32))
    request = Request(checkpoint=write_checkpoint(tmp_path, conditions=3), config=write_config(tmp_path, conditions=3),
                      data=data, samples=8)  # fmt: skip

    assert any("5 features were cut to the generator's 3" in remark for remark in load_case(request).case.subject.remarks)


def test_an_unusable_normalisation_leaves_the_space_unknown(tmp_path: Path) -> None:
    case = load_case(Request(config=write_config(tmp_path, normalise="perhaps"), data=write_data(tmp_path))).case

    assert case.space is None
    assert case.lacks(Need.TARGETS) is not None


def test_preflight_finds_the_config_of_a_run_folder(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    config = write_config(tmp_path / "run")

    case = load_case(Request(config=tmp_path / "run")).case

    assert case.subject.config == str(config)
    with pytest.raises(UsageError, match="a folder without a config"):
        load_case(Request(config=tmp_path))
