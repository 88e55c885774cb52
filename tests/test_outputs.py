"""The outputs: their places are computed from one list, and the distance is the same for a number and for a column."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acc_decel import outputs
from acc_decel.outputs import OUTPUTS, QUANTILES, stopping_distance

PLACES = {
    "LOWER": "deceleration_lower",
    "MEDIAN": "deceleration",
    "UPPER": "deceleration_upper",
    "LOWER_99": "deceleration_lower_99",
    "DELAY": "delay",
}
PACKAGE = Path(outputs.__file__).parent
OF_OUTPUTS = {"outputs", "expected", "answer", "answers", "corrected"}  # arrays [rows, outputs] have these names


def reordered_module(order: list[str]) -> dict[str, object]:
    """The names of `outputs.py`, executed with its OUTPUTS in another order."""
    source = Path(outputs.__file__).read_text()
    end = source.index("QUANTILES:")
    changed = f"{source[:end]}OUTPUTS = {{name: OUTPUTS[name] for name in {order!r}}}\n{source[end:]}"
    names: dict[str, object] = {}
    exec(changed, names)
    return names


@pytest.mark.parametrize("order", [list(OUTPUTS), list(OUTPUTS)[::-1], sorted(OUTPUTS)], ids=["own", "back", "sorted"])
def test_the_places_follow_the_list_of_outputs(order: list[str]) -> None:
    names = reordered_module(order)
    assert {place: order[names[place]] for place in PLACES} == PLACES
    assert [order[i] for i in names["ORDERED"]] == list(QUANTILES)
    assert set(PLACES.values()) == set(OUTPUTS), "an output without the name of a place"


def bare_places(source: str) -> list[int]:
    """The lines that take one output by a number, like `outputs[:, 0]`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in OF_OUTPUTS:
            last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
            found += [node.lineno] * (isinstance(last, ast.Constant) and isinstance(last.value, int))
    return found


@pytest.mark.parametrize("folder", ["predictor", "export", "compiled", "ecu", "cli", "acc", "evaluation", "adaptation"])
def test_no_output_is_taken_by_a_number(folder: str) -> None:
    for path in (PACKAGE / folder).rglob("*.py"):
        if path.name != "qemu.py":  # its `answers` are a pair
            assert not bare_places(path.read_text()), path


def test_an_output_taken_by_a_number_would_be_found() -> None:
    assert bare_places("x = outputs[:, 0]\ny = outputs[3]\nz = outputs[:, MEDIAN]") == [1, 2]


def test_the_distance_is_infinite_where_the_car_does_not_slow_down_and_nan_where_nothing_is_known() -> None:
    decelerations = np.array([5.0, 0.0, -1.0, np.nan])
    expected = [42.0, np.inf, np.inf, np.nan]
    column = stopping_distance(np.full(4, 20.0), decelerations, np.full(4, 0.1))
    np.testing.assert_array_equal(column, expected)
    numbers = [stopping_distance(20.0, float(deceleration), 0.1) for deceleration in decelerations]
    np.testing.assert_array_equal(numbers, expected)


@given(*(st.floats(low, high, width=32) for low, high in ((0, 70), (-5, 20), (-2, 2))))
def test_a_number_and_a_column_have_the_same_bits_in_float32(speed: float, deceleration: float, delay: float) -> None:
    values = np.array([speed, deceleration, delay], np.float32)
    with np.errstate(over="ignore"):  # a deceleration of almost nothing
        column = stopping_distance(*values[:, None])
        number = stopping_distance(*values)
    assert column.dtype == np.float32
    assert isinstance(number, np.float32)
    assert number.tobytes() == column.tobytes()
