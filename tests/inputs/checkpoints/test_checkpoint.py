from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import sys
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.spec import Architecture
from humouse_doctor.inputs.checkpoints import checkpoint, container, worker
from humouse_doctor.inputs.checkpoints.stand_ins import STAND_INS
from tests.inputs.checkpoints.files import Reduced, network, prefixed, rewrite, save, weights


def _same(found: checkpoint.Checkpoint, expected: dict[str, Tensor]) -> None:
    assert list(found.tensors) == list(expected)
    for name, tensor in expected.items():
        assert torch.equal(found.tensors[name], tensor), name


@pytest.mark.parametrize("architecture", list(Architecture))
def test_a_bare_state_dict_is_taken_as_it_is(tmp_path: Path, architecture: Architecture) -> None:
    path = save(tmp_path / "generator_a.pt", network(architecture).state_dict())
    found = checkpoint.load(path)
    _same(found, weights(architecture))
    assert found.remarks == ()
    assert not found.is_pretrainer
    assert dict(found.config) == {}
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


WRAPPERS = [
    "state_dict", "generator", "G", "netG", "model_state_dict", "generator_state_dict", "netG_state_dict", "model",
]  # fmt: skip


@pytest.mark.parametrize("key", WRAPPERS)
def test_a_wrapper_is_taken_off_with_a_remark(tmp_path: Path, key: str) -> None:
    path = save(tmp_path / "a.pt", {"epoch": 3, key: weights(), "optimizer": {"state": {}}})
    found = checkpoint.load(path)
    _same(found, weights())
    assert found.remarks == (f"took the weights under '{key}'",)


@pytest.mark.parametrize("key", ["g_ema", "generator_ema", "G_ema", "ema"])
def test_averaged_weights_alone_are_taken_and_said_to_be_averaged(tmp_path: Path, key: str) -> None:
    found = checkpoint.load(save(tmp_path / "a.pt", {key: weights(), "step": 1}))
    _same(found, weights())
    assert found.remarks == (f"took the averaged (EMA) weights under '{key}', there are no others",)


@pytest.mark.parametrize("key", ["g_ema", "generator_ema", "G_ema", "ema"])
@pytest.mark.parametrize("raw", ["generator", "model", "G"])
def test_raw_weights_win_over_averaged_ones_and_a_remark_says_so(tmp_path: Path, raw: str, key: str) -> None:
    content = {key: weights(seed=1), raw: weights(seed=0), "step": 1}
    found = checkpoint.load(save(tmp_path / "a.pt", content))
    _same(found, weights(seed=0))
    assert found.remarks == (f"took the weights under '{raw}'; the averaged (EMA) ones under '{key}' were not used",)


def test_averaged_weights_kept_as_a_shadow_are_found(tmp_path: Path) -> None:
    content = {"ema": {"decay": 0.999, "shadow": weights()}}
    found = checkpoint.load(save(tmp_path / "a.pt", content))
    _same(found, weights())
    assert "took the averaged (EMA) weights under 'ema', there are no others" in found.remarks


def test_of_a_generator_and_a_discriminator_the_generator_is_taken(tmp_path: Path) -> None:
    other = {"classifier.weight": torch.ones(1, 4), "classifier.bias": torch.ones(1)}
    for content in (
        {"discriminator": other, "generator": weights()},
        {"model": {"discriminator": other, "generator": weights()}, "optimizer": {}},
        {"D": other, "G": weights()},
    ):
        _same(checkpoint.load(save(tmp_path / "a.pt", content)), weights())


def test_a_lightning_checkpoint_gives_its_generator(tmp_path: Path) -> None:
    inner = {**prefixed("discriminator.", {"classifier.weight": torch.ones(1, 4)}), **prefixed("generator.", weights())}
    content = {
        "epoch": 1,
        "global_step": 10,
        "pytorch-lightning_version": "2.6.6",
        "state_dict": OrderedDict(inner),
        "loops": {},
        "callbacks": {},
        "optimizer_states": [],
        "lr_schedulers": [],
        "hyper_parameters": {"lr": 1e-3},
    }
    found = checkpoint.load(save(tmp_path / "last.ckpt", content))
    _same(found, weights())
    count = len(weights())
    assert found.remarks == (
        "took the weights under 'state_dict'",
        f"took the sub-network 'generator' ({count} of {count + 1} tensors)",
    )


