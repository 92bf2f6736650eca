"""Test the zoo's parts, and a dozen runs trained from scratch and judged."""

from __future__ import annotations

import ast
import hashlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch.optim.adam import adam

from humouse_doctor.core.report import Verdict
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.service.commands import report_on
from tests.lab.zoo import results, truth
from tests.lab.zoo.contexts import CONTEXTS, Context, Kind, Part
from tests.lab.zoo.corpus import judged, judged_again, lattices
from tests.lab.zoo.figures import Row, Share, cause_is_right, random_cure, rehearsed_figures, summary
from tests.lab.zoo.fresh import FRESH
from tests.lab.zoo.genome import (
    Batch,
    Codes,
    Condition,
    Decay,
    Drive,
    Factor,
    Genome,
    HeadKind,
    Latent,
    Level,
    Padding,
    Space,
    Statistics,
    Steps,
    lattice,
)
from tests.lab.zoo.gestures import Floats, Source, gestures
from tests.lab.zoo.judge import FIX_A, config_text, judge, patched, write_run
from tests.lab.zoo.later import LATER
from tests.lab.zoo.networks import Encoder, Repeated, generator, is_humouse, trainable
from tests.lab.zoo.rehearsing import rehearse_all
from tests.lab.zoo.searching import SEARCH_VERSION
from tests.lab.zoo.selection import Ailment, Lattice, select
from tests.lab.zoo.targets import targets_of
from tests.lab.zoo.training import Cache, Job, jobs_of, train_all
from tests.lab.zoo.truth import Label, Numbers, minimal_cures
from tests.lab.zoo.warmup import _code, train

Levels = dict[Factor, tuple[Level, ...]]
HEALTHY = Numbers(skill=0.7, moves=0.9, varies=1.0)
COLLAPSED = Numbers(skill=0.0, moves=0.0, varies=0.0)


def tiny(
    kind: Kind = Kind.LSTM, *, length: int = 8, steps: int = 60, levels: tuple[tuple[Factor, tuple[Level, ...]], ...] = ()
) -> Context:
    return Context(
        name="tiny", part=Part.CALIBRATION, kind=kind, source=Source.MINIMUM_JERK, length=length, levels=levels,
        count=16, batch=8, hidden=6, encoder_hidden=5, latent_dim=3, full_steps=steps, seed=3,
    )  # fmt: skip


def raw_of(context: Context) -> Floats:
    return Job(context=context, genome=Genome()).raw()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread, as the zoo's own processes do: several would wait for each other at these sizes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    torch.set_flush_denormal(False)


def silent(_: str) -> None:
    pass


