from __future__ import annotations

import os
import sys
from pathlib import Path

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.settings import Origin, Place
from humouse_doctor.inputs.config import patcher, reader

GROUP_FILE = "training:\n  lr:\n    generator: 5e-6\n  generator_init_path: ${oc.env:RUN_SECRET}\n"


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUN_SECRET", "sesame-7f3a")
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "x.yaml").write_text(GROUP_FILE, encoding="utf-8")
    return Path("conf")


def config(conf: Path, text: str) -> Path:
    path = conf / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "defaults",
    [
        "defaults:\n  - experiment: x\n  - _self_\n",
        "defaults: [experiment: x, _self_]\n",
        "defaults:\n  - 'experiment': \"x\"\n",
    ],
)
def test_a_defaults_list_is_composed_and_places_point_into_the_group_file(defaults: str, conf: Path) -> None:
    path = config(conf, f"{defaults}experiment:\n  data:\n    batch_size: 8\n")
    read = reader.read(path)
    rate = read.settings["training.lr.generator"]
    assert (rate.value, rate.place) == (5e-6, Place(file="conf/experiment/x.yaml", line=3, column=16))
    assert read.settings["data.batch_size"].value == 8
    assert (read.settings.prefix, read.settings.source) == ("", "conf/experiment/x.yaml")
    assert read.remarks == (
        "conf/config.yaml was composed with its defaults: list; the experiment section comes from conf/experiment/x.yaml",
        "config: conf/experiment/x.yaml has no model.generator: the trainer's defaults are used for their keys",
    )
    assert not GlobalHydra.instance().is_initialized()


def test_a_value_the_main_file_overrides_keeps_its_place_there(conf: Path) -> None:
    path = config(conf, "defaults:\n  - experiment: x\n  - _self_\nexperiment:\n  training: {lr: {generator: 1.0}}\n")
    rate = reader.read(path).settings["training.lr.generator"]
    assert (rate.value, rate.place) == (1.0, Place(file="conf/config.yaml", line=5, column=30))


def test_a_group_file_with_defaults_of_its_own_is_composed(conf: Path) -> None:
    (conf / "experiment" / "base.yaml").write_text("data: {batch_size: 4}\n", encoding="utf-8")
    path = conf / "experiment" / "y.yaml"
    path.write_text("defaults: [base, _self_]\ntraining: {betas: [0.5, 0.9]}\n", encoding="utf-8")
    settings = reader.read(path).settings
    assert settings["data.batch_size"].value == 4
    assert settings["data.batch_size"].place is None
    assert settings["training.betas"].value == (0.5, 0.9)
    assert (settings.prefix, settings.source) == ("", "conf/experiment/y.yaml")


def test_a_group_file_of_the_global_package_does_not_pass_for_the_experiment_section(conf: Path) -> None:
    (conf / "experiment" / "x.yaml").write_text(f"# @package _global_\n{GROUP_FILE}", encoding="utf-8")
    settings = reader.read(config(conf, "defaults:\n  - experiment: x\n  - _self_\n")).settings
    assert settings["training.lr.generator"].value == 5e-6
    assert (settings.prefix, settings.source) == ("", "conf/config.yaml")


def test_lists_of_sections_survive_composition(conf: Path) -> None:
    path = config(conf, "defaults:\n  - experiment: x\n  - _self_\nexperiment:\n  training: {betas: [0.5, {a: 1}, 0.9]}\n")
    (complaint, *_) = [each for each in reader.read(path).complaints if each.key == "training.betas"]
    assert complaint.message == "training.betas is [0.5, null, 0.9]; expected a list of two numbers"


def test_keys_that_are_no_path_are_none_when_composed_either(conf: Path) -> None:
    odd = "c: {7: x, on: x}\nexperiment: {data.batch_size: 3, data: {dataset_id: '${c.7}', cache_dir: '${c.True}'}}\n"
    read = reader.read(config(conf, f"defaults: [experiment: x, _self_]\n{odd}"))
    assert read.settings["data.batch_size"].origin is Origin.DEFAULT
    assert {"data.dataset_id", "data.cache_dir"} <= {complaint.key for complaint in read.complaints}