@pytest.mark.parametrize("prefix", ["generator.", "netG.", "G.", "gen.", "model.", "net."])
@pytest.mark.parametrize("around", ["", "module.", "_orig_mod.", "module._orig_mod."])
@pytest.mark.parametrize("inside", ["", "module.", "_orig_mod."])
def test_every_mixture_of_wrappers_prefixes_is_taken_off(tmp_path: Path, around: str, prefix: str, inside: str) -> None:
    names = prefixed(around, {**prefixed(prefix + inside, weights()), "critic.weight": torch.ones(2)})
    found = checkpoint.load(save(tmp_path / "a.pt", names))
    _same(found, weights())
    assert len(found.remarks) == 1
    assert f"'{prefix[:-1]}'" in found.remarks[0]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.module."])
def test_the_prefixes_of_parallel_and_compiled_models_go_without_a_remark(tmp_path: Path, prefix: str) -> None:
    found = checkpoint.load(save(tmp_path / "a.pt", prefixed(prefix, weights())))
    _same(found, weights())
    assert found.remarks == ()


def test_a_prefix_that_not_every_name_has_stays(tmp_path: Path) -> None:
    names = {**prefixed("module.", weights()), "pre.scale": torch.ones(1)}
    assert list(checkpoint.load(save(tmp_path / "a.pt", names)).tensors) == list(names)


def test_an_averaged_model_of_pytorch_loses_its_counter_and_its_prefix(tmp_path: Path) -> None:
    averaged = AveragedModel(network())
    assert "n_averaged" in averaged.state_dict()
    _same(checkpoint.load(save(tmp_path / "a.pt", averaged.state_dict())), weights())
    nested = prefixed("generator.", dict(averaged.state_dict()))
    _same(checkpoint.load(save(tmp_path / "b.pt", {"state_dict": nested})), weights())


def test_names_that_go_on_for_ever_are_cut_a_few_times_only(tmp_path: Path) -> None:
    found = checkpoint.load(save(tmp_path / "a.pt", {"G." * 4000 + "x": torch.ones(2)}))
    assert next(iter(found.tensors)).startswith("G.G.")
    assert len(found.remarks) < 20


def test_names_of_ones_own_network_are_left_alone(tmp_path: Path) -> None:
    own = {"net.0.weight": torch.ones(2, 2), "fc.weight": torch.ones(2, 2)}
    path = save(tmp_path / "a.pt", prefixed("module.", own))
    assert list(checkpoint.load(path).tensors) == ["0.weight"]
    found = checkpoint.load(path, names=_shapes(own))
    _same(found, own)
    assert found.remarks == ()


def _shapes(own: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in own.items()}


def test_the_prefix_is_taken_under_which_ones_own_network_loads(tmp_path: Path) -> None:
    own = {"0.weight": torch.ones(2, 3), "0.bias": torch.ones(2)}
    turned = {"0.weight": torch.zeros(3, 2), "0.bias": torch.zeros(3)}
    path = save(tmp_path / "a.ckpt", {**prefixed("model.encoder.", turned), **prefixed("model.decoder.", own)})

    found = checkpoint.load(path, names=_shapes(own))

    _same(found, own)
    assert found.remarks[-1] == "took 'model.decoder' (2 of 4 tensors), named like the network's"


def test_of_several_networks_that_load_the_others_are_named(tmp_path: Path) -> None:
    own, other = {"0.weight": torch.ones(2, 3)}, {"0.weight": torch.zeros(2, 3)}
    path = save(tmp_path / "a.pt", {**prefixed("ema.", other), **prefixed("generator.", own)})

    found = checkpoint.load(path, names=_shapes(own))

    _same(found, own)
    assert found.remarks[-1].endswith("; so are those of ema")


def test_where_no_prefix_has_every_name_the_nearest_is_taken(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", prefixed("decoder.", {"0.weight": torch.ones(2, 3), "1.weight": torch.ones(2)}))

    found = checkpoint.load(path, names={"0.weight": (2, 3), "1.weight": (2,), "1.bias": (2,)})

    assert sorted(found.tensors) == ["0.weight", "1.weight"]


def test_new_spectral_norm_names_become_the_old_ones(tmp_path: Path) -> None:
    layer = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4)))
    assert "0.parametrizations.weight.original" in layer.state_dict()
    found = checkpoint.load(save(tmp_path / "a.pt", layer.state_dict()))
    assert sorted(found.tensors) == ["0.bias", "0.weight_orig", "0.weight_u", "0.weight_v"]
    assert torch.equal(found.tensors["0.weight_u"], layer.state_dict()["0.parametrizations.weight.0._u"])
    assert torch.equal(found.tensors["0.weight_v"], layer.state_dict()["0.parametrizations.weight.0._v"])


