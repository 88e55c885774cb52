"""A network with a posterior over its weights: how uncertain it is, from one more parameter for each layer.

After Steinbrener, Posch and Pilz, Measuring the Uncertainty of Predictions in Deep Neural Networks with Variational
Inference, Sensors 20(21):6011, 2020, https://doi.org/10.3390/s20216011: a weight is normal with mean m and standard
deviation scale * |m|, one scale for each layer. Biases have no uncertainty here.

The answer is that of the mean weights. They have the signs of `dense_net.py`, so it is monotone by construction. The
mean over the posterior is not monotone: the rectifier is convex, so its mean rises with the spread.

The spread needs one pass and no sampling. Means and covariances of all units of a layer pass its sums exactly, and the
smooth rectifier by quadrature, as if its argument were normal; correlations are scaled by its mean slope. (Without
correlations the spread is a quarter too small.) The head passes by quadrature over both limits of a quantile, by
friction and by the brakes, as if they were normal together. The spread is what the data leave open; the scatter of
single events is in the quantiles.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.network import DenseNet, Entered, Layer, calibration, rectified
from acc_decel.network.dense_net import net_arrays, net_from_arrays
from acc_decel.network.split import in_split
from acc_decel.outputs import ORDERED, OUTPUTS

KIND = "bayes"  # of the model, in its manifest
BATCH_ROWS = 2_048  # whose covariances are in memory at a time
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(7)  # of the quadrature
NODE_WEIGHTS = NODE_WEIGHTS / NODE_WEIGHTS.sum()
PAIR_WEIGHTS = np.outer(NODE_WEIGHTS, NODE_WEIGHTS).ravel()  # of pairs of nodes


@dataclass(frozen=True)
class Belief:
    """Normal beliefs about the units of a layer, for each row."""

    mean: Float[ndarray, "rows units"]
    covariance: Float[ndarray, "rows units units"]

    @property
    def variance(self) -> Float[ndarray, "rows units"]:
        """Variance of each unit, at least 0: rounding may leave a negative number."""
        return np.maximum(np.diagonal(self.covariance, axis1=1, axis2=2), 0)


@dataclass(frozen=True)
class BayesNet:
    """The network of the mean weights, and the relative standard deviation of the weights of each layer."""

    net: DenseNet
    scales: Float32[ndarray, " layers"]  # of the embedding's layers, then of the trunk's

    @property
    def weights(self) -> int:
        """Number of trained values: weights, biases and scales."""
        return self.net.weights + self.scales.size

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in the order of the scales."""
        return tuple(
            f"{name} {i + 1}"
            for name, layers in (("embedding", self.net.embedding), ("trunk", self.net.trunk))
            for i in range(len(layers))
        )

    def __call__(self, columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows outputs"]:
        """The outputs in the order of OUTPUTS; NaN in `columns` means missing. Ranges are not checked."""
        return self.net(columns)

    def spread(self, columns: Float32[ndarray, "rows columns"]) -> Float[ndarray, "rows outputs"]:
        """Standard deviation [m/s^2, s] of each output over the posterior, before outputs are clipped and sorted."""
        parts = [np.sqrt(self.belief(batch).variance) for batch in _batches(columns)]
        return np.concatenate(parts)

    def belief(self, columns: Float32[ndarray, "rows columns"]) -> Belief:
        """Mean and variance of the outputs over the posterior, in one pass; their covariances are not computed."""
        entered = self.net.entered(columns)
        depth = len(self.net.embedding)
        embedded = _certain(entered.embedding)
        for layer, scale in zip(self.net.embedding, self.scales[:depth], strict=True):
            embedded = _through_rectifier(_sums(layer, float(scale), embedded))
        units = embedded.mean.shape[1]
        both = _joined(embedded, _certain(entered.forced))
        for layer, scale in zip(self.net.trunk[:-1], self.scales[depth:-1], strict=True):
            both = _through_rectifier(_sums(layer, float(scale), both, unchanged=units), unchanged=units)
        return _outputs(self.net, _sums(self.net.trunk[-1], float(self.scales[-1]), both), entered)

    def sample(self, rng: np.random.Generator) -> DenseNet:
        """A network drawn from the posterior; some of its weights may have the wrong sign."""
        layers = [
            replace(
                layer, weights=(layer.weights * (1 + scale * rng.standard_normal(layer.weights.shape))).astype("f4")
            )
            for layer, scale in zip(self.net.embedding + self.net.trunk, self.scales, strict=True)
        ]
        depth = len(self.net.embedding)
        return replace(self.net, embedding=tuple(layers[:depth]), trunk=tuple(layers[depth:]))

    def arrays(self) -> dict[str, ndarray]:
        """The arrays that define it, by the names that they have in a file: those of the network, and the scales."""
        return net_arrays(self.net) | {"scales": self.scales}

    @classmethod
    def from_arrays(cls, arrays: dict[str, ndarray], path: Path) -> "BayesNet":
        """The network of these arrays, read from `path`. Raises ValueError if they are of another format."""
        net = net_from_arrays(arrays, path)
        layers, scales = len(net.embedding + net.trunk), arrays.get("scales", np.zeros(0, np.float32))
        if scales.shape != (layers,):
            raise ValueError(
                f"{path} must hold a scale for each of its {layers} layers. Got {scales.size}: train it again with "
                f"`acc-decel train --model {KIND}`."
            )
        return cls(net, scales)


def metrics(
    bayes: BayesNet, data: Dataset, *, oracle_events: int, on_oracle: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """The metrics of the answers by `calibration.metrics`, with scales and spread on the test part of `data`."""
    of_answers = calibration.metrics(bayes.net, data, oracle_events=oracle_events, on_oracle=on_oracle)
    spread = np.median(bayes.spread(data.columns[in_split(data.event, "test")]), axis=0)
    return of_answers | {
        "weights": bayes.weights,
        "scales": dict(zip(bayes.layers, map(float, bayes.scales), strict=True)),
        "median_spread": dict(zip(OUTPUTS, map(float, spread), strict=True)),
    }


def _certain(values: Float32[ndarray, "rows units"]) -> Belief:
    rows, units = values.shape
    return Belief(values.astype(float), np.zeros((rows, units, units)))


def _joined(one: Belief, other: Belief) -> Belief:
    """The units of two independent beliefs as one belief."""
    units, more = one.mean.shape[1], other.mean.shape[1]
    covariance = np.zeros((len(one.mean), units + more, units + more))
    covariance[:, :units, :units] = one.covariance
    covariance[:, units:, units:] = other.covariance
    return Belief(np.concatenate([one.mean, other.mean], axis=1), covariance)


def _sums(layer: Layer, scale: float, inputs: Belief, *, unchanged: int = 0) -> Belief:
    """Beliefs about the first `unchanged` units of `inputs`, followed by those about the sums of the layer."""
    identity = np.eye(unchanged, inputs.mean.shape[1])
    mean_weights = np.concatenate([identity, layer.weights.astype(float)])  # outputs x inputs
    variance_weights = np.concatenate([0 * identity, (scale * layer.weights.astype(float)) ** 2])
    mean = inputs.mean @ mean_weights.T + np.concatenate([np.zeros(unchanged), layer.bias])
    sums = Belief(mean, mean_weights @ inputs.covariance @ mean_weights.T)
    return _with_variance(sums, sums.variance + (inputs.mean**2 + inputs.variance) @ variance_weights.T)


def _through_rectifier(sums: Belief, *, unchanged: int = 0) -> Belief:
    """Beliefs about the units after the smooth rectifier; the first `unchanged` do not pass it."""
    variance = sums.variance
    z = sums.mean[..., None] + np.sqrt(variance)[..., None] * NODES  # rows x units x nodes
    units, slope = rectified(z), np.clip(z, 0, 1) @ NODE_WEIGHTS
    mean = units @ NODE_WEIGHTS
    units_variance = ((units - mean[..., None]) ** 2) @ NODE_WEIGHTS
    first = slice(unchanged)
    mean[:, first], slope[:, first], units_variance[:, first] = sums.mean[:, first], 1, variance[:, first]
    return _with_variance(Belief(mean, slope[:, :, None] * sums.covariance * slope[:, None, :]), units_variance)


def _outputs(net: DenseNet, sums: Belief, entered: Entered) -> Belief:
    """Beliefs about the outputs for those about the sums of the last layer."""
    count = len(OUTPUTS)
    pairs = [(place, count + i) for i, place in enumerate(ORDERED)]  # a limit by friction, a correction
    mean, variance = sums.mean[:, :count].copy(), sums.variance[:, :count].copy()
    answers = np.stack([net.head(*drawn, entered.head, entered.surface) for drawn in _drawn(sums, pairs)])
    mean[:, ORDERED] = np.tensordot(PAIR_WEIGHTS, answers, 1)
    variance[:, ORDERED] = np.tensordot(PAIR_WEIGHTS, (answers - mean[:, ORDERED]) ** 2, 1)
    return Belief(mean, variance[:, :, None] * np.eye(count))


def _drawn(sums: Belief, pairs: list[tuple[int, int]]) -> Iterator[tuple[ndarray, ndarray]]:
    """The values of both units of each of the `pairs`, rows x pairs, at each node of the quadrature."""
    first, second = np.array(pairs).T
    spread = np.sqrt(sums.variance[:, first])
    shared = sums.covariance[:, first, second] / np.maximum(spread, np.finfo(float).tiny)
    own = np.sqrt(np.maximum(sums.variance[:, second] - shared**2, 0))
    for x, y in product(NODES, NODES):
        one, other = sums.mean[:, first] + x * spread, sums.mean[:, second] + x * shared + y * own
        yield one.astype(np.float32), other.astype(np.float32)


def _with_variance(belief: Belief, variance: ndarray) -> Belief:
    """`belief` with another variance of each unit."""
    unit = np.arange(variance.shape[1])
    covariance = belief.covariance.copy()
    covariance[:, unit, unit] = variance
    return Belief(belief.mean, covariance)


def _batches(rows: ndarray) -> Iterator[ndarray]:
    return (rows[start : start + BATCH_ROWS] for start in range(0, max(len(rows), 1), BATCH_ROWS))
