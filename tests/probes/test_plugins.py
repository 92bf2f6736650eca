from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import humouse_doctor
from humouse_doctor.core.probe import Status
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.probes import plugins, registry
from humouse_doctor.probes.plugins import GROUP, BrokenPlugin, Plugin, Plugins
from humouse_doctor.stored import saved
from tests import builders
from tests.conftest import Ended
from tests.inputs.checkpoints.files import save, weights
from tests.verify.runs import write_config, write_data

Invoke = Callable[..., Ended]

TOP = Path(__file__).parents[2]
EXAMPLE = TOP / "examples" / "plugin"
SMALL = ("--quick", "--samples", "32", "--max-sequences", "32", "--set", "model.generator.target_len=6")

PAGE = "# {code} {name}\n\n*{kind}*: {summary}\n"
PROBE = """\
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Edit, Interval, Remedy


class {name}(Probe):
    code, name, kind, summary = "XQ201", "own-cause", Kind.CAUSE, "One."
    needs = ()
    metrics = (Metric(name="one", unit="count", meaning="one", healthy=Interval(high=0.5), tolerable=Interval(high=0.7)),)
    explains = ("HD101",)

    def measure(self, case):
        return {{"one": 1.0}}

    def message(self, case, measured):
        return "one is 1"

    def remedies(self, case, measured):
        return (Remedy(id="xq-one", title="Own remedy", why="why", edits=(Edit(key="data.batch_size", old=1, new=2),)),)
"""


def package(
    site: Path, name: str, code: str, page: str | None = None, value: str = "probe:Own", distribution: str = ""
) -> None:
    """Install a package into `site`: `code` is the text of its module `probe`, `value` the name in its entry point."""
    folder = site / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "probe.py").write_text(code, encoding="utf-8")
    if page is not None:
        (folder / "probe.md").write_text(page, encoding="utf-8")
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution or name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}.{value}\n", encoding="utf-8")


def own_cause(*changes: tuple[str, str]) -> str:
    code = PROBE.format(name="Own")
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    return code


OWN_PAGE = PAGE.format(code="XQ201", name="own-cause", kind="cause", summary="One.")


@pytest.fixture(scope="module")
def installed_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder into which the example is installed; its sources are copied, since a build leaves files beside them."""
    place = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, place / "source", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--no-compile")
    subprocess.run([sys.executable, *pip, "--target", str(place / "site"), str(place / "source")], check=True)
    return place / "site"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an empty folder that modules are imported from; its packages are found from the first look on."""
    folder = tmp_path / "site"
    folder.mkdir()
    with counting(folder, monkeypatch):
        yield folder


class counting:  # noqa: N801  # a context manager
    """A block in which the packages of a folder count as installed; nothing of them remains afterwards."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._before = folder, set(sys.modules)
        monkeypatch.syspath_prepend(folder)

    def __enter__(self) -> None:
        plugins._loaded.cache_clear()

    def __exit__(self, *_: object) -> None:
        plugins._loaded.cache_clear()
        for name in set(sys.modules) - self._before:
            if str(self._folder) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


@pytest.fixture
def with_example(installed_example: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with counting(installed_example, monkeypatch):
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a config, data that mostly stand still, and an untrained checkpoint."""
    folder = tmp_path_factory.mktemp("run")
    write_config(folder)
    data = write_data(folder)
    sequences = np.load(data)["sequences"]
    sequences[:, np.arange(sequences.shape[1]) % 4 > 0, :2] = 0
    np.savez(data, sequences=sequences)
    save(folder / "generator.pt", weights())
    return folder


def inspected(run: Path) -> tuple[str, ...]:
    return ("inspect", str(run / "generator.pt"), "-c", str(run / "run.yaml"), "-d", str(run / "gestures.npz"), *SMALL)


def only_broken() -> str:
    """Return the reason why the only offered object was left out."""
    found = plugins.installed()
    assert found.whole == ()
    (broken,) = found.broken
    return broken.reason


def test_without_packages_nothing_is_offered_and_the_registry_is_the_tools_own(site: Path) -> None:
    package(site, "other", "", value="probe:Own")
    (site / "other-1.0.dist-info" / "entry_points.txt").write_text("[console_scripts]\nother = other.probe:main\n")
    found = plugins.installed()
    assert (found.whole, found.broken) == ((), ())
    assert registry.current().probes == registry.PROBES


