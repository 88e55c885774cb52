"""Fuzzy broad learning: another way to learn from the same dataset, in closed form and in seconds.

After Feng and Chen, Fuzzy Broad Learning System, IEEE Transactions on Cybernetics 50(2), 2020,
https://doi.org/10.1109/TCYB.2018.2857815:

1. Takagi-Sugeno subsystems: a rule fires by Gaussian memberships around its center, in shares that add up to 1 over the
   rules of its subsystem. Its output is firing * (slopes @ inputs). The centers come from k-means.
2. Enhancement nodes: tanh of random mixtures of the outputs that all rules have with random slopes.
3. The answer is the sum of the outputs of all rules with their own slopes, plus the weighted enhancement nodes. It is
   linear in slopes and weights, which are fitted by ridge regression. (With random slopes and one learnt factor for
   each rule, a shorter form, the error is 1.2 m/s^2 instead of 0.9.)

It predicts the mean; its interval is the mean plus one conformal offset at each end. It is not monotone in any factor
and is not exported: it is only for comparison with the network.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.factors import FACTORS, Factor, column_factors, column_names, schema
from acc_decel.network import saturated
from acc_decel.network.split import in_split
from acc_decel.outputs import MEDIAN, OUTPUTS

KIND = "fuzzy-broad"  # of the model, in its manifest
LEVELS = {"deceleration_lower": 0.05, "deceleration_upper": 0.95, "deceleration_lower_99": 0.01}  # as in OUTPUTS
LABELS = ("deceleration", "delay")  # what the regression learns: [m/s^2] and [s]
MIN_EVENTS = 2_000
CLUSTERED_EVENTS = 4_096  # from which each subsystem gets its centers
LLOYD_STEPS = 20
BATCH_EVENTS = 8_192  # whose nodes are in memory at a time


@dataclass(frozen=True)
class FuzzyBroadTraining:
    """Settings. `width` of the memberships is relative to the root mean square distance of two events."""

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
        """Number of stored values, including the random ones."""
        return sum(getattr(self, name).size for name in ARRAYS)

    def __call__(self, columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows outputs"]:
        """The outputs in the order of OUTPUTS; NaN in `columns` means missing. Ranges are not checked."""
        label = [LABELS.index("delay" if name == "delay" else "deceleration") for name in OUTPUTS]
        parts = [self.nodes(batch) @ self.linear for batch in _batches(columns)]
        return (np.concatenate(parts)[:, label] + self.offsets).astype(np.float32)

    def nodes(self, columns: Float32[ndarray, "rows columns"]) -> Float[ndarray, "rows nodes"]:
        """The values in which the answer is linear: inputs times rule shares, then the enhancement nodes."""
        x = inputs(self.factors, self.center, self.inverse_spread, columns)
        firing = np.concatenate([_firing(x, centers, float(self.width)) for centers in self.centres], axis=1)
        rules = (firing[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        enhancement = np.tanh((firing * (x @ self.random_slopes.T)) @ self.mixing + self.mixing_bias)
        return np.concatenate([rules, enhancement], axis=1)

    def arrays(self) -> dict[str, ndarray]:
        """The arrays that define it, by the names that they have in a file."""
        return {
            "schema": np.array(schema(self.factors)),
            "ranges": np.array([(f.low, f.high) for f in self.factors]),  # factors x (low, high)
            "standards": np.array([np.nan if f.standard is None else f.standard for f in self.factors]),
            **{name: getattr(self, name) for name in ARRAYS},
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, ndarray]) -> "FuzzyBroad":
        """The system of these arrays."""
        own = zip(FACTORS, arrays["ranges"].tolist(), arrays["standards"].tolist(), strict=True)
        factors = tuple(
            replace(f, low=low, high=high, standard=None if np.isnan(standard) else standard)
            for f, (low, high), standard in own
        )
        return cls(factors, **{name: arrays[name] for name in ARRAYS})


ARRAYS = tuple(f.name for f in fields(FuzzyBroad) if f.name != "factors")


def train(
    data: Dataset, factors: tuple[Factor, ...], training: FuzzyBroadTraining = FuzzyBroadTraining()
) -> FuzzyBroad:
    """A system for `factors`: regression on the training part of `data`, offsets on its calibration part.

    Raises ValueError for fewer than MIN_EVENTS events or a column that does not vary.
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
    """Saturated and scaled columns, 0 where missing; a flag for each optional column, 1 where missing; and 1."""
    optional = np.array([f.optional for f in column_factors(factors)])
    scaled = (saturated(factors, columns) - center) * inverse_spread
    missing = np.isnan(columns)
    constant = np.ones((len(columns), 1))
    return np.concatenate([np.where(missing, 0, scaled), missing[:, optional], constant], axis=1).astype(float)


