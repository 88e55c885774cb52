"""How near ways of explaining a model come to its exact Shapley values, and what each costs.

    python benchmarks/attribution.py [--model compact] [--events 150] [--json]

The model needs its student: `acc-decel attribute`. Truth: `acc_decel.attribution.exact`, over all coalitions of the
available factors, each with the whole background (`acc_decel/network/attribution.py` says what a coalition is worth).
Events: held out; as they come with factors lacking, and a third as many with every factor available. Correlation and
mean absolute error [m/s^2] are over the available factors of all events. `multiply_adds` are for one event: rows that
were really asked times the weights (a row outside the trained domain counts once, although the network then answers it
several times), which is less than samples times background events for KernelSHAP,
because background events that differ in nothing unknown are asked once; the student's, with the prediction, are counted
from its arrays. `times_student` compares with that; the student's training is in no row, and the others
need none. KernelSHAP has one number of samples, the permutations three.

Gradient times input: slopes by central differences, times the distance from the mean event; its cost is that of a
reverse-mode gradient, two predictions more than one. KernelSHAP is that of the package shap.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from acc_decel.attribution import KERNEL_SAMPLES, Reference, agreement, estimates, exact_attributions, is_available
from acc_decel.dataset import generate, load_dataset
from acc_decel.factors import owners, ranges, schema
from acc_decel.model_folder import read_model
from acc_decel.network import DenseNet, predict
from acc_decel.network.split import in_split
from acc_decel.outputs import MEDIAN
from acc_decel.physics import vehicle
from acc_decel.predictor import Explainer, Predictor

KEPT = Path("build/attribution")
SEED = 1
DATASET_EVENTS = 200_000
WALKS = (2, 8, 32)
STEP = 1e-3  # of a column's range, for a slope


@dataclass
class Counted:
    """The median of a model, and how many rows it was asked."""

    predictor: Predictor
    rows: int = 0

    def __call__(self, columns: ndarray) -> ndarray:
        """The predicted median deceleration [m/s^2]."""
        self.rows += len(columns)
        outputs, _ = self.predictor.predict_array(columns)
        return outputs[:, MEDIAN]


def gradient_times_input(net: DenseNet, columns: ndarray, mean: ndarray) -> ndarray:
    """Slope of the median in each column times its distance from the mean event, summed by factor [m/s^2]."""
    found = np.zeros((len(columns), len(net.factors)))
    spans = np.array([high - low for low, high in ranges(net.factors)], np.float32)
    for column, factor in enumerate(owners(net.factors)):
        ahead, behind = columns.copy(), columns.copy()
        ahead[:, column] += STEP * spans[column]
        behind[:, column] -= STEP * spans[column]
        slope = (predict(net, ahead) - predict(net, behind))[:, MEDIAN] / (2 * STEP * spans[column])
        found[:, factor] += np.nan_to_num(slope * (columns[:, column] - mean[column]))
    return np.where(is_available(net.factors, columns), found, 0)


def kernel_shap(asked: Reference, columns: ndarray) -> ndarray:
    """What KernelSHAP says with KERNEL_SAMPLES coalitions [m/s^2]."""
    import shap

    every = len(asked.factors)
    found = []
    for event in columns:

        def value(known: ndarray, event: ndarray = event) -> ndarray:
            return asked.values(event, known > 0.5)

        explainer = shap.KernelExplainer(value, np.zeros((1, every)))
        found.append(explainer.shap_values(np.ones(every), nsamples=KERNEL_SAMPLES, l1_reg=False, silent=True))
    return np.array(found)


def measured(
    folder: Path, training: ndarray, groups: dict[str, ndarray], on_event: Callable[[], None] = lambda: None
) -> Iterator[dict[str, object]]:
    """One object for each method and group of events; `on_event` is told each event whose truth is known."""
    predictor = Predictor(folder)
    net, told = read_model(predictor.path.parent)
    counted, explainer = Counted(predictor), Explainer(predictor.path)
    asked = Reference(net.factors, counted, explainer.background(net.factors))
    np.random.seed(SEED)  # noqa: NPY002 - shap draws from it
    own = told["attribution"]["multiply_adds"]
    mean = np.nanmean(training, axis=0)
    methods: dict[str, Callable[[ndarray], ndarray]] = {
        "student": explainer.attributions,
        "gradient times input": lambda columns: gradient_times_input(net, columns, mean),
        **{
            f"{walks} permutations": lambda columns, walks=walks: estimates(
                asked, columns, np.random.default_rng(SEED), walks=walks
            )
            for walks in WALKS
        },
        f"KernelSHAP, {KERNEL_SAMPLES} samples": lambda columns: kernel_shap(asked, columns),
    }
    fixed = {"student": own, "gradient times input": 3 * net.weights}
    for group, columns in groups.items():
        counted.rows = 0
        true = exact_attributions(asked, columns, on_event)
        yield {"method": "exact", "events_are": group, "multiply_adds": counted.rows * net.weights / len(columns)}
        for name, method in methods.items():
            counted.rows = 0
            found = agreement(asked, columns, true, method(columns))
            cost = fixed.get(name) or counted.rows * net.weights / len(columns)
            yield {"method": name, "events_are": group, **found, "multiply_adds": cost, "times_student": cost / own}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="compact", help="released model or model folder, with its student")
    parser.add_argument("--events", type=int, default=150, help="events as they come")
    parser.add_argument("--json", action="store_true", help="print for a program")
    asked = parser.parse_args()
    predictor = Predictor(asked.model)
    folder = KEPT / f"{predictor.vehicle}-{schema()}-{SEED}"
    generate(vehicle(predictor.vehicle), folder, events=DATASET_EVENTS, seed=SEED)
    data = load_dataset(folder)
    test = data.columns[in_split(data.event, "test")]
    complete = test[np.isfinite(test).all(axis=1)]
    groups = {"as they come": test[: asked.events], "every factor available": complete[: asked.events // 3]}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("exact Shapley values", total=sum(map(len, groups.values())))
        training = data.columns[in_split(data.event, "training")]
        found = list(measured(predictor.path, training, groups, lambda: progress.advance(task)))
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    table = Table("method", "events", "correlation", "error [m/s^2]", "multiply-adds", "times student")
    table.title = f"{predictor.vehicle}: attributions against exact Shapley values, {asked.events} events as they come"
    for row in found:
        shown = [f"{row[name]:{form}}" if name in row else "-" for name, form in FORMS.items()]
        table.add_row(str(row["method"]), str(row["events_are"]), *shown)
    Console().print(table)


FORMS = {"pearson": ".4f", "mean_absolute_error": ".3f", "multiply_adds": ",.0f", "times_student": ",.0f"}

if __name__ == "__main__":
    main()
