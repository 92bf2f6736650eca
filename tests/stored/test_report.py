from __future__ import annotations

import json
import sys
from typing import Any

import msgspec
import pytest

from humouse_doctor.stored.report import joined


@pytest.mark.parametrize("with_msgspec", [True, False])
@pytest.mark.parametrize("text", ["plain", 'x\u2028é"\\/\x00\x7f', "half \ud800 of a pair", "##[ ::error"])
def test_text_is_spread_as_by_the_standard_library(text: str, with_msgspec: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if with_msgspec:
        monkeypatch.setitem(sys.modules, "msgspec", msgspec)
    else:
        monkeypatch.delitem(sys.modules, "msgspec")
    content: dict[str, Any] = {
        text: [],
        "empty": {"": [{}, [[]], {"more": None}]},
        "numbers": [1e-5, 1e16, 1e300, -0.0, 5, 10**30, True, 0.1 + 0.2],
    }
    expected = json.dumps({**content, "last": 1}, indent=2).replace("##[", "#\\u0023[") + "\n"
    assert joined(content, "last", " 1\n") == expected
