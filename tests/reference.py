"""Slow twins of the probes' maths: plain loops over lists, written from the metrics' definitions alone.

A twin returns the metrics' values, or None if they would mean nothing.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Sequence

Paths = list[list[list[float]]]  # [sequence][step][axis]
Steps = list[list[bool]]  # [sequence][step]: does it count?

_X, _Y = 0, 1
_LEAST_STEPS = 4
_LEAST_PATHS = 8


def deviation(values: Sequence[float]) -> float:
    if max(values) == min(values):
        return 0.0
    middle = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / len(values))


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _everything(paths: Paths, axis: int) -> list[float]:
    return [step[axis] for path in paths for step in path]


def _spread(paths: Paths) -> list[float]:
    return [deviation(_everything(paths, axis)) for axis in (_X, _Y)]


def _ratios(predicted: Sequence[float], wanted: Sequence[float]) -> list[float]:
    return [part / whole for part, whole in zip(predicted, wanted, strict=True) if whole > 0]


def lowest_if_low(predicted: Sequence[float], wanted: Sequence[float], low: float) -> float | None:
    ratios = sorted(_ratios(predicted, wanted))
    if not ratios:
        return None
    return ratios[0] if ratios[0] < low else ratios[-1]


def lowest(predicted: Sequence[float], wanted: Sequence[float]) -> float | None:
    return min(_ratios(predicted, wanted), default=None)


def both_axes(name: str, predicted: Sequence[float], wanted: Sequence[float], told: float | None) -> dict[str, float] | None:
    """Return the value that is told, and that of each axis whose target varies."""
    if told is None:
        return None
    return {name: told} | {
        f"{name}_{axis}": part / whole for axis, part, whole in zip("xy", predicted, wanted, strict=True) if whole > 0
    }


def spread_ratio(predicted: Paths, wanted: Paths) -> dict[str, float] | None:
    of_predicted, of_wanted = _spread(predicted), _spread(wanted)
    found = both_axes("spread_ratio", of_predicted, of_wanted, lowest_if_low(of_predicted, of_wanted, 0.5))
    if found is None:
        return None
    return {**found, "prediction_std": mean(of_predicted), "target_std": mean(of_wanted)}


def head_saturation(predicted: Paths, head: str) -> dict[str, float] | None:
    if head not in ("tanh", "sigmoid"):
        return None
    outputs = [value for path in predicted for step in path for value in step[:2]]
    if head == "sigmoid":
        outputs = [2 * value - 1 for value in outputs]
    return {
        "saturated_share": sum(abs(value) > 0.99 for value in outputs) / len(outputs),
        "mean_slope": mean([max(1 - value * value, 0.0) for value in outputs]),
    }


def counted(lengths: Sequence[float] | None, rows: int, steps: int) -> Steps:
    found = []
    for row in range(rows):
        length = steps if lengths is None else min(lengths[row % len(lengths)], steps)
        found.append([math.ceil(length * 0.1) <= step < length for step in range(steps)])
    return found


def _over_time(paths: Paths, steps: Steps) -> list[float] | None:
    per_axis: list[list[float]] = [[], []]
    for path, counts in zip(paths, steps, strict=True):
        kept = [step for step, counts_here in zip(path, counts, strict=True) if counts_here]
        if len(kept) >= _LEAST_STEPS:
            for axis in (_X, _Y):
                per_axis[axis].append(deviation([step[axis] for step in kept]))
    return [mean(found) for found in per_axis] if per_axis[0] else None


def moves_uniformly(paths: Paths, steps: Steps) -> bool:
    """Return True if the residual of each path's own line at one speed is below 2 % of all variance over time."""
    whole = left = 0.0
    for path, counts in zip(paths, steps, strict=True):
        times = [time for time, counts_here in enumerate(counts) if counts_here]
        if len(times) < _LEAST_STEPS:
            continue
        middle = mean(times)
        for axis in (_X, _Y):
            values = [path[time][axis] for time in times]
            centred = [value - mean(values) for value in values]
            slope = math.fsum((time - middle) * value for time, value in zip(times, centred, strict=True))
            slope /= math.fsum((time - middle) ** 2 for time in times)
            whole += math.fsum(value * value for value in centred)
            left += math.fsum((value - slope * (time - middle)) ** 2 for time, value in zip(times, centred, strict=True))
    return left < 0.02 * whole


def _moves(path: list[list[float]]) -> list[list[float]]:
    return [[after[axis] - before[axis] for axis in (_X, _Y)] for before, after in itertools.pairwise(path)]


def _both(counts: list[bool]) -> list[bool]:
    return [before and after for before, after in itertools.pairwise(counts)]