class TestTruth:
    def test_a_ramp_at_half_its_size_moves_and_varies_half_as_much(self) -> None:
        real = np.arange(1.0, 5.0)[:, None, None] * np.linspace(-1, 1, 9)[None, :, None] * np.ones(2)
        generated = real * np.array([0.5, 0.8])
        assert truth.moves(generated, real) == pytest.approx(0.5)
        assert truth.varies(generated, real) == pytest.approx(0.5)

    def test_a_constant_sequence_varies_without_moving(self) -> None:
        random = np.random.default_rng(0)
        real = random.normal(size=(64, 20, 2))
        still = np.repeat(random.normal(size=(64, 1, 2)), 20, axis=1)
        assert truth.moves(still, real) < 1e-12
        assert truth.varies(still, real) > 0.7

    def test_skill_is_none_for_the_median_and_one_for_the_truth(self) -> None:
        targets = np.random.default_rng(1).exponential(size=(30, 7, 3))
        constant = np.broadcast_to(np.median(targets.reshape(-1, 3), axis=0), targets.shape)
        assert truth.skill(constant, targets) == pytest.approx(0.0)
        assert truth.skill(targets, targets) == 1.0
        doubled = 2 * constant - targets
        assert truth.skill(doubled, targets) == pytest.approx(-1.0)

    @pytest.mark.parametrize(
        ("skill", "moves", "varies", "label"),
        [
            (0.5, 0.9, 0.9, Label.HEALTHY),
            (0.5, 0.61, 0.61, Label.HEALTHY),
            (0.5, 0.59, 0.9, Label.BORDERLINE),
            (0.09, 0.9, 0.9, Label.BORDERLINE),
            (0.5, 0.41, 0.9, Label.BORDERLINE),
            (0.5, 0.39, 0.9, Label.COLLAPSED),
            (0.5, 0.41, 0.1, Label.COLLAPSED),
            (-0.4, 1.0, 1.0, Label.COLLAPSED),
            (math.nan, math.nan, math.nan, Label.COLLAPSED),
        ],
    )
    def test_labels(self, skill: float, moves: float, varies: float, label: Label) -> None:
        assert Numbers(skill=skill, moves=moves, varies=varies).label is label

    def test_straight_paths_are_collapsed_where_they_are_looked_at(self) -> None:
        bent = np.random.default_rng(3).normal(size=(20, 30, 2)).cumsum(axis=1)
        straight = np.linspace(0, 1, 30)[None, :, None] * bent[:, -1:]
        assert truth.bends(bent, bent) == 1.0
        assert truth.bends(straight, bent) == pytest.approx(0.0, abs=1e-12)
        plain = truth.numbers(reconstructions=bent, targets=bent, generated_paths=straight, real_paths=bent)
        looked = truth.numbers(
            reconstructions=bent, targets=bent, generated_paths=straight, real_paths=bent, straight_is_sick=True
        )
        assert plain.label is not Label.COLLAPSED
        assert looked.label is Label.COLLAPSED

    def test_wild_samples_are_collapsed_where_they_are_looked_at(self) -> None:
        real = np.random.default_rng(3).normal(size=(20, 30, 2)).cumsum(axis=1)
        labels = [
            truth.numbers(
                reconstructions=real, targets=real, generated_paths=times * real, real_paths=real, wild_is_sick=sick
            ).label
            for times, sick in ((6, True), (4, True), (3, True), (6, False))
        ]
        assert labels == [Label.COLLAPSED, Label.BORDERLINE, Label.HEALTHY, Label.HEALTHY]

    def test_what_is_not_finite_is_collapsed(self) -> None:
        fine = np.random.default_rng(2).normal(size=(4, 5, 2))
        broken = fine.copy()
        broken[0, 0, 0] = np.inf
        found = truth.numbers(reconstructions=fine, targets=fine, generated_paths=broken, real_paths=fine)
        assert found.label is Label.COLLAPSED

    def test_it_shares_nothing_with_the_tool(self) -> None:
        tree = ast.parse(Path(truth.__file__).read_text())
        modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        assert not [module for module in modules if module.startswith("humouse_doctor")]


class TestMinimalCures:
    LEVELS: ClassVar[Levels] = {Factor.SPACE: (Space.PX, Space.Z), Factor.DRIVE: (Drive.PLAIN, Drive.SLOW)}

    def labels(self, *healthy: Genome) -> dict[Genome, Label]:
        return {genome: Label.HEALTHY if genome in healthy else Label.COLLAPSED for genome in lattice(Genome(), self.LEVELS)}

    def test_a_larger_set_around_a_smaller_one_is_left_out(self) -> None:
        short = Genome(space=Space.PX, drive=Drive.PLAIN, steps=Steps.FEW)
        labels = self.labels(
            short.moved({Factor.DRIVE: Drive.SLOW}),
            short.moved({Factor.DRIVE: Drive.SLOW, Factor.SPACE: Space.Z}),
            short.moved({Factor.SPACE: Space.Z, Factor.STEPS: Steps.FULL}),
        )
        assert minimal_cures(labels, short) == (frozenset({Factor.DRIVE}), frozenset({Factor.SPACE, Factor.STEPS}))

    def test_steps_are_never_taken_away(self) -> None:
        labels = self.labels(Genome(space=Space.Z, steps=Steps.FEW))
        assert minimal_cures(labels, Genome(space=Space.PX, steps=Steps.FULL)) == ()
        assert minimal_cures(labels, Genome(space=Space.PX, steps=Steps.FEW)) == (frozenset({Factor.SPACE}),)

    def test_borderline_runs_cure_nothing(self) -> None:
        labels = {**self.labels(), Genome(): Label.BORDERLINE}
        assert minimal_cures(labels, Genome(space=Space.PX)) == ()


