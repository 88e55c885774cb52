"""How much of a shifted car's error the adaptation takes away, and whether its intervals hold.

    python benchmarks/adapting.py [--cars 20] [--ways 5] [--tuned 1] [--trials 100]

Method: the physics with a car that differs from its file drives on dry and wet asphalt (tests/shifted_cars.py), every
factor told as the car's sensors believe it, no estimate of friction. Error: of the released model against the measured
deceleration of 1,000 held-out stops, before and after a correction from 20 stops; `own` is the error of the model on a
car that is as its file says, which no correction can go below. `added` is what the shift adds to it in the mean square.
Coverage: the one-sided 95 % bound of the released model on the shifted car, then the same bound adapting over a stream
of 500 stops (in them, and on 1,000 stops after them), then both ways together, bound on top of the correction.
Ways: what each way to adapt makes of the same 20 stops, on 500 held out. `light` is scale and bias on the network;
`file` and `adapted` are the physics itself, of the vehicle file and of that which `drives adapt` makes of it; `tuned`
is the network fine-tuned (`train --from`, 5 epochs) on 100,000 events of the adapted car, the mean of fewer cars.
`ratio` is after over before. Extra mass that was found is added to the mass that is believed.
Parameters: cars drawn from the prior, 40 stops each with 15 to 160 bar at known conditions, roads that differ from stop
to stop, noisy measurements; `inside` is the share of the cars whose true value lies in the stated 95 % interval.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from acc_decel.adaptation import PARAMETERS, Fit, LowerBound, fit_correction, fit_parameters
from acc_decel.dataset import generate, load_dataset
from acc_decel.model_folder import read_model
from acc_decel.network import predict
from acc_decel.outputs import LOWER, MEDIAN
from acc_decel.physics import stops, vehicle
from acc_decel.predictor import Predictor
from tests.helpers import shifted_cars as cars

HOME = Path(__file__).parents[1]

KNOWN_STOPS, FIRST_TRIAL = 40, 5_000
LABELLED, STREAM, HELD_OUT = 20, 500, 1_000
SHIFTS = {
    "load +250 kg, brakes -10 %": cars.Shift(load=250, brakes=-0.10),
    "load, brakes, tyres -7 %": cars.Shift(load=250, brakes=-0.10, tyres=-0.07),
    "tyres -20 %": cars.Shift(tyres=-0.20),
    "grade sensor off by 6 %": cars.Shift(downhill=0.06),
    "load, brakes, grade off by 6 %": cars.Shift(load=250, brakes=-0.10, downhill=0.06),
    "drag area +1.5 m^2": cars.Shift(drag_area=1.5),
}
KINDS = {"service, 15 to 60 bar": cars.SERVICE_BAR, "full, 100 to 160 bar": cars.FULL_BAR, "mixed": (15.0, 160.0)}
NAMED = {  # the three kinds that must lose half their error, where each of them matters, and all at once
    "load and brakes, service": ("load +250 kg, brakes -10 %", cars.SERVICE_BAR),
    "tyres, full": ("tyres -20 %", cars.FULL_BAR),
    "grade sensor, service": ("grade sensor off by 6 %", cars.SERVICE_BAR),
    "load, brakes, grade, mixed": ("load, brakes, grade off by 6 %", (15.0, 160.0)),
}
TUNING_EVENTS = 100_000
WAYS = ("shift", "cars", "network", "light", "ratio", "tuned", "ratio", "file", "adapted", "ratio")
ERRORS = ("stops", "shift", "own", "before", "after", "ratio", "added")
COVERAGES = ("released", "bound, in 500", "bound, later", "both, in 500", "both, later")


def rms(error: np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(error**2)))


def one_car(shift: cars.Shift, bar: tuple[float, float], seed: int) -> tuple[float, ...]:
    """Errors before and after, and coverages, of one car."""
    car, predictor, rng = vehicle("compact"), Predictor("compact"), np.random.default_rng(seed)
    seen = cars.stopped(car, shift, rng, LABELLED + STREAM + HELD_OUT, bar)
    outputs, _ = predictor.predict_array(cars.columns(car, seen.told))
    few, held = slice(0, LABELLED), slice(LABELLED + STREAM, None)
    fitted = fit_correction(outputs[few, MEDIAN].astype(float), seen.deceleration[few])
    after = fitted.outputs(outputs)
    alone = followed(outputs[LABELLED:, LOWER], seen.deceleration[LABELLED:])
    both = followed(after[LABELLED:, LOWER], seen.deceleration[LABELLED:])
    true = seen.deceleration[held]
    return (
        rms(outputs[held, MEDIAN] - true),
        rms(after[held, MEDIAN] - true),
        float(np.mean(true >= outputs[held, LOWER])),
        *alone,
        *both,
    )


def followed(lower: np.ndarray, measured: np.ndarray) -> tuple[float, float]:
    """Coverage over the stream of a bound that adapts from stop to stop, and on the stops after it."""
    bound, held = LowerBound(), 0
    for low, reached in zip(lower[:STREAM].tolist(), measured[:STREAM].tolist(), strict=True):
        held += reached >= bound.bound(low)
        bound = bound.after(low, reached)
    return held / STREAM, float(np.mean(measured[STREAM:] >= lower[STREAM:] - bound.offset))


def rows(count: int) -> list[tuple[str, ...]]:
    """A row for each kind of stop and shift."""
    told = []
    for kind, bar in track(list(KINDS.items()), description="cars", transient=True):
        own = np.mean([one_car(cars.Shift(), bar, 100 + i)[0] for i in range(count)])
        for name, shift in ({"none": cars.Shift()} | SHIFTS).items():
            told.append(_row(kind, name, own, np.array([one_car(shift, bar, 100 + i) for i in range(count)])))
    return told


def _row(kind: str, name: str, own: float, every: np.ndarray) -> tuple[str, ...]:
    before, after, *shares = every.mean(axis=0)
    added = [np.sqrt(max(e**2 - own**2, 0.0)) for e in (before, after)]
    errors = (f"{own:.2f}", f"{before:.2f}", f"{after:.2f}", f"{after / before:.2f}")
    coverage = (f"{100 * share:.1f}" for share in shares)
    return kind, name, *errors, f"{added[0]:.2f} to {added[1]:.2f}", *coverage


def print_errors(count: int) -> None:
    """The table of errors and coverages."""
    table = Table(title="error of the deceleration, m/s^2, and coverage of the one-sided 95 % bound, %")
    for head in (*ERRORS, *COVERAGES):
        table.add_column(head, overflow="fold")
    for row in rows(count):
        table.add_row(*row)
    Console(width=150).print(table)


def one_way(shift: cars.Shift, bar: tuple[float, float], seed: int, *, tuned: bool) -> tuple[float, ...]:
    """Errors of one car: network, light way, tuned network (NaN unless asked for), file's physics, adapted physics."""
    car, predictor = vehicle("compact"), Predictor("compact")
    seen = cars.stopped(car, shift, np.random.default_rng(seed), LABELLED + STREAM, bar)
    outputs, _ = predictor.predict_array(cars.columns(car, seen.told))
    few, held = slice(0, LABELLED), slice(LABELLED, None)
    true = seen.deceleration[held]
    light = fit_correction(outputs[few, MEDIAN].astype(float), seen.deceleration[few]).outputs(outputs)
    known = {name: column[few] for name, column in seen.told.items()}
    fit = fit_parameters(car, known, seen.deceleration[few], seen.delay[few])
    extra = next(e.adopted for e in fit.estimates if e.name == "extra_mass")
    told = {name: column[held] for name, column in seen.told.items()}
    heavier = told | {"mass": told["mass"] + extra}
    answers = (
        outputs[held, MEDIAN],
        light[held, MEDIAN],
        tuned_answers(fit, heavier) if tuned else np.full(len(true), np.nan),
        stops(car, **told)["deceleration"],
        stops(fit.vehicle, **heavier)["deceleration"],
    )
    return tuple(rms(answer - true) for answer in answers)


