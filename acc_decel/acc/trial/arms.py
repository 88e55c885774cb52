"""The arms of the trial: ways of choosing a gap, each as what it believes of both cars, and its reaction time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.acc.beliefs import hardest_lead, stopping_curves
from acc_decel.acc.curve import Curve
from acc_decel.acc.trial.pairs import Pairs
from acc_decel.acc.trial.readings import (
    ALL,
    CAMERA,
    FEW,
    FRICTION,
    blinded,
    complete_readings,
    known_only,
    most_probable_surface,
)
from acc_decel.acc.trial.roads import ALL_ROADS
from acc_decel.acc.trial.surface_table import SurfaceTable
from acc_decel.factors import column_names
from acc_decel.following import REACTION_TIME
from acc_decel.predictor import Predictor

RSS_REACTION = 1.0  # [s] and 4 and 8 m/s^2: the defaults of ad-rss-lib
FIXED_DELAY = 0.15  # [s] of the brakes, that an arm without a model allows for


@dataclass(frozen=True)
class Belief:
    """What an arm believes: the own car reaches at least `own`, the lead at most `lead`; a row for each pair, or one.

    `reaction` [s] is what its gap allows for.
    """

    own: Curve
    lead: Curve
    reaction: float = REACTION_TIME


@dataclass(frozen=True)
class Knowledge:
    """All that arms choose from on one road: the pairs, what sensors read of them, models, and the tuned table."""

    pairs: Pairs
    predictor: Predictor
    leads: tuple[Predictor, ...]
    other: Predictor  # the model of another platform
    table: SurfaceTable
    seed: int


@dataclass(frozen=True)
class Arm:
    """One way of choosing a gap."""

    title: str
    believe: Callable[[Knowledge], Belief]

    @property
    def ours(self) -> bool:
        """Whether it uses a model of this package."""
        return isinstance(self.believe, OwnModel)


def _oracle(k: Knowledge) -> Belief:
    """Both cars as they are. It sees a patch of ice ahead, and takes the whole road of the own car for ice."""
    return Belief(k.pairs.own.curve_on_ice or k.pairs.own.curve, k.pairs.lead.curve)


def _constant(own: float, lead: float, reaction: float = REACTION_TIME, delay: float = FIXED_DELAY) -> Belief:
    return Belief(Curve.constant(own, delay), Curve.constant(lead), reaction)


def _fixed_gap(time: float) -> Callable[[Knowledge], Belief]:
    """Equal decelerations cancel: what is left of the gap is the reaction time."""
    return lambda _: _constant(7.5, 7.5, time, 0.0)


def _table(k: Knowledge) -> Belief:
    """The row of the true surface: its best case."""
    own = k.pairs.own.factors
    return _of_table(k, own["surface"].astype(int), own["water_film_mm"] > 0)


def _table_by_camera(k: Knowledge) -> Belief:
    """The row of the most probable surface by the camera, and of the rain sensor."""
    readings = complete_readings(k.pairs, k.predictor.factors, seed=k.seed)
    film = column_names(k.predictor.factors).index("water_film_mm")
    return _of_table(k, most_probable_surface(readings), readings[:, film] > 0)


def _of_table(k: Knowledge, surface: ndarray, wet: ndarray) -> Belief:
    own, lead = k.table.rows_of(surface, wet)
    return Belief(Curve.constant(own, np.full(len(own), FIXED_DELAY)), Curve.constant(lead))


@dataclass(frozen=True)
class OwnModel:
    """The lower quantile of the own car by what it knows, and the hardest lead of all released platforms.

    `known` are the optional factors that the car has a sensor for. A `blind` camera takes ice and snow for asphalt, and
    the `wrong` model is that of another platform.
    """

    known: frozenset[str]
    blind: bool = False
    wrong: bool = False

    def predictor(self, k: Knowledge) -> Predictor:
        """The model that the car carries."""
        return k.other if self.wrong else k.predictor

    def columns(self, k: Knowledge) -> Float32[ndarray, "pairs columns"]:
        """What the sensors of the own cars read; NaN is not available."""
        factors = self.predictor(k).factors
        readings = complete_readings(k.pairs, factors, seed=k.seed)
        return known_only(blinded(readings, k.pairs) if self.blind else readings, factors, self.known)

    def __call__(self, k: Knowledge) -> Belief:
        """The belief in each pair."""
        columns = self.columns(k)
        top = ALL_ROADS[k.pairs.road].top_speed
        own = stopping_curves(self.predictor(k), columns).lower
        return Belief(_up_to(own, top), _up_to(_lead(k, columns), top))


def _lead(k: Knowledge, columns: Float32[ndarray, "pairs columns"]) -> Curve:
    return hardest_lead(k.leads, columns)[0]


def _up_to(curve: Curve, top: float) -> Curve:
    """The same curve without the speeds that no run reaches: the fewer, the quicker are its gaps."""
    nodes = min(int(np.searchsorted(curve.speed, top)) + 1, len(curve.speed))
    return Curve(curve.speed[:nodes], curve.distance[..., :nodes], curve.delay[..., :nodes])


ARMS: dict[str, Arm] = {
    "oracle": Arm("oracle", _oracle),
    "fixed_7.5": Arm("7.5 = 7.5", lambda _: _constant(7.5, 7.5)),
    "rss": Arm("RSS 4 / 8, 1 s", lambda _: _constant(4.0, 8.0, RSS_REACTION, 0.0)),
    "gap_1.45": Arm("gap 1.45 s", _fixed_gap(1.45)),
    "gap_2": Arm("gap 2 s", _fixed_gap(2.0)),
    "gap_3": Arm("gap 3 s", _fixed_gap(3.0)),
    "gap_4": Arm("gap 4 s", _fixed_gap(4.0)),
    "table": Arm("table of 4 surfaces, in hindsight", _table),
    "table_camera": Arm("the same table by camera", _table_by_camera),
    "few": Arm("ours, few", OwnModel(FEW)),
    "few_camera": Arm("ours, few + camera", OwnModel(FEW | CAMERA)),
    "few_friction": Arm("ours, few + friction", OwnModel(FEW | FRICTION)),
    "all": Arm("ours, all", OwnModel(ALL)),
    "all_friction": Arm("ours, all + friction", OwnModel(ALL | FRICTION)),
    "all_blind": Arm("ours, all, camera blind", OwnModel(ALL, blind=True)),
    "all_friction_blind": Arm("ours, all + friction, camera blind", OwnModel(ALL | FRICTION, blind=True)),
    "all_wrong_model": Arm("ours, all, wrong platform", OwnModel(ALL, wrong=True)),
}
FIXED_GAPS = ("gap_1.45", "gap_2", "gap_3", "gap_4")
