from __future__ import annotations

import pytest

from tests.lab.mutations import MEASURED, ROOT, beside

MODULES = [
    file.relative_to(ROOT).as_posix()
    for folder in MEASURED
    for file in sorted((ROOT / folder).rglob("*.py"))
    if file.name != "__init__.py"
]


@pytest.mark.parametrize("path", MODULES)
def test_every_module_that_is_measured_has_tests_beside_it(path: str) -> None:
    assert beside(path, ROOT)


def test_a_shared_module_is_held_to_its_own_tests_and_those_of_its_users() -> None:
    found = beside("humouse_doctor/probes/shared/paths.py", ROOT)
    assert found == ["tests/probes/test_direction_collapse.py", "tests/probes/test_samples_straight.py"]
    assert beside("humouse_doctor/probes/shared/measures.py", ROOT)[0] == "tests/probes/test_measures.py"
