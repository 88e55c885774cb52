"""Commands of the light way to adapt a model to one car, without training: `drives correct`, `drives bound`."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from acc_decel.cli.drives import Json
from acc_decel.cli.online import Model
from acc_decel.cli.tables import print_json, print_table, read_table, say
from acc_decel.correction import Correction, CorrectionFile, model_digest, read_correction
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.predictor import Predictor

Stops = Annotated[Path, typer.Argument(metavar="STOPS", help="CSV or Parquet of stops with measured deceleration")]
Written = Annotated[Path, typer.Option("--output", "-o", help="JSON file of the correction")]
Continued = Annotated[Path | None, typer.Option(help="file of `drives correct` or `drives bound` to go on from")]


def correct(stops: Stops, output: Written, model: Model = DEFAULT_MODEL, as_json: Json = False) -> None:
    """Fit a positive scale and a bias on a model to one car, from some 20 of its stops, without training.

    STOPS has a row for each stop: the factors that were known, as for `predict`, and `deceleration` [m/s^2] of the
    built-up brakes. A table of `drives events` also serves, with `initial_speed` and `mfdd`, once the brake pressure
    and what else is known are added. Few stops change little. The error after the correction is that of each stop,
    corrected by what the other stops say. `predict --correction` and acc_decel_corrected() of the firmware apply it; it
    belongs to this model alone, and what is proven monotone stays so.

        acc-decel drives correct stops.csv --model compact --output correction.json
        acc-decel predict --correction correction.json --speed 25 --brake-pressure-bar 60
    """
    from acc_decel import adaptation  # noqa: PLC0415 - SciPy of the extra is asked for only here

    predictor = Predictor(model)
    seen = adaptation.labelled_stops(read_table(stops), predictor)
    fit = adaptation.correction_fit(seen.predicted, seen.measured)
    told = {name: value for name, value in asdict(fit).items() if name not in ("correction", "stops")}
    file = CorrectionFile(
        predictor.metadata["schema"], model_digest(predictor.path), predictor.vehicle, fit.correction, fit.stops, told
    )
    file.written(output)
    if as_json:
        print_json(file.as_dict() | {"left_out": seen.left_out})
        return
    print_table(
        f"{predictor.vehicle} corrected to {fit.stops} stops ({seen.left_out} events are none)",
        ("", "value", "95 % interval", "unit"),
        [
            ("scale", f"{fit.correction.scale:.3f}", _interval(fit.scale_interval), "-"),
            ("bias", f"{fit.correction.bias:+.2f}", _interval(fit.bias_interval), "m/s^2"),
            ("error before", f"{fit.error_before:.2f}", "", "m/s^2"),
            ("error after, each stop left out once", f"{fit.error_after:.2f}", "", "m/s^2"),
        ],
    )
    if fit.error_after >= fit.error_before:
        say("the correction gains nothing on stops that it has not seen: use the model as it is, or bring more stops")
    say(f"corrected decelerations are told within {fit.reach:.2f} m/s^2; correction in {output}")


def _interval(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


def bound(
    stops: Stops,
    output: Written,
    model: Model = DEFAULT_MODEL,
    correction: Continued = None,
    as_json: Json = False,
) -> None:
    """Keep the lower bound of a model honest on the stream of one car's stops: adaptive conformal inference.

    Each stop that stayed below the bound lowers it; stops that hold raise it, but above the model's own only on the
    evidence of at least 59 of them. STOPS is as for `drives correct`, in the order driven, each stop only once and none
    that the correction was fitted to. The state is kept in the correction file: give it as --correction to go on with
    later stops. `predict --correction` applies the bound.

        acc-decel drives bound new_stops.csv --correction correction.json --output correction.json
    """
    from acc_decel import adaptation  # noqa: PLC0415

    file = _continued(Predictor(model), correction)
    predictor = Predictor(model, correction=replace(file.correction, lower_offset=0.0))
    seen = adaptation.labelled_stops(read_table(stops), predictor)
    before = adaptation.read_bound(file.told.get("bound", {}))
    after, missed = before, 0
    known = set(before.scores)
    for row, lower, measured in zip(seen.rows, seen.lower.tolist(), seen.measured.tolist(), strict=True):
        if lower - measured in known:
            raise ValueError(f"{stops} must hold new stops only. Got in row {row} one that was counted: leave it out.")
        missed += measured < after.bound(lower)
        after = after.after(lower, measured)
    total = {"bound_stops": file.told.get("bound_stops", 0) + len(seen.rows)}
    told = file.told | total | {"bound": {"level": after.level, "scores": list(after.scores)}}
    file = replace(file, correction=replace(file.correction, lower_offset=after.offset), told=told)
    file.written(output)
    answer = {"stops": len(seen.rows), "missed": missed, "offset_before": before.offset, "offset": after.offset}
    if as_json:
        print_json(answer | total | {"left_out": seen.left_out})
        return
    say(f"{missed} of {len(seen.rows)} stops stayed below the bound ({seen.left_out} events are no stops)")
    say(f"taken off the lower bound: {before.offset:+.2f} m/s^2 before, {after.offset:+.2f} now; state in {output}")


def _continued(predictor: Predictor, path: Path | None) -> CorrectionFile:
    """The correction to go on from; none at all without a file."""
    if path is not None:
        return read_correction(path, model=predictor.path)
    head = (predictor.metadata["schema"], model_digest(predictor.path), predictor.vehicle)
    return CorrectionFile(*head, Correction(), 0, {})
