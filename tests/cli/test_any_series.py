"""A caller's own generator and any series on the command line: --targets as-is, --model, --part, samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import Ended
from tests.test_any_series import Fitted, Recurrent, tracks

Invoke = Callable[..., Ended]

_FACTORIES = """
import torch
from tests.test_any_series import Around, Fitted, Recurrent, tracks


def own():
    return Fitted(tracks({channels}))


def dead():
    return Around(tracks({channels}), lambda made: torch.cat([made[..., :2], 0 * made[..., 2:]], dim=-1))


def pair():
    return Around(tracks({channels}), lambda made: {{"dead": 0 * made, "live": made}})


def turned():
    return Around(tracks({channels}), lambda made: made.transpose(1, 2))


def with_codes():
    return Fitted(tracks({channels})), 5 * torch.randn(64, 8, generator=torch.Generator().manual_seed(1))


def wrong():
    return Fitted(tracks({channels})), torch.zeros(3)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, with factories, data and checkpoints for one, two and six channels."""
    for channels in (1, 2, 6):
        data = tracks(channels)
        (tmp_path / f"factories_of_{channels}.py").write_text(_FACTORIES.format(channels=channels))
        np.save(tmp_path / f"{channels}.npy", data.numpy())
        torch.save(Fitted(data).state_dict(), tmp_path / f"{channels}.pt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _report(ended: Ended) -> dict[str, Any]:
    assert ended.out, ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return found


@pytest.mark.parametrize(
    ("stated", "more", "weight", "origin"),
    [
        ({"hyper_parameters": {"latent_dim": 3, "lr": 1e-3, "lambda_kl": 900.0, "batch_size": 8}}, (), 900.0, "checkpoint"),
        ({"hparams": {"beta": 900.0}}, (), 900.0, "checkpoint"),
        ({"args": {"kl_weight": 900.0, "lr": "fast"}}, ("--set", "kl_weight=800"), 800.0, "override"),
        ({"hyper_parameters": {"kl_weight": float("nan"), "betas": [0.5, 0.9]}}, (), None, None),
    ],
)
def test_settings_that_stand_beside_the_weights_name_a_cause(
    invoke: Invoke, folder: Path, stated: dict[str, Any], more: tuple[str, ...], weight: float | None, origin: str | None
) -> None:
    silent = Fitted(tracks(2), std=50.0)
    tensors = {f"decoder.{name}": value for name, value in silent.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": {**tensors, "encoder.weight": torch.ones(1)}, **stated}, folder / "last.ckpt")
    asked = ("inspect", "last.ckpt", "--data", "2.npy", "--targets", "as-is", "--quick", "--model", "factories_of_2:own")

    report = _report(invoke(*asked, "-f", "json", *more))

    found = {one["key"]: (one["value"], one["origin"]) for one in report["settings"]}
    assert found.get("training.warmup_kl_weight") == (None if weight is None else (weight, origin))
    assert [cause["code"] for cause in report["causes"]] == ([] if weight is None else ["HD214"])
    assert found["model.generator.latent_dim"] == (8, "inferred")  # the network's own
    if origin == "checkpoint":
        (cause,) = (finding for finding in report["findings"] if finding["code"] == "HD214")
        assert (cause["location"]["file"], cause["location"]["origin"]) == ("last.ckpt", "checkpoint")
        assert any("last.ckpt states beside its weights: " in remark for remark in report["subject"]["remarks"])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_series_is_compared_as_it_is_in_every_channel(invoke: Invoke, channels: int) -> None:
    asked = ("inspect", f"{channels}.pt", "--data", f"{channels}.npy", "--targets", "as-is", "--quick", "-f", "json")

    report = _report(invoke(*asked, "--model", f"factories_of_{channels}:own"))

    assert report["verdict"] == "healthy", report["sentence"]
    assert report["data"]["position_mean"] == pytest.approx(tracks(channels).mean(dim=(0, 1)).tolist(), abs=1e-5)


@pytest.mark.parametrize(
    "how", [["--targets", "as-is"], ["--set", "training.absolute_coordinates=false", "--set", "data.normalize_sequences=false"]]
)
def test_dead_channels_beyond_the_second_are_a_collapse(invoke: Invoke, folder: Path, how: list[str]) -> None:
    torch.save({f"inner.{name}": value for name, value in Fitted(tracks(6)).state_dict().items()}, folder / "dead.ckpt")

    report = _report(
        invoke("inspect", "dead.ckpt", "--data", "6.npy", "--model", "factories_of_6:dead", "--quick", "-f", "json", *how)
    )

    assert report["verdict"] == "collapsed"
    assert "in channel 2, counted from 0; 4 channels are outside the healthy range" in json.dumps(report["findings"])


@pytest.mark.parametrize("how", [["--targets", "as-is"], ["--set", "training.absolute_coordinates=false"]])
def test_the_remedy_for_a_series_has_its_own_mean_and_no_sums(invoke: Invoke, folder: Path, how: list[str]) -> None:
    far = 2900 * tracks(2).numpy() + np.array([3972.0, 4049.0], dtype=np.float32)
    np.savez(folder / "far.npz", x=far)
    stated = ("lr=1e-4", "epochs=2", "batch_size=64", "data.normalize_sequences=false")
    settings = (*how, "--quick", *(word for value in stated for word in ("--set", value)))
    torch.save({name: 2 * value for name, value in Recurrent().state_dict().items()}, folder / "net.pt")

    ended = invoke("inspect", "--full", "net.pt", "--model", "factories_of_2:Recurrent", "--data", "far.npz", *settings)

    words = " ".join(ended.out.split())
    assert "HD202 target-scale" in words
    mean = far.reshape(-1, 2).mean(axis=0, dtype=np.float64)
    assert f"mean = [{mean[0]:.4f}, {mean[1]:.4f}]" in words
    remedies = words.partition("All remedies")[2].partition("Probes")[0]
    assert remedies
    assert "Fix B" not in remedies
    assert "refused" not in remedies


@pytest.mark.usefixtures("folder")
def test_the_part_and_the_codes_are_the_callers(invoke: Invoke, folder: Path) -> None:
    own = Fitted(tracks(2)).state_dict()
    torch.save({"state_dict": {f"model.inner.{name}": value for name, value in own.items()}}, folder / "pair.ckpt")
    asked = ("inspect", "pair.ckpt", "--data", "2.npy", "--targets", "as-is", "--quick", "-f", "json")

    first = _report(invoke(*asked, "--model", "factories_of_2:pair"))
    live = _report(invoke(*asked, "--model", "factories_of_2:pair", "--part", "live"))
    coded = _report(
        invoke("inspect", "2.pt", "--data", "2.npy", "--targets", "as-is", "-f", "json", "--model", "factories_of_2:with_codes")
    )

    assert (first["verdict"], live["verdict"]) == ("collapsed", "healthy")
    assert any("several parts; 'dead' is read" in remark for remark in first["subject"]["remarks"])
    spread = next(probe for probe in coded["probes"] if probe["code"] == "HD101")["measurements"]["spread_ratio"]
    assert spread == pytest.approx(5, abs=1)
    assert any("the 64 codes given" in remark for remark in coded["subject"]["remarks"])


@pytest.mark.usefixtures("folder")
def test_samples_of_any_series_are_compared_as_they_are(invoke: Invoke, folder: Path) -> None:
    np.save(folder / "drawn.npy", tracks(1, seed=2).numpy()[..., 0])  # (N, T)
    np.savez(folder / "still.npz", sequences=0 * tracks(6).numpy())

    well = _report(invoke("inspect", "drawn.npy", "--data", "1.npy", "--targets", "as-is", "-f", "json"))
    dead = _report(invoke("inspect", "still.npz", "--data", "6.npy", "--targets", "as-is", "-f", "json"))

    assert well["verdict"] == "healthy", well["sentence"]
    assert dead["verdict"] == "collapsed"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["1.pt", "--data", "1.npy", "--model", "factories_of_1:own"], 3, "of any other series: --targets as-is"),
        (["2.pt", "--data", "2.npy", "--targets", "as-is"], 2, "--targets as-is and --part go with --model"),
        (["2.pt", "--data", "2.pt", "--targets", "as-is", "--model", "factories_of_2:own"], 3, "save them with numpy.save"),
        (["2.pt", "--data", "none.npy", "--targets", "as-is", "--model", "factories_of_2:own"], 3, "there is no such file"),
        (["2.pt", "--data", "2.npy", "--targets", "as-is", "--model", "factories_of_2:wrong"], 2, "codes have shape (3,)"),
        (["drawn.npy", "--data", "6.npy", "--targets", "as-is"], 2, "transpose"),
    ],
)
def test_what_cannot_be_read_is_one_line(invoke: Invoke, folder: Path, arguments: list[str], code: int, message: str) -> None:
    np.save(folder / "drawn.npy", tracks(6).numpy().transpose(0, 2, 1))

    ended = invoke("inspect", *arguments)

    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1


def test_channels_before_steps_are_refused(invoke: Invoke, folder: Path) -> None:
    own = Fitted(tracks(2)).state_dict()
    torch.save({f"inner.{name}": value for name, value in own.items()}, folder / "turned.pt")

    ended = invoke("inspect", "turned.pt", "--data", "2.npy", "--targets", "as-is", "--model", "factories_of_2:turned")

    assert ended.code == 2
    assert "its output stands as (N, D, T); transpose it" in ended.err


@pytest.mark.usefixtures("folder")
def test_every_command_takes_the_option_or_says_why_not(invoke: Invoke, folder: Path) -> None:
    (folder / "run.yaml").write_text("training: {lr: {generator: 1e-4}, betas: [0.5, 0.9], reconstruction_epochs: 2}\n")
    np.savez(folder / "far.npz", sequences=2900 * tracks(2).numpy())
    torch.save({name: 2 * value for name, value in Recurrent().state_dict().items()}, folder / "net.pt")
    np.save(folder / "drawn.npy", tracks(6, seed=2).numpy())
    own = ("net.pt", "-c", "run.yaml", "--data", "far.npz", "--targets", "as-is", "--model", "factories_of_2:Recurrent")

    inspected = invoke("inspect", *own, "--quick")
    assert "humouse-doctor suggest-config net.pt --config run.yaml" in " ".join(inspected.out.split())
    assert "--targets as-is" in " ".join(inspected.out.split())
    assert invoke("suggest-config", *own, "--quick", "--emit", "overrides").out
    passed = invoke("gate", "drawn.npy", "--data", "6.npy", "--targets", "as-is")
    assert (passed.code, passed.err) == (0, ""), passed.out
    np.save(folder / "dead.npy", tracks(6, seed=2).numpy() * [1, 1, 1, 1, 1, 0])
    assert invoke("gate", "dead.npy", "--data", "6.npy", "--targets", "as-is").code == 1
    assert invoke("gate", "dead.npy", "--data", "6.npy").code == 0  # gestures have no sixth channel
    for command in (
        ("preflight", "run.yaml", "--data", "far.npz"),
        ("preflight", "run.yaml", "--data", "far.npz", "--rehearse"),
        ("suggest-config", "-c", "run.yaml", "--data", "far.npz"),
        ("verify", "run.yaml", "--data", "far.npz"),
    ):
        ended = invoke(*command, "--targets", "as-is")
        assert ended.code == 2
        assert "--targets as-is is for a generator of your own, or samples" in ended.err
        assert len(ended.err.strip().splitlines()) == 1
