from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes, urljoin

import pytest

from humouse_doctor.reporting.paths import display_path, uri
from tests.hostile.names import NAMES


@pytest.mark.parametrize(
    ("path", "root", "seen"),
    [
        ("conf/x.yaml", "", "conf/x.yaml"),
        ("./conf//x.yaml", "", "conf/x.yaml"),
        ("/repo/conf/x.yaml", "/repo", "conf/x.yaml"),
        ("/repo/sub/../conf/x.yaml", "/repo/", "conf/x.yaml"),
        ("/repository/x.yaml", "/repo", "/repository/x.yaml"),
        ("/repo/x.yaml", "", "/repo/x.yaml"),
    ],
)
def test_a_path_is_shown_from_the_root(path: str, root: str, seen: str) -> None:
    assert display_path(path, root) == seen


def test_a_relative_path_is_one_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")

    assert display_path("../conf/x.yaml", str(tmp_path)) == "conf/x.yaml"
    assert display_path("x.yaml", str(tmp_path)) == "sub/x.yaml"


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        ("conf/x y#1?.yaml", "", "conf/x%20y%231%3F.yaml"),
        ("c:x.yaml", "", "c%3Ax.yaml"),
        ("ä.yaml", "", "%C3%A4.yaml"),
        ("50%.yaml", "", "50%25.yaml"),
        ("/repo/x.yaml", "/repo", "x.yaml"),
        ("/data/x y.pt", "/repo", "file:///data/x%20y.pt"),
        ("byte\udcff.pt", "", "byte%FF.pt"),
        ("half\ud800.pt", "", "half%5Cud800.pt"),
    ],
)
def test_a_uri_is_relative_where_it_can_be_and_percent_encoded(path: str, root: str, expected: str) -> None:
    assert uri(path, root) == expected


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_uri_leads_back_to_the_very_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    for path in (tmp_path / "sub" / name, name, f"../{name}", f"../../{name}"):
        found = uri(str(path), str(tmp_path))
        assert re.fullmatch(r"(file:///)?[A-Za-z0-9._~/%-]+", found)
        assert unquote_to_bytes(urljoin(f"{tmp_path.as_uri()}/", found)) == f"file://{os.path.abspath(path)}".encode(  # noqa: PTH100
            "utf-8", "surrogateescape"
        )
