from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.core.case import Case, Samples, Subject
from humouse_doctor.core.history import LossCurve
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import Architecture
from humouse_doctor.diagnosis import losses
from humouse_doctor.inputs.logs.tables import read_table
from humouse_doctor.inputs.logs.warm_up_log import read_warm_up
from tests.builders import DELTAS, POSITIONS, network, settings

#: One sequence stays at -2, the other at 2 and once at 6: the best constant's loss is 2.2, that of one for each 0.2.
TARGETS = np.array([[[-2.0]] * 10, [[2.0]] * 9 + [[6.0]]]).repeat(2, axis=2)


def _case(space: Space | None = POSITIONS, weight: float = 1.0) -> Case:
    return Case(
        subject=Subject(name="x"),
        settings=settings({"training.reconstruction_loss_weight": weight}),
        space=space,
        samples=Samples(loss_targets=TARGETS),
    )


def _log(folder: Path, *values: object) -> Path:
    path = folder / "train_gan.log"
    path.write_text("".join(f"Warm-up epoch {n} | recon_loss={value}\n" for n, value in enumerate(values, start=1)))
    return path


def _table(folder: Path, text: str) -> Path:
    path = folder / "metrics.csv"
    path.write_text(text)
    return path


def _of_log(path: Path, case: Case) -> tuple[LossCurve | None, tuple[str, ...]]:
    return losses.of_log(path, read_warm_up(path), case)


def _of_table(path: Path, case: Case) -> tuple[LossCurve | None, tuple[str, ...]]:
    return losses.of_table(path, read_table(path, lambda _: losses.COLUMNS), case)


def test_the_warm_ups_loss_is_held_against_two_predictors_that_know_nothing(tmp_path: Path) -> None:
    curve, (said,) = _of_log(_log(tmp_path, 2.3, 2.25, 2.231), _case())

    assert curve is not None
    assert (curve.epochs, curve.values) == ((1, 2, 3), (2.3, 2.25, 2.231))
    assert curve.best_constant == pytest.approx(2.2)
    assert curve.motionless == pytest.approx(0.2)
    assert said == (
        "train_gan.log: the warm-up's loss fell by 3.0% from epoch 1 to 3, to 2.231; without learning anything, a constant"
        " reaches 2.2, a"
        " motionless cursor 0.2: almost nothing was learnt about single sequences"
    )


def test_deltas_are_held_against_a_cursor_at_one_speed(tmp_path: Path) -> None:
    _, (said,) = _of_log(_log(tmp_path, 2.3, 1.0), _case(DELTAS))

    assert said.endswith(
        "fell by 57% from epoch 1 to 2, to 1; without learning anything, a constant reaches 2.2, a cursor at one speed 0.2"
    )


def test_the_weight_of_the_loss_counts_but_not_for_seq2seq(tmp_path: Path) -> None:
    weighted = _case(weight=10.0)
    seq2seq = replace(weighted, network=network(architecture=Architecture.SEQ2SEQ))

    for case, constant in ((weighted, 22.0), (seq2seq, 2.2)):
        curve, _ = _of_log(_log(tmp_path, 2.3), case)
        assert curve is not None
        assert curve.best_constant == pytest.approx(constant)


def test_without_targets_the_curve_alone_is_told(tmp_path: Path) -> None:
    curve, (said,) = _of_log(_log(tmp_path, 2.0, 3.0), replace(_case(), samples=Samples()))

    assert curve is not None
    assert (curve.best_constant, curve.motionless) == (None, None)
    assert said == "train_gan.log: the warm-up's loss did not fall: 2 at epoch 1, 3 at epoch 2"


def test_a_loss_that_breaks_is_told_with_its_epoch(tmp_path: Path) -> None:
    curve, said = _of_log(_log(tmp_path, 2.0, "nan"), _case())
    assert curve is not None
    assert said[1] == "train_gan.log: the warm-up's loss is not finite from epoch 2 on"

    assert _of_log(_log(tmp_path, "inf"), _case()) == (
        None, ("train_gan.log: the warm-up's loss is not finite from epoch 1 on",)
    )  # fmt: skip
    assert _of_log(_log(tmp_path), _case()) == (None, ())


def test_a_long_curve_is_thinned_out(tmp_path: Path) -> None:
    curve, _ = _of_log(_log(tmp_path, *range(2000, 1, -1)), _case())

    assert curve is not None
    assert len(curve.values) == 400
    assert (curve.epochs[0], curve.epochs[-1]) == (1, 1999)


def test_lightnings_table_gives_a_curve_by_epoch(tmp_path: Path) -> None:
    path = _table(tmp_path, "epoch,step,train_loss,val_loss\n0,9,4.0,\n0,19,2.0,\n0,19,,9\n1,29,1.5,\n")

    curve, (said,) = _of_table(path, _case())

    assert curve is not None
    assert (curve.name, curve.epochs, curve.values) == ("train_loss", (0, 1), (3.0, 1.5))
    assert "if it is the L1 that this config compares" in said


def test_humouses_tables_say_what_they_have_and_give_no_curve(tmp_path: Path) -> None:
    adversarial = _table(tmp_path, "epoch,g_loss,loss,path_eff_real,path_eff_fake\n1,1,1,0.6,0.99\n2,1,1,0.62,0.995\n3,1,1,,\n")
    assert _of_table(adversarial, _case()) == (
        None, ("metrics.csv: at epoch 2 generated paths have a path efficiency of 0.995, real ones 0.62",)
    )  # fmt: skip

    for rows, said in (("0,0.1\n4,0.3\n", "goes from 0.1 at epoch 0 to 0.3 at epoch 4"), ("1,0\n", "is 0 at epoch 1")):
        _, (observation,) = _of_table(_table(tmp_path, f"epoch,avg_error_rate\n{rows}"), _case())
        assert observation.endswith(said)


def test_a_reconstruction_in_another_programs_table_may_be_of_any_kind(tmp_path: Path) -> None:
    """A squared error lies above the constant's L1 by its unit alone."""
    _, (said,) = _of_table(_table(tmp_path, "epoch,recon_loss\n0,90000\n1,52000\n"), _case())

    assert said.endswith("(if it is the L1 that this config compares)")


def test_a_share_of_errors_is_told_of_one_run(tmp_path: Path) -> None:
    _, (said,) = _of_table(_table(tmp_path, "epoch,avg_error_rate\n0,0.4\n20,0.1\n0,0.3\n5,0.2\n"), _case())

    assert said.endswith("goes from 0.3 at epoch 0 to 0.2 at epoch 5")
