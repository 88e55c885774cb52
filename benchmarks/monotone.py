"""What it costs that no answer goes the wrong way: networks with and without forced signs, on the same events.

    python benchmarks/monotone.py [--events 1000000] [--oracle-events 1000] [--json]

Data and truth are those of benchmarks/network.py: simulated events of the compact car, and for test events the
conditional median by nested simulation, once with every factor available and once masked as in training.

One teacher (acc_decel/network/training.py) learns from the events; then each network learns the teacher's answers by
the same training: the released sizes and the GREAT ones, each with every prescribed sign, with those taken off that
hold for SET_FREE and for the features computed from them, and with none. All have the same inputs, in the same places,
and the same head, which is monotone by its formulas. The great ones have little penalty on their weights and a rate
that suits them (at the released one they end worse than the small ones), so what signs cost them is not a matter of
size.

Then the truth itself: in READINGS, events of the kind in which the camera hesitates between two surfaces, one reading
moves and all others stay. The conditional median (SWEPT_DRAWS situations for each of two independent halves) goes the
wrong way there: a better grip, or more water at the same grip, tells of another surface, whose locked wheels, or whose
grip at speed, are worse or better. No network that is monotone in each reading can follow it.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy import ndarray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from acc_decel.dataset import Dataset, conditional_quantiles
from acc_decel.export.onnx_features import Expression, Formulas, _all_of
from acc_decel.factors import FACTORS, Factor
from acc_decel.network import FEATURES, LAYOUT, DenseNet, compute, input_names, named, wiring
from acc_decel.network import training as learning
from acc_decel.network.feature_constants import feature_constants
from acc_decel.network.keras_net import SignedDense, keras_model, plain
from acc_decel.network.split import in_split
from acc_decel.network.training import Learning, Phase, Scales, Training, teacher_inputs
from acc_decel.outputs import MEDIAN
from acc_decel.physics import Vehicle, vehicle_from
from acc_decel.predictor import columns_of
from benchmarks.network import SEED, Truth, benchmark_data, truths

GREAT: dict[str, Any] = {"embedding": (96, 48), "trunk": (64, 48, 32), "penalty": 1e-5, "learning_rate": 4e-3}
SET_FREE = ("water_film_mm", "friction_estimate")
ALL_SIGNS, SOME_SIGNS, NO_SIGNS = "all", f"not {', '.join(SET_FREE)}", "none"
SWEPT_DRAWS = 8_192


@dataclass(frozen=True)
class Reading:
    """An event, its factors in their units, of which one factor takes `values` instead."""

    factor: str
    values: tuple[float, ...]
    event: dict[str, Any]


_ORDINARY = {"grade": 0.0, "headwind": 0.0, "tyre_kind": "summer", "tread_depth_mm": 6.0, "tyre_pressure_bar": 2.4}
_ORDINARY |= {"brake_temperature_c": 60.0, "road_temperature_c": 15.0, "mass": 1450.0, "brake_pressure_bar": 130.0}
_GRAVEL = {"asphalt": 0.75, "concrete": 0.02, "cobbles": 0.06, "gravel": 0.17}
_COBBLES = {"asphalt": 0.01, "concrete": 0.24, "cobbles": 0.74, "gravel": 0.01}
READINGS = (
    Reading(
        "friction_estimate",
        (0.55, 0.60, 0.65, 0.70, 0.75),
        {**_ORDINARY, "speed": 20.0, "abs": 0.0, "water_film_mm": 0.3, "surface": _GRAVEL},
    ),
    Reading(
        "water_film_mm",
        (0.04, 0.06, 0.08, 0.10, 0.15),
        {**_ORDINARY, "speed": 20.0, "abs": 1.0, "friction_estimate": 0.8, "surface": _COBBLES},
    ),
)


def depending_on(names: tuple[str, ...]) -> set[str]:
    """The inputs of the network that these factors have a part in: their columns, and features computed from them."""
    columns = {column: Expression("Factor", name=f.name) for f in FACTORS for column in f.columns}
    known = {f.name: Expression("Known", name=f.name) for f in FACTORS}
    constants = named(np.ones(sum(LAYOUT.values()), np.float32))  # which factors a formula has is not up to them
    formulas = compute(constants, columns, known, Formulas())
    features = {f.name for f in FEATURES if {e.name for e in _all_of([formulas[f.name]])} & {*names}}
    return features | {column for f in FACTORS if f.name in names for column in f.columns}


def set_free(model: keras.Model, factors: tuple[Factor, ...], training: Training, inputs: set[str]) -> None:
    """Take the prescribed signs off the weights with which these inputs enter the first layer of the trunk.

    That is enough: each unit may then rise or fall with the input, and with units that are convex and concave the
    answer may, too.
    """
    layers = [layer for layer in model.layers if isinstance(layer, SignedDense)]
    first, forced = layers[len(training.embedding)], [input_names(factors)[i] for i in wiring(factors).forced]
    free = np.array([name in inputs for name in forced])
    first.signs[len(first.signs) - len(forced) :][free] = 0


@dataclass(frozen=True)
class Taught:
    """What the networks learn: two parts of the data with the teacher's answers [events, outputs] as labels."""

    scales: Scales  # constants of the features, center and inverse spread of the inputs
    parts: tuple[Learning, Learning]  # training, validation; in training units