def tuned_answers(fit: Fit, told: dict[str, np.ndarray]) -> np.ndarray:
    """What the released network says of stops, fine-tuned for the adapted car."""
    from acc_decel.network.fine_tuning import fine_tune

    net, _ = read_model(Predictor("compact").path.parent)
    with tempfile.TemporaryDirectory() as folder:
        generate(fit.vehicle, Path(folder) / "data", events=TUNING_EVENTS, seed=3)
        tuned = fine_tune(net, load_dataset(Path(folder) / "data"), fit.vehicle.factors)
    return predict(tuned, cars.columns(fit.vehicle, told))[:, MEDIAN]


def print_ways(count: int, tuned: int) -> None:
    """The table of ways; the first `tuned` cars are fine-tuned, too."""
    table = Table(title=f"RMS error of the deceleration, m/s^2, after {LABELLED} stops")
    for head in WAYS:
        table.add_column(head)
    for name, (shift, bar) in track(list(NAMED.items()), description="ways", transient=True):
        every = np.array([one_way(SHIFTS[shift], bar, 100 + i, tuned=i < tuned) for i in range(count)])
        network, light, _, file, adapted = every.mean(axis=0)
        some = every[:tuned]
        before, after = some[:, 0].mean() if tuned else np.nan, some[:, 2].mean() if tuned else np.nan
        cells = (network, light, light / network, after, after / before, file, adapted, adapted / file)
        table.add_row(name, f"{count}", *(f"{cell:.2f}" for cell in cells))
    Console(width=150).print(table)


