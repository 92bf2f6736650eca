"""The form of codes, and the tool's own, HD001-HD010: problems with an input rather than with the run."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from enum import Enum

#: A code, of a probe or of the tool itself: capitals, then three digits. Those of this package begin with HD.
CODE = re.compile(r"[A-Z]{2,6}[0-9]{3}")
OWN_PREFIX = "HD"


#: Letters that look like digits, in the part of a code that has digits.
_AS_DIGITS = str.maketrans("OILSZB", "011528")


def nearest_code(asked: str, codes: Collection[str]) -> str | None:
    """Return the code that was probably meant by `asked`, None if there is none like it; O and I are read as digits."""
    text = asked.strip().upper()
    spelled = text[:2] + text[2:].translate(_AS_DIGITS)
    if spelled in codes:
        return spelled
    return next(iter(difflib.get_close_matches(spelled, codes, n=1)), None)


class ToolCode(Enum):
    """A code with its name, its meaning and the advice to the user."""

    REFUSED = (
        "HD001",
        "input-refused",
        (
            "An input could not be read, or was refused. Nothing is known of the run, and a gate does not let it pass; the"
            " message says what to do about the file."
        ),
    )
    CONFIG_VALUE = (
        "HD002",
        "config-value",
        (
            "A value in the config has a type the trainer does not take, or a key is spelled so that the trainer ignores it."
            " The value is treated as unknown, never guessed; correct it, or give it with --set."
        ),
    )
    PROBE_CRASHED = (
        "HD003",
        "probe-crashed",
        (
            "A probe ended with an error of its own. Nothing is known from it, no verdict of healthy is possible, and the exit"
            " code is 4. Please report it with the message."
        ),
    )
    DISAGREEMENT = (
        "HD004",
        "checkpoint-config-mismatch",
        (
            "The config is not the one this checkpoint was trained with, or was changed since: the weights have other sizes, or"
            " the run's own record, its overrides, its log or the backup of a patch say other values. The diagnosis follows"
            " what the weights were trained with."
        ),
    )
    OLD_TORCH = (
        "HD005",
        "torch-too-old",
        (
            "The installed torch is older than 2.10, whose loader corrupts memory on crafted files (CVE-2026-24747), or than"
            " 2.6, whose weights_only loader runs code (CVE-2025-32434). Upgrade before opening files you do not trust."
        ),
    )
    DATA_MISMATCH = (
        "HD006",
        "data-config-mismatch",
        "The data and the generator have different numbers of steps. Only the steps that both have were compared.",
    )
    POLICY_BREACH = (
        "HD007",
        "policy-breach",
        (
            "The gate's policy asks for something that this run does not meet: a threshold on a metric, data, or a verdict."
            " Thresholds, require-data and verdicts are those of the policy file; a metric that was not measured meets none."
        ),
    )
    FOREIGN_CODE = (
        "HD008",
        "foreign-code",
        (
            "The checkpoint refers to classes or functions of a program, which torch.load(..., weights_only=False) would import"
            " and run; open it that way only if you trust its author. With --salvage none of that code was run: its objects"
            " were read as plain data, and its tensors were examined. Save the state_dict alone, and look up names you do not"
            " know."
        ),
    )

    PLUGIN_BROKEN = (
        "HD009",
        "plugin-broken",
        (
            "An installed package offers a probe that cannot be used, and that was left out. The message says which package and"
            " why. Update or uninstall that package, or leave out the probes of all packages with --no-plugins."
        ),
    )

    TRAINING_MODE = (
        "HD010",
        "training-mode",
        (
            "The generator was handed over in training mode, in which its sequences are other ones than in evaluation mode: by"
            " dropout, or by norms that take their statistics from the batch. It was measured in evaluation mode. Call"
            " generator.eval() before sequences are drawn for use."
        ),
    )

    def __init__(self, code: str, label: str, text: str) -> None:
        self.code, self.label, self.text = code, label, text
