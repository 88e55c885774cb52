"""The trained network as plain arrays: the result of training, and the reference for every other implementation.

A prediction goes through these steps, the same in NumPy here, in the ONNX graph and in the C firmware, all in float32:

1. `scaled = (saturated - center) * inverse_spread`, where `saturated` is the column, or for a factor
   with a half-saturation column / (column + half_saturation); a column of a factor that is not available becomes 0.
2. `available` is 1 or 0 for each factor of `masked` (optional factors with one column).
3. The embedding sees the free columns, the gated columns times (1 - gate), and `available`; its layers follow.
4. The trunk begins with the forced columns. The inputs of each of its layers are the embedding's output and the layer
   before. The weights on the paths from a forced column to a quantile have the signs of its direction.
5. The last layer, clipped to `low` and `high`, gives the outputs in the order of OUTPUTS; the quantiles are sorted.

Between two layers is the smooth rectifier: 0 below 0, z^2 / 2 up to 1, then z - 1/2. It is convex and rising; a
unit with the opposite sign of all its weights is its concave mirror image. Nothing branches on the data.

In addition, a small score of some inputs measures whether training had such a combination (`domain.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64
from numpy import ndarray

from acc_decel.factors import FACTORS, FREE, Factor, column_names, half_saturations, owners, schema, slices
from acc_decel.network.stored_arrays import read_arrays
from acc_decel.outputs import ORDERED, OUTPUTS

FORMAT = 2  # of the stored arrays and of the exported graph; since 2 they have the score of the trained domain


@dataclass(frozen=True)
class Layer:
    """`weights @ x + bias`."""

    weights: Float32[ndarray, "outputs inputs"]
    bias: Float32[ndarray, " outputs"]

    def __call__(self, x: Float32[ndarray, "rows inputs"]) -> Float32[ndarray, "rows outputs"]:
        """The layer's sums for `x`, taken input by input as the firmware does: every machine gives these bits."""
        total = np.repeat(self.bias[None, :], len(x), axis=0)
        for column, weights in zip(x.T, self.weights.T, strict=True):
            total += column[:, None] * weights
        return total


def rectified(z: Float[ndarray, "*any"]) -> Float[ndarray, "*any"]:
    """The smooth rectifier: 0 below 0, z^2 / 2 up to 1, z - 1/2 above."""
    ramp = np.clip(z, 0, 1)
    return np.maximum(z - 1, 0) + ramp * z.dtype.type(0.5) * ramp


@dataclass(frozen=True)
class Wiring:
    """Which column goes where, computed from the factors: indices into the columns."""

    free: tuple[int, ...]
    gated: tuple[int, ...]  # forced while their gate is 1, free while it is 0
    gates: tuple[int, ...]  # the gate of each gated column
    forced: tuple[int, ...]
    directions: tuple[int, ...]  # the sign of each forced column
    masked: tuple[int, ...]  # single columns whose availability the embedding sees

    @property
    def embedding_inputs(self) -> int:
        """Number of values that enter the embedding."""
        return len(self.free) + len(self.gated) + len(self.masked)


def wiring(factors: tuple[Factor, ...]) -> Wiring:
    """The wiring of the network for these factors."""
    columns = column_names(factors)
    at = columns.index
    gated = [f for f in factors if f.forced_while]
    forced = [f for f in factors if f.direction != FREE]
    return Wiring(
        free=tuple(at(c) for f in factors if f.direction == FREE for c in f.columns),
        gated=tuple(at(f.name) for f in gated),
        gates=tuple(at(f.forced_while) for f in gated),
        forced=tuple(at(f.name) for f in forced),
        directions=tuple(f.direction for f in forced),
        masked=tuple(at(f.name) for f in factors if f.optional and not f.levels),
    )