def calibrate(system: FuzzyBroad, data: Dataset) -> FuzzyBroad:
    """`system` with an offset for each quantile, so that it has its level on the calibration part of `data`."""
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
        "regimes": {name: _figures(answer, true, mask) for name, mask in regimes.items() if mask.any()},
    }


def _figures(answer: dict[str, ndarray], true: ndarray, mask: ndarray) -> dict[str, int | float]:
    """Error, coverage and width over the events of `mask`."""
    true = true[mask]
    lower, middle, upper = (answer[name][mask] for name in ("deceleration_lower", "deceleration", "deceleration_upper"))
    error = middle - true
    return {
        "events": int(mask.sum()),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mean_abs_error": float(np.abs(error).mean()),
        "coverage": float(np.mean((lower <= true) & (true <= upper))),
        "below_lower": float(np.mean(true < lower)),
        "mean_width": float(np.mean(upper - lower)),
    }


def _offset(above: ndarray, level: float | None) -> float:
    """Offset from the mean below which a share `level` of the events is, with the finite-sample correction outwards."""
    if level is None:
        return 0.0
    side = 1 if level > 0.5 else -1
    rank = min(1.0, np.ceil((len(above) + 1) * max(level, 1 - level)) / len(above))
    return side * float(np.quantile(side * above, rank, method="higher"))


def _sample_system(columns: ndarray, factors: tuple[Factor, ...], training: FuzzyBroadTraining) -> FuzzyBroad:
    """The system before its regression: centers from k-means, the other weights random."""
    rng = np.random.default_rng(training.seed)
    center, inverse_spread = _scaling(columns, factors)
    samples = rng.integers(len(columns), size=(training.subsystems, CLUSTERED_EVENTS))
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
    """Centers of `clusters` groups of rows by Lloyd's algorithm, from random rows; an empty group keeps its center."""
    centers = x[rng.choice(len(x), clusters, replace=False)]
    for _ in range(LLOYD_STEPS):
        member = np.eye(clusters)[_squared_distances(x, centers).argmin(axis=1)]  # rows x clusters
        count = member.sum(axis=0)[:, None]
        centers = np.where(count > 0, member.T @ x / np.maximum(count, 1), centers)
    return centers


def _scaling(columns: ndarray, factors: tuple[Factor, ...]) -> tuple[ndarray, ndarray]:
    seen = saturated(factors, columns)
    center, spread = np.nanmean(seen, axis=0, dtype="f8"), np.nanstd(seen, axis=0, dtype="f8")
    if not (spread > 0).all():
        constant = np.array(column_names(factors))[~(spread > 0)]
        raise ValueError(f"every column must vary. Got only one value in {', '.join(constant)}: generate more events.")
    return center, 1 / spread


def _firing(x: ndarray, centers: ndarray, width: float) -> ndarray:
    """Share of each rule in each row, by its Gaussian membership."""
    logarithm = -_squared_distances(x, centers) / (2 * width**2)
    membership = np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    return membership / membership.sum(axis=1, keepdims=True)


def _squared_distances(x: ndarray, centers: ndarray) -> ndarray:
    return (x**2).sum(axis=1)[:, None] - 2 * x @ centers.T + (centers**2).sum(axis=1)


def _regression(system: FuzzyBroad, columns: ndarray, labels: ndarray, ridge: float) -> ndarray:
    """Ridge regression of the labels on the nodes. The sums run over batches, so that not all nodes are in memory."""
    size = len(system.linear)
    square, product = np.zeros((size, size)), np.zeros((size, len(LABELS)))
    for batch, batch_labels in zip(_batches(columns), _batches(labels), strict=True):
        nodes = system.nodes(batch)
        square += nodes.T @ nodes
        product += nodes.T @ batch_labels
    damping = ridge * np.trace(square) / size
    return np.linalg.solve(square + damping * np.eye(size), product)


def _batches(rows: ndarray) -> Iterator[ndarray]:
    return (rows[start : start + BATCH_EVENTS] for start in range(0, len(rows), BATCH_EVENTS))
