"""The network with a posterior: how far it may itself be wrong, from as many extra parameters as it has layers.

After Steinbrener, Posch and Pilz, Measuring the Uncertainty of Predictions in Deep Neural Networks with Variational
Inference, Sensors 20(21):6011, 2020, https://doi.org/10.3390/s20216011: a weight is normal with mean m and standard
deviation scale * |m|, one scale for each layer. Biases are certain here.

The answer is that of the mean weights: they have the signs of `dense_net.py`, so it is monotone by construction. The
mean over the posterior is not, for the rectifier bends and its mean rises with the spread.

The spread takes one pass without sampling: means and covariances of all units of a layer, through its sums exactly,
through the smooth rectifier by quadrature as if its argument were normal, correlations by its mean slope. (Without
correlations the spread is a quarter too small.) It tells what the data left open, not the scatter of single events:
that is in the quantiles.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from acc_decel.dataset import Dataset
from acc_decel.network import calibration
from acc_decel.network.dense_net import DenseNet, Layer, entering, rectified
from acc_decel.network.split import in_split
from acc_decel.outputs import OUTPUTS

AT_ONCE = 2_048  # rows whose covariances are in memory at a time
NODES, SHARES = np.polynomial.hermite_e.hermegauss(7)  # of the quadrature
SHARES = SHARES / SHARES.sum()


@dataclass(frozen=True)
class Belief:
    """Normal beliefs about the units of a layer, for each row."""

    mean: Float[ndarray, "rows units"]
    covariance: Float[ndarray, "rows units units"]

    @property
    def variance(self) -> Float[ndarray, "rows units"]:
        """Variance of each unit; rounding may leave a little less than nothing."""
        return np.maximum(np.diagonal(self.covariance, axis1=1, axis2=2), 0)


@dataclass(frozen=True)
class BayesNet:
    """The network of the mean weights, and the relative spread of the weights of each layer."""

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
        """The outputs as OUTPUTS lists them; NaN in `columns` means not available. Ranges are not checked."""
        return self.net(columns)

    def spread(self, columns: Float32[ndarray, "rows columns"]) -> Float[ndarray, "rows outputs"]:
        """Standard deviation [m/s^2, s] of each output over the posterior, before outputs are cut and put in order."""
        parts = [np.sqrt(self.belief(some).variance) for some in _slices(columns)]
        return np.concatenate(parts)

    def belief(self, columns: Float32[ndarray, "rows columns"]) -> Belief:
        """Mean and covariance of the outputs over the posterior, in one pass."""
        free, forced = entering(self.net.factors, self.net.center, self.net.inverse_spread, columns)
        depth = len(self.net.embedding)
        embedded = _certain(free)
        for layer, scale in zip(self.net.embedding, self.scales[:depth], strict=True):
            embedded = _rectified(_sums(layer, float(scale), embedded))
        units = embedded.mean.shape[1]
        both = _beside(embedded, _certain(forced))
        for layer, scale in zip(self.net.trunk[:-1], self.scales[depth:-1], strict=True):
            both = _rectified(_sums(layer, float(scale), both, kept=units), kept=units)
        return _sums(self.net.trunk[-1], float(self.scales[-1]), both)

    def sample(self, rng: np.random.Generator) -> DenseNet:
        """A network drawn from the posterior; its weights may have lost their signs."""
        layers = [
            replace(
                layer, weights=(layer.weights * (1 + scale * rng.standard_normal(layer.weights.shape))).astype("f4")
            )
            for layer, scale in zip(self.net.embedding + self.net.trunk, self.scales, strict=True)
        ]
        depth = len(self.net.embedding)
        return replace(self.net, embedding=tuple(layers[:depth]), trunk=tuple(layers[depth:]))


def metrics(
    bayes: BayesNet, data: Dataset, *, oracle_events: int, on_oracle: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """What `calibration.metrics` tells of the answers, and the scales and the spread on the test part of `data`."""
    told = calibration.metrics(bayes.net, data, oracle_events=oracle_events, on_oracle=on_oracle)
    spread = np.median(bayes.spread(data.columns[in_split(data.event, "test")]), axis=0)
    return told | {
        "weights": bayes.weights,
        "scales": dict(zip(bayes.layers, map(float, bayes.scales), strict=True)),
        "median_spread": dict(zip(OUTPUTS, map(float, spread), strict=True)),
    }


def _certain(values: Float32[ndarray, "rows units"]) -> Belief:
    rows, units = values.shape
    return Belief(values.astype(float), np.zeros((rows, units, units)))


def _beside(one: Belief, other: Belief) -> Belief:
    """Units that are independent of each other, side by side."""
    units, beside = one.mean.shape[1], other.mean.shape[1]
    covariance = np.zeros((len(one.mean), units + beside, units + beside))
    covariance[:, :units, :units] = one.covariance
    covariance[:, units:, units:] = other.covariance
    return Belief(np.concatenate([one.mean, other.mean], axis=1), covariance)


def _sums(layer: Layer, scale: float, given: Belief, *, kept: int = 0) -> Belief:
    """Beliefs about the layer's sums, behind the first `kept` units as they are given."""
    held = np.eye(kept, given.mean.shape[1])
    mean_weights = np.concatenate([held, layer.weights.astype(float)])  # outputs x inputs
    variance_weights = np.concatenate([0 * held, (scale * layer.weights.astype(float)) ** 2])
    mean = given.mean @ mean_weights.T + np.concatenate([np.zeros(kept), layer.bias])
    sums = Belief(mean, mean_weights @ given.covariance @ mean_weights.T)
    return _with_variance(sums, sums.variance + (given.mean**2 + given.variance) @ variance_weights.T)


def _rectified(given: Belief, *, kept: int = 0) -> Belief:
    """Beliefs about the units behind the smooth rectifier; the first `kept` do not pass through it."""
    variance = given.variance
    z = given.mean[..., None] + np.sqrt(variance)[..., None] * NODES  # rows x units x nodes
    bent, slope = rectified(z), np.clip(z, 0, 1) @ SHARES
    mean = bent @ SHARES
    bent_variance = ((bent - mean[..., None]) ** 2) @ SHARES
    mean[:, :kept], slope[:, :kept], bent_variance[:, :kept] = given.mean[:, :kept], 1, variance[:, :kept]
    return _with_variance(Belief(mean, slope[:, :, None] * given.covariance * slope[:, None, :]), bent_variance)


def _with_variance(belief: Belief, variance: ndarray) -> Belief:
    """`belief` with another variance of each unit."""
    at = np.arange(variance.shape[1])
    covariance = belief.covariance.copy()
    covariance[:, at, at] = variance
    return Belief(belief.mean, covariance)


def _slices(rows: ndarray) -> Iterator[ndarray]:
    return (rows[start : start + AT_ONCE] for start in range(0, max(len(rows), 1), AT_ONCE))
