"""Names of the files that a look at a run may read."""

from __future__ import annotations

from humouse_doctor.core.watching import WATCH_FILE
from humouse_doctor.inputs.logs.events import EVENTS

#: The ends of their names. Reports and journals, which may lie in a run's folder too, are not among them.
_ENDS = (".pt", ".pth", ".ckpt", ".safetensors", ".yaml", ".yml", ".npz", ".npy", ".csv", ".log", ".meta.json", ".index.json")
#: Files that say something about a checkpoint in their folder.
BESIDE = ("gan_summary.json", "metrics.csv", "sigma_eval_metrics.csv", "diffusion_eval_metrics.csv", "train_gan.log")


def may_be_part(name: str) -> bool:
    """Return True if a file of this name may be part of a run."""
    return name.lower().endswith(_ENDS) or name in BESIDE or name == WATCH_FILE or name.startswith(EVENTS)
