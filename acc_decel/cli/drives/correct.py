"""`acc-decel drives correct`: a scale and a bias of one car, fitted to its stops. Needs the extra [drives]."""

from dataclasses import asdict

from acc_decel.cli.drives.options import Stops, Written, note_flags, note_ignored, read_stops
from acc_decel.cli.options import Json, Model, check_output, model_files
from acc_decel.cli.terminal import note, print_json, print_table, say
from acc_decel.correction import CorrectionFile, model_digest
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.predictor import Predictor


def correct(stops: Stops, output: Written, model: Model = DEFAULT_MODEL, as_json: Json = False) -> None:
    """Fit a positive scale and a bias on a model to one car, from some 20 of its stops, without training.

    STOPS has a row for each stop: the factors that were known, as for `predict`, and `deceleration` [m/s^2] of the
    built-up brakes. A table of `drives events` serves, too, once the brake pressure and what else is known are added:
    `initial_speed` and `mfdd` are taken, and columns that are no factor are ignored. Few stops change little. The error
    after the correction is that of each stop, corrected by what the other stops say. `predict --correction` and
    acc_decel_corrected() of the firmware apply it; it belongs to this model alone, and what is proven monotone stays
    so. Needs the extra [drives].

        acc-decel drives correct stops.csv --model compact --output correction.json
        acc-decel predict --correction correction.json --speed 25 --brake-pressure-bar 60
    """
    check_output(output, stops)
    from acc_decel import adaptation  # noqa: PLC0415 - SciPy of the extra is asked for only here

    predictor = Predictor(model)
    check_output(output, *model_files(predictor))
    labelled = adaptation.labelled_stops(read_stops(stops), predictor)
    note_ignored(labelled.ignored)
    note_flags(labelled.status)
    fit = adaptation.fit_and_validate(labelled.predicted, labelled.measured)
    details = {name: value for name, value in asdict(fit).items() if name not in ("correction", "stops")}
    file = CorrectionFile(
        predictor.metadata["schema"],
        model_digest(predictor.path),
        predictor.vehicle,
        fit.correction,
        fit.stops,
        details,
    )
    file.save(output)
    if odd := adaptation.odd_stops_note(labelled.predicted, labelled.measured):
        note(odd)
    if unusual := adaptation.scale_note(fit.correction.scale):
        note(unusual)
    if as_json:
        print_json(file.as_dict() | {"left_out": labelled.left_out})
        return
    print_table(
        f"{predictor.vehicle} corrected to {fit.stops} stops ({labelled.left_out} without deceleration left out)",
        ("", "value", "95 % interval", "unit"),
        [
            ("scale", f"{fit.correction.scale:.3f}", _interval(fit.scale_interval), "-"),
            ("bias", f"{fit.correction.bias:+.2f}", _interval(fit.bias_interval), "m/s^2"),
            ("error before", f"{fit.error_before:.2f}", "", "m/s^2"),
            ("error after, each stop left out once", f"{fit.error_after:.2f}", "", "m/s^2"),
        ],
    )
    if fit.error_after >= fit.error_before:
        say("the correction gains nothing on stops left out of the fit: use the model as it is, or record more stops")
    say(f"corrected decelerations are within {fit.reach:.2f} m/s^2; correction in {output}")


def _interval(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.3f} to {ends[1]:.3f}"
