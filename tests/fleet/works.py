"""Work that a worker process can find by its name."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from humouse_doctor.core.errors import InputError, MachineError
from humouse_doctor.fleet.jobs import tell
from humouse_doctor.inputs.files import open_regular
from humouse_doctor.probes.plugins import wanted


def double(payload: int) -> bytes:
    return json.dumps(2 * payload).encode()


def varied(payload: str) -> bytes:
    """Do what the payload says: its first word is a deed, and the others are about it."""
    deed, *words = payload.split()
    match deed:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die-once":
            if not Path(words[0]).exists():
                Path(words[0]).touch()
                os._exit(7)
        case "sleep":
            time.sleep(float(words[0]))
        case "fail":
            raise ValueError("on\npurpose")
        case "refuse":
            raise InputError(f"{words[0]}: refused")
        case "no-machine":
            raise MachineError("no such library")
        case "read":
            open_regular(Path(words[0])).close()
        case "tell":
            for word in words:
                tell(word)
        case "forever":
            Path(words[0]).with_suffix(".tmp").write_text(str(os.getpid()), encoding="utf-8")
            Path(words[0]).with_suffix(".tmp").rename(words[0])
            time.sleep(600)
    deaf = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    seen = {
        "process": os.getpid(),
        "deaf": deaf,
        "plugins": wanted(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "torch": "torch" in sys.modules,
    }
    return json.dumps(seen).encode()
