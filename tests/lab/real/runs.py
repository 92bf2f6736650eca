"""The runs to make with humouse's own trainer: an experiment of its own, with overrides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Small enough for minutes on a CPU.
SMALL = (
    "experiment.data.dataset_id=balabit",
    "experiment.data.sequence_length=50",
    "experiment.data.sampling_rate=25.0",
    "experiment.data.batch_size=64",
    "experiment.data.num_workers=0",
    "+experiment.data.user_filter=null",
    "experiment.data.feature_mode=neuromotor",
    "experiment.model.generator.target_len=50",
    "experiment.model.generator.hidden_dim=64",
    "experiment.model.generator.latent_dim=32",
    "experiment.model.discriminator.hidden_dim=32",
    "experiment.training.epochs=1",
    "experiment.training.sigma_eval_enabled=true",
    "experiment.training.sigma_eval_interval=1",
    "experiment.training.sigma_eval_samples=256",
    "experiment.logging.target=none",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run: `experiment` is one of humouse's, `commit` a commit of it, None for the checkout as it stands.

    With `cure_of`, the name of an earlier run, the code and its experiment are patched by `suggest-config` on that run, and
    nothing that the patch changes is overridden.
    """

    name: str
    experiment: str = "train_gan_paper"
    overrides: Sequence[str] = ()
    commit: str | None = None
    cure_of: str | None = None


_LONG = ("experiment.training.reconstruction_epochs=40", "experiment.training.lr.generator=0.001")
_DELTA = ("experiment.training.absolute_coordinates=false", "experiment.model.discriminator.input_dim=3")

RUNS: tuple[Run, ...] = (
    Run(name="paper"),
    Run(name="paper-tanh", overrides=("experiment.model.generator.activation_xy=tanh",)),
    Run(name="paper-long", overrides=_LONG),
    Run(name="paper-delta", overrides=(*_LONG, *_DELTA)),
    Run(name="paper-seq2seq", overrides=(*_LONG, "experiment.model.architecture=seq2seq")),
    Run(name="paper-tcn", overrides=(*_LONG, "experiment.model.architecture=tcn")),
    Run(name="paper-old-code", overrides=_LONG, commit="c433bf1"),
    Run(name="paper-cured", cure_of="paper"),
    Run(name="paper-old-code-cured", overrides=_LONG, commit="c433bf1", cure_of="paper-old-code"),
    Run(name="gan", experiment="train_gan"),
    Run(name="uncond", experiment="train_gan_paper_uncond"),
    Run(name="gan-cured", experiment="train_gan", cure_of="gan"),
    Run(name="uncond-cured", experiment="train_gan_paper_uncond", cure_of="uncond"),
    Run(name="paper-delta-cured", overrides=_LONG, cure_of="paper-delta"),
    Run(name="paper-tcn-cured", overrides=(*_LONG, "experiment.model.architecture=tcn"), cure_of="paper-tcn"),
    Run(name="paper-long-cured", overrides=_LONG, cure_of="paper-long"),
)