def test_the_examples_own_test_passes(with_example: None) -> None:
    sys.path.insert(0, str(EXAMPLE / "tests"))
    try:
        found = importlib.import_module("test_zero_steps")
        tests = [value for name, value in vars(found).items() if name.startswith("test_")]
        assert len(tests) == 4
        for test in tests:
            test()
    finally:
        sys.path.remove(str(EXAMPLE / "tests"))
        sys.modules.pop("test_zero_steps", None)


@pytest.mark.parametrize("entry", ["console script", "python -m in its folder"])
def test_a_process_finds_installed_probes_but_none_of_the_current_folder(installed_example: Path, entry: str) -> None:
    """Also where Python itself has the current folder on its path."""
    code = "import sys; from humouse_doctor.cli.main import run; sys.argv[1:] = ['probes']; sys.exit(run())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TOP), str(installed_example)])}
    here = installed_example if entry != "console script" else installed_example.parent
    ended = subprocess.run([sys.executable, "-c", code], cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ("XP101  symptom  zero-steps" in ended.stdout) is (entry == "console script")


def test_it_is_listed_explained_and_completed(with_example: None, invoke: Invoke) -> None:
    assert "XP101  symptom  zero-steps                  Share of steps in which" in invoke("probes").out
    assert "XP101" not in invoke("probes", "--no-plugins").out
    page = invoke("explain", "zero-steps").out
    assert "XP101 zero-steps" in page
    assert "humouse-zero-steps" in page.partition("See also")[2]
    assert "explain HD103" in page
    assert invoke("explain", "XP101", "--no-plugins").code == 2
    assert "XP101" in invoke("probes").out  # what was left out is back


def test_every_format_has_its_finding_and_a_saved_report_is_read_back(
    with_example: None, invoke: Invoke, run: Path, tmp_path: Path
) -> None:
    forms = ("json", "sarif", "junit", "html", "markdown", "github", "gitlab")
    outputs = [part for form in forms for part in ("-o", f"{form}={tmp_path / form}")]
    ended = invoke(*inspected(run), "--select", "XP", *outputs)
    texts = {form: (tmp_path / form).read_text(encoding="utf-8") for form in forms}

    report = json.loads(texts["json"])
    assert [probe["code"] for probe in report["probes"]] == ["XP101"]
    assert [finding["code"] for finding in report["findings"] if finding["kind"] == "symptom"] == ["XP101"]
    rules = json.loads(texts["sarif"])["runs"][0]["tool"]["driver"]["rules"]
    assert next(rule for rule in rules if rule["id"] == "XP101")["shortDescription"]["text"].startswith("Share of steps")
    names = [case.get("name") for case in ElementTree.fromstring(texts["junit"]).iter("testcase")]
    assert "XP101 zero-steps" in names
    assert all("XP101" in text for text in texts.values())
    assert "XP101" in ended.out

    for more in ((), ("--no-plugins",)):  # what this version does not know is shown as it was saved
        shown = invoke("show", tmp_path / "json", "-f", "json", *more)
        assert json.loads(shown.out) | {"next": report["next"]} == report
        assert shown.code == ended.code
    assert saved.read(tmp_path / "json").probes[0].code == "XP101"


def test_a_policy_and_a_baseline_take_its_code(with_example: None, invoke: Invoke, run: Path, tmp_path: Path) -> None:
    policy, baseline = tmp_path / "policy.toml", tmp_path / "baseline.json"
    policy.write_text('select = ["XP"]\n[thresholds]\n"XP101.zero_share" = "<= -1"\n', encoding="utf-8")
    command = ("gate", *inspected(run)[1:], "--policy", str(policy))

    ended = invoke(*command)
    assert ended.code == 1
    assert "XP101.zero_share is 0, the policy asks <= -1" in " ".join(ended.out.split())
    invoke(*command, "--write-baseline", baseline)
    known = json.loads(invoke(*command, "-f", "json", "--baseline", baseline).out)["inputs"][0]["findings"]
    assert {found["standing"] for found in known if found["finding"]["code"] == "XP101"} == {"in the baseline"}
    policy.write_text('[[ignore]]\ncode = "XP101"\nreason = "it may"\n', encoding="utf-8")
    assert '"reason": "it may"' in invoke(*command, "-f", "json").out
    refused = invoke(*command, "--no-plugins")
    assert refused.code == 2
    assert "unknown code 'XP101'" in refused.err


def test_left_out_it_is_not_measured(with_example: None, invoke: Invoke, run: Path) -> None:
    def codes(*more: str) -> list[str]:
        return [probe["code"] for probe in json.loads(invoke(*inspected(run), "-f", "json", *more).out)["probes"]]

    assert codes() == [*codes("--no-plugins"), "XP101"]
    assert invoke(*inspected(run), "--no-plugins", "--select", "XP").code == 2
    length = {"model.generator.target_len": 6}
    both = [
        humouse_doctor.inspect(run / "generator.pt", settings=length, samples=8, quick=True, plugins=on).probes
        for on in (True, False)
    ]
    assert [len(probes) for probes in both] == [len(registry.PROBES) + 1, len(registry.PROBES)]


def test_a_cause_brings_its_own_remedy(site: Path, invoke: Invoke, run: Path) -> None:
    package(site, "own", own_cause(), OWN_PAGE)
    report = json.loads(invoke("preflight", run / "run.yaml", "--select", "XQ", "-f", "json").out)
    assert [cause["code"] for cause in report["causes"]] == ["XQ201"]
    assert [remedy["id"] for remedy in report["remedies"]] == ["xq-one"]
    assert report["patch"][0]["key"] == "data.batch_size"


def test_a_broken_one_is_a_finding_and_a_line(site: Path, invoke: Invoke, run: Path) -> None:
    package(site, "broken", "print('hello')\nraise RuntimeError('no\\nluck')", distribution="Broken.Plugin")
    command = ("preflight", str(run / "run.yaml"), "-f", "json")
    ended = invoke(*command)

    found = [finding for finding in json.loads(ended.out)["findings"] if finding["code"] == "HD009"]
    assert [(each["severity"], each["fingerprint"]) for each in found] == [("warning", "HD009:broken-plugin")]
    assert found[0]["message"] == (
        "broken of the package broken-plugin is left out: it cannot be imported: RuntimeError: no luck"
    )
    assert "HD009" not in invoke(*command, "--no-plugins").out
    assert "HD009" not in invoke(*command, "--ignore", "HD009").out
    for arguments in (("probes",), ("explain", "HD009"), ("suggest-config", "-c", str(run / "run.yaml"))):
        ended = invoke(*arguments)
        assert ended.code in (0, 3)
        assert f"HD009 plugin-broken: {found[0]['message']}" in ended.err.splitlines()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('"XQ201"', '"HD201"'), "Own.code is 'HD201'; expected 2 to 6 capitals that do not begin with HD"),
        (('"XQ201"', '"HDX201"'), "do not begin with HD"),
        (('"XQ201"', '"xq201"'), "Own.code is 'xq201'"),
        (('"XQ201"', '"XQ2011"'), "Own.code is 'XQ2011'"),
        (('"XQ201"', "201"), "Own.code is 201"),
        (('"own-cause"', '"Own cause"'), "Own.name is 'Own cause'"),
        (('"own-cause"', '"latent-noise"'), "the name latent-noise of XQ201 is that of one of the tool's own"),
        (("Kind.CAUSE", "Kind.TOOL"), "Own.kind is"),
        (('"own-cause"', "3"), "Own.name is 3"),
        (('"One."', '"One.\\nTwo."'), "expected one line"),
        (('"One."', '""'), "Own.summary is ''; expected one line"),
        (('"One."', "3"), "Own.summary is 3; expected one line"),
        (("needs = ()", "needs = ('config',)"), "expected a tuple of Need"),
        (('explains = ("HD101",)', 'explains = "HD101"'), "expected a tuple of codes"),
        (("needs = ()", "key = 3\n    needs = ()"), "Own.key is 3"),
        (("metrics = (Metric(", "metrics = ()\n    _ = (Metric("), "expected a tuple of Metric, one at least"),
        (("needs = ()", "needs, sometimes = (), ('other',)"), "Own explains ('other',); expected a tuple of codes"),
        (("Interval(high=0.7)),)", "Interval(high=0.7)),) * 2"), "Own.metrics has a name twice"),
        (('unit="count"', "unit=3"), "has a unit, a meaning or a label that is not text"),
        (('name="one"', 'name="one two"'), "the metric 'one two' of Own: expected a name"),
        (("high=0.7", "high=0.1"), "not within the tolerable <= 0.1"),
        (('meaning="one"', 'meaning="one", deciding=True'), "only the tool's own are"),
        (("needs = ()", "decides = 1\n    needs = ()"), "only the tool's own probes decide"),
        (("needs = ()", ""), "AttributeError: 'Own' object has no attribute 'needs'"),
        (("def message", "def other"), "TypeError: Can't instantiate abstract class Own"),
        (("class Own(Probe)", "class Own"), "it is the class Own; expected a Probe, or a tuple of them"),
        (("class Own", "raise SystemExit(3)\nclass Own"), "it cannot be imported: SystemExit: 3"),
        (("class Own", "class Other"), "it cannot be imported: AttributeError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_whole_probe_is_left_out(site: Path, change: tuple[str, str], reason: str) -> None:
    package(site, "own", own_cause(change), OWN_PAGE)
    assert reason in only_broken()


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (None, "XQ201 has no page probe.md beside its module own.probe: No such file"),
        ("# XQ202 own-cause\n", "probe.md, the page of XQ201, does not begin with # XQ201 own-cause |  | *cause*: One."),
    ],
)
def test_a_probe_without_its_page_is_left_out(site: Path, page: str | None, reason: str) -> None:
    package(site, "own", own_cause(), page)
    assert reason in only_broken()