def taught(data: Dataset, car: Vehicle, training: Training, progress: Progress) -> Taught:
    """Train the teacher."""
    constants = feature_constants(car)
    scaling = learning.scaling(car.factors, constants, data.columns[in_split(data.event, "training")])
    scales = (constants, *scaling)
    parts = [learning._learning(data, car.factors, scales, name) for name in ("training", "validation")]
    seen = [([teacher_inputs(inputs)], labels, weights) for inputs, labels, weights in parts]
    keras.utils.set_random_seed(SEED)
    on_epoch = _epochs(progress, "teacher", training.teacher_epochs)
    teacher = learning._teacher(seen, training, on_epoch, None)
    first, second = (learning._teacher_labels(teacher, *both) for both in zip(seen, parts, strict=True))
    return Taught(scales, (first, second))


def trained(
    taught: Taught, factors: tuple[Factor, ...], training: Training, progress: Progress, name: str, *, signs: str
) -> DenseNet:
    """A network of these sizes that has learned the teacher's answers, with the prescribed `signs`."""
    keras.utils.set_random_seed(SEED)
    model = keras_model(
        factors, training.embedding, training.trunk, monotone=signs != NO_SIGNS, penalty=training.penalty
    )
    if signs == SOME_SIGNS:
        set_free(model, factors, training, depending_on(SET_FREE))
    phase = Phase(training.epochs, training.learning_rate, None, _epochs(progress, name, training.epochs))
    learning._fit(model, learning.distillation_loss, [*taught.parts], training, phase)
    return plain(model, factors, *taught.scales, embedded=len(training.embedding))


def _epochs(progress: Progress, name: str, epochs: int) -> Callable[[int, float, float], None]:
    task = progress.add_task(name, total=epochs)
    return lambda epoch, *_: progress.update(task, completed=epoch)


def compared(data: Dataset, car: Vehicle, truth: tuple[Truth, Truth]) -> list[dict[str, Any]]:
    """Each network with its error against the conditional median [m/s^2]."""
    usual = learning.default_training(data.event)
    rows = []
    with Progress(console=Console(stderr=True)) as progress:
        known = taught(data, car, usual, progress)
        for size, training in (("released", usual), ("great", replace(usual, **GREAT))):
            for signs in (ALL_SIGNS, SOME_SIGNS, NO_SIGNS):
                name = f"{size}, signs: {signs}"
                net = trained(known, car.factors, training, progress, name, signs=signs)
                (complete, error), (masked, _) = (some.rmse(lambda x, net=net: net(x)[:, MEDIAN]) for some in truth)
                rows.append({"size": size, "signs": signs, "weights": net.weights, "rmse_conditional_median": complete})
                rows[-1] |= {"rmse_conditional_median_error": error, "rmse_conditional_median_masked": masked}
                progress.console.print(json.dumps(rows[-1]), soft_wrap=True)  # if a long run is cut short
    return rows


def swept(car: Vehicle, reading: Reading) -> ndarray:
    """Two independent conditional medians [m/s^2] for each value of the reading [values, 2]."""
    events = [columns_of(reading.event | {reading.factor: value}, car.factors) for value in reading.values]
    halves = (
        conditional_quantiles(car, np.concatenate(events), (0.5,), rng=rng, draws=SWEPT_DRAWS)
        for rng in np.random.default_rng(SEED).spawn(2)
    )
    return np.concatenate(list(halves), axis=1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="simulated events")
    parser.add_argument("--oracle-events", type=int, default=1_000, help="test events with nested simulation, each set")
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    data = benchmark_data(asked.events)
    car = vehicle_from(data.manifest["vehicle_file"])
    truth = [{"factor": r.factor, "values": r.values, "medians": swept(car, r).tolist()} for r in READINGS]
    networks = compared(data, car, truths(car, data, asked.oracle_events))
    if asked.json:
        print(json.dumps({"networks": networks, "truth": truth}, indent=1))
        return
    print_networks(networks)
    for row in truth:
        print_truth(row)


def print_networks(rows: list[dict[str, Any]]) -> None:
    """The networks side by side."""
    made = Table(title="Error against the conditional median [m/s^2]", title_justify="left")
    for column in ("size", "forced signs", "weights", "every factor", "masked"):
        made.add_column(column, justify="left" if column in {"size", "forced signs"} else "right")
    for row in rows:
        error = f"{row['rmse_conditional_median']:.3f} +- {row['rmse_conditional_median_error']:.3f}"
        made.add_row(
            row["size"], row["signs"], f"{row['weights']:,}", error, f"{row['rmse_conditional_median_masked']:.3f}"
        )
    Console().print(made)


def print_truth(row: dict[str, Any]) -> None:
    """The conditional median [m/s^2] as one reading moves."""
    made = Table(title=f"Conditional median as {row['factor']} moves alone [m/s^2]", title_justify="left")
    for column in (row["factor"], "one half", "other half"):
        made.add_column(column, justify="right")
    for value, halves in zip(row["values"], row["medians"], strict=True):
        made.add_row(f"{value:g}", *(f"{median:.2f}" for median in halves))
    Console().print(made)


if __name__ == "__main__":
    main()
