"""`acc-decel card`: what a model is and how accurate, with pictures. Needs the extra [train]."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import typer

from acc_decel import evaluation
from acc_decel.cli.card_front_matter import front_matter
from acc_decel.cli.terminal import say
from acc_decel.factors import column_names
from acc_decel.files import atomic_write
from acc_decel.model_folder import CARD, CARD_MARK, DEFAULT_MODEL, METRICS, folder_of, read_json
from acc_decel.outputs import OUTPUTS, QUANTILES
from acc_decel.predictor import Predictor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from acc_decel.physics import Vehicle

EVENTS = 20_000  # drawn for the pictures
SEED = 20_001  # far from the seeds that train models
PICTURES = (  # as files, in the order of the card
    "predicted",
    "calibration",
    "error_by_factor",
    "published_tests",
    "published_regimes",
)


def card(
    model: Annotated[str, typer.Argument(help="released model or model folder")] = DEFAULT_MODEL,
    vehicle: Annotated[str | None, typer.Option(help="TOML file of its vehicle, if that is not shipped")] = None,
) -> None:
    """Write the card of a model into its folder: metrics by regime, published tests by regime, and five pictures.

    It begins with what model hubs read: license, task, tags and metrics, in the form of Hugging Face. The pictures show
    fresh events of the model's vehicle that no training has seen: predicted against simulated, the calibration of each
    quantile, the error against each factor; and the published tests with their intervals, one by one and by regime.
    Needs the extra [train].

        acc-decel card models/my_car --vehicle my_car.toml
    """
    predictor = Predictor(model)
    folder = folder_of(predictor.path)
    metrics = read_json(folder / METRICS)
    own_tests(predictor)  # so that a refused test is not taken for a figure that is missing
    try:
        card_text(predictor, metrics, ())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{folder / METRICS} must hold every figure of the card. Got none or another value of {error}: train it "
            "again with `acc-decel train`."
        ) from error
    car = _vehicle_of(predictor, metrics, vehicle)
    pictures = _pictures(predictor, car)
    from acc_decel.cli import plots  # noqa: PLC0415 - the extra [train] is asked for only here

    for name, figure in pictures.items():
        plots.save(figure, folder / f"{name}.png")
    with atomic_write(folder / CARD) as temporary:
        temporary.write_text(card_text(predictor, metrics, pictures))
    say(f"{folder / CARD} and {len(pictures)} pictures")


def _vehicle_of(predictor: Predictor, metrics: dict[str, Any], given: str | None) -> "Vehicle":
    """The vehicle of the model: the one that is `given`, or the shipped one of its name.

    Raises ValueError unless it is the one that the model was trained for.
    """
    from acc_decel import physics  # noqa: PLC0415

    car = physics.vehicle(given or predictor.vehicle)
    physics.check_trained_for(car, metrics["dataset"], given or predictor.vehicle)
    return car


def _pictures(predictor: Predictor, vehicle: "Vehicle") -> "dict[str, Figure]":
    from acc_decel import dataset  # noqa: PLC0415
    from acc_decel.cli import card_plots, regime_plots  # noqa: PLC0415

    table = dataset.events_table(vehicle, seed=SEED, first=0, events=EVENTS)
    columns = np.stack([table[name].to_numpy() for name in column_names()], axis=1)
    true = table["deceleration"].to_numpy()
    outputs, _ = predictor.predict_array(columns)
    rows = own_tests(predictor)
    drawn = {
        "predicted": card_plots.predicted_against_simulated(columns, true, outputs),
        "calibration": card_plots.calibration(columns, true, outputs),
        "error_by_factor": card_plots.error_by_factor(predictor.factors, columns, true, outputs),
    }
    if len(rows):
        drawn["published_tests"] = card_plots.tests(rows)
        drawn["published_regimes"] = regime_plots.tests_by_regime(rows, evaluation.score_regimes(rows))
    return drawn


def own_tests(predictor: Predictor) -> pd.DataFrame:
    """The published tests of the model's kind of car with their predictions; no row if there is none."""
    tests = evaluation.published_tests()
    own = tests[evaluation.vehicles_of(tests) == predictor.vehicle]
    return evaluation.evaluate_tests(own, {predictor.vehicle: predictor}) if len(own) else own


def _tests_lines(rows: pd.DataFrame) -> list[str]:
    """The published tests of this kind of car by regime, as a section of the card; nothing if there is none."""
    if not len(rows):
        return []
    return [
        "## Published tests of this kind of car",
        "",
        "Error, bias and width of the 90 % interval over the measured distance; rms of z is 1 for honest intervals.",
        "",
        "| regime | tests | mean error | bias | inside | mean width | rms of z |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {s.regime} | {s.tests} | {s.mean_abs_error_pct:.1f} % | {s.bias_pct:+.1f} % | "
            f"{s.inside_interval_pct:.0f} % | {s.mean_interval_pct:.0f} % | {s.rms_z:.2f} |"
            for s in evaluation.score_regimes(rows)
        ),
        "",
    ]


def card_text(predictor: Predictor, metrics: dict[str, Any], pictures: Iterable[str]) -> str:
    """The card of a model with these `metrics`, with the names of its pictures."""
    best = metrics["best_possible"]
    lines = [
        *front_matter(metrics),
        f"# {predictor.vehicle}",
        "",
        f"{CARD_MARK}, do not edit. Factor schema {metrics['schema']}, {metrics['weights']} weights, "
        f"trained on {metrics['dataset']['events']} events (seed {metrics['dataset']['seed']}) with "
        f"{json.dumps(metrics['training'])}.",
        "",
        "Predicts, for one braking event of this kind of car:",
        "",
        *(f"- `{name}`: {meaning}" for name, meaning in OUTPUTS.items()),
        "",
        "Not for other cars, cornering, or combinations that the status calls outside the trained domain.",
        "",
        f"## {metrics['events']} events held out",
        "",
        *(
            f"- {kind}: RMSE {m['rmse_conditional_median']:.2f} m/s^2 against the best possible median, interval "
            f"{m['width_over_best']:.2f} times as wide as the best possible ({m['events']} events)"
            for kind, m in best.items()
        ),
        *(
            f"- {100 * metrics['below'][name]:.2f} % below `{name}` ({100 * q:g} % meant)"
            for name, q in QUANTILES.items()
        ),
        f"- {100 * metrics['domain']['flagged']:.0f} % of events of a never-trained combination are flagged (area "
        f"under the ROC curve {metrics['domain_auroc']:.3f}), and {100 * metrics['domain']['false_alarms']:.1f} % of "
        "the real ones",
        "",
        "| regime | events | RMSE [m/s^2] | 90 % interval covers | mean width [m/s^2] |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {r['events']} | {r['rmse']:.2f} | {100 * r['coverage']:.1f} % | {r['mean_width']:.2f} |"
            for name, r in {"all": metrics, **metrics["regimes"]}.items()
        ),
        "",
        *_tests_lines(own_tests(predictor)),
    ]
    return "\n".join([*lines, *(f"![{name.replace('_', ' ')}]({name}.png)" for name in pictures), ""])
