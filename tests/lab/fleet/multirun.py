"""Train a Hydra multirun of 64 small runs, survey and gate it, and count by hand what the survey says of its settings.

`python -m tests.lab.fleet.multirun FOLDER` trains the runs (some 2 minutes of a core) unless they are there, as Hydra leaves
them: `multirun/DAY/TIME/0` to `63`, each with `.hydra/config.yaml`, `overrides.yaml` and `hydra.yaml`, and `multirun.yaml`
beside them. It writes the survey in all formats, and the gate as JSON. The survey's shares of sick runs by setting are held
against a count of the gate's verdicts by the lines of `overrides.yaml`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from humouse_doctor.training.demonstration import Recipe, Units, config_text, train_run
from tests.conftest import no_bar

#: The grid, in the order in which Hydra numbers its jobs: the last key turns first.
GRID = {
    "experiment.model.generator.activation_xy": ("linear", "tanh"),
    "experiment.training.lr.generator": ("0.005", "0.0002"),
    "experiment.training.reconstruction_epochs": ("2", "60", "150", "200"),
    "experiment.training.warmup_noise_std": ("0.0", "3.0"),
    "experiment.seed": ("0", "1"),
}
SURVEYS = ("text", "html", "csv", "markdown", "json", "jsonl", "sarif", "junit")


def make(root: Path) -> Path:
    """Return the folder of the multirun below `root`; runs that are there already stay."""
    sweep = root / "multirun" / "2026-11-29" / "07-30-00"
    for number, values in enumerate(itertools.product(*GRID.values())):
        run = sweep / str(number)
        if run.exists():
            continue
        head, rate, epochs, noise, seed = values
        text = config_text(
            "sweep",
            length=24,
            head=head,
            rate=rate,
            epochs=int(epochs),
            absolute=True,
            seed=int(seed),
            more=f"    warmup_latent_normalize: false\n    warmup_noise_std: {noise}\n",
        )
        recipe = Recipe(name="sweep", config=text, sequences=64, length=24, units=Units.SCREEN_FRACTIONS, slow_gates=True)
        begun = run.with_name(f"{number}.begun")
        train_run(recipe, begun, int(seed), no_bar)
        overrides = [f"{key}={value}" for key, value in zip(GRID, values, strict=True)]
        (begun / ".hydra" / "overrides.yaml").write_text("".join(f"- {line}\n" for line in overrides))
        (begun / ".hydra" / "hydra.yaml").write_text(f"hydra:\n  job:\n    num: {number}\n  mode: MULTIRUN\n")
        (begun / "train_gan.log").write_text("")
        begun.rename(run)
    given = "\n".join(f"    - {key}={','.join(values)}" for key, values in GRID.items())
    (sweep / "multirun.yaml").write_text(f"hydra:\n  mode: MULTIRUN\n  overrides:\n    task:\n{given}\n")
    return sweep


def run(*words: object) -> int:
    said = subprocess.run([sys.executable, "-m", "humouse_doctor", *map(str, words)], stdout=subprocess.DEVNULL, check=False)
    return said.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    sweep = make(folder)
    files = [f"{form}={folder}/survey.{form}" for form in SURVEYS]
    code = run("survey", folder / "multirun", *itertools.chain(*(("-o", file) for file in files)))
    gated = run("gate", sweep, "--quick", "-o", f"json={folder}/gate.json")
    survey = json.loads((folder / "survey.json").read_text())
    gate = json.loads((folder / "gate.json").read_text())
    print((folder / "survey.text").read_text())
    print(f"survey ends with {code}, gate with {gated}; {len(survey['rows'])} rows, {len(gate['inputs'])} inputs")
    of_gate = {Path(entry["name"]).name: entry["report"]["verdict"] for entry in gate["inputs"]}
    print("verdicts alike:", of_gate == {Path(row["run"]).name: row["verdict"] for row in survey["rows"]})
    counted = Counter[tuple[str, float | str, bool]]()
    for name, verdict in of_gate.items():
        for line in (sweep / name / ".hydra" / "overrides.yaml").read_text().splitlines():
            key, _, value = line.removeprefix("- experiment.").partition("=")
            counted[key, _read(value), verdict != "healthy"] += 1
    told = {
        (one["key"], _read(share["value"])): (share["sick"], share["known"])
        for one in survey["separations"]
        for share in one["shares"]
    }
    by_hand = {
        (key, value): (counted[key, value, True], counted[key, value, True] + counted[key, value, False])
        for key, value, _ in counted
    }
    print("sick runs by setting, as counted by hand:", told == by_hand)


def _read(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


if __name__ == "__main__":
    main()
