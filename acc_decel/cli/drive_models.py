"""Commands that bring recorded drives and models together: `drives score`, `scenarios`, `adapt`. Extra [drives]."""

import math
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from acc_decel import evaluation
from acc_decel.cli.drives import Dbc, Description, Json, Threshold
from acc_decel.cli.offline import progress_bar
from acc_decel.cli.online import Factors
from acc_decel.cli.tables import print_json, print_table, read_table, say, write_table
from acc_decel.model_folder import DEFAULT_MODEL
from acc_decel.predictor import Predictor

if TYPE_CHECKING:
    from acc_decel.adaptation import Estimate
    from acc_decel.drives import Found


def score(
    factors: Factors,
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="recordings, or folders that hold them")],
    model: Annotated[str | None, typer.Option(help="released model, model folder or ONNX file [compact]")] = None,
    recording: Description = None,
    dbc: Dbc = None,
    threshold: Threshold = 2.0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write every event as CSV or Parquet")] = None,
    as_json: Json = False,
) -> None:
    """Check that no braking event of a recording is harder than a model says the car can slow.

    Each event is predicted from its initial speed and the factors given here, or in the section [known] of the
    recording description (there also `model`); everything else is not available. Unless --brake-pressure-bar is given,
    the model is asked for full braking (160 bar): most real braking is partial, so a measured deceleration above the
    predicted upper bound speaks against the model or the recording. Beside it stands the envelope of the measured peaks
    and what the model says of dry asphalt. A single file that cannot be read is an error; among several it is a row
    with the reason.

        acc-decel drives score drive.csv --surface asphalt --water-film-mm 0
        acc-decel drives score recordings/ --model suv --json
    """
    from acc_decel import drives  # noqa: PLC0415 - the extra [drives] is asked for only here

    found = drives.recordings(files)
    loaded = cache(Predictor)
    reports, tables = [], []
    with progress_bar() as progress:
        for file in progress.track(found, description="recordings"):

            def read(file: Path = file) -> "Found":
                return drives.found(file, description=recording, dbc=dbc, threshold=threshold)

            report, rows = _file_score(read, loaded, model, factors)
            if report["reason"] and len(found) == 1:
                raise ValueError(report["reason"])
            reports.append({"file": str(file)} | report)
            tables.append(rows.assign(file=str(file)))
    every = pd.concat(tables)
    if output is not None:
        write_table(every, output)
    total = evaluation.drive_score(every, refused=sum(r["refused"] for r in reports))
    if as_json:
        print_json({"files": reports} | asdict(total))
        return
    title = f"recordings: {len(reports)}, braking events against full braking: {total.events}; decelerations [m/s^2]"
    print_table(title, HEAD, [_row(r) for r in reports])
    for report in reports:
        if report["reason"]:
            say(f"not scored: {report['reason']}")
    say(
        f"{100 * total.above_upper:.1f} % of {total.events} events are harder on average than the predicted upper bound"
    )


