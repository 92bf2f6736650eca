"""Small checkpoint files whose stated or own sizes ask for more memory or time than any machine should give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from humouse_doctor.core.spec import Architecture, GeneratorSpec
from humouse_doctor.networks.architectures import build


class Sized(NamedTuple):
    """A network's sizes, and the words of the refusal that name what is too much."""

    spec: GeneratorSpec
    named: str


def sized(
    architecture: str, *, steps: int, hidden: int = 8, layers: int = 1, latent: int = 4, outputs: int = 2
) -> GeneratorSpec:
    return GeneratorSpec(
        architecture=Architecture(architecture),
        latent_dim=latent,
        condition_dim=0,
        hidden_dim=hidden,
        num_layers=layers,
        output_dim=outputs,
        target_len=steps,
    )


#: The twenty worst that were found; peaks and CPU seconds of each before and since are printed by tests.lab.benchmarks.sizes.
ATTACKS: Mapping[str, Sized] = {
    "T1e6": Sized(sized("lstm", steps=10**6), "1,000,000 steps"),
    "T1e5": Sized(sized("lstm", steps=10**5), "100,000 steps"),
    "T3e4": Sized(sized("lstm", steps=3 * 10**4), "30,000 steps"),
    "T1e12": Sized(sized("lstm", steps=10**12), "1,000,000,000,000 steps"),
    "h1-T1e6": Sized(sized("lstm", steps=10**6, hidden=1, latent=1), "1,000,000 steps"),
    "h512-T2e4": Sized(sized("lstm", steps=20_000, hidden=512), "20,000 steps"),
    "h1024-T5e3": Sized(sized("lstm", steps=5000, hidden=1024), "5,000 steps"),
    "D1e4": Sized(sized("lstm", steps=32, outputs=10**4), "10,000 outputs"),
    "D2e3-T2e3": Sized(sized("lstm", steps=2000, outputs=2000), "2,000 outputs"),
    "Z2e5": Sized(sized("lstm", steps=32, latent=2 * 10**5), "200,000 inputs"),
    "Z2e6": Sized(sized("lstm", steps=32, latent=2 * 10**6), "2,000,000 inputs"),
    "L300": Sized(sized("lstm", steps=64, layers=300), "300 layers"),
    "L2400": Sized(sized("lstm", steps=32, layers=2400), "2,400 layers"),
    "seq2seq-T3e4": Sized(sized("seq2seq", steps=3 * 10**4), "30,000 steps"),
    "seq2seq-T4e3": Sized(sized("seq2seq", steps=4000), "4,000 steps"),
    "seq2seq-L300": Sized(sized("seq2seq", steps=64, layers=300), "300 layers"),
    "seq2seq-h256-T3e3": Sized(sized("seq2seq", steps=3000, hidden=256), "3,000 steps"),
    "tcn-T2e5": Sized(sized("tcn", steps=2 * 10**5, latent=2), "200,000 steps"),
    "tcn-h1-T1e6": Sized(sized("tcn", steps=10**6, hidden=1, latent=1), "1,000,000 steps"),
    "tcn-L1400": Sized(sized("tcn", steps=64, layers=1400), "1,400 layers"),
}


def pretrained(spec: GeneratorSpec, fill: Callable[..., Tensor] = torch.zeros) -> dict[str, Any]:
    """A pretrainer's file of such a network, whose own fields state what its shapes do not tell."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in build(spec).state_dict().items()}
    names = ("latent_dim", "condition_dim", "hidden_dim", "num_layers", "output_dim", "target_len")
    return {
        "state_dict": {name: fill(shape) for name, shape in shapes.items()},
        "config": {name: getattr(spec, name) for name in names} | {"activation_xy": "linear", "activation_dt": "none"},
    }
