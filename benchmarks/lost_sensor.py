"""What a sensor that is lost does to the interval and to its lower bound, event by event: the released models.

`python benchmarks/lost_sensor.py`. Needs the extra [train] and half a minute.

Events of the model's vehicle as its sensors see them are drawn (no training has seen them, factors missing
included). In every event that has an optional factor, that factor is taken away; only events count that are in the
trained domain before and after. On average the interval then widens and
the lower bound falls; this says in how many events it does not, and by how much.
"""

import argparse
import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from acc_decel import Predictor
from acc_decel.dataset import events_table
from acc_decel.factors import Factor, column_names, slices
from acc_decel.outputs import LOWER, UPPER
from acc_decel.physics import vehicle
from acc_decel.status import OUTSIDE_DOMAIN, REFUSED

EVENTS, SEED = 20_000, 30_001  # far from the seeds that train models


class Loss(NamedTuple):
    """What happens when one factor is lost, over the events that had it. Decelerations are m/s^2."""

    factor: str
    events: int
    narrower_pct: float  # events whose 90 % interval gets narrower
    raised_pct: float  # events whose lower bound (5 % quantile) rises
    mean_change: float  # of the lower bound
    rise_99: float  # the lower bound rises by less in 99 of 100 events
    largest_rise: float  # of the lower bound


def columns_of_events(model: Predictor, events: int, seed: int) -> ndarray:
    """Columns of new events of the model's vehicle, as its sensors see them."""
    table = events_table(vehicle(model.vehicle), seed=seed, first=0, events=events)
    return np.stack([table[name].to_numpy() for name in column_names()], axis=1).astype(np.float32)


def losses(model: Predictor, columns: ndarray) -> Iterator[Loss]:
    """For each optional factor, what its loss does to the answers to `columns`."""
    before, status = model.predict_array(columns)
    for factor, own in zip(model.factors, slices(model.factors), strict=True):
        if factor.optional:
            yield loss(model, factor, own, columns, before, status)


def loss(model: Predictor, factor: Factor, own: slice, columns: ndarray, before: ndarray, status: ndarray) -> Loss:
    """What the loss of `factor`, whose columns are `own`, does to the answers `before`."""
    without = columns.copy()
    without[:, own] = np.nan
    after, lost = model.predict_array(without)
    known = ~np.isnan(columns[:, own]).any(axis=1)
    counted = known & ((status | lost) & (OUTSIDE_DOMAIN | REFUSED) == 0)
    old, new = before[counted].astype(float), after[counted].astype(float)
    widening = (new[:, UPPER] - new[:, LOWER]) - (old[:, UPPER] - old[:, LOWER])
    rise = new[:, LOWER] - old[:, LOWER]
    return Loss(
        factor.name,
        int(counted.sum()),
        100 * float((widening < 0).mean()),
        100 * float((rise > 0).mean()),
        float(rise.mean()),
        float(np.quantile(rise, 0.99)),
        float(rise.max()),
    )


def main() -> None:
    """Print the losses of each factor for one model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="compact")
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    model = Predictor(options.model)
    rows = list(losses(model, columns_of_events(model, options.events, options.seed)))
    if options.json:
        print(json.dumps([row._asdict() for row in rows], indent=1))
        return
    print(f"{model.vehicle}, {options.events} events: what the loss of one factor does to the lower bound [m/s^2]")
    print(f"{'lost':20} {'events':>7} {'narrower':>9} {'raised':>8} {'mean':>6} {'99 %':>6} {'most':>6}")
    for row in rows:
        shares = f"{row.narrower_pct:7.1f} % {row.raised_pct:6.1f} %"
        changes = f"{row.mean_change:+6.2f} {row.rise_99:+6.2f} {row.largest_rise:+6.2f}"
        print(f"{row.factor:20} {row.events:7} {shares} {changes}")


if __name__ == "__main__":
    main()
