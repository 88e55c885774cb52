"""Laws of physics that no network may break, anywhere in the box: what is proven is searched for, too."""

from collections.abc import Callable

import numpy as np
import pytest
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.assurance.witness import climbed
from acc_decel.export.reference import CHOICE_SUM
from acc_decel.factors import column_names, slices
from acc_decel.model_folder import DEFAULT_MODEL, folder_of, read_model
from acc_decel.network import DenseNet, contradicting, feature_values, named, outside_domain, predict
from acc_decel.network.features import COLDEST_C, FROZEN_C, SNOW, SURFACE_COLUMNS
from acc_decel.outputs import ORDERED
from tests.helpers.random_net import random_net

ROUNDING = 1e-4  # [m/s^2]
AT = {name: i for i, name in enumerate(column_names())}
Events = Float32[ndarray, "rows columns"]
Worse = Callable[[Events], Events]


@pytest.fixture(scope="module", params=["random", "released"])
def net(request) -> DenseNet:
    """A network of random weights, and the released one of the compact car."""
    if request.param == "random":
        return random_net(np.random.default_rng(11))
    return read_model(folder_of(DEFAULT_MODEL))[0]


def set_to(events: Events, name: str, value: ndarray | float) -> Events:
    changed = events.copy()
    changed[:, AT[name]] = value
    return changed


def most(net: DenseNet, score: Callable[[Events], ndarray], monkeypatch) -> float:
    """The highest score that is found."""
    monkeypatch.setattr("acc_decel.assurance.witness.STARTS", 3000)
    monkeypatch.setattr("acc_decel.assurance.witness.STEPS", 15)
    _, scores = climbed(net.factors, lambda e: score(e).astype(np.float32), np.random.default_rng(5))
    return float(scores.max())


def gain(net: DenseNet, better: Events, *worse: Events) -> ndarray:
    """How much more a quantile is in one of the worse events."""
    base = net(better)[:, ORDERED]
    return np.max([(net(events)[:, ORDERED] - base).max(axis=1) for events in worse], axis=0)


def with_abs(events: Events) -> Events:
    return set_to(events, "abs", 1.0)


def known(events: Events, name: str, low: float, high: float) -> Events:
    values = np.nan_to_num(events[:, AT[name]], nan=(low + high) / 2)
    return set_to(events, name, np.clip(values, low, high).astype(np.float32))


def test_hot_discs_never_help(net, monkeypatch):
    def score(events: Events) -> ndarray:
        cool = known(with_abs(events), "brake_temperature_c", -30.0, 690.0)
        hotter = set_to(cool, "brake_temperature_c", cool[:, AT["brake_temperature_c"]] + 10)
        return gain(net, cool, hotter, set_to(cool, "brake_temperature_c", 700.0))

    assert most(net, score, monkeypatch) < ROUNDING


def test_worn_treads_never_help_in_a_film_of_1_mm_and_more(net, monkeypatch):
    def score(events: Events) -> ndarray:
        wet = known(known(events, "water_film_mm", 1.0, 8.0), "tread_depth_mm", 1.2, 9.0)
        worn = set_to(wet, "tread_depth_mm", wet[:, AT["tread_depth_mm"]] - np.float32(0.2))
        return gain(net, wet, worn, set_to(wet, "tread_depth_mm", 1.0))

    assert most(net, score, monkeypatch) < ROUNDING


def test_worn_treads_may_help_on_a_dry_road(net, monkeypatch):
    def score(events: Events) -> ndarray:
        dry = known(known(events, "water_film_mm", 0.0, 0.0), "tread_depth_mm", 9.0, 9.0)
        return gain(net, dry, set_to(dry, "tread_depth_mm", 1.0))

    assert most(net, score, monkeypatch) > 10 * ROUNDING, "the search finds what is there"


def test_no_road_gives_more_than_the_brakes(net, monkeypatch):
    shares = np.sort(net.head.brake_shares)

    def score(events: Events) -> ndarray:
        values = feature_values(net.factors, net.constants, events)
        limit = values["brake_limit"][:, None] * shares + values["resistance"][:, None]
        return (predict(net, events)[:, ORDERED] - np.maximum(limit, net.low[list(ORDERED)])).max(axis=1)

    assert most(net, score, monkeypatch) < ROUNDING


@pytest.mark.parametrize("place", range(len(SURFACE_COLUMNS)), ids=SURFACE_COLUMNS)
def test_a_certain_surface_bounds_the_answer(net, place, monkeypatch):
    c = named(net.constants)
    best = [*c["best_firm"], max(c["best_snow"]), max(c["best_ice"])][place] * max(net.head.road_shares)
    if place >= SNOW:
        best *= CHOICE_SUM[1] * (1 - (COLDEST_C - FROZEN_C) * c["cold_gain"][place - SNOW])  # of the kinds of tyre

    def score(events: Events) -> ndarray:
        certain = events.copy()
        certain[:, [AT[name] for name in SURFACE_COLUMNS]] = np.eye(len(SURFACE_COLUMNS))[place]
        values = feature_values(net.factors, net.constants, certain)
        limit = np.maximum(best + values["resistance"], net.low[ORDERED[0]])
        return predict(net, certain)[:, ORDERED].max(axis=1) - limit

    assert most(net, score, monkeypatch) < ROUNDING


def test_a_flagged_answer_is_at_most_that_without_each_contradicting_factor(net, monkeypatch):
    def score(events: Events) -> ndarray:
        answer, excess = predict(net, events), []
        for own in (slices(net.factors)[i] for i in contradicting(net.factors)):
            without = events.copy()
            without[:, own] = np.nan
            excess.append((answer - net(without))[:, ORDERED].max(axis=1))
        over = np.max([*excess, (answer - net(events))[:, ORDERED].max(axis=1)], axis=0)
        return np.where(outside_domain(net, events), over, -1)

    assert -1 < most(net, score, monkeypatch) <= 0