def test_composing_reads_no_environment(conf: Path) -> None:
    read = reader.read(config(conf, "defaults:\n  - experiment: x\n  - _self_\nseed: ${oc.env:RUN_SECRET}\n"))
    assert "sesame" not in repr(read)
    assert [complaint.key for complaint in read.complaints] == ["training.generator_init_path"]


@pytest.mark.parametrize(
    "text",
    [
        "defaults:\n  - experiment: ${oc.env:RUN_SECRET}\n  - _self_\n",
        "defaults:\n  - ${oc.env:RUN_SECRET}\n  - _self_\n",
        "defaults:\n  - experiment: x\n  - _self_\nhydra:\n  searchpath: ['file://${oc.env:RUN_SECRET}']\n",
    ],
)
def test_a_defaults_list_that_asks_for_the_environment_is_refused_without_its_value(text: str, conf: Path) -> None:
    with pytest.raises(UsageError, match=r"\Aconf/config\.yaml: Hydra cannot compose it, give the run's [^\n]+\Z") as caught:
        reader.read(config(conf, text))
    assert "sesame" not in str(caught.value)
    assert OmegaConf.create("a: ${oc.env:RUN_SECRET}").a == "sesame-7f3a"


def test_a_group_file_that_is_missing_is_refused_in_one_line(conf: Path) -> None:
    with pytest.raises(UsageError, match=r"\Aconf/config\.yaml: [^\n]*Could not find 'experiment/nowhere'[^\n]*\Z"):
        reader.read(config(conf, "defaults:\n  - experiment: nowhere\n  - _self_\n"))
    assert not GlobalHydra.instance().is_initialized()


