"""Physics features and head in C, called by themselves: the bits of NumPy, whatever is missing."""

import ctypes
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from acc_decel.compiled import SAME_BITS, firmware_sources
from acc_decel.compiled.compiler import compiled
from acc_decel.ecu.compiler import ZIG
from acc_decel.ecu.host import HostEcu
from acc_decel.export import firmware_files, golden_events, reference_outputs, write_firmware
from acc_decel.export.c_features import value_names
from acc_decel.factors import FACTORS, column_names, ranges, slices
from acc_decel.network import HEAD, LAST, LEAST_BRAKING, DenseNet, contradicting, feature_values, outside_domain
from acc_decel.outputs import DELAY, ORDERED, OUTPUTS
from tests.helpers.random_net import random_events, random_net

COLUMNS, VALUES = column_names(), value_names()
SURFACE = [COLUMNS.index(c) for f in FACTORS if f.name == "surface" for c in f.columns]
OPTIONAL = [own for f, own in zip(FACTORS, slices(FACTORS), strict=True) if f.optional]
NET = random_net(np.random.default_rng(17))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("firmware_export")
    write_firmware(path, firmware_files(NET, model="random", golden=golden_events(FACTORS)))
    return path


@pytest.fixture(scope="module")
def library(folder: Path) -> ctypes.CDLL:
    options = (*ZIG, *SAME_BITS, "-O1", "-shared", "-fPIC")
    return ctypes.CDLL(str(compiled(options, firmware_sources(folder), folder / "features.so")))


def available(event: ndarray) -> ctypes.c_uint32:
    return ctypes.c_uint32(sum(1 << i for i, value in enumerate(event) if not np.isnan(value)))


def features_in_c(library: ctypes.CDLL, events: ndarray) -> ndarray:
    values = np.full((len(events), len(VALUES)), np.nan, np.float32)
    values[:, : len(COLUMNS)] = events
    for event, row in zip(events, values, strict=True):
        library.acc_decel_features(ctypes.c_void_p(row.ctypes.data), available(event))
    np.testing.assert_array_equal(values[:, : len(COLUMNS)], events)
    return values[:, len(COLUMNS) :]


def check_features(net: DenseNet, library: ctypes.CDLL, events: ndarray) -> None:
    expected = feature_values(net.factors, net.constants, events)
    for name, values in zip(VALUES[len(COLUMNS) :], features_in_c(library, events).T, strict=True):
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_features_have_the_bits_of_numpy_for_random_events(library: ctypes.CDLL) -> None:
    check_features(NET, library, random_events(np.random.default_rng(1), 3000))


def test_features_have_the_bits_of_numpy_for_every_pattern_of_missing_factors(library: ctypes.CDLL) -> None:
    patterns = np.array([*product((False, True), repeat=len(OPTIONAL))])
    rng = np.random.default_rng(2)
    known = np.concatenate([_known_event(rng) for _ in range(len(patterns))])
    for missing, event in zip(patterns, known, strict=True):
        for own, lost in zip(OPTIONAL, missing, strict=True):
            event[own] = np.where(lost, np.float32(np.nan), event[own])
    check_features(NET, library, known)


def _known_event(rng: np.random.Generator) -> ndarray:
    low, high = np.array(ranges(FACTORS), np.float32).T
    event = np.clip(rng.uniform(low, high).astype("f4"), low, high)[None]
    for f, own in zip(FACTORS, slices(FACTORS), strict=True):
        if f.levels:
            event[:, own] = np.eye(len(f.levels), dtype="f4")[rng.integers(len(f.levels))]
    return event


def test_features_have_the_bits_of_numpy_at_the_ends_of_all_ranges(library: ctypes.CDLL) -> None:
    rng = np.random.default_rng(3)
    events = np.concatenate([_known_event(rng) for _ in range(2000)])
    low, high = np.array(ranges(FACTORS), np.float32).T
    direct = [own.start for f, own in zip(FACTORS, slices(FACTORS), strict=True) if not f.levels]
    events[:, direct] = np.where(rng.random((2000, len(direct))) < 0.5, low[direct], high[direct])
    check_features(NET, library, events)


def test_the_head_has_the_bits_of_numpy_also_where_a_limit_holds(library: ctypes.CDLL) -> None:
    rng, rows = np.random.default_rng(4), 3000
    sums = rng.normal(3, 6, (rows, LAST)).astype("f4")
    values = np.full((rows, len(VALUES)), np.nan, np.float32)
    values[:, : len(COLUMNS)] = random_events(rng, rows)
    values[:, -len(HEAD) :] = rng.uniform((0, -4, 0, 0), (40, 6, 40, 40), (rows, len(HEAD)))
    surface = np.nan_to_num(values[:, SURFACE])
    outputs = sums[:, : len(OUTPUTS)].copy()
    outputs[:, ORDERED] = NET.head(sums[:, ORDERED], sums[:, len(OUTPUTS) :], values[:, -len(HEAD) :], surface)
    expected = np.clip(outputs, NET.low, NET.high)
    got = np.empty_like(expected)
    for i in range(rows):
        pointers = [ctypes.c_void_p(a[i].ctypes.data) for a in (sums, values)]
        library.acc_decel_head(*pointers, available(values[i, : len(COLUMNS)]), ctypes.c_void_p(got[i].ctypes.data))
    np.testing.assert_array_equal(got, expected)
    road, brake = (values[:, VALUES.index(name)] for name in ("road_limit", "brake_limit"))
    free = expected[:, ORDERED] - values[:, [VALUES.index("resistance")]]
    assert np.isclose(free, NET.head.road_shares * road[:, None]).any(axis=0).all(), "the road limits each quantile"
    assert (np.isclose(free, NET.head.brake_shares * brake[:, None]).any(axis=0)).all(), "so do the brakes"
    assert (np.isclose(free, LEAST_BRAKING).any(axis=0)).all(), "and no brake pushes"
    np.testing.assert_array_equal(got[:, DELAY], sums[:, DELAY])


def test_outside_the_domain_the_answer_is_the_least_of_those_without_a_contradicting_factor(folder: Path) -> None:
    events = random_events(np.random.default_rng(5), 3000)
    outside = outside_domain(NET, events)
    got, _ = HostEcu(folder).predict_array(events)
    np.testing.assert_array_equal(got, reference_outputs(NET, events))
    np.testing.assert_array_equal(got[~outside], NET(events[~outside]))
    least = NET(events[outside])
    for own in (slices(FACTORS)[i] for i in contradicting(FACTORS)):
        without = events[outside].copy()
        without[:, own] = np.nan
        least[:, ORDERED] = np.minimum(least[:, ORDERED], NET(without)[:, ORDERED])
    np.testing.assert_array_equal(got[outside], least)
    assert (least < NET(events[outside]) - 0.1).any(axis=0)[[*ORDERED]].all()