def parameter_rows(trials: int) -> list[tuple[str, ...]]:
    """A row for each parameter: how often its interval holds, and how narrow it is."""
    car, told = vehicle("compact"), []
    for seed in track(range(FIRST_TRIAL, FIRST_TRIAL + trials), description="parameters", transient=True):
        scores, seen = cars.fitted_truth(car, np.random.default_rng(seed), KNOWN_STOPS)
        found = fit_parameters(car, seen.told, seen.deceleration, seen.delay)
        true = [p.value(score) for p, score in zip(PARAMETERS, scores, strict=True)]
        told.append(
            [
                (e.low <= value <= e.high, e.narrowed_to, e.identifiable)
                for e, value in zip(found.estimates, true, strict=True)
            ]
        )
    every = np.array(told, float)
    inside, narrowed, identifiable = every.mean(axis=0).T
    rows = [
        (p.name, f"{100 * i:.0f} %", f"{n:.2f}", f"{100 * k:.0f} %")
        for p, i, n, k in zip(PARAMETERS, inside, narrowed, identifiable, strict=True)
    ]
    together = every[:, :, 0].all(axis=1).mean()
    rows.append(("mean of all", f"{100 * inside.mean():.1f} %", "", ""))
    return [*rows, ("all at once", f"{100 * together:.0f} %", "", "")]


def print_parameters(trials: int) -> None:
    """The recovery table."""
    table = Table(title=f"{trials} cars, {KNOWN_STOPS} stops each: is the true parameter in its 95 % interval?")
    for head in ("parameter", "inside", "spread, share of prior", "can be told"):
        table.add_column(head)
    for row in parameter_rows(trials):
        table.add_row(*row)
    Console(width=150).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cars", type=int, default=20)
    parser.add_argument("--ways", type=int, default=5)
    parser.add_argument("--tuned", type=int, default=1)
    parser.add_argument("--trials", type=int, default=100)
    given = parser.parse_args()
    if given.cars:
        print_errors(given.cars)
    if given.ways:
        print_ways(given.ways, given.tuned)
    if given.trials:
        print_parameters(given.trials)
