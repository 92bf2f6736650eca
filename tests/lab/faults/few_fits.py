"""Makes a process that imports it fit latents in one step; fits take most of a short trial's time, and write nothing."""

from __future__ import annotations

from functools import partial

from humouse_doctor.networks import observe
from humouse_doctor.networks.sampling import fit_latents

vars(observe)["fit_latents"] = partial(fit_latents, steps=1)
