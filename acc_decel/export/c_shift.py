"""The generated C tables of the network without multiplications: as in fixed point, but weights are codes."""

import numpy as np
from jaxtyping import Int64, UInt32
from numpy import ndarray

from acc_decel.export.c_fixed import BLOCK_OUTPUTS, Packing, biases, shifts
from acc_decel.export.c_tables import Table, c_list, c_number
from acc_decel.export.fixed_point.arithmetic import WORD, FixedLayer, FixedNet
from acc_decel.export.fixed_point.quantisation import nearest_power

SOURCES = (
    "acc_decel_fixed.c",
    "acc_decel_fixed_domain.c",
    "acc_decel_fixed_domain.h",
    "acc_decel_fixed_layers.h",
    "acc_decel_shift_layers.c",
    "acc_decel_shift_layers.h",
)
SQUARES_FILE = "acc_decel_quarter_squares.c"
MAX_INPUTS = 64  # as in acc_decel_shift_layers.h
NO_TERM = 0  # the code of a term that adds 0
SQUARES = Table("acc_decel_quarter_squares", (np.arange(511, dtype=np.uint32) ** 2 // 4).astype(np.uint16), "n * n / 4")


def squares_source(*, stamp: str) -> str:
    """acc_decel_quarter_squares.c: the table to compute squares; `stamp` is its first comment."""
    numbers = c_list(c_number(square) for square in SQUARES.values)
    return (
        f'/* {stamp} */\n#include "acc_decel_shift_layers.h"\n\n#include <stdint.h>\n\n/* {SQUARES.shape} */\n'
        f"const uint16_t {SQUARES.name}[ACC_DECEL_QUARTER_SQUARES] = {{\n{numbers}\n}};\n"
    )


def check_narrow(net: FixedNet) -> None:
    """Raise ValueError, naming the layer, if a layer of `net` has more inputs than a code can number."""
    shared = len(net.embedding[-1].bias)
    widths = [(f"embedding[{i}]", _padded(layer.weights.shape[1])) for i, layer in enumerate(net.embedding)]
    for i, layer in enumerate(net.trunk):
        widths.append((f"trunk[{i}]", _padded(shared) + _padded(layer.weights.shape[1] - shared)))
    widths += [(f"domain[{i}]", _padded(layer.weights.shape[1])) for i, layer in enumerate(net.domain)]
    for name, inputs in widths:
        if inputs > MAX_INPUTS:
            raise ValueError(
                f"{name} must have at most {MAX_INPUTS} inputs, in whole blocks of {BLOCK_OUTPUTS}, for the format "
                f"without multiplications. Got {inputs}: export the format fixed."
            )


def _padded(count: int) -> int:
    return -(-count // BLOCK_OUTPUTS) * BLOCK_OUTPUTS


def blocks(layer: FixedLayer) -> UInt32[ndarray, " words"]:
    """A layer in the format of acc_decel_shift_layers.c: block by block, as its header says."""
    words = []
    for start in range(0, len(layer.bias), BLOCK_OUTPUTS):
        outputs = range(start, min(start + BLOCK_OUTPUTS, len(layer.bias)))
        units = [codes(layer.weights[i]) for i in outputs] + [[0]] * (BLOCK_OUTPUTS - len(outputs))
        listed = np.concatenate(units).astype(np.uint8)
        packed = np.pad(listed, (0, -len(listed) % 4)).view(np.uint32)
        size = np.array([len(packed)], np.uint32)
        words += [biases(_compensated(layer), start), shifts(layer, start), size, packed]
    return np.concatenate(words).astype(np.uint32)


def _compensated(layer: FixedLayer) -> Int64[ndarray, " outputs"]:
    """The biases plus what is missing because a negative term adds -1 - x and not -x."""
    missing = [sum(2**power for power, _, negative in terms(row) if negative) for row in layer.weights]
    return (layer.bias + np.array(missing)) % (2 * WORD)


def codes(weights: Int64[ndarray, " inputs"]) -> list[int]:
    """The codes of one output: the number of powers of two; for each, the number of its terms (even) and the terms."""
    all_terms = terms(weights)
    powers = max((power for power, _, _ in all_terms), default=-1) + 1
    result = [powers]
    for power in reversed(range(powers)):
        own = [2 + 2 * i + negative for exponent, i, negative in all_terms if exponent == power]
        own += [NO_TERM] * (len(own) % 2)
        result += [len(own), *own]
    return result


def terms(weights: Int64[ndarray, " inputs"]) -> list[tuple[int, int, bool]]:
    """The terms of the weights of one output: power of two, input, and if it is negative."""
    rest, result = weights.copy(), []
    while rest.any():
        powers = nearest_power(rest)
        result += [(int(abs(powers[i])).bit_length() - 1, int(i), bool(powers[i] < 0)) for i in np.flatnonzero(powers)]
        rest = rest - powers
    return result


PACKING = Packing(blocks, ('"acc_decel_shift_layers.h"',), (SQUARES,))
