"""The vocabulary: everything is computed from one list of factors, and there is no second one."""

import ast
import inspect
from dataclasses import replace
from pathlib import Path

import pytest

from acc_decel.dataset import CAUSES
from acc_decel.factors import (
    EXCLUSIONS,
    FACTORS,
    FREE,
    Factor,
    column_factors,
    column_names,
    described,
    owners,
    ranges,
    schema,
    slices,
    with_range,
)
from acc_decel.outputs import OUTPUTS
from acc_decel.physics import stops
from acc_decel.status import NOT_AVAILABLE_SHIFT, OUT_OF_RANGE_SHIFT, OUTSIDE_DOMAIN, REFUSED, describe, flags
from acc_decel.status import not_available as named_not_available
from acc_decel.status import out_of_range as named_out_of_range

ROOT = Path(__file__).parents[1]
NAMES = {f.name for f in FACTORS}
LIST = ROOT / "acc_decel" / "factors.py"
SOURCES = [p for folder in ("acc_decel", "tests") for p in sorted((ROOT / folder).rglob("*.py")) if p != LIST]
LONGEST_LIST = 2  # more factor names than that in one bracket are a second list


def lists_of_names(source: str) -> list[tuple[int, list[str]]]:
    """Line and names of each tuple, list or set made of three or more factor names; an event as a dict is none."""
    found = []
    for node in ast.walk(ast.parse(source)):
        entries = getattr(node, "elts", [])
        names = [e.value for e in entries if isinstance(e, ast.Constant) and e.value in NAMES]
        if len(entries) == len(names) > LONGEST_LIST and len(set(names)) == len(names):
            found.append((node.lineno, names))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_keeps_a_second_list_of_factor_names(path):
    assert not lists_of_names(path.read_text())


def test_a_second_list_of_factor_names_would_be_found():
    three = [f.name for f in FACTORS[:3]]
    assert lists_of_names(f"x = {three!r}")
    assert lists_of_names(f"x = {tuple(three)!r}")
    assert not lists_of_names(f"x = {three[:2]!r}")


def test_the_physics_knows_exactly_the_factors_that_are_causes():
    signature = inspect.signature(stops).parameters
    named = {n for n, p in signature.items() if p.kind is p.KEYWORD_ONLY} - {"latents"}
    assert named == {f.name for f in FACTORS if not f.estimate} == {f.name for f in CAUSES}


def test_names_of_factors_and_columns_are_unique():
    assert len(NAMES) == len(FACTORS)
    assert len(set(column_names())) == len(column_names())


@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_a_factor_is_well_formed(f: Factor):
    assert f.low < f.high
    assert 0 < f.step <= f.high - f.low
    assert f.meaning and f.meaning.isascii() and f.unit.isascii()
    assert f.name == f.name.lower() and f.name.isidentifier()
    assert f.forced_while in {"", *NAMES} - {f.name}
    assert f.standard is None or f.low <= f.standard <= f.high
    assert f.columns == (tuple(f"{f.name}_{level}" for level in f.levels) if f.levels else (f.name,))
    assert not (f.levels and f.direction != FREE), "a choice has no direction"


@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_a_name_wears_its_unit_unless_it_is_si(f: Factor):
    suffixes = {"bar": "_bar", "degC": "_c", "mm": "_mm"}
    assert f.name.endswith(suffixes.get(f.unit, "")), f"{f.name} is in {f.unit}"


@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_a_refusal_names_factor_range_and_value(f: Factor):
    sentence = f.refusal("plaid" if f.levels else 2 * f.high + 1000.0)
    assert f.name in sentence
    assert f.named_meaning in sentence
    assert ("plaid" if f.levels else f"{2 * f.high + 1000:g}") in sentence
    assert (f.choices if f.levels else f.span) in sentence


MISTAKES = [(f, unit, (f.high - offset) / size) for f in FACTORS for unit, size, offset in f.mistaken_for]


@pytest.mark.parametrize(("f", "unit", "foreign"), [m for m in MISTAKES if not m[0].low <= m[2] <= m[0].high])
def test_a_value_in_another_unit_is_recognised_by_its_magnitude(f: Factor, unit, foreign):
    assert "If that was" in f.refusal(foreign * (1 - 1e-9))


