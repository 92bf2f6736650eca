from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.settings import Origin, Place, Setting, Settings, Value
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.inputs.checkpoints.checkpoint import Checkpoint
from humouse_doctor.networks.adam import Adam
from humouse_doctor.networks.architectures import build, with_time_input
from humouse_doctor.networks.identify import (
    Disagreement,
    Identified,
    identify,
    load_strictly,
    rebuild,
    weight_facts,
)
from humouse_doctor.networks.output_layer import output_layer

G = "model.generator."
SPEC = GeneratorSpec(
    architecture=Architecture.LSTM,
    latent_dim=5,
    condition_dim=3,
    hidden_dim=4,
    num_layers=2,
    output_dim=2,
    target_len=6,
)
PLACE = Place(file="config.yaml", line=7)


def _checkpoint(spec: GeneratorSpec = SPEC, **pretrainer: Any) -> Checkpoint:
    torch.manual_seed(0)
    return Checkpoint(tensors=dict(build(spec).state_dict()), sha256="0", **pretrainer)


def _settings(values: Mapping[str, Value], origin: Origin = Origin.EXPLICIT, source: str | None = "config.yaml") -> Settings:
    return Settings({k: Setting(key=k, value=v, origin=origin, place=PLACE) for k, v in values.items()}, source=source)


def _stated(spec: GeneratorSpec = SPEC) -> dict[str, Value]:
    return {
        "model.architecture": spec.architecture.value,
        f"{G}latent_dim": spec.latent_dim,
        f"{G}condition_dim": spec.condition_dim,
        f"{G}hidden_dim": spec.hidden_dim,
        f"{G}num_layers": spec.num_layers,
        f"{G}output_dim": spec.output_dim,
        f"{G}target_len": spec.target_len,
        f"{G}activation_xy": spec.activation_xy.value,
        f"{G}activation_dt": spec.activation_dt.value,
    }


def _identify(
    checkpoint: Checkpoint | None = None, settings: Settings | None = None, data_length: int | None = None
) -> Identified:
    settings = _settings(_stated()) if settings is None else settings
    return identify("g.pt", checkpoint or _checkpoint(), settings, data_length)


def _label(spec: GeneratorSpec) -> str:
    return f"{spec.architecture.value}-{spec.num_layers}-{spec.output_dim}" + ("-spectral" if spec.spectral_norm else "")


def _of(architecture: Architecture, **changes: Any) -> GeneratorSpec:
    return replace(SPEC, architecture=architecture, **changes)


@pytest.mark.parametrize(
    "spec",
    [
        *(_of(architecture) for architecture in Architecture),
        _of(Architecture.LSTM, num_layers=1, output_dim=3),
        _of(Architecture.TCN, num_layers=0),
        _of(Architecture.TCN, spectral_norm=True),
        _of(Architecture.SEQ2SEQ, num_layers=3, condition_dim=0),
    ],
    ids=_label,
)
def test_a_generator_and_the_config_it_was_trained_by_agree(spec: GeneratorSpec) -> None:
    found = _identify(_checkpoint(spec), _settings(_stated(spec)))
    assert found.spec == spec
    assert found.disagreements == ()
    assert found.inferred == ()
    assert found.settings == _settings(_stated(spec))


@pytest.mark.parametrize(
    ("key", "value", "in_weights"),
    [
        ("model.architecture", "tcn", "lstm"),
        (f"{G}hidden_dim", 128, 4),
        (f"{G}num_layers", 3, 2),
        (f"{G}output_dim", 3, 2),
    ],
)
def test_a_size_in_the_config_that_the_weights_do_not_have_is_a_disagreement(
    key: str, value: Value, in_weights: int | str
) -> None:
    found = _identify(settings=_settings({**_stated(), key: value}))
    assert found.disagreements == (Disagreement(key=key, in_weights=in_weights, in_config=value),)
    assert found.spec == SPEC
    corrected = found.settings[key]
    assert (corrected.value, corrected.origin, corrected.place) == (in_weights, Origin.INFERRED, PLACE)


