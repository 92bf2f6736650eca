from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.outcome import AS_IT_IS, Arm, Trial
from humouse_doctor.stored import outcome as outcome_json
from humouse_doctor.verify.bench import Job
from humouse_doctor.verify.trial_store import TrialStore
from tests.verify.builders import GATES, SET, outcome, trial

JOB = Job(arm=GATES, seed=1, steps=24)


def test_a_trial_is_found_by_arm_seed_and_steps() -> None:
    kept = TrialStore(None, outcome())
    kept.add(trial(GATES, 1))

    assert kept.find(JOB) == trial(GATES, 1)
    assert kept.find(Job(arm=GATES, seed=0, steps=24)) is None
    assert kept.find(Job(arm=SET, seed=1, steps=24)) is None
    assert kept.find(Job(arm=GATES, seed=1, steps=25)) is None


def test_one_that_failed_is_made_again_and_its_place_taken() -> None:
    kept = TrialStore(None, outcome())
    kept.add(trial(GATES, 1, failed="no disk"))
    assert kept.find(JOB) is None

    kept.add(trial(GATES, 1))

    assert kept.find(JOB) == trial(GATES, 1)
    assert sum((one.arm, one.seed) == (GATES.key, 1) for one in kept.outcome.trials) == 1


@given(st.lists(st.tuples(st.sampled_from([AS_IT_IS, GATES, SET]), st.integers(0, 3), st.booleans()), max_size=12))
def test_there_is_one_trial_of_each_arm_and_seed_the_last(added: list[tuple[Arm, int, bool]]) -> None:
    kept = TrialStore(None, outcome())
    last: dict[tuple[str, int], Trial] = {(one.arm, one.seed): one for one in kept.outcome.trials}
    for arm, seed, failed in added:
        one = trial(arm, seed, failed="no disk" if failed else None)
        kept.add(one)
        last[one.arm, one.seed] = one

    assert {(one.arm, one.seed): one for one in kept.outcome.trials} == last
    assert len(kept.outcome.trials) == len(last)


def test_the_file_holds_all_of_it_after_each(tmp_path: Path) -> None:
    path = tmp_path / "outcome.json"
    kept = TrialStore(path, outcome())
    for seed in range(3):
        kept.add(trial(GATES, seed))
        assert outcome_json.read(path) == kept.outcome
    assert [entry.name for entry in tmp_path.iterdir()] == ["outcome.json"]


def test_a_file_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        TrialStore(tmp_path / "nowhere" / "outcome.json", outcome()).add(trial(GATES))
