"""Fuzzy broad learning: another way to learn from the same dataset, in closed form and in seconds.

After Feng and Chen, Fuzzy Broad Learning System, IEEE Transactions on Cybernetics 50(2), 2020,
https://doi.org/10.1109/TCYB.2018.2857815:

1. Takagi-Sugeno subsystems: a rule fires by Gaussian memberships around its centre, in shares that add up to 1 over the
   rules of its subsystem, and says firing * (slopes @ inputs). The centres come from k-means.
2. Enhancement nodes: tanh of random mixtures of what all rules say with random slopes.
3. The answer is the sum of what all rules say with their own slopes, plus the weighted enhancement nodes. It is linear
   in slopes and weights, which are a ridge regression. (Random slopes with one learned factor a rule, a shorter form,
   err by 1.2 m/s^2 where these err by 0.9.)

It answers the mean, and its interval is that plus one conformal offset at each end. It is not monotone in anything and
is not exported: it stands beside the network for comparison.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.factors import Factor, column_names
from acc_decel.network.dense_net import bent
from acc_decel.network.split import in_split
from acc_decel.outputs import MEDIAN, OUTPUTS

LEVELS = {"deceleration_lower": 0.05, "deceleration_upper": 0.95, "deceleration_lower_99": 0.01}  # as OUTPUTS says
LABELS = ("deceleration", "delay")  # what the regression learns: [m/s^2] and [s]
MIN_EVENTS = 2_000
CLUSTERED = 4_096  # events that each subsystem looks at to place its centres
LLOYD_STEPS = 20
AT_ONCE = 8_192  # events expanded at a time


@dataclass(frozen=True)
class FuzzyBroadTraining:
    """How to train. `width` is of the memberships, in root mean square distances of two events."""

    subsystems: int = 2
    rules: int = 16  # of each subsystem
    enhancement: int = 100
    width: float = 0.4
    ridge: float = 1e-6  # relative to the mean square of a node
    seed: int = 1


@dataclass(frozen=True)
class FuzzyBroad:
    """A trained fuzzy broad learning system and the factors that it understands."""

    factors: tuple[Factor, ...]
    center: Float[ndarray, " columns"]
    inverse_spread: Float[ndarray, " columns"]
    width: Float[ndarray, ""]
    centres: Float[ndarray, "subsystems rules inputs"]
    random_slopes: Float[ndarray, "all_rules inputs"]
    mixing: Float[ndarray, "all_rules enhancement"]
    mixing_bias: Float[ndarray, " enhancement"]
    linear: Float[ndarray, "nodes labels"]
    offsets: Float[ndarray, " outputs"]

    @property
    def weights(self) -> int:
        """Number of values stored, the random ones included."""
        return sum(getattr(self, name).size for name in ARRAYS)

    def __call__(self, columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows outputs"]:
        """The outputs in the order of OUTPUTS; NaN in `columns` means not available. Ranges are not checked."""
        label = [LABELS.index("delay" if name == "delay" else "deceleration") for name in OUTPUTS]
        parts = [self.nodes(some) @ self.linear for some in _slices(columns)]
        return (np.concatenate(parts)[:, label] + self.offsets).astype(np.float32)

    def nodes(self, columns: Float32[ndarray, "rows columns"]) -> Float[ndarray, "rows nodes"]:
        """What the answer is linear in: every input times the firing of every rule, then the enhancement nodes."""
        x = inputs(self.factors, self.center, self.inverse_spread, columns)
        firing = np.concatenate([_firing(x, centres, float(self.width)) for centres in self.centres], axis=1)
        ruled = (firing[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        enhanced = np.tanh((firing * (x @ self.random_slopes.T)) @ self.mixing + self.mixing_bias)
        return np.concatenate([ruled, enhanced], axis=1)


ARRAYS = tuple(f.name for f in fields(FuzzyBroad) if f.name != "factors")


def train(
    data: Dataset, factors: tuple[Factor, ...], training: FuzzyBroadTraining = FuzzyBroadTraining()
) -> FuzzyBroad:
    """A system for `factors`: regression on the training part of `data`, offsets on its calibration part.

    Raises ValueError for fewer than FEWEST_EVENTS events or a column that does not vary.
    """
    if len(data.event) < MIN_EVENTS:
        raise ValueError(f"the dataset must hold at least {MIN_EVENTS} events. Got {len(data.event)}: generate more.")
    rows = in_split(data.event, "training")
    untrained = _sample_system(data.columns[rows], factors, training)
    labels = np.stack([data.deceleration[rows], data.delay[rows]], axis=1).astype(float)
    system = replace(untrained, linear=_regression(untrained, data.columns[rows], labels, training.ridge))
    return calibrate(system, data)


def inputs(
    factors: tuple[Factor, ...], center: ndarray, inverse_spread: ndarray, columns: Float32[ndarray, "rows columns"]
) -> Float[ndarray, "rows inputs"]:
    """Bent and scaled columns, 0 where one is not available; 1 for each that is not available but might; and 1."""
    may_lack = np.concatenate([[f.may_lack] * len(f.columns) for f in factors])
    scaled = (bent(factors, columns) - center) * inverse_spread
    lacking = np.isnan(columns)
    constant = np.ones((len(columns), 1))
    return np.concatenate([np.where(lacking, 0, scaled), lacking[:, may_lack], constant], axis=1).astype(float)


def calibrate(system: FuzzyBroad, data: Dataset) -> FuzzyBroad:
    """`system` with the offset of each quantile that is beaten as often as it must be in the calibration part."""
    rows = in_split(data.event, "calibration")
    mean = replace(system, offsets=np.zeros(len(OUTPUTS)))(data.columns[rows])
    above = data.deceleration[rows] - mean[:, MEDIAN]
    return replace(system, offsets=np.array([_offset(above, LEVELS.get(name)) for name in OUTPUTS]))


def metrics(system: FuzzyBroad, data: Dataset) -> dict[str, Any]:
    """Error and coverage on the test part of `data`; decelerations in m/s^2, delay in s."""
    rows = in_split(data.event, "test")
    columns, true = data.columns[rows], data.deceleration[rows]
    answer = dict(zip(OUTPUTS, system(columns).T, strict=True))
    complete = np.isfinite(columns).all(axis=1)
    regimes = {"every factor available": complete, "factors not available": ~complete}
    return {
        "weights": system.weights,
        **_figures(answer, true, np.ones(len(true), bool)),
        "mean_abs_error_delay": float(np.abs(answer["delay"] - data.delay[rows]).mean()),
        "regimes": {name: _figures(answer, true, here) for name, here in regimes.items() if here.any()},
    }


def _figures(answer: dict[str, ndarray], true: ndarray, here: ndarray) -> dict[str, int | float]:
    lower, middle, upper = (answer[name][here] for name in ("deceleration_lower", "deceleration", "deceleration_upper"))
    error = middle - true[here]
    return {
        "events": int(here.sum()),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mean_abs_error": float(np.abs(error).mean()),
        "coverage": float(np.mean((lower <= true[here]) & (true[here] <= upper))),
        "below_lower": float(np.mean(true[here] < lower)),
        "mean_width": float(np.mean(upper - lower)),
    }


def _offset(above: ndarray, level: float | None) -> float:
    """What to add to the mean so that a share `level` of the events lies below, finite-sample corrected outwards."""
    if level is None:
        return 0.0
    side = 1 if level > 0.5 else -1
    rank = min(1.0, np.ceil((len(above) + 1) * max(level, 1 - level)) / len(above))
    return side * float(np.quantile(side * above, rank, method="higher"))


def _sample_system(columns: ndarray, factors: tuple[Factor, ...], training: FuzzyBroadTraining) -> FuzzyBroad:
    """The system before its regression: centres by k-means, the rest random."""
    rng = np.random.default_rng(training.seed)
    center, inverse_spread = _scaling(columns, factors)
    samples = rng.integers(len(columns), size=(training.subsystems, CLUSTERED))
    groups = [inputs(factors, center, inverse_spread, columns[sample]) for sample in samples]
    rules, size = training.subsystems * training.rules, groups[0].shape[1]
    random_slopes = rng.uniform(-1, 1, (rules, size))
    return FuzzyBroad(
        factors=factors,
        center=center,
        inverse_spread=inverse_spread,
        width=np.array(training.width * np.sqrt(2 * groups[0].var(axis=0).sum())),
        centres=np.stack([k_means(x, training.rules, rng) for x in groups]),
        random_slopes=random_slopes / np.linalg.norm(random_slopes, axis=1, keepdims=True),
        mixing=rng.standard_normal((rules, training.enhancement)),
        mixing_bias=rng.uniform(-1, 1, training.enhancement),
        linear=np.zeros((rules * size + training.enhancement, len(LABELS))),
        offsets=np.zeros(len(OUTPUTS)),
    )


def k_means(
    x: Float[ndarray, "rows inputs"], clusters: int, rng: np.random.Generator
) -> Float[ndarray, "clusters inputs"]:
    """Centres of `clusters` groups of rows by Lloyd's algorithm, from random rows; an empty group keeps its centre."""
    centres = x[rng.choice(len(x), clusters, replace=False)]
    for _ in range(LLOYD_STEPS):
        member = np.eye(clusters)[_squared_distances(x, centres).argmin(axis=1)]  # rows x clusters
        count = member.sum(axis=0)[:, None]
        centres = np.where(count > 0, member.T @ x / np.maximum(count, 1), centres)
    return centres