def test_the_length_of_a_tcn_is_in_its_weights() -> None:
    spec = _of(Architecture.TCN)
    found = _identify(_checkpoint(spec), _settings({**_stated(spec), f"{G}target_len": 64}), data_length=9)
    assert found.spec.target_len == 6
    assert found.disagreements == (Disagreement(key=f"{G}target_len", in_weights=6, in_config=64),)
    assert found.inferred == ()


def test_a_default_that_the_weights_contradict_is_no_disagreement() -> None:
    settings = _settings({f"{G}hidden_dim": 128, "model.architecture": "tcn", f"{G}target_len": 64}, Origin.DEFAULT)
    found = _identify(settings=settings)
    assert found.disagreements == ()
    assert found.settings[f"{G}hidden_dim"].value == 4
    assert found.settings[f"{G}hidden_dim"].origin is Origin.INFERRED


@pytest.mark.parametrize("name", ["LSTM", "Lstm"])
def test_the_case_of_an_architectures_name_is_no_disagreement(name: str) -> None:
    assert _identify(settings=_settings({**_stated(), "model.architecture": name})).disagreements == ()


@pytest.mark.parametrize(("stated", "disagrees"), [(0, False), (1, False), (2, True)])
def test_no_layers_mean_one_where_the_trainer_makes_one(stated: int, disagrees: bool) -> None:
    spec = _of(Architecture.LSTM, num_layers=1)
    found = _identify(_checkpoint(spec), _settings({**_stated(spec), f"{G}num_layers": stated}))
    assert bool(found.disagreements) is disagrees
    assert found.spec.num_layers == 1


def _split(values: Mapping[str, int], origins: Mapping[str, Origin]) -> tuple[int, int, tuple[Disagreement, ...], bool]:
    settings = _settings({**_stated()})
    by_key = {k: v for k, v in settings.by_key.items() if k not in (f"{G}latent_dim", f"{G}condition_dim")}
    for name, value in values.items():
        by_key[G + name] = Setting(key=G + name, value=value, origin=origins.get(name, Origin.EXPLICIT))
    found = _identify(settings=Settings(by_key, source="config.yaml"))
    guessed = "the split of latent and condition" in found.inferred
    return found.spec.latent_dim, found.spec.condition_dim, found.disagreements, guessed


DEFAULT = {"latent_dim": Origin.DEFAULT, "condition_dim": Origin.DEFAULT}


@pytest.mark.parametrize(
    ("values", "origins", "expected"),
    [
        ({"latent_dim": 5, "condition_dim": 3}, {}, (5, 3, False)),
        ({"latent_dim": 5, "condition_dim": 3}, {"condition_dim": Origin.DEFAULT}, (5, 3, False)),
        ({"latent_dim": 6, "condition_dim": 16}, {"condition_dim": Origin.DEFAULT}, (6, 2, True)),
        ({"latent_dim": 8, "condition_dim": 16}, {"condition_dim": Origin.DEFAULT}, (8, 0, True)),
        ({"latent_dim": 64, "condition_dim": 2}, {"latent_dim": Origin.DEFAULT}, (6, 2, True)),
        ({"latent_dim": 6}, {}, (6, 2, True)),
        ({"condition_dim": 1}, {}, (7, 1, True)),
        ({"latent_dim": 64, "condition_dim": 16}, DEFAULT, (8, 0, True)),
        ({}, {}, (8, 0, True)),
    ],
)
def test_latent_and_condition_are_split_as_far_as_is_known(
    values: dict[str, int], origins: dict[str, Origin], expected: tuple[int, int, bool]
) -> None:
    latent, condition, disagreements, guessed = _split(values, origins)
    assert (latent, condition, guessed) == expected
    assert disagreements == ()


