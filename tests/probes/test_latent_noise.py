from __future__ import annotations

import pytest

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Status
from humouse_doctor.core.settings import Value
from tests import builders

_PROBE = builders.probe("HD205")
_KEY = "training.warmup_noise_std"


def _of(noise: Value) -> Case:
    return builders.case(known=builders.settings({**builders.SOUND, _KEY: noise}), facts=builders.network())


def test_where_the_file_is_silent_there_is_no_noise() -> None:
    assert _KEY not in builders.SOUND
    assert builders.run("HD205", builders.case(known=builders.settings())).status is Status.HEALTHY


@pytest.mark.parametrize("noise", [0, 0.0, -1.0])
def test_no_noise_is_healthy(noise: float) -> None:
    assert builders.run("HD205", _of(noise)).measurements["noise_std"] == 0


def test_before_training_the_message_carries_the_noise() -> None:
    case = _of(1.5)
    assert _PROBE.message(case, _PROBE.measure(case)) == (
        "the warm-up adds noise of std 1.5 to the latent; prior samples may then spread less than fits to real sequences,"
        " which was not measured here"
    )


def test_the_remedy_sets_the_noise_to_zero_in_its_place() -> None:
    (remedy,) = _PROBE.remedies(_of(1.5), {})
    (edit,) = remedy.edits
    assert (edit.key, edit.old, edit.new, edit.absent) == (_KEY, 1.5, 0.0, False)