def test_a_page_is_found_beside_its_module_and_must_be_text(site: Path) -> None:
    package(site, "own", own_cause(), OWN_PAGE)
    page = site / "own" / "probe.md"
    (found,) = plugins.installed().whole
    assert (found.page, found.place) == (OWN_PAGE, page)
    page.write_bytes(b"\xff")
    plugins._loaded.cache_clear()
    assert only_broken().endswith("has no page probe.md beside its module own.probe: UnicodeDecodeError")


def test_of_two_with_one_code_the_first_package_keeps_it(site: Path) -> None:
    package(site, "b_second", own_cause(), OWN_PAGE)
    package(site, "a_first", own_cause(), OWN_PAGE)
    found = plugins.installed()
    assert [(each.distribution, each.probe.code) for each in found.whole] == [("a-first", "XQ201")]
    clash = "XQ201 own-cause clashes with XQ201 own-cause of a-first, which comes first"
    assert found.broken == (BrokenPlugin(distribution="b-second", entry="b_second", reason=clash),)


def test_packages_come_by_their_own_names_and_not_by_those_of_their_entry_points(site: Path) -> None:
    package(site, "a_entry", own_cause(), OWN_PAGE, distribution="second")
    package(site, "b_entry", own_cause(), OWN_PAGE, distribution="first")
    assert [each.distribution for each in plugins.installed().whole] == ["first"]


