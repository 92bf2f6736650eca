"""Check training on a GPU against the CPU: `python -m tests.lab.device`, on a machine with one; about a minute.

The same warm-up is trained on both, and a step is timed. The first losses must agree to 1e-4, and the means of the last
twenty, over the best constant's loss, to 0.05. A search on the GPU is one command more, which is printed.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import replace

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.inputs.gestures.synthetic import strokes
from humouse_doctor.probes.shared.measures import best_constant_loss
from humouse_doctor.training.device import chosen
from humouse_doctor.training.warm_up import WarmUp, train

_FIRST, _LAST = 1e-4, 0.05
_LENGTH, _COUNT, _STEPS = 100, 1024, 200


def main() -> None:
    try:
        gpu = chosen("cuda")
    except UsageError as error:
        raise SystemExit(str(error)) from None
    gestures = strokes(_COUNT, _LENGTH, 0)
    positions = gestures[..., :2].cumsum(axis=1)
    targets = (positions - positions.mean((0, 1))) / positions.std((0, 1))
    constant = best_constant_loss(targets)
    failed = False
    for architecture in Architecture:
        spec = GeneratorSpec(
            architecture=architecture, latent_dim=64, condition_dim=0, hidden_dim=64, num_layers=2, output_dim=2,
            target_len=_LENGTH, activation_xy=Activation.LINEAR, activation_dt=Activation.LINEAR,
        )  # fmt: skip
        plan = WarmUp(spec=spec, steps=_STEPS, batch_size=64, learning_rate=1e-3, noise_std=0.1)
        first, last, step = [], [], []
        for device in ("cpu", gpu):
            train(replace(plan, device=device, steps=3), targets)  # a device's start is no part of a step
            begun = time.perf_counter()
            losses = train(replace(plan, device=device), targets).losses
            step.append((time.perf_counter() - begun) / _STEPS)
            first.append(float(losses[0]))
            last.append(statistics.fmean(losses[-20:]) / constant)
        agree = abs(first[1] / first[0] - 1) <= _FIRST and abs(last[1] - last[0]) <= _LAST
        failed |= not agree
        sys.stdout.write(
            f"{architecture.value}: {'agrees' if agree else 'DIFFERS'}: first loss {first[0]:.6f} and {first[1]:.6f}, last ones"
            f" {last[0]:.3f} and {last[1]:.3f} of the best constant's; a step takes {step[1] / step[0]:.2f} of the CPU's\n"
        )
    sys.stdout.write("next: humouse-doctor verify CONFIG --data DATA --search --device cuda\n")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
