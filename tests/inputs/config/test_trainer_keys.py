from __future__ import annotations

import pytest

from humouse_doctor.core.settings import Value
from humouse_doctor.core.spec import ACTIVATION_NAMES, Architecture
from humouse_doctor.inputs.config.trainer_keys import BY_NAME, KEYS, Key, Type, likely_misspelling


def test_the_table_has_each_key_once_in_order() -> None:
    names = [key.name for key in KEYS]
    assert names == sorted(set(names))
    assert set(BY_NAME) == set(names)


@pytest.mark.parametrize("key", [key for key in KEYS if not key.required], ids=lambda key: str(key.name))
def test_every_default_is_a_value_the_key_accepts(key: Key) -> None:
    if key.name == "logging.checkpoint_dir":  # known only where a config names it
        assert key.default is None
        return
    assert key.complaint(key.default) is None


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("model.architecture", "tcn"),
        ("model.generator.activation_xy", "tanh"),
        ("data.normalize_sequences", True),
        ("training.warmup_latent_normalize", True),
        ("training.reset_generator_after_warmup", False),
        ("training.absolute_coordinates", False),
        ("training.reconstruction_epochs", 0),
    ],
)
def test_the_defaults_runs_fall_into_are_the_trainers(name: str, default: Value) -> None:
    assert BY_NAME[name].default == default


def test_learning_rate_and_betas_are_required() -> None:
    assert [key.name for key in KEYS if key.required] == ["training.betas", "training.lr.generator"]


@pytest.mark.parametrize("kind", list(Type))
@pytest.mark.parametrize(
    ("value", "fits"),
    [
        (True, {Type.FLAG}),
        (3, {Type.WHOLE, Type.NUMBER}),
        (0.5, {Type.NUMBER}),
        ("x", {Type.TEXT}),
        ((0.5, 1), {Type.PAIR}),
        ((0.5,), set()),
        ((0.5, "x"), set()),
        ((0.5, True), set()),
        (None, set()),
        (float("nan"), set()),
        (float("-inf"), set()),
        (10**400, set()),
    ],
)
def test_a_value_fits_its_types_and_no_other(kind: Type, value: Value, fits: set[Type]) -> None:
    expected = None if kind in fits else f"expected {kind.value}"
    assert Key(name="a", type=kind).complaint(value) == expected


def test_null_fits_where_the_key_is_nullable() -> None:
    assert Key(name="a", type=Type.TEXT, nullable=True).complaint(None) is None


def test_a_value_below_the_minimum_is_named_with_it() -> None:
    key = Key(name="a", type=Type.WHOLE, minimum=1)
    assert key.complaint(0) == "expected at least 1"
    assert key.complaint(1) is None


@pytest.mark.parametrize("name", [*ACTIVATION_NAMES, "Tanh", None])
def test_every_spelling_of_an_activation_is_accepted(name: Value) -> None:
    assert BY_NAME["model.generator.activation_xy"].complaint(name) is None


@pytest.mark.parametrize("value", ["relu", 5, True, (1, 2), ""])
def test_an_unknown_activation_is_answered_with_the_accepted_values(value: Value) -> None:
    expected = "accepted values: tanh, sigmoid, softplus, linear, none, identity, null"
    assert BY_NAME["model.generator.activation_xy"].complaint(value) == expected


@pytest.mark.parametrize("value", ["transformer", None])
def test_an_unknown_architecture_is_answered_with_the_accepted_values(value: Value) -> None:
    accepted = ", ".join(kind.value for kind in Architecture)
    assert BY_NAME["model.architecture"].complaint(value) == f"accepted values: {accepted}"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("training.absolute_coordinate", "training.absolute_coordinates"),
        ("training.warmup_latent_normalise", "training.warmup_latent_normalize"),
        ("model.generator.activation_yx", "model.generator.activation_xy"),
        ("training.absolute_coordinates", None),
        ("training.lr.discriminator", None),
        ("logging.level", None),
    ],
)
def test_a_misspelt_key_is_recognised_and_another_key_is_not(name: str, meant: str | None) -> None:
    assert likely_misspelling(name) == meant