def test_a_speed_in_km_h_is_told_in_m_s():
    speed = next(f for f in FACTORS if f.name == "speed")
    assert speed.refusal(130.0).endswith("Got 130. If that was km/h, give 36.11.")


def test_columns_follow_the_order_of_the_factors():
    owners = [next(f.name for f in FACTORS if c in f.columns) for c in column_names()]
    assert list(dict.fromkeys(owners)) == [f.name for f in FACTORS]


CHANGES = {
    "a factor appended": lambda factors: (*factors, Factor("moon_phase", 0.0, 1.0, 0.1, "", "phase of the moon")),
    "a factor removed": lambda factors: factors[:-1],
    "two factors swapped": lambda factors: (factors[1], factors[0], *factors[2:]),
    "a factor renamed": lambda factors: (replace(factors[0], name="pace"), *factors[1:]),
    "a unit changed": lambda factors: (replace(factors[0], unit="km/h"), *factors[1:]),
    "a direction changed": lambda factors: (replace(factors[0], direction=1), *factors[1:]),
    "a gate opened": lambda factors: tuple(replace(f, forced_while="") for f in factors),
    "a half-saturation removed": lambda factors: tuple(replace(f, half_saturation=0.0) for f in factors),
    "an estimate made a cause": lambda factors: tuple(replace(f, estimate=False) for f in factors),
    "a factor made optional": lambda factors: (replace(factors[0], optional=True), *factors[1:]),
    "a level added": lambda factors: tuple(replace(f, levels=(*f.levels, "sand")) if f.levels else f for f in factors),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_schema_changes_with(change):
    assert schema(change(FACTORS)) != schema(FACTORS)


def test_the_schema_is_the_same_for_a_platform_with_its_own_mass():
    narrowed = with_range(FACTORS, "mass", 1000.0, 1500.0)
    assert schema(narrowed) == schema() == schema(FACTORS)
    assert [(f.low, f.high) for f in narrowed if f.name == "mass"] == [(1000.0, 1500.0)]
    assert [f for f in narrowed if f.name != "mass"] == [f for f in FACTORS if f.name != "mass"]


@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_a_file_is_told_everything_about_a_factor(f: Factor):
    told_of = next(d for d in described(FACTORS) if d["name"] == f.name)
    assert told_of["unit"] == f.unit and told_of["meaning"] == f.meaning
    assert (told_of["low"], told_of["high"], told_of["step"]) == (f.low, f.high, f.step)
    assert told_of["levels"] == f.levels and told_of["optional"] == f.optional


def test_exclusions_speak_of_columns_that_exist():
    for e in EXCLUSIONS:
        factor = next(f for f in FACTORS if f.name == e.factor)
        assert e.column in column_names()
        assert factor.low <= e.limit <= factor.high
        assert 0 <= e.threshold < next(f.high for f in FACTORS if e.column in f.columns)


@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_the_status_has_a_bit_of_its_own_for_each_factor(f: Factor):
    i = FACTORS.index(f)
    outside, missing = 1 << (OUT_OF_RANGE_SHIFT + i), 1 << (NOT_AVAILABLE_SHIFT + i)
    assert (named_out_of_range(outside), named_not_available(outside)) == ((f.name,), ())
    assert (named_out_of_range(missing), named_not_available(missing)) == ((), (f.name,))
    assert flags(outside | missing) == ()
    assert f.name in describe(outside)
    assert f.name in describe(missing)


def test_a_status_is_told_in_words():
    assert describe(0) == "ok"
    assert flags(OUTSIDE_DOMAIN | REFUSED) == ("OUTSIDE_DOMAIN", "REFUSED")
    assert "no prediction" in describe(REFUSED)


def test_every_output_says_its_unit():
    assert all(meaning.isascii() and meaning.endswith(("[m/s^2]", "[s]")) for meaning in OUTPUTS.values())


def test_the_layout_of_the_columns_is_the_same_said_in_every_way():
    names, owned = column_names(), owners()
    assert [names[own] for own in slices()] == [f.columns for f in FACTORS]
    assert [f.name for f in column_factors()] == [FACTORS[i].name for i in owned]
    assert all(column in FACTORS[i].columns for column, i in zip(names, owned, strict=True))
    assert ranges() == [(f.low, f.high) for f in FACTORS for column in f.columns]