def summed(deltas: Paths) -> Paths:
    """Return positions, the running sums of deltas."""
    paths = []
    for sequence in deltas:
        x = y = 0.0
        path = []
        for step in sequence:
            x, y = x + step[_X], y + step[_Y]
            path.append([x, y])
        paths.append(path)
    return paths


def flat_output(predicted: Paths, wanted: Paths, lengths: Sequence[float] | None) -> dict[str, float] | None:
    steps = min(len(predicted[0]), len(wanted[0]))
    found = []
    for paths in (predicted, wanted):
        cut = [path[:steps] for path in paths]
        counts = counted(lengths, len(cut), steps)
        found.append((_over_time(cut, counts), _over_time([_moves(path) for path in cut], [_both(row) for row in counts])))
    (predicted_time, predicted_speed), (wanted_time, wanted_speed) = found
    if predicted_time is None or predicted_speed is None or wanted_time is None or wanted_speed is None:
        return None
    told = lowest_if_low(predicted_time, wanted_time, 0.4), lowest_if_low(predicted_speed, wanted_speed, 0.12)
    position = both_axes("time_std_ratio", predicted_time, wanted_time, told[0])
    velocity = both_axes("velocity_std_ratio", predicted_speed, wanted_speed, told[1])
    if position is None or velocity is None:
        return None
    cut = [path[:steps] for path in wanted]
    if moves_uniformly(cut, counted(lengths, len(cut), steps)):
        most = max(velocity.values())
        velocity = {**velocity, "velocity_std_ratio": most} if most >= 1 else {}
    return {**position, **velocity, **_late(predicted, wanted, wanted_time, lengths, steps)}


def _late(
    predicted: Paths, wanted: Paths, whole: Sequence[float], lengths: Sequence[float] | None, steps: int
) -> dict[str, float]:
    """The last third of each path's own steps: from two thirds of its length, rounded down."""
    found = []
    for paths in (predicted, wanted):
        own = [min(steps, steps if lengths is None else lengths[row % len(lengths)]) for row in range(len(paths))]
        marks = [[math.floor(length * 2 / 3) <= step < length for step in range(steps)] for length in own]
        found.append(_over_time([path[:steps] for path in paths], marks))
    drawn, real = found
    if drawn is None or real is None:
        return {}
    ratios = [drawn[axis] / real[axis] for axis in (_X, _Y) if real[axis] > 0 and real[axis] >= 0.1 * whole[axis]]
    return {"late_std_ratio": min(ratios)} if ratios else {}


def settled_at(states: Paths) -> float:
    steps = len(states[0])
    ways = [mean([math.dist(path[step], path[step + 1]) for path in states]) for step in range(steps - 1)]
    whole = math.fsum(ways)
    if whole == 0:
        return 0.0
    for step in range(steps - 1):
        if math.fsum(ways[step + 1 :]) < 0.02 * whole:
            return (step + 1) / (steps - 1)
    raise AssertionError("the last step leaves nothing")


def _across(paths: Paths) -> list[float]:
    steps = range(len(paths[0]))
    return [mean([deviation([path[step][axis] for path in paths]) for step in steps]) for axis in (_X, _Y)]


def participation_ratio(paths: Paths) -> float:
    """Return the participation ratio: the covariance's squared trace over the sum of its squared entries."""
    rows = [[value for step in path for value in step[:2]] for path in paths]
    columns = list(zip(*rows, strict=True))
    centred = [[value - mean(column) for value in column] if max(column) > min(column) else [0.0] for column in columns]
    alive = [column for column in centred if len(column) > 1]
    covariance = [[math.fsum(a * b for a, b in zip(one, two, strict=True)) for two in alive] for one in alive]
    squares = math.fsum(value * value for row in covariance for value in row)
    return math.fsum(covariance[i][i] for i in range(len(covariance))) ** 2 / squares if squares else 0.0


def heaviest_kl(paths: Paths, *, absolute: bool) -> float:
    """Return 2 / (T D) of the covariance's largest eigenvalue, by power iteration; that over 2.5 deviations if `absolute`."""
    rows = [[value for step in path for value in step[:2]] for path in paths]
    columns = [[value - mean(column) for value in column] for column in zip(*rows, strict=True)]
    covariance = [[mean([a * b for a, b in zip(one, two, strict=True)]) for two in columns] for one in columns]
    vector, largest = [1.0 + 0.1 * i for i in range(len(columns))], 0.0
    for _ in range(2000):
        image = [math.fsum(a * b for a, b in zip(row, vector, strict=True)) for row in covariance]
        largest = math.sqrt(math.fsum(value * value for value in image))
        vector = [value / largest for value in image]
    limit = 2 * largest / len(columns)
    return limit / (math.sqrt(2 * math.pi) * mean([deviation(column) for column in columns])) if absolute else limit


