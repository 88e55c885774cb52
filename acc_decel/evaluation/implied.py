"""What a braking test implies beside what it states: its protocol is level and calm, with discs at 100 degC."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd

from acc_decel.factors import FACTORS, Factor
from acc_decel.predictor import unknown_factor

IMPLIED = "implied"  # column of a table of tests: factor=value; factor=value
Value = float | str  # a number, or a level of a choice


def implied_values(text: object) -> dict[str, Value]:
    """The values in a text like "grade=0; tyre_kind=winter"; none for an empty cell.

    Raises ValueError for another form, for an unknown factor, and for a value that its factor does not have.
    """
    if not isinstance(text, str) or not text.strip():
        return {}
    values: dict[str, Value] = {}
    for part in text.split(";"):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals:
            raise ValueError(f"{IMPLIED} must be factor=value, separated by semicolons. Got {part.strip()!r}.")
        factor = next((f for f in FACTORS if f.name == name), None)
        if factor is None:
            raise ValueError(unknown_factor(name))
        if name in values:
            raise ValueError(f"{IMPLIED} must name each factor once. Got {name} twice.")
        values[name] = _value(factor, value)
    return values


def _value(factor: Factor, text: str) -> Value:
    """The level or the number in `text`, if the factor has it."""
    if factor.levels:
        if text not in factor.levels:
            raise ValueError(factor.refusal(text))
        return text
    try:
        value = float(text)
    except ValueError:
        raise ValueError(factor.refusal(text)) from None
    if not factor.low <= value <= factor.high:
        raise ValueError(factor.refusal(value))
    return value


def implied_text(values: dict[str, Value]) -> str:
    """The values as a text that `implied_values` reads."""
    return "; ".join(
        f"{name}={value if isinstance(value, str) else format(value, 'g')}" for name, value in values.items()
    )


def chosen_values(tests: pd.DataFrame, standards: Callable[[int], dict[str, float]]) -> list[dict[str, Value]]:
    """What is taken for each test that states no value of its own: what its row implies, then the `standards`.

    `standards` gives those of the vehicle of a row, by its position. What a row states wins over what it implies.
    """
    stated = {f.name: _stated(tests, f) for f in FACTORS}
    texts = tests.get(IMPLIED, pd.Series(None, tests.index, dtype=object))
    chosen = []
    for i, text in enumerate(texts):
        implied: dict[str, Value] = implied_values(text)
        others = {name: value for name, value in standards(i).items() if name not in implied}
        chosen.append({name: value for name, value in (implied | others).items() if not stated[name][i]})
    return chosen


def _stated(tests: pd.DataFrame, factor: Factor) -> np.ndarray:
    """Whether each test states the factor, by its name or by a probability of each level."""
    columns = [c for c in {factor.name, *factor.columns} if c in tests]
    return tests[columns].notna().any(axis=1).to_numpy() if columns else np.zeros(len(tests), bool)


def common_choices(tests: pd.DataFrame, texts: "pd.Series[str]") -> tuple[dict[str, Value], list[dict[str, Value]]]:
    """What is chosen for most of the `tests`, and for each test what is chosen beside it or otherwise.

    `texts` are the choices that `evaluate_tests` names. A value is common only if every other test has a value of its
    factor, too, stated or chosen: nobody may read it as that of a test in which the factor is missing.
    """
    choices = [implied_values(text) for text in texts]
    common: dict[str, Value] = {}
    for name in dict.fromkeys(name for row in choices for name in row):
        factor = next(f for f in FACTORS if f.name == name)
        chosen = [row.get(name) for row in choices]
        value, count = Counter(v for v in chosen if v is not None).most_common(1)[0]
        has_one = _stated(tests, factor) | np.array([v is not None for v in chosen])
        if has_one.all() and 2 * count > len(choices):
            common[name] = value
    return common, [{n: v for n, v in row.items() if common.get(n) != v} for row in choices]
