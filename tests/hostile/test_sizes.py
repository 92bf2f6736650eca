from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import humouse_doctor
from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.checkpoints import checkpoint, child
from humouse_doctor.networks import identify, sampling
from humouse_doctor.training import warm_up
from humouse_doctor.verify.verification import VerifyRequest, verify
from tests.conftest import Ended
from tests.hostile.sizes import ATTACKS, pretrained, sized
from tests.inputs.checkpoints.files import save
from tests.verify.runs import Listener, write_config, write_data
from tests.verify.test_bench import bench_of, of


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was built or run, none of which may have been; the test fails at once where something is."""
    made: list[str] = []

    def refuse(*_: Any, **__: Any) -> Any:
        made.append("built or run")
        pytest.fail("built or run")

    monkeypatch.setattr(identify, "build", refuse)
    monkeypatch.setattr(warm_up, "build", refuse)
    monkeypatch.setattr(sampling.Sampler, "__call__", refuse)
    return made


#: Those whose files take a second or more to write; their sizes are tried without files in tests/core/test_cost.py.
LARGE_FILES = ("L2400", "seq2seq-L300", "tcn-L1400", "Z2e6", "h1024-T5e3", "tcn-T2e5")


@pytest.mark.parametrize("name", [name for name in ATTACKS if name not in LARGE_FILES])
def test_a_checkpoint_of_absurd_sizes_is_refused_before_it_is_built(tmp_path: Path, built: list[str], name: str) -> None:
    path = save(tmp_path / "generator_x.pt", pretrained(ATTACKS[name].spec))
    np.save(tmp_path / "data.npy", np.ones((16, 32, 3), dtype=np.float32))
    overrides = (
        "training.absolute_coordinates=true",
        "data.normalize_sequences=false",
        "model.generator.activation_xy=tanh",
        "model.generator.activation_dt=softplus",
    )

    with pytest.raises(InputError) as refused:
        load_case(Request(checkpoint=path, data=tmp_path / "data.npy", overrides=overrides))

    line = str(refused.value)
    assert line.startswith(f"{path}: sampling 512 sequences of ")
    assert ATTACKS[name].named in line
    assert "the limit is" in line
    assert line.isprintable()
    assert built == []


def test_it_is_exit_3_with_one_line(tmp_path: Path, invoke: Callable[..., Ended], built: list[str]) -> None:
    path = save(tmp_path / "generator_x.pt", pretrained(sized("lstm", steps=10**6)))

    ended = invoke("inspect", path)

    assert ended.code == 3
    assert ended.out == ""
    assert "1,000,000 steps" in ended.err.splitlines()[-1]
    assert "--set model.generator.target_len=N" in ended.err.splitlines()[-1]


@pytest.mark.parametrize("architecture", ["lstm", "tcn", "seq2seq"])
def test_honest_files_are_built_and_run(tmp_path: Path, architecture: str) -> None:
    path = save(tmp_path / "generator_x.pt", pretrained(sized(architecture, steps=24), torch.ones))

    assert load_case(Request(checkpoint=path)).case.samples.predictions is not None


@pytest.mark.parametrize(
    ("tensors", "said"),
    [({"a.b": torch.ones(4)}, "an unknown network"), ({"critic_head.weight": torch.ones(4)}, "is a discriminator"),
     ({**pretrained(sized("lstm", steps=8))["state_dict"], "huge.weight": torch.ones(10_000)}, "has unknown huge.weight")],
)  # fmt: skip
def test_safetensors_of_other_networks_are_refused_without_reading_a_tensor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tensors: dict[str, Tensor], said: str
) -> None:
    save_file(tensors, tmp_path / "generator_x.safetensors")
    monkeypatch.setattr(checkpoint, "_LARGE_BYTES", 0)
    monkeypatch.setattr(child.Loader, "read", lambda *_, **__: pytest.fail("read"))

    with pytest.raises(InputError, match=said):
        load_case(Request(checkpoint=tmp_path / "generator_x.safetensors"))


def test_a_generator_in_safetensors_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_LARGE_BYTES", 0)
    tensors = pretrained(sized("lstm", steps=8), torch.ones)["state_dict"]
    save_file({f"module.{name}": tensor for name, tensor in tensors.items()}, tmp_path / "g.safetensors")
    overrides = ("model.generator.target_len=8", "model.generator.activation_xy=tanh")
    request = Request(checkpoint=tmp_path / "g.safetensors", overrides=overrides)

    assert load_case(request).case.samples.predictions is not None


class _Long(nn.Module):
    """Gives as many steps as it is asked for, from memory for one."""

    def __init__(self, steps: int, latent_dim: int = 4) -> None:
        super().__init__()
        self.steps, self.latent_dim, self.counts = steps, latent_dim, list[int]()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, latents: Tensor) -> Tensor:
        self.counts.append(len(latents))
        return (self.scale * latents[:, :1, None]).expand(-1, self.steps, 2)


class _Failing(nn.Module):
    """Runs out of memory, in torch's words."""

    def __init__(self, from_call: int) -> None:
        super().__init__()
        self.latent_dim, self.left = 4, from_call

    def forward(self, latents: Tensor) -> Tensor:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
        return latents[:, None, :2].expand(-1, 8, 2)


