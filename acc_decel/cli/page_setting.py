"""What the what-if page shows of the ACC and its trial: roads, sensors, lanes, and the table of a vehicle."""

from typing import Any, cast

import numpy as np

from acc_decel import acc
from acc_decel.factors import FACTORS
from acc_decel.following import GAP, MIN_TIME_GAP, REACTION_TIME, REST_GAP, TOP_SPEED
from acc_decel.integration.page import Arm, Knowledge, Lanes, Road, Setting, Table, TableRows, Vehicle
from acc_decel.outputs import OUTPUT_LIMITS

PAIRS, SEED = 300, 1  # of each road, that the table is tuned on: as the trial does
OVER = "water_film_mm"
ARMS = ("fixed_7.5", "rss")  # of the trial, whose belief is constant
KNOWLEDGE = ("few", "few_camera", "all")  # of the trial, without a measured friction: nothing here measures it


def setting() -> Setting:
    """What all cars have in common; needs the extra [train]."""
    from acc_decel.acc import trial  # noqa: PLC0415 - compiled by Numba
    from acc_decel.acc.trial.arms import OwnModel  # noqa: PLC0415

    knowledge = [Knowledge("none but speed and brakes", [])]
    for name in KNOWLEDGE:
        arm = trial.ARMS[name]
        if isinstance(arm.believe, OwnModel):
            known = [f.name for f in FACTORS if f.name in arm.believe.known]
            knowledge.append(Knowledge(arm.title.removeprefix("ours, "), known))
    roads = [Road(name, _values(road), dict(road.handicap)) for name, road in trial.ROADS.items()]
    return Setting(roads, trial.ROAD_OF_STOP, OVER, knowledge, _lanes())


def _values(road: Any) -> dict[str, float | str]:
    """The factors that a road of the trial gives values to, with the tyres that are driven on it."""
    from acc_decel.acc.trial.pairs import LEVELS, TYRES_COLD, TYRES_WARM  # noqa: PLC0415

    tyre = LEVELS["tyre_kind"][int(np.argmax(TYRES_COLD if road.cold else TYRES_WARM))]
    values = {f.name: getattr(road, f.name) for f in FACTORS if hasattr(road, f.name)}
    return values | {"tyre_kind": tyre}


def _lanes() -> Lanes:
    from acc_decel.acc import trial  # noqa: PLC0415
    from acc_decel.acc.trial.arms import FIXED_DELAY  # noqa: PLC0415

    arms = []
    for name in ARMS:
        belief = trial.ARMS[name].believe(cast(Any, None))  # constant, whatever is known
        own, lead = (float(curve.deceleration_from(TOP_SPEED)) for curve in (belief.own, belief.lead))
        delay = float(belief.own.delay_from(TOP_SPEED))
        arms.append(Arm(name.split("_")[0], trial.ARMS[name].title, own, lead, belief.reaction, delay, own == lead))
    return Lanes(
        arms,
        _table_rows(FIXED_DELAY),
        REACTION_TIME,
        REST_GAP,
        MIN_TIME_GAP,
        GAP.high,
        OUTPUT_LIMITS["deceleration"][1],
        arms[0].own,
        [float(speed) for speed in acc.GRID],
    )


def _table_rows(delay: float) -> TableRows:
    from acc_decel.acc.trial.pairs import LEVELS  # noqa: PLC0415
    from acc_decel.acc.trial.surface_table import ROWS, row_of  # noqa: PLC0415

    levels = np.arange(len(LEVELS["surface"]))
    rows = [row_of(levels, np.full(len(levels), wet)) for wet in (False, True)]
    return TableRows(ROWS, "surface", "water_film_mm", np.stack(rows, axis=1).tolist(), delay)


def vehicle_of(name: str) -> Vehicle:
    """A vehicle by the name that is shipped, or by its TOML file; needs the extra [train].

    The table is the one of the trial: tuned in hindsight on full stops of this car and of leads on the same roads.
    """
    from acc_decel.acc.trial.surface_table import tuned_table  # noqa: PLC0415
    from acc_decel.physics import vehicle  # noqa: PLC0415

    car = vehicle(name)
    table = tuned_table(car, pairs=PAIRS, seed=SEED)
    own, lead = ([round(float(value), 4) for value in side] for side in (table.own, table.lead))
    kerb, gross = car.body.kerb_mass, car.body.gross_mass
    usual = round(kerb + 0.3 * (gross - kerb), -1)  # what the trial loads a car with, in the mean
    return Vehicle(car.description, {"mass": gross}, {"mass": usual}, Table(own, lead))
