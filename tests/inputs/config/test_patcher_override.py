from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hydra
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.settings import Value
from humouse_doctor.inputs.config.patcher import PatchRefused, override, override_line, override_prefix, patched

GROUP_FILE = "training:\n  lr:\n    generator: 5e-6\n"

VALUES: list[Value] = [
    *(True, False, None, 0, -5, 10**12, 1e-5, 5e-6, -0.25, 1e300, 1e16, float("inf")),
    *(
        "linear",
        "a/b-c.pt",
        "",
        "a b",
        " a",
        "a ",
        "it's",
        'say "so"',
        "a,b",
        "a=b",
        "a:b",
        "[x]",
        "{x}",
        "(x)",
        "#x",
        "%",
        "$x",
        "é",
    ),
    *(
        "null",
        "NULL",
        "true",
        "tRue",
        "nan",
        "NaN",
        "inf",
        "on",
        "no",
        "1",
        "1e5",
        "5e-6",
        "~",
        "a\\b",
        "a\\\\b",
        "a\\'b",
        "a\\",
        "\\",
    ),
    *((0.5, 0.999), (), ("a b", True, None, 3)),
]


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("conf")
    (folder / "experiment").mkdir()
    (folder / "config.yaml").write_text("defaults:\n  - experiment: x\n  - _self_\n", encoding="utf-8")
    (folder / "experiment" / "x.yaml").write_text(GROUP_FILE, encoding="utf-8")
    (folder / "nested.yaml").write_text("experiment:\n  training:\n    lr: {generator: 5e-6}\n", encoding="utf-8")
    with hydra.initialize_config_dir(str(folder), version_base=None):
        yield folder


def composed(name: str, *overrides: str) -> Any:
    return OmegaConf.to_container(hydra.compose(name, overrides=list(overrides)))


def rate(new: Value) -> Edit:
    return Edit(key="training.lr.generator", old=5e-6, new=new)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_hydra_takes_the_override_for_the_value(value: Value, conf: Path) -> None:
    new = composed("nested", override(rate(value), "experiment."))["experiment"]["training"]["lr"]["generator"]
    expected = list(value) if isinstance(value, tuple) else value
    assert new == expected
    assert type(new) is type(expected)


@settings(max_examples=25)
@given(
    value=st.floats(allow_nan=False)
    | st.integers()
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).filter(lambda text: "${" not in text)
)
def test_hydra_takes_the_override_for_any_number_or_text(value: Value, conf: Path) -> None:
    new = composed("nested", override(rate(value), "experiment."))["experiment"]["training"]["lr"]["generator"]
    assert (new, type(new)) == (value, type(value))


@pytest.mark.parametrize("name", ["nested", "config"])
def test_a_key_the_config_does_not_have_is_added(name: str, conf: Path) -> None:
    edit = Edit(key="training.warmup_latent_normalize", old=True, new=False, absent=True)
    text = override(edit, "experiment.")
    assert text == "++experiment.training.warmup_latent_normalize=false"
    training = composed(name, text)["experiment"]["training"]
    assert training == {"lr": {"generator": 5e-6}, "warmup_latent_normalize": False}


def test_a_file_of_the_experiment_group_is_reached_under_experiment(conf: Path) -> None:
    prefix = override_prefix(str(conf / "experiment" / "x.yaml"), "")
    assert prefix == "experiment."
    assert composed("config", override(rate(0.5), prefix)) == {"experiment": {"training": {"lr": {"generator": 0.5}}}}


def test_a_plain_file_given_by_itself_is_reached_at_the_top(conf: Path) -> None:
    (conf / "plain.yaml").write_text(GROUP_FILE, encoding="utf-8")
    prefix = override_prefix(str(conf / "plain.yaml"), "")
    assert prefix == ""
    assert composed("plain", override(rate(0.5), prefix)) == {"training": {"lr": {"generator": 0.5}}}


def test_a_folder_called_experiment_without_a_config_beside_it_is_no_group(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    assert override_prefix(str(tmp_path / "experiment" / "x.yaml"), "") == ""


@pytest.mark.parametrize("source", [None, "conf/experiment/x.yaml"])
def test_a_prefix_of_the_file_stands(source: str | None) -> None:
    assert override_prefix(source, "experiment.") == "experiment."


def test_without_a_file_there_is_no_prefix() -> None:
    assert override_prefix(None, "") == ""


INIT = "training.generator_init_path"


@pytest.mark.parametrize("value", ["runs/x.pt", "it's", "a b", "\\", "::error::x", "##[error]x", "-x", "$(x)", "x\\n"])
def test_a_line_of_overrides_is_the_override(value: str) -> None:
    edit = Edit(key=INIT, old=None, new=value, absent=True)
    assert override_line(edit, "experiment.") == override(edit, "experiment.")


@pytest.mark.parametrize(
    "value", ["a\nb", "a\rb", "a\tb", "a\x85b", "a\u2028b", "\x1b[2J", "\u202ex", "byte\udcff", "${oc.env:HOME}", "???"]
)
def test_what_a_line_of_overrides_cannot_hold_or_hydra_would_resolve_is_refused(value: str) -> None:
    with pytest.raises(
        PatchRefused, match=r"training\.generator_init_path: no line of overrides can hold .*; change it by hand"
    ) as told:
        override_line(Edit(key=INIT, old=None, new=value))
    assert str(told.value).isprintable()


@pytest.mark.parametrize(
    ("key", "prefix"),
    [("hydra.callbacks.x._target_", ""), ("_target_", INIT + "."), ("a\nb", ""), ("=", "++"), (INIT, "hydra.")],
)
def test_a_line_of_overrides_names_no_key_but_the_trainers(key: str, prefix: str) -> None:
    with pytest.raises(PatchRefused, match="not a key of the training config") as told:
        override_line(Edit(key=key, old=None, new="x", absent=True), prefix)
    assert str(told.value).isprintable()


@pytest.mark.parametrize("value", ["${oc.env:HOME}", "a${x}", "???", ("a", "${x}")])
def test_a_value_that_hydra_would_resolve_is_not_written_into_a_config(value: Value) -> None:
    with pytest.raises(PatchRefused, match=r"which Hydra would resolve as a reference; change it by hand"):
        patched("training:\n  x: 1\n", "run.yaml", [Edit(key="training.x", old=1, new=value)])
