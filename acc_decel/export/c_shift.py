"""The generated C tables of the network without multiplications: those of fixed point, with codes for weights."""

import numpy as np
from jaxtyping import Int64, UInt32
from numpy import ndarray

from acc_decel.export.c_fixed import TOGETHER, Packing, biases, shifts
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
MOST_INPUTS = 64  # as in acc_decel_shift_layers.h
NOTHING = 0  # a term that adds 0
SQUARES = Table("acc_decel_quarter_squares", (np.arange(511, dtype=np.uint32) ** 2 // 4).astype(np.uint16), "n * n / 4")


def squares_source(*, stamp: str) -> str:
    """acc_decel_quarter_squares.c: the table from which squares come; `stamp` is its first comment."""
    numbers = c_list(c_number(square) for square in SQUARES.values)
    return (
        f'/* {stamp} */\n#include "acc_decel_shift_layers.h"\n\n#include <stdint.h>\n\n/* {SQUARES.shape} */\n'
        f"const uint16_t {SQUARES.name}[ACC_DECEL_QUARTER_SQUARES] = {{\n{numbers}\n}};\n"
    )


def check_narrow(net: FixedNet) -> None:
    """Raise ValueError, naming the layer, if a layer of `net` has more inputs than the codes of a term can name."""
    beside = len(net.embedding[-1].bias)
    widths = [(f"embedding[{i}]", _filled(layer.weights.shape[1])) for i, layer in enumerate(net.embedding)]
    for i, layer in enumerate(net.trunk):
        widths.append((f"trunk[{i}]", _filled(beside) + _filled(layer.weights.shape[1] - beside)))
    widths += [(f"domain[{i}]", _filled(layer.weights.shape[1])) for i, layer in enumerate(net.domain)]
    for name, inputs in widths:
        if inputs > MOST_INPUTS:
            raise ValueError(
                f"{name} must have at most {MOST_INPUTS} inputs, in whole blocks of {TOGETHER}, to go without "
                f"multiplications. Got {inputs}: export fixed."
            )


def _filled(count: int) -> int:
    return -(-count // TOGETHER) * TOGETHER


def blocks(layer: FixedLayer) -> UInt32[ndarray, " words"]:
    """A layer as acc_decel_shift_layers.c takes it: block by block as its header says."""
    words = []
    for start in range(0, len(layer.bias), TOGETHER):
        some = range(start, min(start + TOGETHER, len(layer.bias)))
        units = [codes(layer.weights[i]) for i in some] + [[0]] * (TOGETHER - len(some))
        listed = np.concatenate(units).astype(np.uint8)
        packed = np.pad(listed, (0, -len(listed) % 4)).view(np.uint32)
        size = np.array([len(packed)], np.uint32)
        words += [biases(_made_up(layer), start), shifts(layer, start), size, packed]
    return np.concatenate(words).astype(np.uint32)


def _made_up(layer: FixedLayer) -> Int64[ndarray, " outputs"]:
    """The biases, with what the terms -1 - x lack of -x."""
    lack = [sum(2**power for power, _, negative in terms(row) if negative) for row in layer.weights]
    return (layer.bias + np.array(lack)) % (2 * WORD)


def codes(weights: Int64[ndarray, " inputs"]) -> list[int]:
    """The codes of one output: how many powers of two, then for each how many terms, an even number, and these."""
    found = list(terms(weights))
    powers = max((power for power, _, _ in found), default=-1) + 1
    listed = [powers]
    for power in reversed(range(powers)):
        here = [2 + 2 * i + negative for at, i, negative in found if at == power]
        here += [NOTHING] * (len(here) % 2)
        listed += [len(here), *here]
    return listed


def terms(weights: Int64[ndarray, " inputs"]) -> list[tuple[int, int, bool]]:
    """The terms of some weights: power of two, input, and whether it is negative."""
    left, found = weights.copy(), []
    while left.any():
        each = nearest_power(left)
        found += [(int(abs(each[i])).bit_length() - 1, int(i), bool(each[i] < 0)) for i in np.flatnonzero(each)]
        left = left - each
    return found


PACKING = Packing(blocks, ('"acc_decel_shift_layers.h"',), (SQUARES,))
