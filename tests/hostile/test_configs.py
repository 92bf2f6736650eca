"""Configs that no honest program would write, driven through the command line: one line, its exit code, nothing run."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from omegaconf import OmegaConf

from humouse_doctor.core.errors import UsageError
from humouse_doctor.inputs.config import reader, yaml_text
from tests.conftest import Ended
from tests.schemas import require_report

Invoke = Callable[..., Ended]

SOUND = "training: {lr: {generator: 1.0e-4}, betas: [0.5, 0.9], reconstruction_epochs: 3}\n"


def _training(more: str = "", *, rate: str = "1.0e-4", betas: str = "[0.5, 0.9]", epochs: str = "3") -> str:
    """A config whose training section has another value, or one more setting."""
    settings = [f"lr: {{generator: {rate}}}", f"betas: {betas}", f"reconstruction_epochs: {epochs}", *([more] if more else [])]
    return f"training: {{{', '.join(settings)}}}\n"


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))

#: Text (or bytes) of a config, and what the line says of it.
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "an alias bomb": (LAUGHS + SOUND, "more than 10000 values"),
    "a mapping bomb in a list": (
        "x: &x [{a: 1}]\n" + "y: [" + ", ".join(["*x"] * 9000) + "]\n" + SOUND,
        "more than 10000 values",
    ),
    "a cycle": ("training: &t\n  lr: *t\n", "contains itself"),
    "nested a thousand deep": ("training: " + "[" * 1000 + "]" * 1000 + "\n", "nested too deeply"),
    "a hundred thousand keys": ("".join(f"k{n}: 1\n" for n in range(100_000)), "larger than 500 kB"),
    "twenty thousand keys": ("".join(f"k{n}: 1\n" for n in range(21_000)), "more than 10000 values"),
    "larger than a config": ("# " + "x" * 600_000 + "\n" + SOUND, "larger than 500 kB"),
    "utf-16": (SOUND.encode("utf-16"), "UTF-8"),
    "latin-1": ("experiment_name: é\n".encode("latin-1") + SOUND.encode(), "UTF-8"),
    "a NUL": (SOUND + "name: a\x00b\n", ":2: not valid YAML"),
    "a python tag": ("training: !!python/object/apply:os.system ['touch ran']\n", "is not allowed"),
    "a tag of one's own": ("training: {lr: !mine 3}\n", "is not allowed"),
    "a key given twice": (SOUND + "data: {}\ndata: {}\n", "appears twice"),
    "keys that are one number": ("1: 1\n1.0: 2\ntrue: 3\n" + SOUND, "the key '1.0' appears twice, first in line 1"),
    "a key of nothing": ("~: 1\n" + SOUND, "x.yaml:1: the key ~ means null"),
    "two byte order marks": ("\ufeff\ufeff" + SOUND, "x.yaml:1: two byte order marks"),
    "an escape in a key given twice": (SOUND + '"a\\e[2J": 1\n"a\\e[2J": 1\n', "appears twice"),
    "a number of a million digits": ("training: {reconstruction_epochs: " + "9" * 400_000 + "}\n", "cannot be read as int"),
    "a list": ("- training\n", "not a mapping"),
    "nothing": ("", "empty"),
    "a bomb of merges": (
        "a: &a {k: 1}\nb0: &b0 {<<: [*a, *a]}\n"
        + "".join(f"b{n}: &b{n} {{<<: [*b{n - 1}, *b{n - 1}], k{n}: 1}}\n" for n in range(1, 40))
        + SOUND,
        "more than 10000 values",
    ),
    "a cycle of merges": ("a: &a\n  <<: *a\n" + SOUND, "contains itself"),
    "a merge of text": ("training:\n  <<: hello\n", "<< merges a value that is not a section"),
    "a merge of numbers": ("training:\n  <<: [1, 2]\n", "<< merges a value that is not a section"),
    "an alias of nothing": ("training: *nowhere\n", "undefined alias"),
    "blocks four hundred deep": ("".join("  " * n + f"a{n}:\n" for n in range(400)) + SOUND, "nested too deeply"),
    "lists four hundred deep": ("a:\n" + "".join(" " * n + "-\n" for n in range(1, 400)) + SOUND, "nested too deeply"),
    "two documents": (SOUND + "---\n" + SOUND, "another document"),
    "a version to come": ("%YAML 9.9\n---\n" + SOUND, "incompatible YAML document"),
    "a handle of tags": (
        "%TAG ! tag:yaml.org,2002:python/\n---\ntraining: !object/apply:os.system ['touch ran']\n",
        "is not allowed",
    ),
    "a tag in full": ("training: !<tag:yaml.org,2002:python/object/new:os.system> ['touch ran']\n", "is not allowed"),
    "a python name": ("training: !!python/name:os.system\n", "is not allowed"),
    "a python module": ("training: !!python/module:antigravity\n", "is not allowed"),
    "binary": ("experiment_name: !!binary aGVsbG8=\n" + SOUND, "is not allowed"),
    "a set": ("a: !!set {x, y}\n" + SOUND, "is not allowed"),
    "an ordered mapping": ("a: !!omap [x: 1]\n" + SOUND, "is not allowed"),
    "a date that is none": ("a: !!timestamp nonsense\n" + SOUND, "is not allowed"),
    "a list for a key": ("? [a, b]\n: 1\n" + SOUND, "a key is empty, a list or a section"),
    "a mapping for a key": ("? {a: b}\n: 1\n" + SOUND, "a key is empty, a list or a section"),
    "a tab": ("training:\n\tlr: 1\n", "not valid YAML"),
    "a bell": ("a: \x07\n" + SOUND, "not valid YAML"),
    "utf-32": (SOUND.encode("utf-32"), "UTF-8"),
    "a long text, many times": (f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 60)}]\n" + SOUND, "or 5 MB of text"),
    "a long key before many": (
        f"? {'x' * 100_000}\n:\n" + "".join(f"  k{n}: 1\n" for n in range(60)) + SOUND,
        "or 5 MB of text and paths",
    ),
    "a defaults list of interpolations": (
        'defaults:\n  - optional b: "x' + "${oc.select:q,''}" * 20_000 + '"\n  - _self_\n' + SOUND,
        "more than 10000 values",
    ),
    "keys of interpolations": ("defaults:\n  - ? '" + "${a}" * 600 + "'\n    : x\n" + SOUND, "more than 10000 values"),
    "interpolations through aliases": ("a: &a '${b}'\nc: [" + "*a, " * 600 + "]\n" + SOUND, "an interpolation as 20"),
    "a section that is itself": ("training: ${training}\n", "none of the sections"),
}

#: Text of a config that is read all the same, and what the report says of it.
READ: dict[str, tuple[str, str]] = {
    "keys that are no text": ("7: 1\n1.5: 2\ntrue: 3\n" + SOUND, ""),
    "a key with dots": ("training.lr.generator: 1\n" + SOUND, ""),
    "half a surrogate": ('a: "\\ud800"\n' + SOUND, ""),
    "text that runs backwards": ("experiment_name: \u202egnp.exe\n" + SOUND, ""),
    "a target": ("model: {_target_: os.system, _args_: ['touch ran']}\n" + SOUND, ""),
    "a target among the settings": (_training("_target_: builtins.eval"), ""),
    "a resolver": ("experiment_name: ${oc.env:HOME}\n" + SOUND, "resolvers are not run"),
    "Hydra's own resolvers": (
        "experiment_name: ${hydra:runtime.cwd}\nlogging: {checkpoint_dir: '${now:%Y}'}\n" + SOUND,
        "not run",
    ),
    "an interpolation within another": ("data: {sequence_length: '${a.${b}}'}\n" + SOUND, "left unresolved"),
    "lists of a list": ("a: [1, 2]\n" + _training(betas="['${a}', '${a}']"), "'a' is a list"),
    "a list within a text": ("a: [1, 2]\nexperiment_name: x${a}\n" + SOUND, "'a' is a list"),
    "a long name of nothing": (f"experiment_name: ${{{'x' * 5000}}}\n" + SOUND, f"there is no '{'x' * 77}...'"),
    "an interpolation that grows": (f"a: {'x' * 4000}${{a}}\n" + _training(betas="['${a}', 0.9]"), "more than 5000 characters"),
    "one beta": (_training(betas="[0.5]"), "expected a list of two numbers"),
    "a beta of NaN": (_training(betas="[.nan, 0.9]"), "expected a list of two numbers"),
    "betas of text": (_training(betas="'ab'"), "expected a list of two numbers"),
    "a learning rate of NaN": (_training(rate=".nan"), "expected a finite number"),
    "a learning rate beyond any": (_training(rate="1e400"), "expected a finite number"),
    "a learning rate of 399 digits": (_training(rate="9" * 399), "expected a finite number"),
    "a learning rate below zero": (_training(rate="-1.0"), "expected at least 0"),
    "a learning rate of 1e300": (_training(rate="1e300"), ""),
    "a learning rate in sixties": (_training(rate="1:30"), ""),
    "a learning rate of text": (_training(rate="fast"), "expected a finite number"),
    "a truth for a number": (_training(epochs="true"), "expected a whole number"),
    "epochs below zero": (_training(epochs="-5"), "expected at least 0"),
    "epochs without end": (_training(epochs="1" + "0" * 30), "expected at most"),
    "half an epoch": (_training(epochs="2.5"), "expected a whole number"),
    "batches of nothing": ("data: {batch_size: 0}\n" + SOUND, "expected at least 1"),
    "units no machine has": ("model: {generator: {hidden_dim: 1000000000000}}\n" + SOUND, "expected at most"),
    "a list for a section": ("data: [1]\n" + SOUND, "expected a section"),
    "text for a section": ("model: big\n" + SOUND, "expected a section"),
    "an escape in a name": ('model: {architecture: "\\e[31mlstm"}\n' + SOUND, "accepted values"),
    "folders with a NUL": ('logging: {checkpoint_dir: "a\\0b"}\ndata: {cache_dir: "a\\0b"}\n' + SOUND, ""),
    "a path of two lines": (_training('generator_init_path: "a\\nb\\e[2J"'), "was not found, so it was not examined"),
    "a path longer than any": (_training(f"generator_init_path: {'x/' * 2500}"), "was not found, so it was not examined"),
    "a device": (_training("generator_init_path: /dev/zero"), "was not found, so it was not examined"),
    "an address": (_training("generator_init_path: 'http://example.org/x.pt'"), "was not found, so it was not examined"),
    "somebody's home": (_training("generator_init_path: ~root/x.pt"), "was not found, so it was not examined"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_config_ends_in_one_line(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    content, said = HOSTILE[name]
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    start = time.process_time()

    ended = invoke("preflight", "x.yaml")

    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith("humouse-doctor: x.yaml")
    assert said in line
    assert line.isprintable()
    assert len(line) < 600
    assert time.process_time() - start < 60
    assert [path.name for path in Path().iterdir()] == ["x.yaml"]


@pytest.mark.parametrize("name", READ)
def test_a_config_with_odd_values_is_told_of_and_nothing_of_it_is_run(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    content, said = READ[name]
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text(content, encoding="utf-8")

    ended = invoke("preflight", "x.yaml", "--format", "json")

    report = json.loads(ended.out)
    require_report(report)
    assert ended.code in (1, 3)
    assert report["verdict"] in ("at-risk", "undetermined")
    assert said in ended.out
    assert "crashed" not in {result["status"] for result in report["probes"]}
    assert [path.name for path in Path().iterdir()] == ["x.yaml"]


@pytest.mark.parametrize(
    ("rate", "verdict"), [("1.0e-3", "healthy"), (".nan", "undetermined"), ("-1.0", "undetermined"), ("0", "undetermined")]
)
def test_no_config_is_healthy_whose_learning_rate_no_trainer_could_use(
    invoke: Invoke, tmp_path: Path, rate: str, verdict: str
) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(0, 20, (64, 32, 3)))
    config = tmp_path / "x.yaml"
    config.write_text(
        "model: {architecture: tcn, generator: {activation_xy: linear}}\ndata: {sequence_length: 32}\n"
        + _training("warmup_latent_normalize: false", rate=rate)
    )

    ended = invoke("preflight", config, "--data", tmp_path / "x.npy", "--format", "json")

    assert json.loads(ended.out)["verdict"] == verdict, ended.out


@pytest.mark.parametrize(
    ("scale", "verdict"), [(1e-3, "healthy"), (1e-17, "healthy"), (1e-22, "undetermined"), (1e-40, "undetermined")]
)
def test_no_config_is_healthy_whose_targets_have_no_squares_in_float32(
    invoke: Invoke, tmp_path: Path, scale: float, verdict: str
) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(0, 1, (64, 32, 3)) * scale)
    config = tmp_path / "x.yaml"
    config.write_text(
        "model: {architecture: tcn, generator: {activation_xy: linear}}\n"
        "data: {sequence_length: 32, normalize_sequences: false}\n"
        + _training("warmup_latent_normalize: false", rate="1.0e-3", epochs="300")
    )

    ended = invoke("preflight", config, "--data", tmp_path / "x.npy", "--format", "json")

    assert json.loads(ended.out)["verdict"] == verdict


def test_no_pipe_is_waited_for(invoke: Invoke, tmp_path: Path) -> None:
    pipe = tmp_path / "x.yaml"
    os.mkfifo(pipe)

    ended = invoke("preflight", pipe)

    assert (ended.code, ended.err) == (2, f"humouse-doctor: {pipe}: cannot read the config: it is a pipe, not a file\n")


def test_a_link_to_itself_is_no_config(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").symlink_to("x.yaml")

    ended = invoke("preflight", tmp_path / "x.yaml")

    assert ended.code == 2
    assert ended.err.count("\n") == 1


def test_a_secret_of_the_environment_is_never_shown(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "hunter2")
    path = tmp_path / "x.yaml"
    path.write_text("experiment_name: ${oc.env:SECRET_OF_MINE}\n" + SOUND.replace("3}", "'${oc.env:SECRET_OF_MINE}'}"))

    for form in ("text", "json", "html", "markdown"):
        ended = invoke("preflight", path, "-f", form)
        assert "hunter2" not in ended.out + ended.err


def _experiment(folder: Path, root: str) -> Path:
    (folder / "experiment").mkdir(parents=True)
    (folder / "experiment" / "x.yaml").write_text(SOUND)
    path = folder / "config.yaml"
    path.write_text(root)
    return path


COMPOSED = "defaults:\n  - experiment: x\n  - _self_\n"


@pytest.mark.parametrize("scheme", ["pkg", "structured"])
def test_no_package_of_a_search_path_is_imported(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    package = tmp_path / "planted_package"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = _experiment(tmp_path / "conf", f"{COMPOSED}hydra:\n  searchpath: ['{scheme}://planted_package']\n")

    ended = invoke("preflight", path)

    assert ended.code == 2
    assert f"the search path {scheme}://planted_package is refused" in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "ran").exists()


#: A defaults list that asks for `secrets.yaml` in the folder `home` beside the config's, and what the line says of it.
OUTSIDE: dict[str, tuple[str, str]] = {
    "a search path": ("[experiment: x, secrets@leak, _self_]\nhydra: {searchpath: ['file://{home}']}", "file://"),
    "a search path without a scheme": ("[experiment: x, secrets@leak, _self_]\nhydra: {searchpath: ['{home}']}", "is refused"),
    "a search path of Hydra's own": ("[experiment: x, _self_]\nhydra: {searchpath: ['pkg://hydra.conf']}", "is refused"),
    "the folder above": ("[experiment: x, ../home/secrets@leak, _self_]", "../home/secrets leads out"),
    "the folder above, at the top": ("[experiment: x, ../home/secrets@_global_, _self_]", "../home/secrets leads out"),
    "a group's value": ("[experiment: x, g@leak: ../../home/secrets, _self_]", "g/../../home/secrets leads out"),
    "a list of values": ("[experiment: x, g@leak: [../../home/secrets], _self_]", "g/../../home/secrets leads out"),
    "an optional value": ("[experiment: x, optional g@leak: ../../home/secrets, _self_]", "g/../../home/secrets leads out"),
    "an overridden value": ("[experiment: x, g@leak: y, override g@leak: ../../home/secrets, _self_]", "secrets leads out"),
    "Hydra's own group": ("[experiment: x, override hydra/launcher: ../../../home/secrets, _self_]", "leads out"),
    "an interpolation": ("[experiment: x, w: home, 'g@leak': '../../${w}/secrets', _self_]", "leads out"),
    "a name that is not there": ("[experiment: x, ../home@leak: nothing, _self_]", "../home/nothing leads out"),
    "a full path": ("[experiment: x, '/{home}/secrets@leak', _self_]", "leads out"),
    "a full path of a group": ("[experiment: x, '//{home}@leak': secrets, _self_]", "leads out"),
    "a full path within": ("[experiment: x, '/{home}/../conf/v@leak', _self_]", "leads out"),
    "out of Hydra's package": ("[experiment: x, 'hydra/..{up}{home}/secrets@leak', _self_]", "leads out"),
    "a linked file": ("[experiment: x, g@leak: link, _self_]", "g/link leads out"),
    "a linked folder": ("[experiment: x, folder@leak: secrets, _self_]", "folder/secrets leads out"),
    "a linked folder, by a name that is not there": ("[experiment: x, folder@leak: nothing, _self_]", "nothing leads out"),
    "out of Hydra's package, by a link that stays": ("[experiment: x, deep/..{up}{home}/secrets@leak, _self_]", "leads out"),
    "a NUL": ('[experiment: x, g@leak: "a\\0b", _self_]', "null"),
    "a line break": ('[experiment: x, g@leak: "../a\\nb", _self_]', "g/../a b"),
    "an escape": ('[experiment: x, g@leak: "../../\\e[2J", _self_]', "g/../../\\x1b[2J leads out"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_defaults_list_does_not_lead_out_of_the_configs_folder(invoke: Invoke, tmp_path: Path, name: str) -> None:
    home, conf = tmp_path / "home", tmp_path / "conf"
    home.mkdir()
    (home / "secrets.yaml").write_text("password: hunter2\n")
    asked, said = OUTSIDE[name]
    asked = asked.replace("{home}", str(home)).replace("{up}", "/.." * 30)
    path = _experiment(conf, f"defaults: {asked}\n")
    (conf / "experiment" / "x.yaml").write_text(f"experiment_name: ${{leak.password}}\n{SOUND}")
    for group in ("g", "w", "a/b/c/d/e"):
        (conf / group).mkdir(parents=True)
    for values in ("v", "g/y", "w/home"):
        (conf / f"{values}.yaml").write_text("v: 1\n")
    (conf / "g" / "link.yaml").symlink_to("../../home/secrets.yaml")
    (conf / "folder").symlink_to("../home")
    (conf / "deep").symlink_to("a/b/c/d/e")

    ended = invoke("preflight", path, "--format", "json")

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.startswith(f"humouse-doctor: {path}: Hydra cannot compose it")
    assert ended.err.count("\n") == 1
    assert "hunter2" not in ended.err
    assert "secrets Config" not in ended.err  # Hydra lists the options of a group


def test_a_linked_config_does_not_compose_another_folder(invoke: Invoke, tmp_path: Path) -> None:
    path = _experiment(tmp_path / "home", COMPOSED)
    link = tmp_path / "clone" / "config.yaml"
    link.parent.mkdir()
    link.symlink_to(path)

    ended = invoke("preflight", link)

    assert ended.code == 2
    assert "config.yaml leads out of the config's folder" in ended.err


@pytest.mark.parametrize(
    "hydra",
    [
        "env_copy: [SECRET_OF_MINE]",
        "env_copy: [SECRET_OF_MINE, '${hydra.job.env_set.SECRET_OF_MINE}']",
        "env_copy: [SECRET_OF_MINE], config: {override_dirname: {exclude_keys: ['${hydra.job.env_set.SECRET_OF_MINE}']}}",
    ],
)
def test_hydra_copies_no_environment(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hydra: str) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "hunter2")
    shown = "experiment_name: ${hydra.job.env_set.SECRET_OF_MINE}\n"
    path = _experiment(tmp_path / "conf", f"{COMPOSED}{shown}hydra: {{job: {{{hydra}}}}}\n")

    ended = invoke("preflight", path, "--format", "json")

    assert ended.code == 1, ended.err
    assert "hunter2" not in ended.out + ended.err


def test_a_resolver_of_the_callers_own_is_not_run(tmp_path: Path) -> None:
    ran = list[str]()
    OmegaConf.register_new_resolver("planted", lambda: ran.append("ran"))
    try:
        path = _experiment(tmp_path / "conf", "defaults:\n  - experiment: ${planted:}\n  - _self_\n")
        with pytest.raises(UsageError, match="planted"):
            reader.read(path)
    finally:
        OmegaConf.clear_resolver("planted")
    assert ran == []


#: A config that names files in one way each, and whether a patch is made: in the config itself, in no other file.
ELSEWHERE: dict[str, tuple[str, bool]] = {
    "above the clone": ("defaults: [experiment: ../../../mine, _self_]\n", False),
    "beside the group": ("defaults: [experiment: ../mine, _self_]\n", True),
    "a link": ("defaults: [experiment: link, _self_]\n", False),
    "a link within": ("defaults: [experiment: within, _self_]\n", True),
    "a choice nobody made": ("hydra: {runtime: {choices: {experiment: x}}}\n", True),
    "a choice out of the clone": ("hydra: {runtime: {choices: {experiment: ../../../mine}}}\n", True),
    "a choice with a NUL": ('hydra: {runtime: {choices: {experiment: "a\\0b"}}}\n', False),
    "a choice longer than any": (f"hydra: {{runtime: {{choices: {{experiment: {'x/' * 4000}}}}}}}\n", True),
}
SICK = """\
model:
  architecture: lstm
  generator:
    activation_xy: tanh
