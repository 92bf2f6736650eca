from __future__ import annotations

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Status
from tests import builders

_PROBE = builders.probe("HD204")
_KEY = "training.warmup_latent_normalize"


def _silent() -> Case:
    values = {key: value for key, value in builders.SOUND.items() if key != _KEY}
    return builders.case(known=builders.settings(values), facts=builders.network())


def test_where_the_file_is_silent_it_is_on() -> None:
    result = builders.run("HD204", _silent())
    assert (result.judgement, result.measurements["whitening"]) == (Judgement.BORDERLINE, 1)


def test_the_message_says_whether_the_file_spells_it_out() -> None:
    spelled_out = builders.case(known=builders.settings({**builders.SOUND, _KEY: True}))
    said = "; prior samples may then spread less than fits to real sequences, which was not measured here"
    assert _PROBE.message(_silent(), {"whitening": 1}) == (
        f"the warm-up whitens the latent by its batch (the trainer's default, the file is silent){said}"
    )
    assert _PROBE.message(spelled_out, {"whitening": 1}) == f"the warm-up whitens the latent by its batch{said}"


def test_where_the_file_is_silent_the_remedy_spells_it_out() -> None:
    (remedy,) = _PROBE.remedies(_silent(), {})
    (edit,) = remedy.edits
    assert (edit.key, edit.old, edit.new, edit.absent) == (_KEY, True, False, True)


def test_without_a_warm_up_nothing_whitens() -> None:
    known = builders.settings({**builders.SOUND, _KEY: True, "training.reconstruction_epochs": 0})
    result = builders.run("HD204", builders.case(known=known, facts=builders.network()))
    assert (result.status, result.reason) == (Status.SKIPPED, "no warm-up runs (training.reconstruction_epochs is 0)")