@pytest.mark.parametrize(
    ("values", "origins"),
    [
        ({"latent_dim": 64, "condition_dim": 16}, {}),
        ({"latent_dim": 8, "condition_dim": 16}, {}),
        ({"latent_dim": 9, "condition_dim": 16}, {"condition_dim": Origin.DEFAULT}),
        ({"latent_dim": 64, "condition_dim": 8}, {"latent_dim": Origin.DEFAULT}),
    ],
)
def test_latent_and_condition_that_do_not_add_up_are_a_disagreement(values: dict[str, int], origins: dict[str, Origin]) -> None:
    latent, condition, disagreements, guessed = _split(values, origins)
    assert (latent, condition, guessed) == (8, 0, True)
    total = sum(values.values())
    assert disagreements == (Disagreement(key=f"{G}latent_dim + condition_dim", in_weights=8, in_config=total),)


@pytest.mark.parametrize(("stated", "taken"), [((5, 4), (5, 3)), ((6, 16), (6, 2))])
def test_the_latents_size_holds_where_the_conditions_are_others_than_stated(
    stated: tuple[int, int], taken: tuple[int, int]
) -> None:
    """humouse makes as many conditions as its data has features, and leaves the latent as it is."""
    latent, condition, disagreements, guessed = _split({"latent_dim": stated[0], "condition_dim": stated[1]}, {})
    assert (latent, condition, guessed) == (*taken, True)
    assert disagreements == (Disagreement(key=f"{G}condition_dim", in_weights=taken[1], in_config=stated[1]),)


def test_the_length_is_taken_from_the_config_then_the_data_then_the_default() -> None:
    without = {key: value for key, value in _stated().items() if key != f"{G}target_len"}
    default = _settings(without).with_setting(Setting(key=f"{G}target_len", value=64, origin=Origin.DEFAULT))
    assert _identify(data_length=9).spec.target_len == 6
    found = _identify(settings=default, data_length=9)
    assert found.spec.target_len == 9
    assert found.inferred == ("the length T, taken from the data",)
    assert _identify(settings=default).spec.target_len == 64


def test_a_length_nothing_tells_is_asked_for() -> None:
    defaults = _settings({f"{G}target_len": 64, f"{G}latent_dim": 64}, Origin.DEFAULT, source=None)
    with pytest.raises(UsageError) as caught:
        _identify(settings=defaults)
    assert str(caught.value) == (
        "g.pt: the weights do not tell how many steps it generates; give --config, --data,"
        " or --set model.generator.target_len=N"
    )
    found = _identify(settings=defaults, data_length=11)
    assert found.spec.target_len == 11
    assert found.settings[f"{G}target_len"].origin is Origin.INFERRED


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("linear", Activation.LINEAR), ("NONE", Activation.LINEAR), (None, Activation.LINEAR), ("Sigmoid", Activation.SIGMOID)],
)
def test_heads_are_the_configs_in_any_spelling(stated: Value, expected: Activation) -> None:
    found = _identify(settings=_settings({**_stated(), f"{G}activation_xy": stated}))
    assert found.spec.activation_xy is expected
    assert found.inferred == ()


def test_an_lstm_that_takes_the_time_too_is_known_by_its_shape_and_draws_as_it_did() -> None:
    timed = with_time_input(build(SPEC), torch.Generator().manual_seed(1)).eval()
    checkpoint = Checkpoint(tensors=dict(timed.state_dict()), sha256="0")

    found = _identify(checkpoint, _settings(_stated()))
    again = rebuild("g.pt", checkpoint, found.spec)

    given = torch.randn(3, SPEC.latent_dim), torch.randn(3, SPEC.condition_dim)
    assert found.spec == replace(SPEC, time_input=True)
    assert torch.equal(again(*given), timed(*given))
    assert again(*given)[:, 0].ne(again(*given)[:, -1]).any()
    assert output_layer(again) is again.output


