"""Lets a process that imports it fit latents in one step: most of a short trial's time, and nothing that is written."""

from __future__ import annotations

from functools import partial

from humouse_doctor.generator import observe

observe.fit_latents = partial(observe.fit_latents, steps=1)  # type: ignore[assignment]  # it is called as before