class TestFigures:
    def test_wilson_intervals(self) -> None:
        assert Share(hits=8, total=10).interval == pytest.approx((0.4902, 0.9433), abs=1e-4)
        assert Share(hits=0, total=10).interval == pytest.approx((0.0, 0.2775), abs=1e-4)
        assert Share(hits=263, total=263).interval == pytest.approx((0.9856, 1.0), abs=1e-4)
        assert Share(hits=0, total=0).interval == (0.0, 1.0)

    @pytest.mark.parametrize(("healthy", "others", "tries"), [(2, 7, 3), (0, 4, 2), (3, 4, 5), (1, 1, 5), (0, 0, 5)])
    def test_random_tries_by_enumeration(self, healthy: int, others: int, tries: int) -> None:
        draws = list(itertools.combinations(range(others), min(tries, others)))
        cured = sum(any(one < healthy for one in draw) for draw in draws)
        assert random_cure(healthy, others, tries) == pytest.approx(cured / len(draws))

    def test_a_cause_is_right_by_one_factor_of_one_minimal_set(self) -> None:
        assert cause_is_right("HD202", [["latent"], ["drive", "steps"]])
        assert not cause_is_right("HD202", [["latent"], ["drive"]])
        assert not cause_is_right("HD999", [["space"]])

    def test_undetermined_is_neither_right_nor_wrong(self) -> None:
        def told(truth: str, verdict: str) -> Row:
            return {
                "truth": truth,
                "cures": [["space"]],
                "moves": 1.0 if verdict == "healthy" else 2.5,
                "varies": 1.0,
                "preflight": None,
                "patch": "cured",
                "fix_a": "not cured",
                "random": 0.5,
                "search": None,
                "trained": {"verdict": verdict, "causes": ["HD201"], "seconds": 1.0},
            }

        found = summary(
            [told("one factor", "collapsed"), told("one factor", "undetermined"), told("one factor", "healthy"),
             told("healthy", "healthy"), told("healthy", "at-risk"), told("borderline", "collapsed")]
        )  # fmt: skip
        assert found["sensitivity"] == Share(hits=1, total=2)
        assert found["specificity"] == Share(hits=1, total=2)
        assert found["specificity, collapsed only"] == Share(hits=2, total=2)
        assert found["specificity without overshoot"] == Share(hits=1, total=1)
        assert found["undetermined"] == Share(hits=1, total=5)
        assert found["cured by random tries, of the curable"] == Share(hits=1.5, total=3)
        assert not [name for name in found if "rehears" in name]

    def test_rehearsals_are_counted_beside_the_rules_on_the_same_runs(self) -> None:
        def told(truth: str, rehearsed: str | None, rules: str) -> Row:
            return {
                "truth": truth,
                "rehearsed": rehearsed and {"verdict": rehearsed, "steps": 3, "own_steps": 3, "seconds": 2.0},
                "preflight": {"verdict": rules},
            }

        found = rehearsed_figures(
            [told("one factor", "collapsed", "at-risk"), told("two factors", "healthy", "at-risk"),
             told("two factors", "undetermined", "healthy"), told("healthy", "healthy", "at-risk")]
        )  # fmt: skip
        assert found["rehearsed preflight sensitivity"] == Share(hits=1, total=2)
        assert found["rehearsed preflight specificity"] == Share(hits=1, total=1)
        assert found["rehearsed preflight undetermined"] == Share(hits=1, total=4)
        assert found["of the same by rules: preflight sensitivity"] == Share(hits=2, total=3)
        assert found["of the same by rules: preflight specificity"] == Share(hits=0, total=1)
        assert found["most seconds of a rehearsal"] == 2.0


