"""The proven range of every physics feature: no accepted event is outside, and it is not much wider than needed."""

import numpy as np
import pytest
from helpers.random_net import random_events

from acc_decel.export.feature_ranges import feature_ranges
from acc_decel.factors import FACTORS, column_factors, ranges, with_range
from acc_decel.network import FEATURES, HEAD, named
from acc_decel.network.feature_constants import feature_constants
from acc_decel.network.features import feature_values
from acc_decel.physics import vehicle

CONSTANTS = feature_constants(vehicle("compact"))
ROWS = 20_000


def corners(rng: np.random.Generator, events: np.ndarray) -> np.ndarray:
    """The events with most values at one of the ends of their range; one kind of each choice is certain."""
    ends = np.array(ranges(FACTORS), np.float32)
    chosen = ends[np.arange(len(ends)), rng.integers(0, 2, events.shape)]
    choice = np.array([bool(f.levels) for f in column_factors(FACTORS)])
    moved = np.where(np.isnan(events) | (rng.random(events.shape) < 0.2) | choice, events, chosen)
    return np.where(choice & ~np.isnan(events), np.round(events), moved).astype(np.float32)


def accepted_choices(events: np.ndarray) -> np.ndarray:
    """Which events have choices that are accepted."""
    at, mask = 0, np.ones(len(events), np.bool_)
    for f in FACTORS:
        own = events[:, at : at + len(f.columns)]
        at += len(f.columns)
        if f.levels:
            total = own.sum(axis=1)
            mask &= np.isnan(total) | ((total >= np.float32(0.99)) & (total <= np.float32(1.01)))
    return mask


def test_no_accepted_event_is_outside_the_range_of_a_feature():
    rng = np.random.default_rng(1)
    drawn = random_events(rng, ROWS)
    events = np.concatenate([drawn, corners(rng, drawn), corners(rng, random_events(rng, ROWS))])
    events = events[accepted_choices(events)]
    limits = feature_ranges(FACTORS, CONSTANTS)
    for name, values in feature_values(FACTORS, CONSTANTS, events).items():
        low, high = limits[name]
        assert low <= values.min() and values.max() <= high, (name, low, values.min(), values.max(), high)


def test_the_ranges_are_those_of_all_features_and_of_the_head():
    assert set(feature_ranges(FACTORS, CONSTANTS)) == {*(f.name for f in FEATURES), *HEAD}


@pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.name)
def test_a_range_is_at_most_five_times_as_wide_as_the_values_that_occur(feature):
    values = feature_values(FACTORS, CONSTANTS, random_events(np.random.default_rng(2), ROWS))[feature.name]
    low, high = feature_ranges(FACTORS, CONSTANTS)[feature.name]
    assert high - low <= 5 * (values.max() - values.min())


def test_a_narrower_range_of_a_factor_makes_the_features_of_it_narrower():
    heavy = with_range(FACTORS, "mass", 2000.0, 2400.0)
    assert feature_ranges(heavy, CONSTANTS)["brake_limit"][1] < feature_ranges(FACTORS, CONSTANTS)["brake_limit"][1]


def test_constants_with_which_a_divisor_may_be_0_are_refused():
    with pytest.raises(ValueError, match="divisor of a feature must not be 0"):
        feature_ranges(FACTORS, np.zeros_like(CONSTANTS))


def test_constants_that_are_too_large_are_refused():
    named(constants := CONSTANTS.copy())["compound"][:] = 1e38
    with pytest.raises(ValueError, match="expected_limit must have a finite range"):
        feature_ranges(FACTORS, constants * np.float32(2))