@pytest.mark.parametrize("dtype", [torch.float64, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool])
def test_other_plain_number_types_are_kept(tmp_path: Path, dtype: torch.dtype) -> None:
    found = checkpoint.load(save(tmp_path / "a.pt", {"a.b": torch.ones(2).to(dtype)}))
    assert found.tensors["a.b"].dtype is dtype


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_narrow_floats_are_widened_with_a_remark(tmp_path: Path, name: str) -> None:
    narrow = torch.tensor([1.5, -0.25]).to(getattr(torch, name))
    found = checkpoint.load(save(tmp_path / "a.pt", {"a.b": narrow, "a.c": torch.ones(2)}))
    assert found.tensors["a.b"].dtype is torch.float32
    assert found.tensors["a.b"].tolist() == [1.5, -0.25]
    assert found.remarks == (f"read 1 of 2 tensors as float32; the file has them as {name}",)


@pytest.mark.parametrize(
    "tensor",
    [torch.arange(12.0).reshape(3, 4).T, torch.arange(12.0)[2:7:2], torch.zeros(0, 3), torch.tensor(2.5), torch.ones(1, 1, 2)],
)
def test_a_tensor_of_any_layout_comes_through_as_it_is(tmp_path: Path, tensor: Tensor) -> None:
    found = checkpoint.load(save(tmp_path / "a.pt", {"a.b": tensor})).tensors["a.b"]
    assert found.shape == tensor.shape
    assert torch.equal(found, tensor)


def test_the_old_format_before_archives_is_read(tmp_path: Path) -> None:
    torch.save({"state_dict": weights()}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    assert not (tmp_path / "a.pt").read_bytes().startswith(b"PK")
    _same(checkpoint.load(tmp_path / "a.pt"), weights())


def test_an_archive_with_the_ending_of_safetensors_is_told_by_its_content(tmp_path: Path) -> None:
    _same(checkpoint.load(save(tmp_path / "a.safetensors", weights())), weights())


def test_a_parameter_in_place_of_a_tensor_is_read(tmp_path: Path) -> None:
    parameters = dict(network().named_parameters())
    found = checkpoint.load(save(tmp_path / "a.pt", parameters))
    assert list(found.tensors) == list(parameters)


def test_a_dictionary_that_hides_its_own_items_is_read_all_the_same(tmp_path: Path) -> None:
    def hiding(content: dict[Any, Any]) -> Reduced:
        return Reduced(OrderedDict, (), {"items": 1, "get": 2, "keys": 3}, None, iter(content.items()))

    content = hiding({"state_dict": hiding(weights()), "config": hiding({"latent_dim": 3, 4: 5})})
    found = checkpoint.load(save(tmp_path / "a.pt", content))
    _same(found, weights())
    assert dict(found.config) == {"latent_dim": 3}


def _pretrainer(mean: object, std: object) -> dict[str, object]:
    return {
        "state_dict": weights(),
        "config": {"latent_dim": 3, "activation_xy": "linear"},
        "position_mean": mean,
        "position_std": std,
    }


ARRAYS = [
    np.array([1.5, -2.0], dtype=np.float32),
    np.array([1.5, -2.0], dtype=np.float64),
    np.array([1.5, -2.0], dtype=">f4"),
    np.array([1.5, -2.0], dtype=">f8"),
    np.array([1.5, -2.0], dtype=np.float16),
    np.array([[1.5], [-2.0]], dtype=np.float32, order="F"),
    np.asfortranarray(np.array([[1.5, -2.0]])),
    torch.tensor([1.5, -2.0]),
    nn.Parameter(torch.tensor([1.5, -2.0])),
]


@pytest.mark.parametrize("package", ["numpy._core.multiarray", "numpy.core.multiarray"])
@pytest.mark.parametrize("array", ARRAYS)
def test_a_pretrainers_statistics_are_read_from_any_kind_of_array(tmp_path: Path, array: Any, package: str) -> None:
    path = save(tmp_path / "a.pt", _pretrainer(array, abs(array)))
    rewrite(path, lambda data: re.sub(rb"numpy\._?core\.multiarray", package.encode(), data))
    found = checkpoint.load(path)
    assert found.is_pretrainer
    assert found.position_mean is not None
    assert found.position_std is not None
    assert found.position_mean.dtype == np.float64
    assert found.position_mean.tolist() == [1.5, -2.0]
    assert found.position_std.tolist() == [1.5, 2.0]
    assert dict(found.config) == {"latent_dim": 3, "activation_xy": "linear"}
    _same(found, weights())


@pytest.mark.parametrize("package", ["numpy._core.multiarray", "numpy.core.multiarray"])
@pytest.mark.parametrize(
    "number", [np.float32(3.0), np.float64(3.0), np.int64(3), np.uint8(3), np.array(3.0), np.array([3.0]), torch.tensor(3.0)]
)
def test_one_number_serves_for_both_axes(tmp_path: Path, number: Any, package: str) -> None:
    path = save(tmp_path / "a.pt", _pretrainer(number, number))
    rewrite(path, lambda data: re.sub(rb"numpy\._?core\.multiarray", package.encode(), data))
    found = checkpoint.load(path)
    assert found.position_mean is not None
    assert found.position_mean.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_table_keeps_its_order(tmp_path: Path, order: Any) -> None:
    table = np.asarray(np.arange(6.0).reshape(2, 3), order=order)
    path = save(tmp_path / "a.pt", {"table": table})
    with torch.serialization.safe_globals(STAND_INS):  # type: ignore[arg-type]  # tuples with a name are accepted
        content = torch.load(path, weights_only=True)
    np.testing.assert_array_equal(content["table"].value, table)


def test_statistics_of_a_mean_alone_make_no_pretrainer(tmp_path: Path) -> None:
    content = _pretrainer(np.ones(2), np.ones(2))
    del content["position_std"]
    assert not checkpoint.load(save(tmp_path / "a.pt", content)).is_pretrainer


def test_the_names_of_numpy_are_not_left_allowed(tmp_path: Path) -> None:
    checkpoint.load(save(tmp_path / "a.pt", _pretrainer(np.ones(2), np.ones(2))))
    worker.rehearse()
    assert not [entry for entry in torch.serialization.get_safe_globals() if entry in STAND_INS]
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "a.pt", weights_only=True)


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    save_file(prefixed("module.", weights()), tmp_path / "a.safetensors")
    found = checkpoint.load(tmp_path / "a.safetensors")
    assert sorted(found.tensors) == sorted(weights())
    for name, tensor in weights().items():
        assert torch.equal(found.tensors[name], tensor)


