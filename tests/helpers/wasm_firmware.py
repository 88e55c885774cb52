"""The WebAssembly of a page without a browser, and how many of its answers differ from the reference."""

import numpy as np
import wasmtime
from numpy import ndarray

from acc_decel.export import reference_outputs, status_of
from acc_decel.factors import Factor
from acc_decel.network import DenseNet
from acc_decel.outputs import OUTPUTS
from tests.helpers.random_net import random_events, spoiled


class Wasm:
    """A module in wasmtime, which compiles by another compiler than a browser's."""

    def __init__(self, module: bytes) -> None:
        self.store = wasmtime.Store()
        instance = wasmtime.Instance(self.store, wasmtime.Module(self.store.engine, module), [])
        self.exports = instance.exports(self.store)
        self.memory = self.exports["memory"]

    def __call__(self, name: str, *arguments: float) -> float:
        return self.exports[name](self.store, *arguments)

    def predict_array(self, events: ndarray) -> tuple[ndarray, ndarray]:
        """Outputs and status of every row; a refused row keeps NaN."""
        outputs, status = np.full((len(events), len(OUTPUTS)), np.nan, "f4"), np.empty(len(events), "i8")
        for first in range(0, len(events), self("rows")):
            rows = slice(first, first + self("rows"))
            self.memory.write(self.store, events[rows].tobytes(), self("factors"))
            self.memory.write(self.store, outputs[rows].tobytes(), self("predictions"))
            self("predict", len(events[rows]))
            outputs[rows] = self._read("predictions", outputs[rows])
            status[rows] = self._read("statuses", status[rows])
        return outputs, status

    def _read(self, name: str, like: ndarray) -> ndarray:
        start = self(name)
        content = self.memory.read(self.store, start, start + like.nbytes)
        return np.frombuffer(bytes(content), like.dtype).reshape(like.shape)


def differing(answers: tuple[ndarray, ndarray], net: DenseNet, events: ndarray) -> int:
    """Events whose outputs or status have other bits than the reference."""
    (outputs, status), expected = answers, reference_outputs(net, events)
    same_bits = (outputs.view("u4") == expected.view("u4")) | (np.isnan(outputs) & np.isnan(expected))
    return int((~same_bits.all(axis=1) | (status != status_of(net, events))).sum())


def many_events(factors: tuple[Factor, ...], count: int) -> ndarray:
    rng = np.random.default_rng(21)
    events = random_events(rng, count, factors)
    return np.concatenate([events[: -count // 5], spoiled(rng, events[-count // 5 :])])