class TestCorpus:
    def test_names_and_seeds_are_unique(self) -> None:
        every = results.CONTEXTS
        assert len({context.name for context in every}) == len({context.seed for context in every}) == len(every)

    def test_the_contexts_of_later_causes_are_those_that_were_fixed(self) -> None:
        for contexts, digest in ((LATER[:21], "53d0d2c3254ce9de"), (LATER[21:], "333cd0cf13267314")):
            told = "\n".join(f"{context!r} {context.tail}" for context in contexts)
            assert hashlib.sha256(told.encode()).hexdigest()[:16] == digest

    def test_later_factors_are_told_only_where_they_are_not_the_usual(self) -> None:
        assert Genome().name == "z-linear-clean-plain-full"
        spoilt = Genome(decay=Decay.STRONG, condition=Condition.SCALED)
        assert spoilt.name == "z-linear-clean-plain-full-decay:0.1-condition:scaled"
        usual = Job(context=tiny(), genome=Genome())
        assert usual.key == "372cb9b1392b4e3719f7456c"
        assert Job(context=tiny(), genome=spoilt).key != usual.key

    def test_what_is_held_out_shares_neither_gestures_nor_lengths(self) -> None:
        parts = {part: [one for one in CONTEXTS if one.part is part] for part in (Part.CALIBRATION, Part.HELD_OUT)}
        for what in ("source", "length"):
            left, right = ({getattr(context, what) for context in some} for some in parts.values())
            assert not left & right

    def test_lengths_are_whole_epochs(self) -> None:
        for context in results.CONTEXTS:
            steps = [context.steps(level) for level in Steps]
            assert steps[2] == context.full_steps
            assert 0 < steps[0] < steps[1] < steps[2]
            assert all(count % context.epoch == 0 for count in steps)

    def test_the_selection_has_every_ailment_and_the_healthy_run_closest_to_a_limit(self) -> None:
        levels: Levels = {Factor.SPACE: tuple(Space), Factor.HEAD: tuple(HeadKind), Factor.LATENT: tuple(Latent)}
        outcomes = dict.fromkeys(lattice(Genome(), levels), COLLAPSED)
        good = [genome for genome in outcomes if genome.space is Space.Z and genome.latent is Latent.CLEAN]
        outcomes.update(dict.fromkeys(good, HEALTHY))
        outcomes[good[0]] = Numbers(skill=0.7, moves=0.65, varies=1.0)
        outcomes[good[1]] = Numbers(skill=0.7, moves=0.5, varies=1.0)
        chosen = select(Lattice(context=tiny(), outcomes=outcomes))
        found = [run.ailment for run in chosen]
        assert good[0] in {run.genome for run in chosen}
        assert {Ailment.HEALTHY, Ailment.BORDERLINE, Ailment.ONE, Ailment.TWO} <= set(found)
        assert len({run.genome for run in chosen}) == len(chosen) == 13
        assert chosen == select(Lattice(context=tiny(), outcomes=outcomes))


class TestTargets:
    @pytest.mark.parametrize("space", Space)
    def test_paths_give_back_the_positions(self, space: Space) -> None:
        raw = gestures(Source.WANDER, 20, 12, 0, offset_px=300.0)
        targets = targets_of(tiny(length=12), Genome(space=space), raw)
        assert targets.values.shape == (20, 12, 2)
        np.testing.assert_allclose(targets.paths(targets.values), np.cumsum(raw[..., :2], axis=1), atol=0.05)

    def test_z_scored_positions_are_the_sums_of_what_is_written(self) -> None:
        raw = gestures(Source.MINIMUM_JERK, 20, 12, 0, offset_px=300.0)
        targets = targets_of(tiny(length=12), Genome(space=Space.Z), raw)
        summed = np.cumsum(targets.written[..., :2], axis=1)
        np.testing.assert_allclose(summed, targets.values, atol=1e-5)
        np.testing.assert_allclose([targets.values.mean((0, 1)), targets.values.std((0, 1))], [[0, 0], [1, 1]], atol=1e-4)
        padded = (raw == 0).all(axis=-1)
        assert padded.any()
        assert (targets.written[padded] == 0).all()

    @pytest.mark.parametrize("space", [Space.PX, Space.Z, Space.DPX, Space.READ])
    def test_a_program_that_sums_draws_the_real_paths_from_the_real_deltas(self, space: Space) -> None:
        raw = gestures(Source.MINIMUM_JERK, 20, 12, 0)
        targets = targets_of(replace(tiny(length=12), sums=True), Genome(space=space), raw)
        assert targets.sums
        np.testing.assert_allclose(targets.drawn(targets.written), targets.real, atol=1e-3)
        np.testing.assert_allclose(targets.paths(targets.values), np.cumsum(raw[..., :2], axis=1), atol=0.05)

    @pytest.mark.parametrize("source", [Source.STROKES, Source.MINIMUM_JERK, Source.WANDER])
    def test_made_gestures_are_of_a_screens_size(self, source: Source) -> None:
        raw = gestures(source, 256, 48, 1)
        assert raw.shape == (256, 48, 3)
        assert raw.dtype == np.float32
        assert 60 < np.cumsum(raw[..., :2], axis=1).std() < 600
        assert set(np.unique(raw[..., 2])) == {np.float32(0.0), np.float32(0.01)}

    def test_real_gestures_are_summed_to_the_length(self, tmp_path: Path) -> None:
        file = tmp_path / "real.npz"
        np.savez(file, sequences=np.ones((6, 20, 3), dtype=np.float32))
        raw = gestures(Source.REAL, 4, 6, 0, real=file)
        assert raw.shape == (4, 6, 3)
        assert (raw == 3).all()


