"""How strongly the outputs depend on every sum of a network: where a rounding error of that sum matters.

Backpropagation of each output on its own, through head and layers. A friction limit far above the brake limit, or
beyond what the head allows, does not matter; a unit whose rectifier is 0 does not, either.
"""

from collections import deque

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from acc_decel.network import DenseNet, Entered, Layer, rectified, side_by_side, walk
from acc_decel.network.head import BRAKE_LIMIT, BRAKING, LEAST_BRAKING, RESISTANCE, ROAD_LIMIT
from acc_decel.outputs import DELAY, ORDERED, OUTPUTS

Sums = Float32[ndarray, "rows _"]


def sensitivities(net: DenseNet, events: Float32[ndarray, "rows columns"]) -> list[Float64[ndarray, "rows _"]]:
    """The root of the sum of the squared derivatives of all outputs by each sum, layer by layer, embedding first."""
    entered, sums = net.entered(events), []

    def step(_: int, layer: Layer, x: Sums) -> Sums:
        sums.append(layer(x))
        return rectified(sums[-1])

    deque(walk(net, entered.embedding, entered.forced, step, side_by_side), maxlen=0)
    squares = [np.zeros(layer_sums.shape) for layer_sums in sums]
    for of_output in _by_last_sums(net, sums[-1], entered):
        for i, derivative in enumerate(_by_all_sums(net, sums, of_output)):
            squares[i] += derivative.astype(np.float64) ** 2
    return [np.sqrt(square) for square in squares]


def _by_last_sums(net: DenseNet, sums: Sums, entered: Entered) -> list[Sums]:
    """The derivative of each output by the sums of the last layer."""
    count, head = len(OUTPUTS), net.head
    friction, braking = sums[:, ORDERED], sums[:, count:] + head.slopes * entered.head[:, BRAKING, None]
    share = np.clip(friction - braking, 0, 1)  # of the brake limit in the smooth minimum
    resistance = entered.head[:, RESISTANCE, None]
    free = friction - rectified(friction - braking) + head.offset + entered.surface @ head.surface_offsets
    road, brake = entered.head[:, ROAD_LIMIT, None], entered.head[:, BRAKE_LIMIT, None]
    allowed = np.minimum(head.road_shares * road, head.brake_shares * brake)
    low, high = net.low[[*ORDERED]], net.high[[*ORDERED]]
    acts = (free < allowed) & (np.minimum(free, allowed) > LEAST_BRAKING)
    acts &= (free + resistance > low) & (free + resistance < high)
    derivatives = [np.zeros_like(sums) for _ in OUTPUTS]
    for i, place in enumerate(ORDERED):
        derivatives[place][:, place] = acts[:, i] * (1 - share[:, i])
        derivatives[place][:, count + i] = acts[:, i] * share[:, i]
    derivatives[DELAY][:, DELAY] = (sums[:, DELAY] > net.low[DELAY]) & (sums[:, DELAY] < net.high[DELAY])
    return derivatives


def _by_all_sums(net: DenseNet, sums: list[Sums], derivative: Sums) -> list[Sums]:
    """The derivatives of an output by the sums of all layers, from those by the last sums."""
    deep, shared, found = len(net.embedding), len(net.embedding[-1].bias), [derivative]
    by_embedded = np.zeros((len(derivative), shared), np.float32)
    for i in range(len(net.layers) - 1, 0, -1):
        by_inputs = found[0] @ net.layers[i].weights
        if i >= deep:
            by_embedded += by_inputs[:, :shared]
            by_inputs = by_embedded if i == deep else by_inputs[:, shared:]
        found.insert(0, by_inputs * np.clip(sums[i - 1], 0, 1))
    return found
