"""The trained network as plain arrays: the result of training, and the reference for every other implementation.

A prediction goes through these steps, the same in NumPy here, in the ONNX graph and in the C firmware, all in float32:

1. The physics features are computed from the columns (`features.py`).
2. `scaled = (value - center) * inverse_spread`, where `value` is a feature, a column, or for a factor with a
   half-saturation column / (column + half_saturation); a column of a factor that is not available becomes 0.
3. The embedding sees the free inputs, the gated inputs times (1 - gate), and 1 or 0 for each factor that may be missing
   whether it is available; its layers follow.
4. The trunk begins with the forced inputs. The inputs of each of its layers are the embedding's output and the layer
   before. The weights on the paths from a forced input to a quantile have the signs of its direction.
5. The last layer gives the OUTPUTS, then for each quantile a correction of the brake limit; the head (`head.py`) makes
   quantiles of them. Clipped to `low` and `high` they are the outputs; the quantiles are sorted.
6. Outside the trained domain the answer is at most what the event gives without each of the factors that may
   contradict others (`cautious.py`).

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
from jaxtyping import Float, Float32, Float64
from numpy import ndarray

from acc_decel.factors import FACTORS, Factor, schema
from acc_decel.network.features import LAYOUT
from acc_decel.network.head import Head, rectified
from acc_decel.network.reserve import Reserve
from acc_decel.network.stored_arrays import read_arrays
from acc_decel.network.wiring import Entered, entering, input_names, wiring
from acc_decel.outputs import MEDIAN, ORDERED, OUTPUTS, PAIR_OUTPUTS, RESERVE

FORMAT = 3  # of the stored arrays and of the exported graph; since 3 they have physics features and the head
LAST = len(OUTPUTS) + len(
    ORDERED
)  # sums of the last layer: outputs, then a correction of the brake limit for each quantile


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


@dataclass(frozen=True)
class DenseNet:
    """A trained network and the factors that it understands."""

    factors: tuple[Factor, ...]
    constants: Float32[ndarray, " constants"]  # of the physics features, as LAYOUT
    center: Float32[ndarray, " inputs"]
    inverse_spread: Float32[ndarray, " inputs"]
    embedding: tuple[Layer, ...]
    trunk: tuple[Layer, ...]
    head: Head
    low: Float32[ndarray, " outputs"]
    high: Float32[ndarray, " outputs"]
    domain: tuple[Layer, ...] = ()  # the score of `domain.py`; none until it is fitted
    reserve: Reserve | None = None  # of a network that knows the lead, too

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs, in their order."""
        return (*OUTPUTS, *(PAIR_OUTPUTS if self.reserve else ()))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of the embedding, then those of the trunk."""
        return self.embedding + self.trunk

    @property
    def weights(self) -> int:
        """Number of trained weights and biases."""
        return sum(layer.weights.size + layer.bias.size for layer in self.layers) + self.head.slopes.size

    def __call__(self, columns: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows outputs"]:
        """Quantiles of the deceleration [m/s^2], delay [s] and the others of `outputs`; NaN in means not available.

        Steps 1 to 5: `cautious.predict` has the answer outside the trained domain. Ranges are not checked here: the
        ONNX graph and the C do that.
        """
        entered = self.entered(columns)
        return self.answer(self.sums(entered), entered)

    def sums(self, entered: Entered) -> Float32[ndarray, "rows last"]:
        """The sums of the last layer."""
        return self.trunk[-1](self.hidden(entered))

    def hidden(self, entered: Entered) -> Float32[ndarray, "rows hidden"]:
        """What the last layer sees: the embedding, and the last hidden layer of the trunk."""
        embedded, x = entered.embedding, entered.forced
        for layer in self.embedding:
            embedded = rectified(layer(embedded))
        for layer in self.trunk[:-1]:
            x = rectified(layer(np.concatenate([embedded, x], axis=1)))
        return np.concatenate([embedded, x], axis=1)

    def entered(self, columns: Float32[ndarray, "rows columns"]) -> Entered:
        """What enters the parts of the network."""
        return entering(self.factors, self.constants, self.center, self.inverse_spread, columns)

    def answer(self, sums: Float32[ndarray, "rows last"], entered: Entered) -> Float32[ndarray, "rows outputs"]:
        """The outputs for the sums of the last layer."""
        outputs = sums[:, : len(self.outputs)].copy()
        outputs[:, ORDERED] = self.quantiles(sums, entered)
        if self.reserve:
            outputs[:, RESERVE] = self.reserve(sums[:, RESERVE], outputs[:, MEDIAN], entered.surface)
        return in_order(np.clip(outputs, self.low, self.high))

    def quantiles(self, sums: Float32[ndarray, "rows last"], entered: Entered) -> Float32[ndarray, "rows quantiles"]:
        """The quantiles [m/s^2] as the head gives them, neither cut nor sorted."""
        corrections = sums[:, len(self.outputs) :]
        return self.head(sums[:, ORDERED], corrections, entered.head, entered.surface)


Value = TypeVar("Value")  # of the units of a layer: an array, intervals, or several arrays together


def without_reserve(net: DenseNet) -> DenseNet:
    """`net` as it was before its reserve was fitted; itself if it has none."""
    if not net.reserve:
        return net
    last = net.trunk[-1]
    layer = Layer(np.delete(last.weights, RESERVE, axis=0), np.delete(last.bias, RESERVE))
    low, high = (np.delete(end, RESERVE) for end in (net.low, net.high))
    return replace(net, trunk=(*net.trunk[:-1], layer), low=low, high=high, reserve=None)


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


def to_bytes(net: DenseNet) -> bytes:
    """The arrays of `net` as the bytes of an .npz file: the same network gives the same bytes."""
    buffer = BytesIO()
    np.savez(buffer, **net_arrays(net))  # type: ignore[arg-type]  # older NumPy takes allow_pickle for an array
    return buffer.getvalue()


def net_arrays(net: DenseNet) -> dict[str, ndarray]:
    """The arrays that define `net`, by the names that they have in a file."""
    arrays: dict[str, ndarray] = {
        "format": np.array(FORMAT, np.int64),
        "schema": np.array(schema(net.factors)),
        "ranges": np.array([(f.low, f.high) for f in net.factors]),  # factors x (low, high)
        "standards": np.array([np.nan if f.standard is None else f.standard for f in net.factors]),
        "constants": net.constants,
        "center": net.center,
        "inverse_spread": net.inverse_spread,
        "low": net.low,
        "high": net.high,
    }
    arrays |= {f"head_{f.name}": getattr(net.head, f.name) for f in fields(Head)}
    if net.reserve:
        arrays |= {f"reserve_{f.name}": getattr(net.reserve, f.name) for f in fields(Reserve)}
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
            f"{path} must be of format {FORMAT}, which has physics features. Got format {number}: "
            "run `acc-decel train` again."
        )
    entry = _Entries(arrays, path)
    wires, inputs, quantiles = wiring(FACTORS), len(input_names(FACTORS)), len(ORDERED)
    surfaces = len(next(f.levels for f in FACTORS if f.name == "surface"))
    reserve = _reserve(entry, surfaces)
    last = LAST + (len(PAIR_OUTPUTS) if reserve else 0)
    low, high = (entry(name, np.float32, (last - len(ORDERED),), finite=False) for name in ("low", "high"))
    if not (low <= high).all():  # false for NaN
        raise ValueError(f"{path} must have limits low <= high of each output. Got {low} and {high}: {_AGAIN}.")
    embedding, embedded = entry.layers("embedding", 0, wires.embedding_inputs)
    trunk, outputs = entry.layers("trunk", embedded, len(wires.forced))
    if outputs != last:
        raise ValueError(f"{path} must have {last} sums in its last layer. Got {outputs}: {_AGAIN}.")
    shapes = {"surface_offsets": (surfaces, quantiles)}
    head = Head(**{f.name: entry(f"head_{f.name}", np.float32, shapes.get(f.name, (quantiles,))) for f in fields(Head)})
    return DenseNet(
        _factors(
            path,
            entry("ranges", np.float64, (len(FACTORS), 2)),
            entry("standards", np.float64, (len(FACTORS),), finite=False),
        ),
        constants=entry("constants", np.float32, (sum(LAYOUT.values()),)),
        center=entry("center", np.float32, (inputs,)),
        inverse_spread=entry("inverse_spread", np.float32, (inputs,)),
        embedding=embedding,
        trunk=trunk,
        head=head,
        domain=entry.layers("domain", 0, None)[0],
        low=low,
        high=high,
        reserve=reserve,
    )


def _reserve(entry: "_Entries", surfaces: int) -> Reserve | None:
    """What the calibration adds to the reserve; None for a network that knows no lead."""
    if not any(f"reserve_{f.name}" in entry.arrays for f in fields(Reserve)):
        return None
    return Reserve(entry("reserve_offset", np.float32, (1,)), entry("reserve_surface_offsets", np.float32, (surfaces,)))


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


def _factors(
    path: Path, ranges: Float64[ndarray, "factors ends"], standards: Float64[ndarray, " factors"]
) -> tuple[Factor, ...]:
    """FACTORS with the ranges and standards of a file, NaN for no standard. Raises ValueError if one cannot be."""
    factors = []
    for factor, (low, high), standard in zip(FACTORS, ranges.tolist(), standards.tolist(), strict=True):
        if not low < high:
            raise ValueError(f"{path} must have ranges low < high. Got {low:g} to {high:g} of {factor.name}: {_AGAIN}.")
        if standard < low or standard > high:  # false for NaN
            raise ValueError(
                f"{path} must have a standard of {factor.name} of {low:g} to {high:g}. Got {standard:g}: {_AGAIN}."
            )
        factors.append(replace(factor, low=low, high=high, standard=None if np.isnan(standard) else standard))
    return tuple(factors)


_AGAIN = "train it again with `acc-decel train`, or fetch it again"
_LAYER = tuple(f.name for f in fields(Layer))