@dataclass(frozen=True)
class DenseNet:
    """A trained network and the factors that it understands."""

    factors: tuple[Factor, ...]
    center: Float32[ndarray, " columns"]
    inverse_spread: Float32[ndarray, " columns"]
    embedding: tuple[Layer, ...]
    trunk: tuple[Layer, ...]
    low: Float32[ndarray, " outputs"]
    high: Float32[ndarray, " outputs"]
    domain: tuple[Layer, ...] = ()  # the score of `domain.py`; none until it is fitted

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of the embedding, then those of the trunk."""
        return self.embedding + self.trunk

    @property
    def weights(self) -> int:
        """Number of trained weights and biases."""
        return sum(layer.weights.size + layer.bias.size for layer in self.layers)

    def __call__(self, columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows outputs"]:
        """Quantiles of the deceleration [m/s^2] and delay [s], as OUTPUTS lists them; NaN in means not available.

        Ranges are not checked here: the ONNX graph and the C do that.
        """
        embedded, x = entering(self.factors, self.center, self.inverse_spread, columns)
        for layer in self.embedding:
            embedded = rectified(layer(embedded))
        for layer in self.trunk[:-1]:
            x = rectified(layer(np.concatenate([embedded, x], axis=1)))
        outputs = self.trunk[-1](np.concatenate([embedded, x], axis=1))
        return in_order(np.clip(outputs, self.low, self.high))


Value = TypeVar("Value")  # of the units of a layer: an array, intervals, or several arrays together


def walk(
    net: DenseNet,
    embedded: Value,
    forced: Value,
    step: Callable[[int, Layer, Value], Value],
    join: Callable[[Value, Value], Value],
) -> Iterator[Value]:
    """Go through all layers, embedding first, and yield what each hands on: `step(i, layer, x)`, where x is its input.

    `embedded` enters the embedding, `forced` the trunk. Only the connections are here; what a value is and what a layer
    does with it are up to the caller. `join` puts the output of the embedding before that of the layer before.
    """
    for i, layer in enumerate(net.embedding):
        embedded = step(i, layer, embedded)
        yield embedded
    x = forced
    for i, layer in enumerate(net.trunk, len(net.embedding)):
        x = step(i, layer, join(embedded, x))
        yield x


def side_by_side(first: Float[ndarray, "*rows a"], second: Float[ndarray, "*rows b"]) -> Float[ndarray, "*rows c"]:
    """Two arrays with their last axes joined: the `join` of a walk over arrays."""
    return np.concatenate([first, second], axis=-1)


def in_order(outputs: Float32[ndarray, "rows outputs"]) -> Float32[ndarray, "rows outputs"]:
    """The outputs with their quantiles put in ascending order: they never cross."""
    ordered = outputs.copy()
    ordered[:, ORDERED] = np.sort(outputs[:, ORDERED], axis=1)
    return ordered


def entering(
    factors: tuple[Factor, ...],
    center: Float32[ndarray, " columns"],
    inverse_spread: Float32[ndarray, " columns"],
    columns: Float32[ndarray, "rows columns"],
) -> tuple[Float32[ndarray, "rows embedding_inputs"], Float32[ndarray, "rows forced"]]:
    """Steps 1 to 3: the inputs of the embedding, and the forced columns, which enter the trunk."""
    wires = wiring(factors)
    absent = missing(factors, columns)[:, owners(factors)]
    scaled = np.where(absent, np.float32(0), (saturated(factors, columns) - center) * inverse_spread)
    gates = np.where(absent, np.float32(0), columns)[:, wires.gates]
    gated = scaled[:, wires.gated] * (1 - gates)
    available = 1 - absent[:, wires.masked].astype(np.float32)
    return np.concatenate([scaled[:, wires.free], gated, available], axis=1), scaled[:, wires.forced]


def saturated(
    factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]
) -> Float32[ndarray, "rows columns"]:
    """The columns as the network sees them before scaling: x / (x + half_saturation) for a factor that has one."""
    half = np.array(half_saturations(factors), np.float32)
    return np.divide(columns, columns + half, where=np.broadcast_to(half > 0, columns.shape), out=columns.copy())


def missing(factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]) -> Bool[ndarray, "rows factors"]:
    """Whether each factor is missing, because one of its columns is NaN; `[:, owners(factors)]` says it per column."""
    nan = np.isnan(columns)
    return np.stack([nan[:, own].any(axis=1) for own in slices(factors)], axis=1)


def to_bytes(net: DenseNet) -> bytes:
    """The arrays of `net` as the bytes of an .npz file: the same network gives the same bytes."""
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **net_arrays(net))
    return buffer.getvalue()


def net_arrays(net: DenseNet) -> dict[str, ndarray]:
    """The arrays that define `net`, by the names that they have in a file."""
    arrays: dict[str, ndarray] = {
        "format": np.array(FORMAT, np.int64),
        "schema": np.array(schema(net.factors)),
        "ranges": np.array([(f.low, f.high) for f in net.factors]),  # factors x (low, high)
        "center": net.center,
        "inverse_spread": net.inverse_spread,
        "low": net.low,
        "high": net.high,
    }
    for part, layers in (("embedding", net.embedding), ("trunk", net.trunk), ("domain", net.domain)):
        for i, layer in enumerate(layers):
            arrays |= {f"{part}_{i}_{name}": getattr(layer, name) for name in _LAYER}
    return arrays


def load_net(path: Path) -> DenseNet:
    """The network stored in the file `path`.

    Raises ValueError, naming the entry, if it is of another format or of other factors, or if an array is missing, one
    too many, of another type or shape, or not a number.
    """
    arrays = read_arrays(path, "a network")
    net = net_from_arrays(arrays, path)
    if extra := [name for name in arrays if name not in net_arrays(net)]:
        raise ValueError(f"{path} must hold no arrays but those of a network. Got also {extra[0]}: {_AGAIN}.")
    return net


def net_from_arrays(arrays: dict[str, ndarray], path: Path) -> DenseNet:
    """The network of these arrays, read from `path`; other arrays beside them are passed over.

    Raises ValueError, naming the entry, as `load_net`.
    """
    if (trained_for := str(arrays.get("schema"))) != schema():
        raise ValueError(
            f"{path} was trained for factor schema {trained_for}, this code has {schema()}. "
            "Run `acc-decel generate` and `acc-decel train` again."
        )
    number = arrays.get("format", np.array(1))
    if number.shape != () or number.dtype.kind != "i" or int(number) != FORMAT:
        raise ValueError(
            f"{path} must be of format {FORMAT}, which has the score of the trained domain. Got format {number}: "
            "run `acc-decel train` again."
        )
    entry = _Entries(arrays, path)
    wires, columns = wiring(FACTORS), len(column_names())
    low, high = (entry(name, np.float32, (len(OUTPUTS),), finite=False) for name in ("low", "high"))
    if not (low <= high).all():  # false for NaN
        raise ValueError(f"{path} must have limits low <= high of each output. Got {low} and {high}: {_AGAIN}.")
    embedding, embedded = entry.layers("embedding", 0, wires.embedding_inputs)
    trunk, outputs = entry.layers("trunk", embedded, len(wires.forced))
    if outputs != len(OUTPUTS):
        raise ValueError(f"{path} must have {len(OUTPUTS)} outputs of its last layer. Got {outputs}: {_AGAIN}.")
    return DenseNet(
        _ranged(path, entry("ranges", np.float64, (len(FACTORS), 2))),
        center=entry("center", np.float32, (columns,)),
        inverse_spread=entry("inverse_spread", np.float32, (columns,)),
        embedding=embedding,
        trunk=trunk,
        domain=entry.layers("domain", 0, None)[0],
        low=low,
        high=high,
    )


@dataclass(frozen=True)
class _Entries:
    """The arrays of a file, taken one by one with the type and the shape that they must have."""

    arrays: dict[str, ndarray]
    path: Path

    def __call__(self, name: str, dtype: type, shape: tuple[int | None, ...], *, finite: bool = True) -> ndarray:
        """The array of this name. Raises ValueError if it is missing or another; None is any length above 0."""
        array = self.arrays.get(name)
        expected = f"{np.dtype(dtype)} {tuple('any' if n is None else n for n in shape)}"
        if array is None:
            raise ValueError(f"{self.path} must have the array {name}, {expected}. Got none: {_AGAIN}.")
        fits = array.ndim == len(shape) and all(
            got == n if n is not None else got > 0 for got, n in zip(array.shape, shape, strict=True)
        )
        if array.dtype != dtype or not fits:
            raise ValueError(
                f"{self.path} must have the array {name}, {expected}. Got {array.dtype} {array.shape}: {_AGAIN}."
            )
        if finite and not np.isfinite(array).all():
            bad = array[~np.isfinite(array)][0]
            raise ValueError(f"{self.path} must have finite numbers in {name}. Got {bad}: {_AGAIN}.")
        return array

    def layers(self, part: str, shared: int, inputs: int | None) -> tuple[tuple[Layer, ...], int]:
        """The layers of a part, in their order, and the number of outputs of the last.

        Each takes `shared` values and the outputs of the one before, the first `inputs`; None is any number.
        """
        layers: list[Layer] = []
        outputs = inputs
        while (name := f"{part}_{len(layers)}_bias") in self.arrays or (not layers and part != "domain"):
            bias = self(name, np.float32, (None,))
            wide = None if outputs is None else shared + outputs
            layers.append(Layer(self(f"{part}_{len(layers)}_weights", np.float32, (len(bias), wide)), bias))
            outputs = len(bias)
        return tuple(layers), outputs or 0


def _ranged(path: Path, ranges: Float64[ndarray, "factors ends"]) -> tuple[Factor, ...]:
    """FACTORS with the ranges of a file. Raises ValueError if one is none."""
    for factor, (low, high) in zip(FACTORS, ranges, strict=True):
        if not low < high:
            raise ValueError(f"{path} must have ranges low < high. Got {low:g} to {high:g} of {factor.name}: {_AGAIN}.")
    return tuple(replace(f, low=float(low), high=float(high)) for f, (low, high) in zip(FACTORS, ranges, strict=True))


_AGAIN = "train it again with `acc-decel train`, or fetch it again"
_LAYER = tuple(f.name for f in fields(Layer))
