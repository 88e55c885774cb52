"""One part of the trial: all runs of one arm on one road in one scenario, as a table."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy import ndarray

from acc_decel.acc.stop import warning_distance
from acc_decel.acc.trial import loop
from acc_decel.acc.trial.arms import ARMS, Belief, Knowledge
from acc_decel.acc.trial.course import Course
from acc_decel.acc.trial.pairs import Pairs, draw_pairs
from acc_decel.acc.trial.recorded_leads import RecordedLead
from acc_decel.acc.trial.roads import ALL_ROADS, PATCHED
from acc_decel.acc.trial.scenes import SCENARIOS, Planning, Start, planning, recorded_start, start_of
from acc_decel.acc.trial.surface_table import SurfaceTable, tuned_table
from acc_decel.following import DRIVER_TIME, REACTION_TIME
from acc_decel.physics import Vehicle, vehicle
from acc_decel.predictor import Predictor

CAR_LENGTH = 4.7  # [m] that a car takes of its lane


@dataclass(frozen=True)
class Settings:
    """What decides the result of a trial, beside the models: `runs` of each part, seed, and step of the plant [s]."""

    runs: int = 300
    seed: int = 1
    step: float = loop.STEP


class Rig:
    """The rig of a trial: models and settings, what is drawn on each road, and what arms believe there.

    The last road and the last arm are kept, as the parts of a trial come in that order.
    """

    def __init__(
        self,
        predictor: Predictor,
        leads: tuple[Predictor, ...],
        other: Predictor,
        settings: Settings,
        recorded: tuple[RecordedLead, ...] = (),
    ) -> None:
        """`other` is the model of another platform, for the arm that carries the wrong one; `recorded` are leads."""
        self.predictor, self.leads, self.other, self.settings = predictor, leads, other, settings
        self.recorded = recorded
        self.own: Vehicle = vehicle(predictor.vehicle)
        self._pairs: dict[str, Pairs] = {}
        self._beliefs: dict[tuple[str, str], tuple[Belief, Planning]] = {}

    @cached_property
    def table(self) -> SurfaceTable:
        """The table by surface, tuned in hindsight."""
        return tuned_table(self.own, pairs=self.settings.runs, seed=self.settings.seed)

    def pairs(self, road: str) -> Pairs:
        """The pairs of cars on a road, the same for every arm and scenario."""
        if road not in self._pairs:
            rng = np.random.default_rng(self._stream(road))
            patch = road in PATCHED
            pairs = draw_pairs(road, self.settings.runs, own=self.own, rng=rng, patch=patch)
            self._pairs, self._beliefs = {road: pairs}, {}
        return self._pairs[road]

    def knowledge(self, road: str) -> Knowledge:
        """What arms choose from on a road."""
        seed = int(np.random.SeedSequence(self._stream(road)).generate_state(1)[0])
        return Knowledge(self.pairs(road), self.predictor, self.leads, self.other, self.table, seed)

    def belief(self, arm: str, road: str) -> tuple[Belief, Planning]:
        """What an arm believes of the pairs on a road, and what its planner needs of that."""
        key = arm, road
        if key not in self._beliefs:
            k = self.knowledge(road)
            belief = ARMS[arm].believe(k)
            self._beliefs = {key: (belief, planning(belief, k.pairs.speed))}
        return self._beliefs[key]

    def _stream(self, road: str, *more: int) -> list[int]:
        return [self.settings.seed, list(ALL_ROADS).index(road), *more]

    def start(self, scenario: str, road: str, belief: Belief, plan: Planning) -> Start:
        """How the runs of a scenario start with such a belief. Raises ValueError where recorded leads are missing."""
        rng = np.random.default_rng(self._stream(road, list(SCENARIOS).index(scenario)))
        if SCENARIOS[scenario].scene == loop.RECORDED:
            return recorded_start(self.recorded, self.pairs(road), plan, rng)
        return start_of(scenario, self.pairs(road), belief, plan, rng)

    def course(self, scenario: str, road: str, start: Start) -> Course:
        """What the loop needs of these runs."""
        pairs, brakes, tyres = self.pairs(road), self.own.brakes, self.own.tyres
        gain = (brakes.front_torque_per_bar + brakes.rear_torque_per_bar) / tyres.radius
        return Course(
            SCENARIOS[scenario].scene,
            (pairs.own.events, pairs.own.on_ice, pairs.lead.events, pairs.lead.on_ice),
            np.ascontiguousarray(start.patch),
            start.table,
            np.zeros((len(start.speed), 0)) if start.recorded is None else start.recorded,
            (brakes.full_pressure_bar, gain),
            SCENARIOS[scenario].longest,
            self.settings.step,
        )

    def run(self, arm: str, road: str, scenario: str, *, trace: ndarray | None = None) -> pd.DataFrame:
        """The runs of one part, a row each; `trace` [runs, rows, loop.TRACE] is filled as far as it has rows."""
        belief, plan = self.belief(arm, road)
        start = self.start(scenario, road, belief, plan)
        return self.table_of(road, start, belief, self.course(scenario, road, start).whole(plan, trace))

    def table_of(self, road: str, start: Start, belief: Belief, results: ndarray) -> pd.DataFrame:
        """The runs of one part with their results [runs, loop.RESULTS], a row each."""
        pairs = self.pairs(road)
        table = {"run": np.arange(len(start.speed)), "speed": start.speed, "set_speed": pairs.speed, "gap_m": start.gap}
        table |= dict(zip(loop.RESULTS, results.T, strict=True))
        table |= {} if start.limited is None else {"lead_limited": start.limited}
        return pd.DataFrame(table | _derived(table) | _warnings(pairs, belief))


def _derived(table: dict[str, ndarray]) -> dict[str, ndarray]:
    """Time gap [s] at the start and the capacity of a lane [veh/h] at it; NaN where the car stands."""
    speed = np.where(table["speed"] > 0, table["speed"], np.nan)
    return {"time_gap_s": table["gap_m"] / speed, "capacity_veh_h": 3600 * speed / (table["gap_m"] + CAR_LENGTH)}


def _warnings(pairs: Pairs, belief: Belief) -> dict[str, ndarray]:
    """From which distance [m] to a standing obstacle the driver is warned, and from which it would be right."""
    speed = pairs.speed
    distances = {"warning_m": belief.own, "right_warning_m": pairs.own.curve_on_ice or pairs.own.curve}
    return {
        name: np.broadcast_to(warning_distance(car, speed, REACTION_TIME, driver=DRIVER_TIME), speed.shape)
        for name, car in distances.items()
    }
