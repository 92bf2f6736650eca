from __future__ import annotations

from typing import Any

import numpy as np

from humouse_doctor.live import loggers

_NUMBERS = {"doctor/HD101.spread_ratio": 0.5, "doctor/collapsed": 0.0}


class _Recorder:
    """A logger that notes each call by the name of its method."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: self.calls.append((name, given, named))


def test_each_logger_gets_the_numbers_as_its_own_interface_takes_them() -> None:
    writer, run, aim = _Recorder(), _Recorder(), _Recorder()
    seen: list[tuple[dict[str, float], int]] = []

    loggers.tensorboard(writer)(7, _NUMBERS)
    loggers.wandb(run)(7, _NUMBERS)
    loggers.aim(aim)(7, _NUMBERS)
    loggers.keyword_step(lambda numbers, step: seen.append((numbers, step)))(7, _NUMBERS)

    assert writer.calls == [("add_scalar", item, {"global_step": 7}) for item in _NUMBERS.items()]
    assert run.calls == [
        ("define_metric", ("doctor/*",), {"step_metric": "doctor/step"}),
        ("log", ({**_NUMBERS, "doctor/step": 7},), {}),
    ]
    assert aim.calls == [("track", (value,), {"name": name, "step": 7}) for name, value in _NUMBERS.items()]
    assert seen == [(_NUMBERS, 7)]


def test_each_logger_gets_the_image_as_its_own_interface_takes_it() -> None:
    writer, run, aim = _Recorder(), _Recorder(), _Recorder()
    image = np.zeros((2, 4, 3), dtype=np.uint8)
    seen: list[tuple[Any, str, int]] = []

    loggers.tensorboard_image(writer)(7, image)
    loggers.wandb_image(run, id)(7, image)
    loggers.aim_image(aim, id)(7, image)
    loggers.keyword_step_image(lambda given, key, step: seen.append((given, key, step)))(7, image)

    assert writer.calls == [("add_image", ("doctor/paths", image), {"global_step": 7, "dataformats": "HWC"})]
    assert run.calls == [("log", ({"doctor/paths": id(image), "doctor/step": 7},), {})]
    assert aim.calls == [("track", (id(image),), {"name": "doctor/paths", "step": 7})]
    assert seen == [(image, "doctor/paths", 7)]
