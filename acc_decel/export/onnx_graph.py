"""Building an ONNX graph: nodes and constants with numbers as names, and branches that share both."""

from collections.abc import Sequence
from copy import copy
from itertools import count
from typing import Any

import numpy as np
import onnx
from numpy import ndarray
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes and constants in the order of the calls; names are numbers, so the same calls give the same bytes."""

    def __init__(self, prefix: str = "") -> None:
        """An empty graph; `prefix` begins all names."""
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._prefix = prefix
        self._numbers = count()
        self._stored: dict[bytes, str] = {}

    def inner(self) -> "Graph":
        """An empty graph for a branch: it sees the values of this one, and stores its constants here."""
        branch = copy(self)
        branch.nodes = []
        return branch

    def constant(self, value: ndarray | np.float32 | float | Sequence[float]) -> str:
        """The name of a constant: float32 unless it is an array of integers or booleans."""
        array = np.asarray(value)
        return self._name(array if array.dtype.kind in "ib" else array.astype(np.float32))

    def exact(self, values: ndarray | float | int) -> str:
        """The name of a constant of float64, which holds integers up to 2^53."""
        return self._name(np.array(values, np.float64))

    def _name(self, array: ndarray) -> str:
        tensor = numpy_helper.from_array(array.copy(order="C"))
        content = tensor.SerializeToString(deterministic=True)
        if content not in self._stored:
            self._stored[content] = tensor.name = f"{self._prefix}c{len(self.constants)}"
            self.constants.append(tensor)
        return self._stored[content]

    def __call__(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """The name of the output of a new node."""
        output = name or f"{self._prefix}n{next(self._numbers)}"
        self._add(operator, inputs, [output], attributes)
        return output

    def many(self, operator: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """The names of the outputs of a new node that has several."""
        names = [f"{self._prefix}n{next(self._numbers)}" for _ in range(outputs)]
        self._add(operator, inputs, names, attributes)
        return names

    def _add(self, operator: str, inputs: Sequence[str], results: list[str], attributes: dict[str, Any]) -> None:
        node = helper.make_node(operator, list(inputs), results, name=f"{operator}_{results[0]}", **attributes)
        self.nodes.append(node)

    def branch(self, name: str, results: Sequence[str]) -> onnx.GraphProto:
        """The nodes as one branch of an If, which gives the values of these names."""
        values = [onnx.ValueInfoProto(name=result) for result in results]
        return helper.make_graph(self.nodes, name, [], values)

    def number(self, condition: str) -> str:
        """1 where `condition` holds, else 0, as float32."""
        return self("Cast", condition, to=TensorProto.FLOAT)

    def any_of(self, condition: str, members: ndarray) -> str:
        """Whether `condition` holds for any member: `members` is inputs x outputs, 0 or 1."""
        number = self("MatMul", self.number(condition), self.constant(members))
        return self("Greater", number, self.constant([0.5]))

    def within(self, x: str, low: ndarray | float, high: ndarray | float) -> str:
        """Whether low <= x <= high; false for NaN."""
        above = self("GreaterOrEqual", x, self.constant(np.atleast_1d(low)))
        return self("And", above, self("LessOrEqual", x, self.constant(np.atleast_1d(high))))

    def weighted(self, x: str, weights: ndarray, start: ndarray | None = None, *, in_turn: bool = False) -> str:
        """The sums of the columns of `x` times `weights`, columns x sums, plus `start`.

        With `in_turn`, product by product from `start` on, as NumPy and the firmware add them: the same bits. One node
        is quicker, but its last bits are up to the runtime.
        """
        if not in_turn:
            both = () if start is None else (self.constant(start),)
            return self("Gemm" if both else "MatMul", x, self.constant(weights), *both)
        columns = self.many("Split", x, outputs=len(weights), axis=1)
        total = "" if start is None else self.constant(start)
        for column, row in zip(columns, weights, strict=True):
            product = self("Mul", column, self.constant(row))
            total = self("Add", total, product) if total else product
        return total

    def columns(self, x: str, indices: Sequence[int] | ndarray) -> str:
        """Some columns of `x`."""
        return self("Gather", x, self.constant(np.array(indices)), axis=1)


def outer_names(node: onnx.NodeProto) -> set[str]:
    """The names that a node reads, also in its branches."""
    names = {*node.input}
    for branch in (attribute.g for attribute in node.attribute if attribute.HasField("g")):
        made = {output for inside in branch.node for output in inside.output}
        read = {name for inside in branch.node for name in outer_names(inside)}
        names |= (read | {result.name for result in branch.output}) - made
    return names
