"""The command verify: remedies tried in paired trainings."""

from __future__ import annotations

from collections.abc import Callable

from humouse_doctor.core.view import TrialsView
from humouse_doctor.inputs.remote import names
from humouse_doctor.verify import verification
from humouse_doctor.verify.runner import ProgressListener
from humouse_doctor.verify.trainer import Command
from humouse_doctor.verify.verification import VerifyRequest
from humouse_doctor.verify.warm_start import diff_beside

#: All that a caller needs for this command, from one import.
__all__ = ["Command", "VerifyRequest", "diff_beside", "verify"]


def verify(request: VerifyRequest, listener: ProgressListener, progress: Callable[[str], None] = lambda _: None) -> TrialsView:
    """Try remedies in paired trainings; raises `DoctorError` with a one-line message."""
    return TrialsView(outcome=names.with_names(verification.verify(request, listener, progress).outcome))