data:
  sequence_length: 16
  normalize_sequences: false
training:
  lr:
    generator: 1.0e-4
  betas: [0.5, 0.9]
  reconstruction_epochs: 3
  absolute_coordinates: true
"""


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_patch_changes_no_file_that_the_config_alone_names(invoke: Invoke, tmp_path: Path, name: str) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(0, 20, (64, 16, 3)))
    root, changes = ELSEWHERE[name]
    if not root.startswith("defaults:"):
        root = f"defaults: [_self_]\n{root}experiment:\n" + "".join(f"  {line}\n" for line in SICK.splitlines())
    conf = tmp_path / "clone" / "conf"
    path = _experiment(conf, root)
    others = [tmp_path / "mine.yaml", conf / "mine.yaml", conf / "experiment" / "x.yaml"]
    for file in others:
        file.write_text(SICK)
    (conf / "experiment" / "link.yaml").symlink_to(tmp_path / "mine.yaml")
    (conf / "experiment" / "within.yaml").symlink_to("../mine.yaml")

    ended = invoke("suggest-config", "--config", path, "--data", tmp_path / "x.npy", "--write")

    assert [file.read_text() == SICK for file in others] == [True] * 3
    assert ended.code == (0 if changes else 2), ended.err
    assert (path.read_text() != root) == changes
    assert [file.name for file in tmp_path.rglob("*.bak")] == ["config.yaml.bak"] * changes


@pytest.mark.parametrize("command", [("preflight",), ("suggest-config", "--write", "-c")])
def test_a_config_is_parsed_once_and_once_as_patched_however_long_its_patch_is(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(0, 20, (64, 16, 3)))
    path = tmp_path / "x.yaml"
    path.write_text(SICK)
    parsed = list[int]()
    begin = yaml.reader.Reader.__init__

    def counted(self: yaml.reader.Reader, stream: str) -> None:
        parsed.append(len(stream))
        begin(self, stream)

    monkeypatch.setattr(yaml.reader.Reader, "__init__", counted)
    yaml_text._kept.cache_clear()

    ended = invoke(*command, path, "--data", tmp_path / "x.npy")

    assert ended.code in (0, 1)
    assert "reconstruction_epochs: " in ended.out
    assert "activation_xy: " in ended.out
    assert sum(size > len(SICK) - 10 for size in parsed) == 2


def test_files_of_a_defaults_list_have_a_size_together(invoke: Invoke, tmp_path: Path) -> None:
    groups = "".join(f"  - g{number}\n" for number in range(3))
    path = _experiment(tmp_path / "conf", f"{COMPOSED}{groups}")
    (tmp_path / "conf" / "g0.yaml").write_text("# x\n" * 100_000)
    (tmp_path / "conf" / "g1.yaml").symlink_to("g0.yaml")
    (tmp_path / "conf" / "g2.yaml").symlink_to("g0.yaml")

    ended = invoke("preflight", path)

    assert ended.code == 2
    assert "its defaults lists bring in more than 1000 kB" in ended.err


def test_a_bomb_in_a_group_file_ends_before_hydra_reads_it(invoke: Invoke, tmp_path: Path) -> None:
    path = _experiment(tmp_path / "conf", COMPOSED)
    (tmp_path / "conf" / "experiment" / "x.yaml").write_text(LAUGHS + SOUND)
    start = time.process_time()

    ended = invoke("preflight", path)

    assert ended.code == 2
    assert "more than 10000 values" in ended.err
    assert time.process_time() - start < 60


def test_a_long_package_before_many_values_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    path = _experiment(tmp_path / "conf", f"defaults: [experiment: x, 'g@{'y' * 100_000}', _self_]\n")
    (tmp_path / "conf" / "g.yaml").write_text("".join(f"k{number}: 1\n" for number in range(60)))

    ended = invoke("preflight", path)

    assert ended.code == 2
    assert "the paths of its values have more than 5000000 characters together" in ended.err
    assert ended.err.count("\n") == 1


def test_defaults_lists_that_multiply_come_to_an_end(invoke: Invoke, tmp_path: Path) -> None:
    path = _experiment(tmp_path / "conf", "defaults:\n  - experiment: x\n  - a0@p: x\n  - _self_\n")
    for level in range(12):
        group = tmp_path / "conf" / f"a{level}"
        group.mkdir()
        below = "".join(f"  - /a{level + 1}@q{n}: x\n" for n in range(6)) if level < 11 else ""
        (group / "x.yaml").write_text((f"defaults:\n{below}  - _self_\n" if below else "") + "v: 1\n")
    start = time.process_time()

    ended = invoke("preflight", path)

    assert ended.code == 2
    assert "its defaults lists bring in more than" in ended.err
    assert time.process_time() - start < 60