@pytest.mark.parametrize(("channels", "unknown"), [(2, ["xy"]), (3, ["xy", "dt"])])
def test_heads_of_no_config_are_not_guessed(channels: int, unknown: list[str]) -> None:
    found = _identify(_checkpoint(_of(Architecture.LSTM, output_dim=channels)), _settings({}, source=None), data_length=6)

    assert found.unknown_heads == tuple(f"{G}activation_{axis}" for axis in unknown)
    assert found.spec.activation_xy is Activation.LINEAR


def test_an_architecture_without_heads_has_none_that_are_unknown() -> None:
    found = _identify(_checkpoint(_of(Architecture.SEQ2SEQ, output_dim=3)), _settings({}, source=None), data_length=6)

    assert found.unknown_heads == ()


def test_a_head_that_the_trainer_would_reject_is_unknown_in_a_config_too() -> None:
    stated = {key: value for key, value in _stated().items() if key != f"{G}activation_xy"}

    assert _identify(settings=_settings(stated)).unknown_heads == (f"{G}activation_xy",)


@pytest.mark.parametrize("stated", [True, False])
def test_a_spectral_norm_that_the_weights_do_not_have_is_a_disagreement(*, stated: bool) -> None:
    spec = _of(Architecture.TCN, spectral_norm=not stated)
    key = f"{G}use_spectral_norm"

    found = _identify(_checkpoint(spec), _settings({**_stated(spec), key: stated}))

    assert found.disagreements == (Disagreement(key=key, in_weights=not stated, in_config=stated),)


FIELDS = {
    "latent_dim": 5,
    "condition_dim": 3,
    "hidden_dim": 4,
    "num_layers": 2,
    "output_dim": 2,
    "target_len": 6,
    "activation_xy": "linear",
    "activation_dt": None,
    "use_spectral_norm": False,
    "anything": object(),
}


def test_a_pretrainers_own_fields_stand_in_where_the_run_is_silent() -> None:
    defaults = _settings({f"{G}latent_dim": 64, f"{G}activation_xy": "tanh"}, Origin.DEFAULT, source=None)
    found = _identify(_checkpoint(config=FIELDS), defaults, data_length=99)
    assert found.spec == replace(SPEC, activation_xy=Activation.LINEAR, activation_dt=Activation.LINEAR)
    assert found.inferred == ()
    assert f"{G}anything" not in found.settings
    assert f"{G}use_spectral_norm" not in found.settings


def test_what_the_run_says_itself_goes_before_the_pretrainers_fields() -> None:
    given = {**FIELDS, "target_len": 50, "activation_xy": "sigmoid"}
    assert _identify(_checkpoint(config=given)).spec == SPEC


def test_a_pretrainers_own_wrong_field_is_a_disagreement() -> None:
    found = _identify(_checkpoint(config={**FIELDS, "hidden_dim": 99}), _settings({}, source=None))
    assert found.disagreements == (Disagreement(key=f"{G}hidden_dim", in_weights=4, in_config=99),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("activation_xy", "gelu\n"),
        ("activation_dt", 3),
        ("target_len", 0),
        ("target_len", True),
        ("target_len", 6.0),
        ("latent_dim", -5),
        ("latent_dim", None),
        ("condition_dim", -1),
        ("hidden_dim", "4"),
        ("num_layers", [2]),
    ],
)
def test_a_pretrainers_field_that_no_pretrainer_writes_is_refused(name: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        _identify(_checkpoint(config={**FIELDS, name: value}), _settings({}, source=None))
    assert str(caught.value).startswith(f"g.pt: its own config has {name} = ")
    assert "\n" not in str(caught.value)


def _refusal(tensors: dict[str, Tensor]) -> str:
    with pytest.raises(InputError) as caught:
        _identify(Checkpoint(tensors=tensors, sha256="0"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["critic_head.weight", "condition_proj.weight", "classifier.bias", "aux_head.0.weight"])
def test_a_discriminator_is_told_from_a_generator(name: str) -> None:
    assert "g.pt: is a discriminator; expected the generator" in _refusal({"a.b": torch.ones(1), name: torch.ones(1)})


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("a diffusion model", ("time_mlp.0.weight", "input_proj.weight", "out_proj.weight")),
        ("a timing model", ("backbone.0.weight", "duration_head.weight", "concentration_head.weight")),
    ],
)
def test_another_network_of_humouse_is_refused_with_the_way_that_works(what: str, names: tuple[str, ...]) -> None:
    assert (
        f"is {what}, whose weights this tool does not inspect; inspect its samples instead: humouse-doctor inspect SAMPLES"
        in (_refusal({name: torch.ones(1) for name in names}))
    )


