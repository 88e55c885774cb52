"""Which networks the firmware can hold: others are refused before a file is written."""

from collections import deque
from dataclasses import fields

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from acc_decel.export.feature_ranges import feature_ranges
from acc_decel.export.fixed_point.intervals import domain_intervals, sum_intervals
from acc_decel.factors import owners, ranges
from acc_decel.network import (
    FEATURES,
    LAYOUT,
    DenseNet,
    Head,
    Layer,
    Wiring,
    domain_inputs,
    input_names,
    saturated,
    side_by_side,
    untrained_head,
    walk,
    wiring,
)
from acc_decel.outputs import QUANTILES
from acc_decel.status import NOT_AVAILABLE_SHIFT, OUT_OF_RANGE_SHIFT

EXACT = 2.0**24  # sums of hidden units stay below, so that the firmware's rectifier rounds like the reference's
MIN_INPUTS = 4  # of a layer: acc_decel_cortex_m4f.h reads four at a time, at least once
LARGEST = float(np.finfo(np.float32).max) / 2  # sums stay below, so that rounding never gives infinity


def check_exportable(net: DenseNet) -> None:
    """Raise ValueError, naming layer and reason, if `net` cannot become firmware.

    Every array must be finite (the outputs' limits may be infinite) and fit the next one, and no sum may exceed the
    range of float32 for any accepted factors. Bounds on the absolute values, layer by layer, prove the last condition.
    """
    wires = wiring(net.factors)
    if len(net.factors) > (room := NOT_AVAILABLE_SHIFT - OUT_OF_RANGE_SHIFT):
        raise ValueError(f"The factors must be at most {room}, one status bit each. Got {len(net.factors)}.")
    gates = [net.factors[owners(net.factors)[column]] for column in wires.gates]
    if optional := [gate.name for gate in gates if gate.optional]:
        raise ValueError(f"{optional[0]} must be required, because it gates another factor. Got an optional factor.")
    if saturated_gates := [gate.name for gate in gates if gate.half_saturation]:
        raise ValueError(
            f"{saturated_gates[0]} must have no half-saturation, because it gates another factor. "
            "Remove the half-saturation."
        )
    _check_array("constants", net.constants, (sum(LAYOUT.values()),))
    for name in ("center", "inverse_spread"):
        _check_array(name, getattr(net, name), (len(input_names(net.factors)),))
    for name, array in head_arrays(untrained_head()).items():
        _check_array(name, head_arrays(net.head)[name], array.shape)
    embedded = _check_layers("embedding", net.embedding, shared=0, inputs=wires.embedding_inputs)
    outputs = _check_layers("trunk", net.trunk, shared=embedded, inputs=len(wires.forced))
    count = len(net.outputs)
    if outputs != count + len(QUANTILES):
        raise ValueError(
            f"trunk must give {count + len(QUANTILES)} sums: {', '.join(net.outputs)}, and a correction of the brake "
            f"limit for each of {len(QUANTILES)} quantiles. Got {outputs}."
        )
    if not (net.low.shape == net.high.shape == (count,) and (net.low <= net.high).all()):
        raise ValueError(f"The outputs must have {count} limits, low <= high. Got {net.low}, {net.high}.")
    scores = _check_layers("domain", net.domain, shared=0, inputs=len(domain_inputs(net.factors)))
    if (len(net.domain), scores) != (2, 1):
        raise ValueError(
            f"domain must be 2 layers that give 1 score. Got {len(net.domain)} that give {scores}. Train again."
        )
    _check_bounds(net, wires)
    _check_rectifiers(net)


def _check_rectifiers(net: DenseNet) -> None:
    hidden = [*sum_intervals(net)[:-1], domain_intervals(net)]
    for name, sums in zip([*_layer_names(net)[:-1], "domain[0]"], hidden, strict=True):
        if not (sums.high < EXACT).all():
            raise ValueError(f"{name} must have sums below {EXACT:g}. They may reach {sums.high.max():g}. Train again.")


def head_arrays(head: Head) -> dict[str, ndarray]:
    """The arrays of a head by name."""
    return {f"head.{f.name}": getattr(head, f.name) for f in fields(head)}


def _check_array(name: str, array: ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}. Got {array.shape}. Train the network again.")
    if not np.isfinite(array).all():
        bad = array[~np.isfinite(array)][0]
        raise ValueError(f"{name} must be finite for the firmware. Got {bad}. Train the network again.")


def _check_layers(part: str, layers: tuple[Layer, ...], *, shared: int, inputs: int) -> int:
    """Number of outputs of the last layer; each must take `shared` values and the outputs of the one before."""
    if not layers:
        raise ValueError(f"{part} must have at least one layer for the firmware. Got none. Train the network again.")
    for i, layer in enumerate(layers):
        outputs = len(layer.bias)
        if shared + inputs < MIN_INPUTS:
            raise ValueError(
                f"{part}[{i}] must have at least {MIN_INPUTS} inputs for the firmware. Got {shared + inputs}: "
                "give the layer before it more units."
            )
        _check_array(f"{part}[{i}].weights", layer.weights, (outputs, shared + inputs))
        _check_array(f"{part}[{i}].bias", layer.bias, (outputs,))
        inputs = outputs
    return inputs


def _check_bounds(net: DenseNet, wires: Wiring) -> None:
    scaled = _scaled_bounds(net)
    opened = np.array([_gate_bound(net, gate) for gate in wires.gates])
    embedded = np.concatenate([scaled[[*wires.free]], scaled[[*wires.gated]] * opened, np.ones(len(wires.masked))])
    forced = scaled[[*wires.forced]]
    score = np.concatenate([forced, embedded])[[*domain_inputs(net.factors)]]
    for i, layer in enumerate(net.domain):
        score = _bound(f"domain[{i}]", layer, score)
    names = _layer_names(net)
    deque(walk(net, embedded, forced, lambda i, layer, x: _bound(names[i], layer, x), side_by_side), maxlen=0)


def _layer_names(net: DenseNet) -> list[str]:
    return [f"{part}[{i}]" for part in ("embedding", "trunk") for i in range(len(getattr(net, part)))]


def _scaled_bounds(net: DenseNet) -> Float64[ndarray, " inputs"]:
    """The maximum absolute value of each scaled column and feature."""
    limits = saturated(net.factors, np.array(ranges(net.factors), np.float32).T)
    spans = feature_ranges(net.factors, net.constants)
    of_features = np.array([spans[feature.name] for feature in FEATURES])
    limits = np.concatenate([limits.T.astype(np.float64), of_features])
    distance = np.abs(limits - net.center[:, None]).max(axis=1)
    return distance * np.abs(net.inverse_spread.astype(np.float64))


def _gate_bound(net: DenseNet, gate: int) -> float:
    low, high = ranges(net.factors)[gate]
    return max(1.0, abs(1 - low), abs(1 - high))


def _bound(name: str, layer: Layer, x: Float64[ndarray, " inputs"]) -> Float64[ndarray, " outputs"]:
    """The maximum absolute value of each sum; the rectifier never increases it."""
    bound = np.abs(layer.weights.astype(np.float64)) @ x + np.abs(layer.bias)
    if not (bound < LARGEST).all():
        raise ValueError(
            f"{name} must stay within the range of float32. Its sums may reach {bound.max():g}. Train again."
        )
    return bound