def _scaling(columns: ndarray, factors: tuple[Factor, ...]) -> tuple[ndarray, ndarray]:
    seen = bent(factors, columns)
    center, spread = np.nanmean(seen, axis=0, dtype="f8"), np.nanstd(seen, axis=0, dtype="f8")
    if not (spread > 0).all():
        constant = np.array(column_names(factors))[~(spread > 0)]
        raise ValueError(f"every column must vary. Got only one value in {', '.join(constant)}: generate more events.")
    return center, 1 / spread


def _firing(x: ndarray, centres: ndarray, width: float) -> ndarray:
    logarithm = -_squared_distances(x, centres) / (2 * width**2)
    fired = np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    return fired / fired.sum(axis=1, keepdims=True)


def _squared_distances(x: ndarray, centres: ndarray) -> ndarray:
    return (x**2).sum(axis=1)[:, None] - 2 * x @ centres.T + (centres**2).sum(axis=1)


def _regression(system: FuzzyBroad, columns: ndarray, labels: ndarray, ridge: float) -> ndarray:
    """Ridge regression of the labels on the nodes, summed up part by part so that they never lie in memory whole."""
    size = len(system.linear)
    square, product = np.zeros((size, size)), np.zeros((size, len(LABELS)))
    for some, wanted in zip(_slices(columns), _slices(labels), strict=True):
        nodes = system.nodes(some)
        square += nodes.T @ nodes
        product += nodes.T @ wanted
    damping = ridge * np.trace(square) / size
    return np.linalg.solve(square + damping * np.eye(size), product)


def _slices(rows: ndarray) -> Iterator[ndarray]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