def test_only_a_yaml_file_is_composed(conf: Path) -> None:
    config(conf, "defaults:\n  - experiment: x\n  - _self_\n")
    path = conf / "config.yml"
    path.write_text("defaults:\n  - _self_\ntraining: {lr: {generator: 1.0}}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"\Aconf/config\.yml: has a defaults: list, [^\n]+; rename it to \*\.yaml\Z"):
        reader.read(path)


def test_a_name_that_ends_twice_is_not_taken_for_another_file(conf: Path) -> None:
    config(conf, "training: {lr: {generator: 1.0}}\n")
    path = conf / "config.yaml.yaml"
    path.write_text("defaults:\n  - experiment: x\n  - _self_\n", encoding="utf-8")
    assert reader.read(path).settings["training.lr.generator"].value == 5e-6


def test_what_an_application_sets_of_hydra_composes(conf: Path) -> None:
    text = (
        "defaults:\n  - experiment: x\n  - override hydra/job_logging: disabled\n  - _self_\n"
        "hydra:\n  run: {dir: 'outputs/${now:%Y-%m-%d}'}\n  job: {name: '${oc.env:USER}', env_copy: [HOME]}\n"
    )
    assert reader.read(config(conf, text)).settings.source == "conf/experiment/x.yaml"


def test_a_choice_within_the_group_is_its_file(conf: Path) -> None:
    (conf / "experiment" / "b").mkdir()
    (conf / "experiment" / "b" / "y.yaml").symlink_to("../x.yaml")
    settings = reader.read(config(conf, "defaults:\n  - experiment: b/y\n  - _self_\n")).settings
    assert settings.source == "conf/experiment/b/y.yaml"


def test_without_hydra_the_file_is_read_alone_and_says_so(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hydra", None)
    read = reader.read(config(conf, "defaults:\n  - experiment: x\nexperiment:\n  data: {batch_size: 8}\n"))
    assert read.remarks == (
        "conf/config.yaml has a defaults: list, but was read without it; install humouse-doctor[hydra] to compose it",
    )
    assert read.settings["data.batch_size"].value == 8
    assert "training.lr.generator" not in read.settings
    assert read.settings.source == "conf/config.yaml"


def test_within_a_running_hydra_application_the_file_is_read_alone_and_says_so(conf: Path) -> None:
    path = config(conf, "defaults:\n  - experiment: x\nexperiment:\n  data: {batch_size: 8}\n")
    with hydra.initialize_config_dir(str(conf.resolve()), version_base=None):
        read = reader.read(path)
        assert GlobalHydra.instance().is_initialized()
    assert read.remarks == (
        "conf/config.yaml has a defaults: list, but was read without it; a Hydra application is already running here",
    )
    assert "training.lr.generator" not in read.settings


OWN = "training:\n  reconstruction_epochs: 8\n  absolute_coordinates: true\n"
GROUP = "architecture: lstm\ngenerator: {activation_xy: tanh}\n"


@pytest.mark.parametrize(
    ("order", "edit", "counts"),
    [
        ("[_self_, model: small]", Edit(key="model.generator.activation_xy", old=None, new="linear", absent=True), False),
        ("[model: small, _self_]", Edit(key="model.generator.activation_xy", old=None, new="linear", absent=True), True),
        ("[_self_, model: small]", Edit(key="training.reconstruction_epochs", old=8, new=48), True),
        ("[_self_, model: small]", Edit(key="training.betas", old=None, new=(0.5, 0.9), absent=True), True),
        ("[_self_, late: one]", Edit(key="training.reconstruction_epochs", old=8, new=48), False),
    ],
)
def test_an_edit_that_a_later_file_overrules_is_refused(tmp_path: Path, order: str, edit: Edit, counts: bool) -> None:
    for name, text in (("model/small", GROUP), ("late/one", f"# @package _global_\n{OWN}")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(f"defaults: {order}\n{OWN}", encoding="utf-8")

    if counts:
        patcher.require_effect(config, str(config), [edit], "")
    else:
        with pytest.raises(patcher.PatchRefused, match=r"would have no effect: .*; use the override \+*" + edit.key):
            patcher.require_effect(config, str(config), [edit], "")


def test_an_edit_of_a_group_file_is_looked_for_in_the_composed_config(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    group = tmp_path / "experiment" / "x.yaml"
    group.write_text(OWN, encoding="utf-8")
    config = tmp_path / "config.yaml"
    edit = Edit(key="training.reconstruction_epochs", old=8, new=48)

    config.write_text("defaults: [_self_, experiment: x]\n", encoding="utf-8")
    patcher.require_effect(config, str(group), [edit], "")

    config.write_text(
        "defaults: [experiment: x, _self_]\nexperiment: {training: {reconstruction_epochs: 8}}\n", encoding="utf-8"
    )
    with pytest.raises(patcher.PatchRefused, match="would have no effect"):
        patcher.require_effect(config, str(group), [edit], "")


def test_an_edit_of_a_config_without_a_defaults_list_counts(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(OWN, encoding="utf-8")

    patcher.require_effect(config, str(config), [Edit(key="training.reconstruction_epochs", old=8, new=48)], "")


def test_hydra_has_the_internals_that_are_replaced() -> None:
    """A Hydra that has moved one of these would compose without limits."""
    from hydra._internal import config_loader_impl
    from hydra._internal.config_repository import CachingConfigRepository
    from omegaconf.basecontainer import BaseContainer

    assert vars(config_loader_impl)["CachingConfigRepository"] is CachingConfigRepository
    assert vars(config_loader_impl)["os"] is os
    assert isinstance(BaseContainer._resolvers, dict)
    for name in ("initialize_sources", "group_exists", "config_exists", "get_group_options", "load_config"):
        assert callable(getattr(CachingConfigRepository, name)), name


def test_of_another_programs_config_that_cannot_be_composed_it_is_said_whose_it_is(conf: Path) -> None:
    path = config(conf, "defaults: [/diffusion/base@_here_]\nmodel: {base_channels: 8}\n")
    with pytest.raises(UsageError, match=r"the config of another program \(its model: has base_channels and no generator:\)"):
        reader.read(path)