def test_an_unknown_network_is_refused_with_some_of_its_names() -> None:
    message = _refusal({"conv\n1.weight": torch.ones(1), "b.w": torch.ones(1), "c.w": torch.ones(1), "d.w": torch.ones(1)})
    assert "an unknown network (conv\\n1.weight, b.w, c.w, ...)" in message
    assert "--model package.module:factory" in message


@pytest.mark.parametrize(
    ("architecture", "name", "shape"),
    [
        (Architecture.LSTM, "pre.weight", (4,)),
        (Architecture.LSTM, "output.weight", ()),
        (Architecture.TCN, "proj.weight", (2, 4)),
        (Architecture.TCN, "fc.0.weight", (24,)),
        (Architecture.SEQ2SEQ, "output.weight", (2, 4, 1)),
        (Architecture.SEQ2SEQ, "hidden_init.weight", (8,)),
    ],
)
def test_weights_of_another_rank_are_refused(architecture: Architecture, name: str, shape: tuple[int, ...]) -> None:
    tensors = {**_checkpoint(_of(architecture)).tensors, name: torch.ones(shape)}
    assert f"looks like a {architecture.value} generator, but its weights have other ranks" in _refusal(tensors)


def test_a_layer_without_units_is_refused() -> None:
    tensors = {**_checkpoint().tensors, "pre.weight": torch.ones(0, 8)}
    assert "looks like a lstm generator, but a layer has no units" in _refusal(tensors)


@pytest.mark.parametrize(
    "spec", [*(_of(architecture) for architecture in Architecture), _of(Architecture.TCN, spectral_norm=True)], ids=_label
)
def test_a_rebuilt_generator_has_the_files_weights_and_evaluates(spec: GeneratorSpec) -> None:
    checkpoint = _checkpoint(spec)
    network = rebuild("g.pt", checkpoint, spec)
    assert not network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, checkpoint.tensors[name])
    with torch.no_grad():
        assert network(torch.zeros(2, 5), torch.zeros(2, 3)).shape == (2, 6, 2)


def test_rebuilding_leaves_the_callers_random_numbers_and_the_files_tensors() -> None:
    checkpoint = _checkpoint(position_mean=np.ones(2), position_std=np.full(2, 3.0))
    before = {name: tensor.clone() for name, tensor in checkpoint.tensors.items()}
    state = torch.get_rng_state()
    rebuild("g.pt", checkpoint, SPEC)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(tensor, before[name]) for name, tensor in checkpoint.tensors.items())


def test_weights_of_another_type_are_read_as_float32() -> None:
    tensors = {name: tensor.double() for name, tensor in _checkpoint().tensors.items()}
    network = rebuild("g.pt", Checkpoint(tensors=tensors, sha256="0"), SPEC)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