def test_an_instance_and_a_tuple_count_each_by_itself(site: Path) -> None:
    package(site, "own", own_cause() + "\nPAIR = (Own(), Own, 3)\n", OWN_PAGE, value="probe:PAIR")
    found = plugins.installed()
    assert [each.probe.code for each in found.whole] == ["XQ201"]
    assert [each.reason.partition(";")[0] for each in found.broken] == [
        "XQ201 own-cause clashes with XQ201 own-cause of own, which comes first", "it is of the type int",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('return {"one": 1.0}', "raise KeyError('x')"), "KeyError: 'x'"),
        (('return {"one": 1.0}', 'return {"two": 1.0}'), "it measured 'two', which is not one of its metrics"),
        (('return {"one": 1.0}', 'return {"one": "x"}'), "TypeError"),
        (('return {"one": 1.0}', "return 3"), "AttributeError"),
        (("def measure", "def judge(self, measured):\n        return None\n\n    def measure"), "judge gave None"),
        (('return "one is 1"', "return 3"), "its message is not text"),
        (('return "one is 1"', "return measured['x']"), "KeyError: 'x'"),
        (("return (Remedy(", "return ('x',)\n        return (Remedy("), "its remedies are not a tuple of Remedy"),
        (("return (Remedy(", "return 1 / 0\n        return (Remedy("), "ZeroDivisionError"),
        (("return (Remedy(", "return None\n        return (Remedy("), "TypeError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_that_fails_at_work_is_crashed_and_takes_nothing_with_it(site: Path, change: tuple[str, str], reason: str) -> None:
    package(site, "own", own_cause(change), OWN_PAGE)
    (probe,) = plugins.installed().whole
    (result,) = examine(builders.healthy_case(), [probe.probe])
    assert result.status is Status.CRASHED
    assert reason in str(result.reason)


def test_the_choice_holds_within_its_block(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Plugins(whole=(Plugin(probe=registry.PROBES[0], distribution="x", page="", place=None),))
    monkeypatch.setattr(plugins, "_loaded", lambda: loaded)
    with plugins.using(plugins=False):
        with plugins.using(plugins=True):
            assert plugins.installed() is loaded
        assert plugins.installed().whole == ()
    assert plugins.installed() is loaded
