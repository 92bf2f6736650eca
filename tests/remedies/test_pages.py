from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from humouse_doctor.core.case import Case
from humouse_doctor.core.space import Reading
from humouse_doctor.core.spec import Architecture
from humouse_doctor.probes.pages import names
from humouse_doctor.probes.registry import PROBES
from humouse_doctor.remedies import candidates, catalogue
from humouse_doctor.remedies.pages import known, named, page
from tests import builders
from tests.remedies.test_catalogue import _MEASURED

#: Numbers besides those of `_MEASURED` with which a probe offers something else.
_NUMBERS: tuple[Mapping[str, float], ...] = (
    {},
    _MEASURED,
    {"steps_share": 0.0, "steps_needed": 1e6, "steps_available": 1.0},
    {"live_share": 0.0, "taught_code_share": 1.0, "recurrent_excess": 1.0, "stale_share": 1.0},
    {"plain_reach": 0.01},
)


def _cases() -> list[Case]:
    """Return runs of every kind that a remedy depends on: the architecture, the rate, the reading, and the scale."""
    scaled = replace(builders.summary(), position_mean=(0.0, 0.0), position_std=(1.0, 1.0))
    kinds = itertools.product(
        (None, Architecture.LSTM, Architecture.SEQ2SEQ),
        (1e-5, 0.5),
        (None, Reading(space=builders.DELTAS, because="it sums")),
        (None, scaled),
    )
    return [
        replace(
            builders.collapsed_case(),
            settings=builders.settings(
                {**builders.SOUND, "training.lr.generator": rate, "training.reset_generator_after_warmup": True}
            ),
            network=builders.network(architecture=architecture),
            space=builders.POSITIONS,
            reading=reading,
            data=data,
        )
        for architecture, rate, reading, data in kinds
    ]


def test_every_remedy_of_the_catalogue_has_a_page() -> None:
    source = Path(catalogue.__file__).read_text(encoding="utf-8")
    spelled = set(re.findall(r'id=f?"([a-z0-9-]+)', source)) - {"longer-warm-up-"}

    assert {*spelled, "slower-rate", "faster-rate"} == {name for name in known() if not name.startswith("longer-warm-up-")}
    assert list(known()) == sorted(known())
    assert {one for case in _cases() for one in candidates.candidates(case)} <= known().keys()


@pytest.mark.parametrize("name", known())
def test_a_page_is_of_its_remedy_and_says_all_of_it(name: str) -> None:
    text = page(name, names())

    assert text.startswith(f"# {name}\n\n*remedy*: ")
    assert re.search(r"\nIn (a config, for example|the code): ?", text)
    assert re.search(r"\n## Evidence\n\n[A-Z0-9].*\.\n", text)
    assert "\n\n\n" not in text
    assert "None ->" not in text
    assert "-> None" not in text


def test_a_page_names_the_causes_whose_probes_offer_the_remedy() -> None:
    offered: dict[str, set[str]] = {}
    for case, probe, measured in itertools.product(_cases(), PROBES, _NUMBERS):
        try:
            remedies = probe.remedies(case, measured)
        except KeyError:  # no probe is asked for remedies without its numbers
            continue
        for remedy in remedies:
            offered.setdefault(re.sub(r"longer-warm-up-\d+x", "longer-warm-up-4x", remedy.id), set()).add(probe.code)

    stated = {name: set(entry.codes) for name, entry in known().items() if name != "longer-warm-up-16x" and entry.codes}
    assert offered == stated


def test_a_longer_warm_up_has_any_factor_and_a_number_of_a_run_is_no_evidence() -> None:
    assert named("longer-warm-up-7x") == "longer-warm-up-7x"
    assert "`training.reconstruction_epochs`: 5 -> 35" in page("longer-warm-up-7x", names())
    assert named("longer-warm-up-x") is None
    assert "100%" not in page("delta-space", names())


def test_the_numbers_of_slow_gates_are_those_of_the_page_on_accuracy() -> None:
    accuracy = " ".join((Path(__file__).parents[2] / "docs" / "accuracy.md").read_text(encoding="utf-8").split())
    pairs, more = re.findall(r"(\d+) runs with plain gates|gates (\d+) more", page("slow-gates", names()).replace("\n", " "))

    assert f"{pairs[0]} runs with plain gates have a twin that differs in the gates alone" in accuracy
    assert f"With slow gates {more[1]} more are healthy" in accuracy
