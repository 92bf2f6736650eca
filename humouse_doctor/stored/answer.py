"""The answer of a job that looks at one run, as JSON: its report, or the reason why there is none."""

from __future__ import annotations

import json

from humouse_doctor.core.errors import DoctorError, ExitCode, InputError, UsageError
from humouse_doctor.core.report import Report
from humouse_doctor.stored import report as json_report

_REFUSED = b'{"refused":'
#: The errors of one input, by their exit codes.
_ERRORS = {ExitCode.USAGE: UsageError, ExitCode.INPUT: InputError, ExitCode.INTERNAL: DoctorError}


def render(found: Report | DoctorError) -> bytes:
    """Return what is known of a run as JSON; equal reports give equal bytes."""
    if isinstance(found, Report):
        return json_report.render(found).encode()
    return json.dumps({"refused": str(found), "exit_code": int(found.exit_code)}).encode()


def parse(answer: bytes, name: str) -> Report | DoctorError:
    """Return what `render` was given, checked as a stored file is; an answer that it has not given is an `InputError`."""
    from humouse_doctor.stored import values  # msgspec, which only reading needs
    from humouse_doctor.stored.shapes.bounds import Refusal  # as above

    try:
        text = answer.decode()
        if not answer.startswith(_REFUSED):
            return json_report.parse(text, name)
        refusal = values.decode(text, Refusal)
        return _ERRORS[ExitCode(refusal.exit_code)](refusal.refused)
    except InputError as error:
        return error
    except values.MALFORMED as error:
        return json_report.not_a_report(name, error)