def latent_insensitive(predicted: Paths, wanted: Paths) -> dict[str, float] | None:
    if min(len(predicted), len(wanted)) < 16:
        return None
    of_predicted, of_wanted = _across(predicted), _across(wanted)
    ratios = both_axes("latent_std_ratio", of_predicted, of_wanted, lowest_if_low(of_predicted, of_wanted, 0.5))
    if ratios is None:
        return None
    return {
        **ratios,
        "effective_rank": participation_ratio(predicted),
        "target_effective_rank": participation_ratio(wanted),
    }


def _l1(one: Sequence[float], other: Sequence[float]) -> float:
    return mean([abs(a - b) for a, b in zip(one, other, strict=True)])


def prior_fit_spread(
    prior: Paths,
    fitted: Paths,
    wanted: Paths,
    told: Callable[[Sequence[float], Sequence[float]], float | None],
) -> tuple[float, dict[str, float]] | None:
    """Return the ratio that is told, and that of each axis."""
    of_fitted, of_wanted = _spread(fitted), _spread(wanted)
    reach = lowest(of_fitted, of_wanted)
    if reach is None or reach < 0.3:
        return None
    of_prior = _spread(prior)
    of_usable = [of_fitted[axis] if of_wanted[axis] > 0 else 0.0 for axis in (_X, _Y)]
    ratio = told(of_prior, of_usable)
    by_axis = both_axes("prior_fit_spread", of_prior, of_usable, ratio)
    assert ratio is not None
    assert by_axis is not None
    return ratio, {name: value for name, value in by_axis.items() if name != "prior_fit_spread"}


def no_skill(prior: Paths, fitted: Paths, wanted: Paths, latents: Sequence[float]) -> dict[str, float] | None:
    flat_fitted, flat_wanted, best, motionless = [], [], [], []
    for axis in (_X, _Y):
        values = _everything(wanted, axis)
        flat_wanted += values
        flat_fitted += _everything(fitted, axis)
        best += [statistics.median(values)] * len(values)
        for path in wanted:
            own = [step[axis] for step in path]
            motionless += [statistics.median(own)] * len(own)
    loss, still = _l1(flat_fitted, flat_wanted), _l1(motionless, flat_wanted)
    if still == 0:
        return None
    found = {
        "skill": 1 - loss / _l1(best, flat_wanted),
        "motion_skill": 1 - loss / still,
        "fitted_latent_std": deviation(latents),
    }
    ratio = prior_fit_spread(prior, fitted, wanted, lambda part, whole: lowest_if_low(part, whole, 0.6))
    return found if ratio is None else {**found, "prior_fit_spread": ratio[0], **ratio[1]}


def direction_collapse(predicted: Paths, wanted: Paths, lengths: Sequence[float] | None) -> dict[str, float] | None:
    found = []
    for paths in (predicted, wanted):
        counts = counted(lengths, len(paths), len(paths[0]))
        units, efficiencies, ways = [], [], []
        for path, row in zip(paths, counts, strict=True):
            moves = [move for move, counts_here in zip(_moves(path), _both(row), strict=True) if counts_here]
            x, y = math.fsum(move[_X] for move in moves), math.fsum(move[_Y] for move in moves)
            way, distance = math.fsum(math.hypot(*move) for move in moves), math.hypot(x, y)
            ways.append(way)
            if way > 0:
                efficiencies.append(distance / way)
            if distance > 0:
                units.append((x / distance, y / distance))
        if len(units) < _LEAST_PATHS:
            return None
        x, y = mean([unit[0] for unit in units]), mean([unit[1] for unit in units])
        heading = math.hypot(x, y)
        close = [unit[0] * x + unit[1] * y >= math.sqrt(0.5) * heading - 1e-9 for unit in units]
        found.append((heading, mean(efficiencies), mean(ways), sum(close) / len(close) if heading > 1e-9 else 0.0))
    (heading, efficiency, way, same), (of_wanted, wanted_efficiency, wanted_way, _) = found
    if way < 0.01 * wanted_way:
        return None
    return {
        "heading_excess": heading - of_wanted,
        "efficiency_ratio": efficiency / wanted_efficiency,
        "heading_concentration": heading,
        "same_way_share": same,
        "path_efficiency": efficiency,
        "target_path_efficiency": wanted_efficiency,
    }


def vanishing_gradient(rms: Sequence[float]) -> dict[str, float] | None:
    if len(rms) < 2:
        return None
    return {"first_last_ratio": rms[0] / rms[-1], "last_rms": rms[-1]} if rms[-1] else {"last_rms": 0.0}


_REACH = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "softplus": (0.0, math.inf), "linear": (-math.inf, math.inf)}


