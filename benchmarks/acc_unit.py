"""How far the ACC unit in C, which lets each car slow evenly, is from the whole stopping curves of a model.

    python benchmarks/acc_unit.py

For each road: by how much its safe gap is shorter [m], over leads of several strengths, and how long its latest braking
distance to a moving lead is, relative to that of the curve: with a third prediction, without, and with one deceleration
from speed to speed.
"""

import argparse

import numpy as np
from numpy import ndarray

from acc_decel import Predictor, acc
from acc_decel.export.acc_reference import ANSWERS, COLUMNS, acc_answers
from acc_decel.predictor import columns_of

ROADS = {
    "dry": {"surface": "asphalt", "water_film_mm": 0.0, "tread_depth_mm": 6.0},
    "wet": {"surface": "asphalt", "water_film_mm": 1.0, "tread_depth_mm": 5.0},
    "worn_wet": {"surface": "asphalt", "water_film_mm": 1.5, "tread_depth_mm": 2.0},
    "snow": {"surface": "packed_snow", "road_temperature_c": -5.0},
    "ice": {"surface": "ice", "road_temperature_c": -5.0},
}
CAR = {"speed": 20.0, "brake_pressure_bar": 160.0, "mass": 1400.0}
STRENGTHS = (1.0, 0.8, 0.6, 0.4)  # of the hardest lead
ROWS, SEED = 20_000, 1


def answered(columns: dict[str, ndarray], name: str) -> ndarray:
    """One answer of the unit for these states."""
    states = np.full((ROWS, len(COLUMNS)), np.nan, np.float32)
    for column, values in columns.items():
        states[:, COLUMNS.index(column)] = np.ravel(values)
    return acc_answers(states)[0][:, ANSWERS.index(name)].astype(np.float64)


def compare(road: dict[str, object], rng: np.random.Generator) -> str:
    """The line of one road."""
    predictor, lead_predictor = Predictor(), Predictor("sports")
    columns = columns_of(CAR | road, predictor.factors)
    own = acc.stopping_curves(predictor, columns).lower
    lead, _ = acc.hardest_lead([lead_predictor], columns)
    v = rng.uniform(8.0, 36.0, ROWS)
    vl = v * rng.uniform(0.2, 1.0, ROWS)
    state = {
        "speed": v, "deceleration": own.deceleration_from(v), "delay": own.delay_from(v), "lead_speed": vl,
        "reaction": acc.REACTION_TIME, "standstill": 2.0,
    }  # fmt: skip
    short = [
        np.max(acc.safe_gap(own, hard, v, vl).ravel() - answered(state | {"lead_deceleration": hard}, "safe_gap"))
        for hard in (strength * lead.deceleration_from(vl).ravel() for strength in STRENGTHS)
    ]
    exact = acc.latest_braking_distance(own, v, lead_speed=vl).ravel()
    third = answered(state | {"deceleration_at_lead_speed": own.deceleration_from(vl)}, "latest_braking_distance")
    without = answered(state, "latest_braking_distance")
    evenly = (v - vl) * (acc.REACTION_TIME + state["delay"].ravel()) + (v - vl) ** 2 / 2 / state["deceleration"].ravel()
    shorter = "; ".join(f"{max(metres, 0):.2f}" for metres in short)
    return (
        f"{shorter:>24} | {np.min(third - exact):8.3f} {np.median(third / exact):6.2f}"
        f" | {np.min(without - exact):8.3f} {np.median(without / exact):6.2f} | {np.max(exact - evenly):8.1f}"
    )


def main() -> None:
    """Print a line for each road."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    print(f"road     gap short by at most [m], leads of {', '.join(map(str, STRENGTHS))} of the hardest")
    print("         | third prediction: least - exact [m], median | without: the same | evenly: short by [m]")
    for name, road in ROADS.items():
        print(f"{name:8} {compare(road, np.random.default_rng(SEED))}")


if __name__ == "__main__":
    main()
