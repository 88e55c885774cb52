"""`acc-decel sensors`: what the next sensor buys, by road. Needs the extra [train]."""

from collections.abc import Sequence
from math import inf, isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acc_decel.cli.options import Json, Model, check_output, model_files
from acc_decel.cli.terminal import print_json, print_table, progress_bar, say, say_written
from acc_decel.factors import OF_THE_VEHICLE, Factor
from acc_decel.model_folder import DEFAULT_MODEL, METRICS, folder_of, read_json
from acc_decel.predictor import Predictor
from acc_decel.status import FLAGS

if TYPE_CHECKING:
    from acc_decel.evaluation.sensor_sets import SensorWorth
    from acc_decel.physics import Vehicle

DRAWS = 512  # without loading the oracle; a test compares


def sensors(
    model: Model = DEFAULT_MODEL,
    vehicle: Annotated[str | None, typer.Option(help="TOML file of its vehicle, if that is not shipped")] = None,
    road: Annotated[
        list[str] | None, typer.Option(help="one of the roads, in quotes; may be repeated; all if not given")
    ] = None,
    own: Annotated[
        list[str] | None,
        typer.Option("--set", help="a set of your own, NAME=factor,factor; may be repeated", metavar="NAME=FACTORS"),
    ] = None,
    speed: Annotated[float, typer.Option(help="from which the car brakes [m/s]", show_default="27.78")] = 100 / 3.6,
    brake_pressure_bar: Annotated[
        float | None, typer.Option(help="brake pressure demanded [bar]; full braking of the vehicle if not given")
    ] = None,
    events: Annotated[int, typer.Option(help="events on each road", min=2, max=5000)] = 50,
    draws: Annotated[
        int | None,
        typer.Option(help="situations that the oracle draws for each event", min=64, max=16_384, show_default="512"),
    ] = None,
    oracle: Annotated[bool, typer.Option("--oracle/--no-oracle", help="compare with the best possible answer")] = True,
    seed: Annotated[int, typer.Option(help="same seed, same answer", min=0)] = 1,
    plot: Annotated[Path | None, typer.Option(help="draw the intervals as PNG or SVG")] = None,
    as_json: Json = False,
) -> None:
    """Say what the next sensor buys: the answer with some factors known, by road, against knowing all.

    The sets of factors: what every car has (mass, brake and road temperature, grade), the same with a rain sensor, with
    a camera that knows the surface, with tyre data (kind, tread, pressure), with a friction estimator, and everything.
    Speed, brake pressure and ABS are always known. With --set further sets, which need not name those.

        acc-decel sensors --plot sensors.png
        acc-decel sensors --road ice --road "wet asphalt" --set "both=surface,water_film_mm,road_temperature_c"

    The roads: dry asphalt, wet asphalt, worn tyres in deep water, gravel, packed snow and ice, all level and calm. Each
    figure is the mean over simulated events on that road, the same for every set. Interval and lower deceleration come
    from the model and from the oracle, which is the best that any network could answer; its distances take the delay
    of the model. A lower bound above that of knowing all is no gain: without the factor the car does not know that this
    road is worse than most. With --no-oracle it takes seconds instead of minutes. Needs the extra [train].
    """
    predictor = Predictor(model)
    check_output(plot, *model_files(predictor), vehicle, option="--plot")
    if plot is not None:
        from acc_decel.cli import plots, sensor_plots  # noqa: PLC0415 - Matplotlib

        plots.check_picture_name(plot)
    if draws is not None and not oracle:
        raise ValueError(f"--draws is for the oracle. Got {draws} with --no-oracle: leave one out.")
    from acc_decel.evaluation import sensor_sets  # noqa: PLC0415 - the extra [train] is asked for only here

    sets = sensor_sets.with_own_sets(own or ())
    roads = tuple(dict.fromkeys(map(sensor_sets.check_road, road or sensor_sets.ROADS)))
    question = _question(predictor, speed, brake_pressure_bar)
    car = _vehicle(predictor, vehicle)
    with progress_bar() as progress:
        task = progress.add_task("sets of factors", total=len(roads) * len(sets))
        worths = sensor_sets.sensor_worths(
            predictor,
            car,
            sets,
            roads,
            question=question,
            events=events,
            draws=(draws or DRAWS) if oracle else None,
            seed=seed,
            on_set=lambda: progress.advance(task),
        )
    title = (
        f"{predictor.vehicle}, {events} events on each road, from {speed:.4g} m/s at {question[OF_THE_VEHICLE]:g} bar"
    )
    if plot is not None:
        plots.save(sensor_plots.intervals_by_road(worths, title), plot)
    if as_json:
        print_json(worths)
        return
    for name in roads:
        _print_road(name, [worth for worth in worths if worth.road == name])
    say(title)
    say("more: beyond the distance with everything known")
    flagged, answers = sum(worth.outside_domain for worth in worths), sum(worth.events for worth in worths)
    say(f"flagged: {flagged} of {answers} answers: outside domain ({FLAGS['OUTSIDE_DOMAIN'][1]})")
    say_written(plot)


def _question(predictor: Predictor, speed: float, pressure: float | None) -> dict[str, float]:
    """What is asked in every event, within the ranges of the model."""
    factors = {f.name: f for f in predictor.factors}
    given = {"speed": speed, OF_THE_VEHICLE: factors[OF_THE_VEHICLE].standard if pressure is None else pressure}
    values = {name: _checked(factors[name], value) for name, value in given.items()}
    return values | {f.name: f.standard for f in predictor.factors if f.standard is not None and f.name not in values}


def _checked(factor: Factor, value: float | None) -> float:
    if value is None:
        raise ValueError(f"{factor.refusal(float('nan'))} The model knows no full braking: give the option.")
    if not factor.low <= value <= factor.high:
        raise ValueError(factor.refusal(value))
    return value


def _vehicle(predictor: Predictor, given: str | None) -> "Vehicle":
    """The vehicle that the model was trained for: the one that is `given`, or the shipped one of its name."""
    from acc_decel import physics  # noqa: PLC0415

    car = physics.vehicle(given or predictor.vehicle)
    metrics = read_json(folder_of(predictor.path) / METRICS)
    physics.check_trained_for(car, metrics["dataset"], given or predictor.vehicle)
    return car


def _print_road(road: str, worths: Sequence["SensorWorth"]) -> None:
    """The sets of a road, one a row; the columns of the oracle only where it was asked."""
    asked = not isnan(worths[0].oracle_width)
    head: tuple[str, ...] = ("known", "interval", "lower", "stops in up to", "more")
    rows: list[tuple[str, ...]] = [
        (
            w.set,
            f"{w.width:.2f}",
            f"{w.deceleration_lower:.2f}",
            _metres(w.stopping_distance_upper),
            _more(w, oracle=False),
        )
        for w in worths
    ]
    if asked:
        head += ("oracle's interval", "lower", "stops in up to", "more")
        rows = [
            (
                *row,
                f"{w.oracle_width:.2f}",
                f"{w.oracle_deceleration_lower:.2f}",
                _metres(w.oracle_stopping_distance_upper),
                _more(w, oracle=True),
            )
            for row, w in zip(rows, worths, strict=True)
        ]
    print_table(f"{road}: decelerations [m/s^2] and distances [m]", head, rows)


def _metres(distance: float) -> str:
    """A distance for people."""
    return "no end" if distance == inf else f"{distance:.1f}"


def _more(worth: "SensorWorth", *, oracle: bool) -> str:
    more = worth.oracle_stopping_distance_upper_more if oracle else worth.stopping_distance_upper_more
    return f"{more:+.1f}" if isfinite(more) else "-"