def test_without_safetensors_installed_the_way_to_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = b'{"a.b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (tmp_path / "a.pt").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(InputError) as caught:
        checkpoint.load(tmp_path / "a.pt")
    assert str(caught.value) == f"{tmp_path / 'a.pt'}: a safetensors file; install humouse-doctor[safetensors] to read it"


def _sharded(folder: Path, tensors: dict[str, Tensor]) -> Path:
    save_file = pytest.importorskip("safetensors.torch").save_file
    names = {name: f"model-0000{place % 2 + 1}-of-00002.safetensors" for place, name in enumerate(tensors)}
    for file in set(names.values()):
        save_file({name: tensor for name, tensor in tensors.items() if names[name] == file}, folder / file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": names}))
    return index


def test_shards_are_read_together_by_their_index(tmp_path: Path) -> None:
    index = _sharded(tmp_path, weights())
    found = checkpoint.load(index)
    assert sorted(found.tensors) == sorted(weights())
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in weights().items())
    whole = index.read_bytes() + b"".join(path.read_bytes() for path in sorted(tmp_path.glob("*.safetensors")))
    assert found.sha256 == hashlib.sha256(whole).hexdigest()


def test_an_index_and_shards_that_are_links_into_a_cache_are_followed(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "run").mkdir()
    _sharded(tmp_path / "cache", weights())
    for path in (tmp_path / "cache").iterdir():
        (tmp_path / "run" / path.name).symlink_to(path)
    assert len(checkpoint.load(tmp_path / "run" / "model.safetensors.index.json").tensors) == len(weights())


def test_a_linked_index_does_not_let_its_shards_lead_out(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "run").mkdir()
    index = _sharded(tmp_path / "run", weights())
    shard = next((tmp_path / "run").glob("*.safetensors"))
    shard.rename(tmp_path / "private" / shard.name)
    shard.symlink_to(tmp_path / "private" / shard.name)
    (tmp_path / "run" / "latest.json").symlink_to(index.name)
    for name in (index.name, "latest.json"):
        with pytest.raises(InputError, match=r"is a link that leads out of the folder; refused"):
            checkpoint.load(tmp_path / "run" / name)


