"""Physics features as ONNX nodes: the formulas of `features.py` become expressions, and these become few nodes.

A runtime spends about a microsecond on each node, so what belongs together becomes one node of several columns: factors
with typical values for missing ones, weighted sums of the same probabilities, a lower and an upper limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export.onnx_graph import Graph
from acc_decel.factors import Factor, slices
from acc_decel.network import FEATURES, HEAD, compute, named

Operand: TypeAlias = Union["Expression", float, int, np.float32]  # named before the class, which its annotations use


@dataclass(frozen=True, eq=False, repr=False)
class Expression:
    """A value of the formulas, not computed yet: [batch, 1], or of a block [batch, columns]."""

    operator: str
    inputs: tuple[Operand, ...] = ()
    name: str = ""  # of a factor
    place: int = 0  # of a column
    weights: tuple[float, ...] = ()

    __array_ufunc__ = None  # a number of NumPy on the left leaves the operation to this class

    def __add__(self, other: Operand) -> "Expression":
        """The sum."""
        return Expression("Add", (self, other))

    def __radd__(self, other: Operand) -> "Expression":
        """The sum."""
        return Expression("Add", (other, self))

    def __sub__(self, other: Operand) -> "Expression":
        """The difference."""
        return Expression("Sub", (self, other))

    def __rsub__(self, other: Operand) -> "Expression":
        """The difference."""
        return Expression("Sub", (other, self))

    def __mul__(self, other: Operand) -> "Expression":
        """The product."""
        return Expression("Mul", (self, other))

    def __rmul__(self, other: Operand) -> "Expression":
        """The product."""
        return Expression("Mul", (other, self))

    def __truediv__(self, other: Operand) -> "Expression":
        """The quotient."""
        return Expression("Div", (self, other))

    def __rtruediv__(self, other: Operand) -> "Expression":
        """The quotient."""
        return Expression("Div", (other, self))


class Formulas:
    """The `Arithmetic` of expressions."""

    @staticmethod
    def minimum(x: Operand, y: Operand) -> Expression:
        """The smaller value; of a value that has a lower limit already, a value between limits."""
        if isinstance(x, Expression) and x.operator == "Max" and not (_variable(x.inputs[1]) or _variable(y)):
            return Expression("Clip", (*x.inputs, y))
        return Expression("Min", (x, y))

    @staticmethod
    def maximum(x: Operand, y: Operand) -> Expression:
        """The greater value."""
        return Expression("Max", (x, y))

    @staticmethod
    def where(condition: Expression, yes: Operand, no: Operand) -> Expression:
        """`yes` where the condition holds."""
        return Expression("Where", (condition, yes, no))

    @staticmethod
    def block(columns: Sequence[Operand]) -> Expression:
        """The columns side by side."""
        return Expression("Block", tuple(columns))

    @staticmethod
    def scaled(block: Expression, size: Operand) -> Expression:
        """Every column of the block times `size`."""
        return block * size

    @staticmethod
    def column(block: Expression, i: int) -> Expression:
        """Column i of the block."""
        return Expression("Column", (block,), place=i)

    @staticmethod
    def dot(block: Expression, weights: ndarray) -> Expression:
        """The weighted sum of the first columns."""
        return Expression("Dot", (block,), weights=tuple(map(float, weights)))

    @staticmethod
    def number(condition: Expression) -> Expression:
        """1 where the condition holds, else 0."""
        return Expression("Number", (condition,))


def _variable(value: Operand) -> bool:
    return isinstance(value, Expression)


def feature_nodes(
    g: Graph,
    factors: tuple[Factor, ...],
    constants: Float32[ndarray, " constants"],
    columns: str,
    unavailable: str,
    *,
    in_turn: bool = False,
) -> tuple[str, str]:
    """Two names of nodes: of the features [batch, features] and of the values of the head [batch, head].

    `columns` is the name of the columns [batch, columns], `unavailable` of the condition that one is not available. For
    `in_turn` see `Graph.weighted`.
    """
    x = {column: Expression("Factor", name=f.name, place=i) for f in factors for i, column in enumerate(f.columns)}
    known = {f.name: Expression("Known", name=f.name) for f in factors}
    values = compute(named(constants), x, known, Formulas())
    nodes = _Nodes(g, factors, (columns, unavailable), [*values.values()], in_turn=in_turn)
    return nodes.block([values[f.name] for f in FEATURES]), nodes.block([values[name] for name in HEAD])


class _Nodes:
    """The nodes of expressions; every expression becomes one only once."""

    def __init__(
        self,
        g: Graph,
        factors: tuple[Factor, ...],
        inputs: tuple[str, str],
        results: Sequence[Expression],
        *,
        in_turn: bool,
    ) -> None:
        """The nodes that all `results` need of the `inputs`, columns and unavailable."""
        self._g, self._in_turn = g, in_turn
        self._columns, self._unavailable = inputs
        self._first = {f.name: own.start for f, own in zip(factors, slices(factors), strict=True)}
        self._names: dict[object, str] = {}
        every = _all_of(results)
        self._dots = [e for e in every if e.operator == "Dot"]
        typical = _typical_values(every)
        row = np.array([typical.get(f.name, 0.0) for f in factors for _ in f.columns], np.float32)
        filled = g("Where", self._unavailable, g.constant(row), self._columns)
        sizes = g.constant(np.array([len(f.columns) for f in factors]))
        parts = g.many("Split", filled, sizes, outputs=len(factors), axis=1)
        self._factors = dict(zip((f.name for f in factors), parts, strict=True))

    def block(self, columns: Sequence[Operand]) -> str:
        """The name of the columns side by side, in few nodes; an operation on all of them becomes one on the block."""
        expressions = [c for c in columns if isinstance(c, Expression)]
        if not expressions:
            return self._g.constant(np.array(columns, np.float32))
        if len(expressions) < len(columns):
            return self._mixed(columns)
        first, *others = expressions
        if first.operator == "Factor" and all(e.name == first.name for e in others):
            return self._factors[first.name]
        if all(e is first for e in others):
            return self._of(first)
        if first.operator in _ELEMENTWISE and all(e.operator == first.operator for e in others):
            operands = zip(*(e.inputs for e in expressions), strict=True)
            return self._g(first.operator, *map(self.block, operands))
        return self._g("Concat", *map(self._of, expressions), axis=1)

    def _mixed(self, columns: Sequence[Operand]) -> str:
        """Expressions and numbers side by side."""
        places = [i for i, c in enumerate(columns) if isinstance(c, Expression)]
        numbers = [0.0 if i in places else number for i, number in enumerate(columns)]
        spread = self._g(
            "MatMul", self.block([columns[i] for i in places]), self._g.constant(np.eye(len(columns))[places])
        )
        return self._g("Add", spread, self._g.constant(np.array(numbers, np.float32)))

    def _of(self, value: Operand) -> str:
        """The name of an operand."""
        if not isinstance(value, Expression):
            return self._g.constant(np.float32(value))
        if value not in self._names:
            self._names[value] = self._new(value)
        return self._names[value]

    def _new(self, e: Expression) -> str:
        if e.operator == "Factor":
            return self._factors[e.name]
        if _is_typical(e):
            return self._factors[_named(e.inputs[1])]
        special = {
            "Where": self._where,
            "Number": lambda e: self._g.number(self._g("Not", self._missing(e.inputs[0]))),
            "Block": lambda e: self.block(e.inputs),
            "Column": lambda e: self._g.columns(self._of(e.inputs[0]), [e.place]),
            "Dot": self._dot,
            "Div": self._quotient,
        }.get(e.operator)
        return special(e) if special else self._g(e.operator, *map(self._of, e.inputs))

    def _quotient(self, e: Expression) -> str:
        """A quotient; the node behind 1 / x keeps ONNX Runtime from fusing it with a product into one quotient."""
        quotient = self._g("Div", *map(self._of, e.inputs))
        return self._g("Max", quotient) if self._in_turn and e.inputs[0] == 1 else quotient

    def _where(self, e: Expression) -> str:
        known, yes, no = e.inputs
        return self._g("Where", self._missing(known), self._of(no), self._of(yes))

    def _missing(self, known: Operand) -> str:
        """The condition that a factor is not available."""
        key = (name := _named(known), "missing")
        if key not in self._names:
            self._names[key] = self._g.columns(self._unavailable, [self._first[name]])
        return self._names[key]

    def _dot(self, e: Expression) -> str:
        """A weighted sum, with all others of the same block."""
        block = e.inputs[0]
        dots = [dot for dot in self._dots if dot.inputs[0] is block]
        weights = np.zeros((len(dots), _width(block)), np.float32)
        for row, dot in zip(weights, dots, strict=True):
            row[: len(dot.weights)] = dot.weights
        sums = self._g.weighted(self._of(block), weights.T, in_turn=self._in_turn)
        self._names |= zip(dots, self._g.many("Split", sums, outputs=len(dots), axis=1), strict=True)
        return self._names[e]


_ELEMENTWISE = {"Add", "Sub", "Mul", "Div", "Min", "Max"}
_WIDE = {"Block", "Where", "Mul"}


def _width(value: Operand) -> int:
    """The number of columns."""
    if not isinstance(value, Expression) or value.operator not in _WIDE:
        return 1
    return len(value.inputs) if value.operator == "Block" else max(map(_width, value.inputs))


def _is_typical(e: Expression) -> bool:
    """Whether this is a factor with a number in place of a missing one."""
    if e.operator != "Where":
        return False
    known, value, _ = e.inputs
    return isinstance(value, Expression) and value.operator == "Factor" and value.name == _named(known)


def _typical_values(expressions: Sequence[Expression]) -> dict[str, Operand]:
    """The number in place of each missing factor, by the name of the factor, which may have only one."""
    typical: dict[str, Operand] = {}
    for e in filter(_is_typical, expressions):
        name, number = _named(e.inputs[1]), e.inputs[2]
        if typical.setdefault(name, number) != number:
            raise ValueError(f"{name} must have one number where it is missing. Got {typical[name]} and {number}.")
    return typical


def _named(factor: Operand) -> str:
    assert isinstance(factor, Expression)
    return factor.name


def _all_of(results: Sequence[Expression]) -> list[Expression]:
    """The expressions that these consist of, in the order of the formulas."""
    seen: dict[Expression, None] = {}
    for result in results:
        _visit(result, seen)
    return [*seen]


def _visit(e: Expression, seen: dict[Expression, None]) -> None:
    if e not in seen:
        for operand in e.inputs:
            if isinstance(operand, Expression):
                _visit(operand, seen)
        seen[e] = None