@pytest.mark.parametrize("outputs", [2, 3])
@pytest.mark.parametrize("architecture", [Architecture.LSTM, Architecture.SEQ2SEQ])
def test_a_pretrainers_rescaling_is_undone(architecture: Architecture, outputs: int) -> None:
    spec = _of(architecture, output_dim=outputs, activation_xy=Activation.LINEAR, activation_dt=Activation.LINEAR)
    mean, std = np.array([300.0, -200.0]), np.array([260.0, 130.0])
    original = _checkpoint(spec)
    rescaled = {name: tensor.clone() for name, tensor in original.tensors.items()}
    for axis in range(2):  # as the pretrainer does it, after training
        rescaled["output.weight"][axis] *= std[axis]
        rescaled["output.bias"][axis] = rescaled["output.bias"][axis] * std[axis] + mean[axis]
    found = rebuild("g.pt", Checkpoint(tensors=rescaled, sha256="0", position_mean=mean, position_std=std), spec)
    for name, tensor in found.state_dict().items():
        torch.testing.assert_close(tensor, original.tensors[name], rtol=1e-4, atol=1e-5)
    latents, conditions = torch.randn(4, 5), torch.randn(4, 3)
    with torch.no_grad():
        torch.testing.assert_close(
            found(latents, conditions), rebuild("g.pt", original, spec)(latents, conditions), rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize("spec", [_of(Architecture.TCN), _of(Architecture.LSTM, output_dim=1)], ids=_label)
def test_position_statistics_of_a_network_no_pretrainer_trains_are_refused(spec: GeneratorSpec) -> None:
    with pytest.raises(InputError, match=r"^g\.pt: carries position statistics, but its network is not one"):
        rebuild("g.pt", _checkpoint(spec, position_mean=np.zeros(2), position_std=np.ones(2)), spec)


def test_a_size_that_does_not_fit_the_others_is_told_before_memory_is_asked_for() -> None:
    tensors = {**_checkpoint().tensors, "pre.weight": torch.ones(1_000_000, 8)}
    checkpoint = Checkpoint(tensors=tensors, sha256="0")
    spec = _identify(checkpoint).spec
    assert spec.hidden_dim == 1_000_000
    with pytest.raises(InputError, match=r"pre\.bias is "):
        rebuild("g.pt", checkpoint, spec)


def _strictly(changes: dict[str, Tensor], removed: tuple[str, ...] = ()) -> str:
    tensors = {name: tensor for name, tensor in _checkpoint().tensors.items() if name not in removed}
    with pytest.raises(InputError) as caught:
        load_strictly("g.pt", build(SPEC), {**tensors, **changes})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_tensors_are_named() -> None:
    message = _strictly({}, removed=("pre.bias", "output.bias"))
    assert message == "g.pt: lacks pre.bias, output.bias; the file is not the whole generator it looks like"


def test_only_the_first_three_of_many_are_named() -> None:
    removed = tuple(f"lstm_layers.0.{kind}_l0" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    assert "lstm_layers.0.bias_ih_l0 and 1 more;" in _strictly({}, removed=removed)


def test_unknown_tensors_are_named_harmlessly() -> None:
    assert "has unknown extra\\n\\x1b.w;" in _strictly({"extra\n\x1b.w": torch.ones(1)})


def test_tensors_of_another_shape_are_named_with_both_shapes() -> None:
    message = _strictly({"pre.bias": torch.ones(5), "output.weight": torch.ones(3, 4)})
    assert "does not fit: pre.bias is (5,) instead of (4,), output.weight is (3, 4) instead of (2, 4);" in message


def test_strict_loading_loads() -> None:
    network = build(SPEC)
    load_strictly("g.pt", network, _checkpoint().tensors)
    assert all(torch.equal(tensor, _checkpoint().tensors[name]) for name, tensor in network.state_dict().items())


EVERY_KIND = [*(_of(architecture) for architecture in Architecture), _of(Architecture.TCN, spectral_norm=True)]


@pytest.mark.parametrize("spec", EVERY_KIND, ids=_label)
def test_fresh_weights_lie_within_their_start_and_a_step_of_adam_takes_them_out(spec: GeneratorSpec) -> None:
    torch.manual_seed(3)
    network = build(spec)
    facts = weight_facts(network, network.state_dict())
    assert facts.excess_over_start is not None
    assert 0.8 < facts.excess_over_start <= 1.0 + 1e-6
    assert facts.non_finite == 0
    assert facts.total == sum(t.numel() for t in network.state_dict().values() if t.is_floating_point())
    optimiser = Adam(network.parameters(), learning_rate=0.05)
    network(torch.randn(8, 5), torch.randn(8, 3)).sub(5.0).abs().mean().backward()
    optimiser.step()
    after = weight_facts(network, network.state_dict())
    assert after.excess_over_start is not None
    assert after.excess_over_start > 1.05


def test_the_last_layer_does_not_count_as_trained_since_a_pretrainer_rescales_it() -> None:
    network = build(SPEC)
    before = weight_facts(network, network.state_dict()).excess_over_start
    with torch.no_grad():
        network.get_parameter("output.weight").mul_(260.0)
    assert weight_facts(network, network.state_dict()).excess_over_start == before


@pytest.mark.parametrize("name", ["pre.weight", "lstm_layers.1.weight_hh_l0"])
def test_the_excess_is_the_largest_weight_over_its_own_bound(name: str) -> None:
    network = build(SPEC)
    with torch.no_grad():
        network.get_parameter(name)[0, 0] = -7.0
    fan_in = 8 if name == "pre.weight" else 4
    assert weight_facts(network, network.state_dict()).excess_over_start == pytest.approx(7.0 * fan_in**0.5)


def test_what_is_not_finite_is_counted_and_not_compared() -> None:
    network = build(SPEC)
    fresh = weight_facts(network, network.state_dict())
    with torch.no_grad():
        network.get_parameter("pre.weight")[0, :2] = torch.tensor([float("nan"), float("inf")])
        network.get_parameter("output.bias")[0] = float("-inf")
    facts = weight_facts(network, network.state_dict())
    assert facts.non_finite == 3
    assert facts.total == fresh.total
    assert facts.excess_over_start is not None
    assert facts.excess_over_start <= 1.0 + 1e-6


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_network_of_unknown_layers_alone_has_no_start_to_compare_with() -> None:
    network = nn.Sequential(nn.LayerNorm(4), nn.Linear(0, 3))
    facts = weight_facts(network, network.state_dict())
    assert (facts.excess_over_start, facts.size_over_start, facts.start_bound) == (None, None, None)
    assert facts.non_finite == 0


def test_the_output_layer_of_another_network_counts_unless_it_is_named() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with torch.no_grad():
        network.get_parameter("1.weight").fill_(100.0)
    without = weight_facts(network, network.state_dict(), network[1]).excess_over_start
    assert without is not None
    assert without <= 1.0 + 1e-6
    assert weight_facts(network, network.state_dict()).excess_over_start == pytest.approx(100.0 * 2**0.5)


@pytest.mark.parametrize("architecture", list(Architecture))
def test_the_excess_over_the_start_agrees_with_its_slow_twin(architecture: Architecture) -> None:
    torch.manual_seed(3)
    spec = GeneratorSpec(
        architecture=architecture, latent_dim=3, condition_dim=0, hidden_dim=5, num_layers=2, output_dim=2, target_len=7
    )
    network = build(spec)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(torch.rand(()) + 0.5)
    state = network.state_dict()
    largest = 0.0
    shares, bounds = [], []
    for name, tensor in state.items():
        if "bias" in name or tensor.dim() < 2 or name.startswith(("output.", "proj.")):
            continue
        rows = tensor.tolist()
        flat = [value for row in rows for value in (row if isinstance(row[0], float) else [v for part in row for v in part])]
        fan_in = 5 if "_l0" in name or "_l1" in name else len(flat) // len(rows)
        for value in flat:
            largest = max(largest, abs(value) * fan_in**0.5)
            shares.append(3 * value**2 * fan_in)  # the square of a value over the variance of its start
            bounds.append(1 / fan_in)

    facts = weight_facts(network, state)
    assert facts.excess_over_start == pytest.approx(largest, rel=1e-6)
    assert facts.size_over_start == pytest.approx((sum(shares) / len(shares)) ** 0.5, rel=1e-6)
    assert facts.start_bound == pytest.approx((sum(bounds) / len(bounds)) ** 0.5, rel=1e-6)
    fresh = weight_facts(build(spec), {}).size_over_start
    assert fresh == pytest.approx(1.0, abs=0.15)