def test_links_of_a_hubs_cache_are_followed(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshots" / "0a").mkdir(parents=True)
    _sharded(tmp_path / "blobs", weights())
    for number, path in enumerate(sorted((tmp_path / "blobs").iterdir())):
        path.rename(path.with_name(f"{number}"))
        (tmp_path / "snapshots" / "0a" / path.name).symlink_to(f"../../blobs/{number}")
    assert checkpoint.load(tmp_path / "snapshots" / "0a" / "model.safetensors.index.json").tensors.keys() == weights().keys()


@pytest.mark.parametrize("replaced", [True, False])
@pytest.mark.parametrize("step", ["before the loader opens it", "while the loader reads it"])
def test_a_file_that_changes_while_it_is_read_is_told(
    step: str, replaced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "a.pt", weights())
    os.utime(path, (1, 1))
    module, name = (container, "look") if step.startswith("before") else (worker, "_read")
    work = getattr(module, name)

    def next_epoch(*arguments: Any) -> Any:
        found = work(*arguments)
        if replaced:
            save(tmp_path / "new", weights(seed=1)).replace(path)
        else:
            save(path, weights(seed=1))
        return found

    monkeypatch.setattr(module, name, next_epoch)
    with pytest.raises(InputError) as caught:
        checkpoint.load(path)
    assert str(caught.value) == f"{path}: changed while it was read; try again"


def _file_of(kind: container.Kind, folder: Path, seed: int) -> tuple[Path, Path]:
    """Return a checkpoint of this kind, and the file in it that holds the tensors."""
    folder.mkdir()
    save_file = pytest.importorskip("safetensors.torch").save_file
    if kind is container.Kind.SHARDS:
        index = _sharded(folder, weights(seed=seed))
        return index, folder / "model-00002-of-00002.safetensors"
    path = folder / "a.pt"
    if kind is container.Kind.SAFETENSORS:
        save_file(weights(seed=seed), path)
    else:
        torch.save(weights(seed=seed), path, _use_new_zipfile_serialization=kind is container.Kind.ARCHIVE)
    return path, path


@pytest.mark.parametrize("back", ["after the opening", "after the reading"])
@pytest.mark.parametrize("kind", list(container.Kind))
def test_only_the_file_that_was_looked_at_is_read(
    kind: container.Kind, back: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link is turned to another file for a moment, so that the file that was looked at stays as it is."""
    path, held = _file_of(kind, tmp_path / "run", 0)
    _, other = _file_of(kind, tmp_path / "other", 1)
    kept, planted = held.with_name("kept"), held.with_name("planted")
    held.rename(kept)
    other.rename(planted)
    held.symlink_to(kept.name)
    look, answer, is_same = container.look, worker.write_answer, container.Container.require_unchanged
    opening = back == "after the opening"

    def turn(target: Path) -> None:
        held.unlink()
        held.symlink_to(target.name)

    def turned(path: Path) -> container.Container:
        found = look(path)
        if opening:
            turn(planted)
        return found

    def answered(*arguments: Any) -> None:
        turn(planted)
        answer(*arguments)

    def compared(looked_at: container.Container) -> None:
        turn(kept)
        is_same(looked_at)

    monkeypatch.setattr(container, "look", turned)
    monkeypatch.setattr(worker, "write_answer", answered)
    monkeypatch.setattr(container.Container, "require_unchanged", compared)
    if opening:
        with pytest.raises(InputError) as caught:
            checkpoint.load(path)
        assert str(caught.value) == f"{path}: changed while it was read; try again"
    else:
        found = checkpoint.load(path)
        assert all(torch.equal(found.tensors[name], tensor) for name, tensor in weights(seed=0).items())


@pytest.mark.parametrize("name", ["model.safetensors.index.json", "model-00002-of-00002.safetensors"])
def test_an_index_or_a_shard_that_is_gone_by_the_end_is_told(name: str, tmp_path: Path) -> None:
    looked_at = container.look(_sharded(tmp_path, weights()))
    looked_at.require_unchanged()
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=f"{name}: changed while it was read; try again"):
        looked_at.require_unchanged()


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("architecture", list(Architecture))
def test_a_module_pickled_whole_gives_its_tensors_to_salvage(tmp_path: Path, architecture: Architecture, archive: bool) -> None:
    torch.save(network(architecture), tmp_path / "a.pt", _use_new_zipfile_serialization=archive)
    found = checkpoint.load(tmp_path / "a.pt", salvage=True)
    assert dict(found.tensors).keys() == weights(architecture).keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in weights(architecture).items())
    assert "torch.nn.modules.linear.Linear" in found.foreign


def test_a_module_is_salvaged_as_its_own_state_dict_names_it(tmp_path: Path) -> None:
    module = nn.Sequential(nn.BatchNorm1d(3), nn.ModuleDict({"a": nn.Linear(3, 2)}), nn.LSTM(2, 4, num_layers=2))
    module.register_buffer("passing", torch.ones(1), persistent=False)
    module.register_parameter("absent", None)
    found = checkpoint.load(save(tmp_path / "a.pt", module), salvage=True)
    assert list(found.tensors) == list(module.state_dict())


class Recorder(dict[str, object]):
    """A dictionary of a foreign class, with attributes."""


class Losses(list[float]):
    """A list of a foreign class, with attributes."""


def test_dictionaries_and_lists_of_foreign_classes_are_salvaged(tmp_path: Path) -> None:
    recorder = Recorder(state_dict=weights(), config=Recorder(latent_dim=3, more=Losses([1.0])))
    recorder.name = "x"  # type: ignore[attr-defined]  # what a file may carry besides items
    found = checkpoint.load(save(tmp_path / "a.pt", recorder), salvage=True)
    assert list(found.tensors) == list(weights())
    assert dict(found.config) == {"latent_dim": 3, "more": "<list>"}
    assert found.foreign == (f"{__name__}.Losses", f"{__name__}.Recorder")


def test_salvage_changes_nothing_about_a_file_that_is_read_anyway(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", {"state_dict": weights()})
    found, salvaged = checkpoint.load(path), checkpoint.load(path, salvage=True)
    _same(salvaged, dict(found.tensors))
    assert (salvaged.remarks, salvaged.foreign) == (found.remarks, ())


def test_settings_come_through_as_plain_values(tmp_path: Path) -> None:
    settings = {
        "a": 1,
        "b": True,
        "c": None,
        "d": 1.5,
        "e": "text",
        "f": [1],
        "g": 2**99,
        5: 6,
        "h": torch.ones(2),
        "i" * 999: 1,
    }
    found = checkpoint.load(save(tmp_path / "a.pt", {"state_dict": weights(), "config": settings}))
    plain = {"a": 1, "b": True, "c": None, "d": 1.5, "e": "text", "f": "<list>", "g": "<int>", "h": "<Tensor>"}
    assert dict(found.config) == plain


def test_a_file_without_checksums_is_read_with_a_remark(tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        save(tmp_path / "a.pt", weights())
    finally:
        torch.serialization.set_crc32_options(True)
    found = checkpoint.load(tmp_path / "a.pt")
    _same(found, weights())
    assert found.remarks == ("the file has no checksums, so damage to a weight would not be noticed",)


def _gestures(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.arange(24).reshape(2, 4, 3).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64])
def test_gestures_come_from_a_bare_tensor(tmp_path: Path, dtype: torch.dtype) -> None:
    sequences, features = checkpoint.load_gesture_array(save(tmp_path / "a.pt", _gestures(dtype)))
    assert sequences.dtype == np.float32
    np.testing.assert_array_equal(sequences, np.arange(24).reshape(2, 4, 3))
    assert features is None


def test_gestures_and_features_come_from_a_replay_buffer(tmp_path: Path) -> None:
    content = {"sequences": nn.Parameter(_gestures()), "features": torch.ones(2, 5, dtype=torch.float64)}
    sequences, features = checkpoint.load_gesture_array(save(tmp_path / "a.pt", content))
    assert sequences.shape == (2, 4, 3)
    assert features is not None
    assert features.dtype == np.float32
    assert features.shape == (2, 5)


@pytest.mark.parametrize("features", [torch.ones(3, 5), torch.ones(2), [1, 2], None])
def test_features_that_do_not_fit_the_gestures_are_left(tmp_path: Path, features: object) -> None:
    content = {"sequences": _gestures(), "features": features}
    assert checkpoint.load_gesture_array(save(tmp_path / "a.pt", content))[1] is None