class TestTraining:
    def test_a_snapshot_is_the_shorter_run(self) -> None:
        context = tiny(steps=24)
        long = train(context, Genome(latent=Latent.BOTH), raw_of(context))
        short = train(context, Genome(latent=Latent.BOTH, steps=Steps.FEW), raw_of(context))
        assert [snapshot.steps for snapshot in long] == list(Steps)
        assert [snapshot.steps for snapshot in short] == [Steps.FEW]
        assert all(torch.equal(tensor, short[0].weights[name]) for name, tensor in long[0].weights.items())
        assert not torch.equal(long[1].weights["network.output.weight"], long[0].weights["network.output.weight"])

    def test_a_loss_on_the_sum_leaves_deltas_in_the_unit_of_the_files(self) -> None:
        context = replace(tiny(steps=120), sums=True)
        raw = raw_of(context)
        *_, last = train(context, Genome(space=Space.READ), raw)
        scale = torch.from_numpy(targets_of(context, Genome(space=Space.READ), raw).std).float()
        start = generator(context, Genome(space=Space.READ)).state_dict()["network.output.weight"]
        moved = last.weights["network.output.weight"].abs() / scale[:, None]
        assert 0.3 * start.abs().mean() < moved.mean() < 10 * start.abs().mean()
        assert last.numbers.varies > 0.02
        assert last.numbers.bends < math.inf

    @pytest.mark.parametrize("kind", [Kind.LSTM, Kind.LSTM2, Kind.GRU])
    def test_the_time_input_changes_no_other_weight(self, kind: Kind) -> None:
        plain, timed = (generator(tiny(kind), Genome(drive=drive)).state_dict() for drive in (Drive.PLAIN, Drive.TIME))
        own = {name.removeprefix("network.").replace("lstm_layers", "layers"): tensor for name, tensor in plain.items()}
        assert set(own) == set(timed)
        for name, tensor in own.items():
            assert torch.equal(timed[name][..., : tensor.shape[-1]], tensor)

    @pytest.mark.parametrize("decay", [Decay.STRONG, Decay.DECOUPLED])
    def test_a_decay_is_that_of_torchs_own_optimisers(self, decay: Decay) -> None:
        context = replace(tiny(Kind.TABLE, steps=20), rate=1e-2)
        *_, own = train(context, Genome(decay=decay), raw_of(context))

        def decaying(*given: object, **settings: object) -> None:
            beside = decay is Decay.DECOUPLED
            adam(*given, **{**settings, "weight_decay": float(decay.value), "decoupled_weight_decay": beside})  # type: ignore[arg-type]  # as given

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("humouse_doctor.networks.adam.adam", decaying)
            *_, other = train(context, Genome(), raw_of(context))
        for name, tensor in own.weights.items():
            torch.testing.assert_close(tensor, other.weights[name])

    def test_a_masked_loss_knows_nothing_of_the_padding(self) -> None:
        context = replace(tiny(steps=20), tail=3)
        raw = raw_of(context)
        assert (raw[:, -3:] == 0).all()
        assert (raw[:, 0] != 0).any(axis=-1).all()
        genome = Genome(space=Space.DPX, padding=Padding.MASKED)
        *_, plain = train(context, replace(genome, padding=Padding.COMPARED), raw)
        *_, masked = train(context, genome, raw)
        with pytest.MonkeyPatch.context() as patch:
            told = targets_of(context, genome, raw)
            values = np.where(told.inside[..., None], told.values, np.float32(77.0))
            patch.setattr("tests.lab.zoo.warmup.targets_of", lambda *_: replace(told, values=values))
            as_table = replace(context, kind=Kind.TABLE)
            *_, filled = train(as_table, genome, raw)
            patch.setattr("tests.lab.zoo.warmup.targets_of", lambda *_: told)
            *_, zeros = train(as_table, genome, raw)
        assert all(torch.equal(tensor, zeros.weights[name]) for name, tensor in filled.weights.items())
        assert not torch.equal(plain.weights["network.output.bias"], masked.weights["network.output.bias"])
        assert masked.numbers.moves > 0

    def test_conditions_of_another_scale_are_given_to_the_same_weights(self) -> None:
        context = tiny(steps=20)
        (*_, scaled), (*_, other), (*_, raw) = (
            train(context, Genome(condition=condition), raw_of(context))
            for condition in (Condition.SCALED, Condition.OTHER_SCALE, Condition.RAW)
        )
        assert all(torch.equal(tensor, other.weights[name]) for name, tensor in scaled.weights.items())
        assert scaled.numbers.skill == other.numbers.skill
        assert scaled.numbers.varies != other.numbers.varies
        assert not torch.equal(raw.weights["network.output.bias"], scaled.weights["network.output.bias"])
        of_scaled, of_other = (
            targets_of(context, Genome(condition=one), raw_of(context)) for one in (Condition.SCALED, Condition.OTHER_SCALE)
        )
        goals = np.cumsum(raw_of(context)[..., :2], axis=1)[:, -1]
        np.testing.assert_allclose(of_other.given, goals, rtol=1e-3, atol=0.1)
        np.testing.assert_allclose(of_scaled.given.std(axis=0), 1, rtol=1e-3)
        np.testing.assert_array_equal(of_scaled.conditions, of_other.conditions)

    def test_stale_statistics_are_those_of_the_start_under_the_same_weights(self) -> None:
        context = tiny(Kind.NORMED, steps=20)
        (*_, running), (*_, stale) = (train(context, Genome(statistics=one), raw_of(context)) for one in Statistics)
        assert (running.weights["1.running_var"] != 1).any()
        assert (stale.weights["1.running_var"] == 1).all()
        assert not stale.weights["1.running_mean"].any()
        assert torch.equal(running.weights["6.weight"], stale.weights["6.weight"])
        assert stale.numbers.skill != running.numbers.skill

    @pytest.mark.parametrize("kind", [Kind.LSTM, Kind.GRU])
    def test_a_mixed_batch_changes_its_later_sequences(self, kind: Kind) -> None:
        latent = torch.ones(2, 3) * torch.tensor([[1.0], [2.0]])
        changes = []
        for batch in Batch:
            network = generator(tiny(kind), Genome(batch=batch)).eval()
            with torch.no_grad():
                changes.append(bool((network(latent)[1] != network(latent[[1, 1]])[1]).any()))
        assert changes == [False, True]

    def test_a_bare_layer_gets_raw_conditions_as_they_are(self) -> None:
        network = generator(tiny(Kind.BARE), Genome(condition=Condition.RAW, drive=Drive.TIME))
        seen: list[torch.Tensor] = []
        layer = next(one for one in network.modules() if isinstance(one, torch.nn.LSTM))
        layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        network(torch.full((1, 5), 300.0))
        assert seen[0].shape == (1, 8, 6)
        assert (seen[0][..., :5] == 300).all()

    def test_a_term_brings_wide_codes_to_the_prior(self) -> None:
        context = replace(tiny(steps=160), rate=1e-2)
        raw = raw_of(context)
        spreads = []
        for codes in Codes:
            genome = Genome(codes=codes)
            source = Encoder(2, context.encoder_hidden, context.latent_dim)
            source.load_state_dict(train(context, genome, raw)[-1].source)
            targets = targets_of(context, genome, raw)
            with torch.no_grad():
                code = _code(context, genome, source, targets, torch.arange(16), torch.from_numpy(targets.values))
            spreads.append(float(code.std(dim=0).mean()))
        own, prior, wide = spreads
        assert 0.5 < prior < 2
        assert wide > 2 * max(own, prior)

    def test_a_slow_gru_remembers(self) -> None:
        plain, slow = (generator(tiny(Kind.GRU, length=200), Genome(drive=drive)) for drive in (Drive.PLAIN, Drive.SLOW))
        assert isinstance(plain, Repeated)
        with torch.no_grad():
            late = [torch.diff(network(torch.ones(1, 3)), dim=1)[:, 20:].abs().sum() for network in (plain, slow)]
        assert late[1] > 5 * late[0]

    def test_what_is_done_is_not_done_again(self, tmp_path: Path) -> None:
        levels = ((Factor.HEAD, (HeadKind.TANH, HeadKind.LINEAR)),)
        jobs = jobs_of([tiny(levels=levels, steps=20)], None)
        cache = Cache(tmp_path / "zoo")
        train_all(jobs[:1], cache, 1, silent)
        done = sorted((cache.folder / f"{jobs[0].key}.{ending}").stat().st_mtime_ns for ending in ("pt", "json"))
        (cache.folder / f"{jobs[1].key}.pt").write_bytes(b"cut short")
        said: list[str] = []
        train_all(jobs, cache, 1, said.append)
        assert said[0] == "trainings to do: 1"
        assert done == sorted((cache.folder / f"{jobs[0].key}.{ending}").stat().st_mtime_ns for ending in ("pt", "json"))
        assert "network.output.weight" in cache.weights(jobs[1].key, Steps.SOME)
        assert (cache.folder / ".gitignore").read_text() == "*\n"

    def test_a_key_changes_with_whatever_changes_the_run(self) -> None:
        context = tiny()
        others = [replace(context, seed=4), replace(context, rate=1e-2), replace(context, full_steps=40)]
        others += [replace(context, offset_px=10.0), replace(context, padding=0.1), tiny(Kind.GRU)]
        jobs = [Job(context=one, genome=Genome()) for one in (context, *others)]
        jobs += [Job(context=context, genome=Genome(head=HeadKind.TANH))]
        assert len({job.key for job in jobs}) == len(jobs)
        assert Job(context=replace(context, name="other"), genome=Genome()).key == jobs[0].key


