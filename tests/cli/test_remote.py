from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from humouse_doctor.gate.baseline import key_of
from tests.conftest import Ended

pytestmark = pytest.mark.usefixtures("few_fits")
Invoke = Callable[..., Ended]
GOLDEN = Path(__file__).parents[1] / "golden"
CONFIG = Path(__file__).parents[2] / "examples" / "collapsed-repeated-latent" / "config.yaml"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put(name: str, file: Path) -> str:
    with fsspec.open(f"memory://bucket/{name}", "wb") as stream:
        stream.write(file.read_bytes())
    return f"memory://bucket/{name}"


def test_a_run_is_looked_at_by_its_urls_and_nothing_names_the_copies(
    invoke: Invoke, collapsed_run: Path, cache: Path, tmp_path: Path
) -> None:
    checkpoint = put("run/generator.pt", next(collapsed_run.glob("checkpoints/*.pt")))
    config = put("run/config.yaml", collapsed_run / ".hydra" / "config.yaml")
    data = put("run/gestures.npz", next(collapsed_run.glob("data/**/*.npz")))
    page, saved = tmp_path / "page.html", tmp_path / "report.json"

    ended = invoke("inspect", checkpoint, "--config", config, "--data", data, "-o", page, "-o", saved)

    report = json.loads(saved.read_text())
    assert ended.code == 1
    assert report["subject"] == report["subject"] | {"checkpoint": checkpoint, "config": config, "data": data}
    assert ended.out.splitlines()[-1] == f"humouse-doctor suggest-config {checkpoint} --config {config} --data {data}"
    assert str(cache) not in ended.out + ended.err + saved.read_text() + page.read_text()
    assert invoke("suggest-config", *ended.out.splitlines()[-1].split()[2:]).out.startswith(
        "--- a/config.yaml\n+++ b/config.yaml\n"
    )


def test_a_query_is_not_repeated_in_a_command(invoke: Invoke) -> None:
    url = put("run.yaml?signature=5ecret", CONFIG)

    ended = invoke("preflight", url)

    assert "memory://bucket/run.yaml?..." in ended.out
    assert "5ecret" not in ended.out + ended.err
    assert "humouse-doctor preflight" not in ended.out


def test_a_remote_config_is_not_written(invoke: Invoke) -> None:
    url = put("run.yaml", CONFIG)
    ended = invoke("suggest-config", "--config", url, "--write")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith(f"{url}: a remote file, which --write does not change; apply the diff to the original\n")


def test_a_gate_goes_on_where_a_file_cannot_be_fetched(invoke: Invoke) -> None:
    url, none = put("run.yaml", CONFIG), "memory://bucket/none.pt"
    ended = invoke("gate", none, url, "--format", "json", "--fail-on", "never")

    entries = {entry["name"]: entry for entry in json.loads(ended.out)["inputs"]}
    assert ended.code == 3
    assert entries[none]["sentence"] == f"{none}: there is no such file or folder"
    assert entries[url]["report"]["subject"]["config"] == url
    assert key_of(url, Path("baseline.json")) == url


def test_a_report_is_shown_and_compared_by_its_url(invoke: Invoke) -> None:
    url = put("report.json", GOLDEN / "collapsed.json")
    ended = invoke("show", url, "--compare", url)

    assert ended.code == 4  # a probe crashed
    assert ended.out.splitlines()[-1] == f"humouse-doctor show {url} --full"
    gone = invoke("show", "memory://bucket/none.json").err
    assert gone == "humouse-doctor: memory://bucket/none.json: there is no such file or folder\n"