def test_a_module_that_turns_out_long_has_made_two_sequences_and_no_more() -> None:
    network = _Long(10**5)

    with pytest.raises(InputError, match=r"^the generator: sampling 512 sequences of 100,000 steps.*the limit is"):
        humouse_doctor.inspect(generator=network, targets=np.ones((16, 32, 2)))

    assert set(network.counts) == {2}


def test_a_module_of_a_latent_beyond_all_memory_is_not_run() -> None:
    network = _Long(32, latent_dim=10**12)

    with pytest.raises(InputError, match=r"^the generator takes 1,000,000,000,000 inputs: "):
        humouse_doctor.inspect(generator=network)

    assert network.counts == []


def test_a_factorys_module_is_held_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "factory_of_long_ones.py").write_text(
        "from tests.hostile.test_sizes import _Long\ndef make(): return _Long(10**5)\n", encoding="utf-8"
    )
    path = save(tmp_path / "own.pt", {"scale": torch.ones(()), "state_dict": {"scale": torch.ones(()), "a.b": torch.ones(1)}})
    monkeypatch.setattr(identify, "load_strictly", lambda *_: None)

    with pytest.raises(InputError, match=r"own.pt: sampling 512 sequences of 100,000 steps"):
        load_case(Request(checkpoint=path, model="factory_of_long_ones:make"))


@pytest.mark.parametrize("from_call", [0, 1, 2])
def test_running_out_of_memory_is_a_refusal(from_call: int) -> None:
    with pytest.raises(InputError, match="memory"):
        humouse_doctor.inspect(generator=_Failing(from_call))


HUGE = of("model.generator.hidden_dim", 9000)


def test_an_arm_whose_network_is_too_large_fails_with_the_reason(tmp_path: Path, built: list[str]) -> None:
    bench = bench_of(tmp_path)

    for arm in (HUGE, of("model.generator.num_layers", 10**6), of("training.warmup_encoder_hidden_dim", 10**6)):
        made = bench.run(bench.job(arm, 0))
        assert made.failed is not None
        assert made.failed.startswith(f"{tmp_path / 'run.yaml'}: ")
        assert "the limit is" in made.failed


@pytest.mark.parametrize(
    "override", ["model.generator.hidden_dim=9000", "model.generator.num_layers=1000000", "model.generator.latent_dim=1000000"]
)
@pytest.mark.parametrize("steps", [8, None])
def test_a_run_that_is_too_large_is_not_tried(tmp_path: Path, built: list[str], override: str, steps: int | None) -> None:
    told = Listener()
    config, data = write_config(tmp_path), write_data(tmp_path)

    with pytest.raises(InputError, match="the limit is"):
        verify(VerifyRequest(config=config, data=data, overrides=(override,), steps=steps, workers=1), told)

    assert told.taken_up == []