@pytest.mark.parametrize(
    ("part", "real", "summed", "digest"), [(Part.FRESH, 16, 10, "e605c57cbfd01635"), (Part.SECOND, 13, 10, "abc1b2cc390c88bb")]
)
def test_the_contexts_that_were_drawn_are_those_that_were_fixed(part: Part, real: int, summed: int, digest: str) -> None:
    drawn = [context for context in FRESH if context.part is part]
    told = "\n".join(repr(context) for context in drawn)
    assert sum(context.source is Source.REAL for context in drawn) == real
    assert sum(context.sums for context in drawn) == summed
    assert hashlib.sha256(told.encode()).hexdigest()[:16] == digest


@pytest.mark.usefixtures("few_fits")
class TestJudge:
    @pytest.mark.parametrize(
        ("kind", "space"),
        [
            (kind, space)
            for kind, space in itertools.product(Kind, Space)
            if is_humouse(tiny(kind), Genome(space=space)) and trainable(tiny(kind), Genome(space=space))
        ],
    )
    def test_a_written_run_agrees_with_its_own_config(self, tmp_path: Path, kind: Kind, space: Space) -> None:
        context, genome = tiny(kind), Genome(space=space, latent=Latent.NOISE)
        job = Job(context=context, genome=genome)
        request = write_run(tmp_path, job, genome, generator(context, genome).state_dict())
        report = report_on(request)
        told = {finding.code for finding in report.findings} & {code.code for code in ToolCode}
        assert not told
        assert report.data is not None
        assert report.data.taken == context.count

    @pytest.mark.parametrize("kind", [Kind.LSTM, Kind.GRU])
    def test_the_conditions_that_are_used_are_given_to_the_tool(self, kind: Kind) -> None:
        context, genome = tiny(kind), Genome(condition=Condition.OTHER_SCALE)
        found = judge(Job(context=context, genome=genome), genome, generator(context, genome).state_dict())
        assert found.trained.measurements["HD219"]["as_given"] > 0

    def test_the_config_is_yaml_of_the_same_values(self) -> None:
        text = config_text({"seed": 1, "data.batch_size": 32, "training.lr.generator": 1e-5, "training.betas": (0.5, 0.9)})
        assert text.splitlines() == [
            "experiment:", "  seed: 1", "  data:", "    batch_size: 32", "  training:", "    lr:",
            "      generator: 0.0000100000", "    betas: [0.5, 0.9]",
        ]  # fmt: skip

    def test_a_network_that_is_not_humouses_is_judged_in_memory(self) -> None:
        context, genome = tiny(Kind.AUTOREGRESSIVE), Genome(space=Space.DPX)
        network = generator(context, genome)
        found = judge(Job(context=context, genome=genome), genome, network.state_dict())
        assert found.preflight is None
        assert found.trained.measurements["HD101"]

    def test_the_first_remedy_that_speaks_of_a_factor_moves_it(self) -> None:
        sick = Genome(space=Space.PX, head=HeadKind.TANH, latent=Latent.WHITEN)
        moved = patched(tiny(), sick, ["slow-gates", "normalised-positions", "delta-space", "warm-start"])
        assert moved == (tiny(), sick.moved({**FIX_A, Factor.DRIVE: Drive.SLOW}))
        assert patched(tiny(), sick, ["warm-start"]) is None
        assert patched(tiny(), sick, ["slow-gates", "seq2seq"]) is None
        assert patched(tiny(), sick, ["raw-deltas"]) is None
        assert patched(tiny(Kind.TCN), sick, ["time-input"]) is None

    def test_a_longer_warm_up_has_the_steps_that_its_remedy_asks_for(self) -> None:
        context = tiny()
        sick = Genome(steps=Steps.FEW)
        found = patched(context, sick, ["longer-warm-up-7x"])
        assert found is not None
        changed, genome = found
        assert changed.steps(genome.steps) == 7 * context.steps(Steps.FEW)