def reachable_share(values: Sequence[float], head: str) -> float | None:
    """Return 1 - L1(y, clip(y)) / L1(y, 0)."""
    low, high = _REACH[head]
    whole = math.fsum(abs(value) for value in values)
    if whole == 0:
        return None
    return 1 - math.fsum(abs(value - min(max(value, low), high)) for value in values) / whole


def out_of_reach_targets(wanted: Paths, head: str) -> dict[str, float] | None:
    values = [value for path in wanted for step in path for value in step[:2]]
    share = reachable_share(values, head)
    if head == "linear" or share is None:
        return None
    low, high = _REACH[head]
    return {
        "out_of_reach_share": sum(not low <= value <= high for value in values) / len(values),
        "reachable_loss_share": share,
        "loss_floor": mean([max(low - value, value - high, 0.0) for value in values]),
    }


def target_scale(wanted: Paths, rate: float, hidden: int, steps: float | None) -> dict[str, float] | None:
    rms = max(math.sqrt(mean([value * value for value in _everything(wanted, axis)])) for axis in (_X, _Y))
    if rms == 0 or steps is None:
        return None
    needed = rms / rate / (hidden + 1)
    return {"target_rms": rms, "steps_needed": needed, "steps_available": steps, "steps_share": steps / needed}


def time_share(values: Paths) -> float:
    """Return the variance over time within a sequence over the sum of it and the variance of the sequences' means."""
    units = range(len(values[0][0]))
    within = [deviation([step[unit] for step in path]) ** 2 for path in values for unit in units]
    means = [[mean([step[unit] for step in path]) for path in values] for unit in units]
    between = [deviation(of_unit) ** 2 for of_unit in means]
    whole = mean(within) + mean(between)
    return mean(within) / whole if whole else 0.0


def normalised_drift(wanted: Paths, data_mean: Sequence[float], data_std: Sequence[float]) -> dict[str, float] | None:
    std = max(_spread(wanted))
    if std == 0:
        return None
    rates = [abs(middle / scale) for middle, scale in zip(data_mean[:2], data_std[:2], strict=True)]
    return {"position_std": std, "drift": max(rates) * len(wanted[0])}


def still_targets(deltas: Paths, lengths: Sequence[float] | None) -> dict[str, float]:
    values = [value for path in deltas for step in path for value in step[:2]]
    found = {"still_share": sum(value == 0 for value in values) / len(values)}
    return found if lengths is None else {**found, "padding_share": 1 - mean(list(lengths)) / len(deltas[0])}


def step_share(rate: float, hidden: int) -> float:
    return rate / (1 / math.sqrt(hidden))


def weight_reach(rate: float, steps: float, hidden: int) -> float:
    return rate * steps / (1 / math.sqrt(hidden))


def size_over_start(tables: Sequence[tuple[Sequence[Sequence[float]], int]]) -> float:
    """Return how large weights with so many inputs are, against a uniform draw between plus and minus 1 / sqrt(inputs)."""
    shares = [value**2 / (1 / inputs / 3) for table, inputs in tables for row in table for value in row]
    return math.sqrt(sum(shares) / len(shares))


def likeness(made: Paths, wanted: Paths) -> float:
    """Return the least of: mean, spread and variety of two sets of sequences, each against the other."""
    least = 1.0
    for channel in range(len(wanted[0][0])):
        sides = [[[step[channel] for step in path] for path in paths] for paths in (made, wanted)]
        middles = [mean([value for path in side for value in path]) for side in sides]
        spreads = [deviation([value for path in side for value in path]) for side in sides]
        varieties = [mean([deviation([path[step] for path in side]) for step in range(len(side[0]))]) for side in sides]
        shares = [min(pair) / max(pair) for pair in (spreads, varieties)]
        least = min(least, *shares, 1 / (1 + abs(middles[0] - middles[1]) / spreads[1]))
    return least


def padding_compared(deltas: Paths, lengths: Sequence[float]) -> dict[str, float]:
    steps = [step for path, length in zip(deltas, lengths, strict=True) for step in path[: int(length)]]
    values = [value for step in steps for value in step[:2]]
    whole = sum(len(path) for path in deltas)
    return {"padding_share": 1 - len(steps) / whole, "still_inside": sum(value == 0 for value in values) / len(values)}


def motion_in_padding(made: Paths, wanted: Paths, lengths: Sequence[int]) -> float:
    """Return the root mean square of samples where at least half of the targets have ended, over that of targets before."""
    ended = [2 * sum(length <= step for length in lengths) >= len(lengths) for step in range(len(wanted[0]))]
    after = [value for path in made for step, values in enumerate(path) if ended[step] for value in values]
    before = [value for path, length in zip(wanted, lengths, strict=True) for values in path[:length] for value in values]
    return math.sqrt(mean([value**2 for value in after]) / mean([value**2 for value in before]))