def _file_score(
    read: Callable[[], "Found"], loaded: Callable[[str], Predictor], model: str | None, factors: Factors
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The score of one recording with its events; a reason instead if it cannot be read or predicted."""
    chosen, rows, count, reason = model or DEFAULT_MODEL, pd.DataFrame(), 0, ""
    try:
        told = read()
        chosen, count = model or told.recording.model or DEFAULT_MODEL, len(told.events)
        rows = evaluation.scored(told.events, loaded(chosen), told.recording.known | factors)
    except (ValueError, OSError) as error:
        reason, count = " ".join(str(error).split()), 0
    score = evaluation.drive_score(rows, refused=count - len(rows))
    return {"model": chosen} | asdict(score) | {"reason": reason}, rows


HEAD = ("file", "events", "above", "peaks above", "95 % of peaks", "hardest", "dry asphalt", "up to")


def _row(report: dict[str, Any]) -> tuple[str, ...]:
    numbers = (report[name] for name in ("peak_envelope", "hardest_peak", "dry_capability", "dry_upper"))
    shares = (f"{100 * report[name]:.1f} %" for name in ("above_upper", "peaks_above_upper"))
    told = ("-" if math.isnan(value) else f"{value:.2f}" for value in numbers)
    return report["file"], f"{report['events']}", *shares, *told


def scenarios(
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="CSV or Parquet of `drives events` or `fleet`")],
    output: Annotated[Path, typer.Option("--output", "-o", help="scenario file in TOML")],
    threshold: Threshold = 2.0,
    as_json: Json = False,
) -> None:
    """Fit distributions of speed, demanded deceleration, duration and gap to braking events, as a scenario file.

    Each is the best of SciPy's expon, gamma, lognorm, weibull_min and norm by AIC, with the distance of Kolmogorov and
    Smirnov as goodness of fit. --threshold is that of the events. `generate --scenarios` samples speed and demanded
    deceleration; duration and gap are for your own use.

        acc-decel drives scenarios fleet/events.parquet --output fleet.toml
        acc-decel generate --scenarios fleet.toml --output data/fleet
    """
    from acc_decel import drives  # noqa: PLC0415

    fits = drives.fitted_scenarios(read_table(events), threshold=threshold)
    drives.write_scenarios(fits, output)
    if as_json:
        print_json({"fits": fits})
        return
    head = ("quantity", "events", "distribution", "low", "high", "AIC", "KS distance", "p")
    rows = [
        (
            f.quantity,
            f"{f.events}",
            f.distribution,
            *(f"{x:.3g}" for x in (f.low, f.high, f.aic, f.distance, f.p_value)),
        )
        for f in fits
    ]
    print_table("how the fleet drives", head, rows)
    say(f"scenarios in {output}")


def adapt(
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="CSV or Parquet of stops at known conditions")],
    vehicle: Annotated[str, typer.Option(help="shipped vehicle, or a TOML file of your own, to start from")],
    output: Annotated[Path, typer.Option("--output", "-o", help="TOML file of the adapted vehicle")],
    deceleration_error: Annotated[
        float, typer.Option(help="standard deviation of the measured m/s^2", min=0.01)
    ] = 0.15,
    delay_error: Annotated[float, typer.Option(help="standard deviation of the measured delay [s]", min=0.001)] = 0.03,
    as_json: Json = False,
) -> None:
    """Estimate brake gain, friction level, drag, mass and response of one car from its stops, as a vehicle file.

    EVENTS has a row for each stop, a column for each braking factor (all must be known), `deceleration` [m/s^2] of the
    built-up brakes and, where the demand was recorded, `delay` [s]. A table of `drives events` also serves, with
    `initial_speed` and `mfdd`, once the other factors are added. Each parameter comes with its 95 % interval; one that
    the stops cannot tell is kept as the vehicle has it. `generate --vehicle` and `train` then make the car's own model.

        acc-decel drives adapt stops.csv --vehicle compact --output my_car.toml
        acc-decel generate --vehicle my_car.toml --output data/my_car
    """
    from acc_decel import adaptation, physics  # noqa: PLC0415 - NumPy and Numba of the extra are asked for only here

    car = physics.vehicle(vehicle)
    known = adaptation.known_stops(read_table(events), car)
    measuring = adaptation.Measuring(deceleration_error, delay_error)
    with progress_bar() as progress:
        task = progress.add_task(f"fitting {car.name} to {len(known.deceleration)} stops", total=None)

        def advance() -> None:
            progress.advance(task)

        fit = adaptation.fitted(
            car, known.conditions, known.deceleration, known.delay, measuring=measuring, on_round=advance
        )
    told = ", ".join(e.name for e in fit.estimates if e.identifiable) or "nothing"
    adaptation.write_vehicle(fit.vehicle, output, f"{car.name}, adapted from {fit.stops} stops: {told}")
    if as_json:
        print_json({"parameters": fit.estimates, "stops": fit.stops, "left_out": known.left_out, "misfit": fit.misfit})
        return
    title = f"{car.name} from {fit.stops} stops ({known.left_out} events are none)"
    print_table(title, PARAMETER_HEAD, [_parameter_row(e) for e in fit.estimates])
    say(f"residuals are {fit.misfit:.2f} of what is expected; adapted vehicle in {output}")


PARAMETER_HEAD = ("parameter", "unit", "value", "95 % interval", "spread, share of prior", "can be told", "adopted")


def _parameter_row(e: "Estimate") -> tuple[str, ...]:
    interval = f"{e.low:.4g} to {e.high:.4g}"
    told = "yes" if e.identifiable else "no, kept"
    return e.name, e.unit or "-", f"{e.value:.4g}", interval, f"{e.narrowed_to:.2f}", told, f"{e.adopted:.4g}"
