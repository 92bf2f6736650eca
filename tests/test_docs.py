"""README and docs/: their links lead somewhere, and the commands they show exist."""

from __future__ import annotations

import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import typer
import yaml

from humouse_doctor.cli.commands import app
from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.probes.pages import pages
from humouse_doctor.probes.registry import PROBES
from humouse_doctor.stored.gate import schema

TOP = Path(__file__).parents[1]
DOCS = TOP / "docs"
FOR_PROGRAMS = DOCS / "llms.txt"
TEXTS = [*(path for path in sorted(TOP.glob("*.md"))), *sorted(DOCS.rglob("*.md")), *pages().values(), FOR_PROGRAMS]
COMMANDS = {
    name: {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
}
#: Options that stand alone in a text and are another program's.
OTHERS = {"--extra-index-url", "--pip-args", "--report", "--torch-backend"}
BY_NAME = pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(TOP)))


@cache
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hooks", DOCS / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_of(path: Path) -> list[str]:
    """Yield every line of a code block, its continuations joined, and every code span."""
    lines, spans, fenced = [], [], False
    for line in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            lines.append(line)
        else:
            spans += re.findall(r"`([^`]+)`", line)
    return lines + spans


def slugs(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def wrong_commands(line: str) -> list[str]:
    """Return the commands and options in a line of code that humouse-doctor does not have."""
    found = []
    for call in re.findall(r"(?:^|[\s/])humouse-doctor ((?!\|)[^#|&]+)", line):
        first, *words = [word for word in call.split() if not word.startswith(("'", "("))]
        if first.startswith("-"):
            found += [] if first in ("--version", "--help", "--install-completion") else [first]
        elif not re.fullmatch(r"[a-z-]+", first):
            continue  # a name in a sentence
        elif first not in COMMANDS:
            found.append(first)
        else:
            options = {word.partition("=")[0] for word in words if word.startswith("-")}
            found += [f"{first} {option}" for option in sorted(options - COMMANDS[first])]
    if re.match(r"--[a-z]", line):
        option = re.split(r"[ =\[]", line)[0]
        known = set().union(*COMMANDS.values()) | OTHERS
        found += [] if option in known else [option]
    return found


def test_readme_is_short() -> None:
    assert len((TOP / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_readme_has_the_figures_of_the_zoo() -> None:
    shares = re.findall(r"(\d+)\s+of\s+(\d+)", (TOP / "README.md").read_text(encoding="utf-8"))
    table = (DOCS / "accuracy.md").read_text(encoding="utf-8")
    assert len(shares) == 4
    assert [share for share in shares if f"; {'/'.join(share)})" not in table] == []


@BY_NAME
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), f"{target} is not there"
        assert not anchor or anchor in slugs(file), f"{target}: no such heading"


@BY_NAME
def test_commands_and_options_exist(path: Path) -> None:
    assert [wrong for line in code_of(path) for wrong in wrong_commands(line)] == []


@pytest.mark.parametrize(
    "line",
    [
        "humouse-doctor inspekt x",
        "a && humouse-doctor gate x --bogus | cat",
        "bin/humouse-doctor show r --quick",
        "--bogus",
    ],
)
def test_a_command_that_is_not_there_is_seen(line: str) -> None:
    assert wrong_commands(line) != []


@BY_NAME
def test_modules_to_run_exist(path: Path) -> None:
    for module in re.findall(r"python -m (tests(?:\.\w+)+)", path.read_text(encoding="utf-8")):
        place = TOP / module.replace(".", "/")
        assert (place / "__main__.py").exists() or place.with_suffix(".py").exists(), module


def test_what_programs_are_told_is_true_and_whole() -> None:
    text = FOR_PROGRAMS.read_text(encoding="utf-8")
    parts = {part.partition("\n")[0]: re.findall(r"^- (.+)", part, re.MULTILINE) for part in text.split("\n## ")}
    fields = {word for line in parts["JSON of a report"] for word in re.findall(r"`(\w+)`", line.partition(":")[0])}
    report = json.loads(schema("report"))

    assert {line.split()[1].rstrip("`:") for line in parts["Commands"]} == set(COMMANDS)
    assert [int(line[0]) for line in parts["Exit codes"]] == list(ExitCode)
    assert fields <= set(report["properties"])
    assert {"next", "verdict", "causes", "patch", "remedies"} <= fields
    assert len(text) < 6_000


def test_the_table_of_options_is_true() -> None:
    rows = re.findall(r"^\| (`--.+?) \| (`.+?) \|", (DOCS / "commands.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 10
    for options, commands in rows:
        for option in re.findall(r"--[a-z-]+", options):
            assert [name for name in re.findall(r"`([a-z-]+)`", commands) if option not in COMMANDS[name]] == [], option


def test_the_table_of_the_actions_inputs_is_true() -> None:
    action = yaml.safe_load((TOP / "action.yml").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| `([a-z-]+)` \|", (DOCS / "how-to" / "github.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(action["inputs"])


def test_the_examples_are_all_named() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", (DOCS / "examples.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(path.name for path in (TOP / "examples").iterdir() if (path / "config.yaml").exists())


def test_every_probe_has_a_page_in_the_site_and_a_row() -> None:
    content = yaml.safe_load((TOP / "mkdocs.yml").read_text(encoding="utf-8"))
    shown = str(hooks().with_generated(content["nav"]))
    made = hooks().generated()
    index = hooks().with_list((DOCS / "probes" / "index.md").read_text(encoding="utf-8"))
    for probe in PROBES:
        place = f"probes/{probe.code.lower()}-{probe.name}.md"
        assert place in shown
        assert made[place].startswith(f"# {probe.code} {probe.name}\n")
        assert f"| {probe.code} | {probe.name} | {probe.kind.value} | {probe.summary} |" in index
    assert all(f"#{tool.code.lower()} }}" in made["probes/tool-codes.md"] for tool in ToolCode)


def test_codes_are_linked_to_their_pages_but_not_in_code() -> None:
    text = "# HD201\nHD201, HD203 and `HD203`, [HD203](x.md), HD999\n```\nHD203\n```\n"
    shown = hooks().linked(text, "probes/hd201-out-of-reach-targets.md", frozenset())
    link = "[HD203](hd203-repeated-latent.md)"
    assert shown == f"# HD201\nHD201, {link} and `HD203`, [HD203](x.md), HD999\n```\nHD203\n```\n"


def test_links_to_the_top_hold_in_the_site() -> None:
    known = frozenset({"contributing.md", "a/b.md", "accuracy.md"})
    assert hooks().linked("[x](../../CONTRIBUTING.md)", "a/b.md", known) == "[x](../contributing.md)\n"
    assert hooks().linked("[x](docs/accuracy.md#y)", "contributing.md", known) == "[x](accuracy.md#y)\n"
    assert hooks().linked("[x](action.yml)", "contributing.md", known) == "x\n"


@pytest.mark.parametrize("page", [page for page in TEXTS if "```diff" in page.read_text(encoding="utf-8")])
def test_a_diff_on_a_page_is_a_diff(page: Path) -> None:
    for block in re.findall(r"```diff\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
        assert "\n@@ -" in block
        assert all(re.match(r"[-+ #\\]|@@ -\d+(,\d+)? \+\d+(,\d+)? @@", line) for line in block.splitlines() if line), block