@pytest.mark.usefixtures("few_fits")
def test_a_dozen_runs_from_scratch(tmp_path: Path) -> None:
    levels = (
        (Factor.SPACE, (Space.PX, Space.Z)),
        (Factor.LATENT, (Latent.CLEAN, Latent.NOISE)),
    )
    context = Context(
        name="dozen", part=Part.CALIBRATION, kind=Kind.LSTM, source=Source.STROKES, length=16, levels=levels, count=64,
        base=Genome(drive=Drive.SLOW), rate=5e-3, full_steps=100, seed=5,
    )  # fmt: skip
    cache = Cache(tmp_path)
    train_all(jobs_of([context], None), cache, 1, silent)
    of_name = {run.genome.name: run for run in select(lattices([context], cache, None, silent)[0])}
    asked = [of_name[name] for name in ("z-linear-clean-slow-full", "px-linear-clean-slow-full")]
    rehearse_all(asked, cache, None, 1, 60.0, silent)
    rows = judged([context], cache, None, 1, silent)
    truths = {row["genome"]: row["truth"] for row in rows}
    assert truths["z-linear-clean-slow-full"] == "healthy"
    assert truths["px-linear-clean-slow-full"] == "one factor"
    rehearsed = {row["genome"]: row["rehearsed"]["verdict"] for row in rows if row["rehearsed"] is not None}
    assert rehearsed == {asked[0].genome.name: "healthy", asked[1].genome.name: "collapsed"}
    assert summary(rows)["rehearsed preflight specificity"] == Share(hits=1, total=1)
    clear = [row for row in rows if row["truth"] != "borderline"]
    assert len(clear) >= 6
    for row in clear:
        healthy = row["trained"]["verdict"] == Verdict.HEALTHY.value
        assert healthy == (row["truth"] == "healthy"), row["genome"]
    assert any(row["genome"].startswith("px") and row["cures"] == [["space"]] for row in clear)
    file = tmp_path / "results.json"
    results.write(file, rows, "tool")
    again = results.read(file)
    assert [row["genome"] for row in again] == [row["genome"] for row in rows]
    assert set(again[0]["trained"]["measurements"]) == set(rows[0]["trained"]["measurements"])
    assert summary(again)["sensitivity"] == summary(rows)["sensitivity"]
    tried = [{**row, "search": "cured", "search_version": SEARCH_VERSION - index} for index, row in enumerate(again[:2])]
    kept = results.merged([*tried, {**again[2], "context": "other"}], again, keep_others=True)
    assert [row["search"] for row in kept[:3]] == [None, "cured", None]
    assert kept[0]["context"] == "other"
    forgotten = [{**row, "trained": {**row["trained"], "verdict": "?", "remedies": []}, "patch": "?"} for row in again]
    found = judged_again(forgotten, [of_name[row["genome"]] for row in again], cache, None, 1, silent)
    assert [row["trained"]["verdict"] for row in found] == [row["trained"]["verdict"] for row in again]
    assert [row["patch"] for row in found if row["trained"]["remedies"]] == [
        row["patch"] for row in again if row["trained"]["remedies"]
    ]
