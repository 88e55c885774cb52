"""`acc-decel simulate`: one stop in the physics, as a table and a picture. Needs the extra [train]."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from acc_decel.cli.options import Car, Json
from acc_decel.cli.terminal import print_json, print_table
from acc_decel.factors import FACTORS, Factor
from acc_decel.predictor import Given

if TYPE_CHECKING:
    from acc_decel.physics import Vehicle

MAP_TREADS_MM = (8.0, 4.0, 1.6)


def simulate(
    factors: dict[str, Given],
    vehicle: Car = "compact",
    plot: Annotated[Path | None, typer.Option(help="draw the stop over time as PNG or SVG")] = None,
    friction_map: Annotated[Path | None, typer.Option(help="draw friction over speed and water, by tread")] = None,
    as_json: Json = False,
) -> None:
    """Simulate one stop, everything unknown being typical, and draw it.

    A factor that is not given is ordinary: dry, level, calm, the middle of what is usual. The table says what was
    taken.

        acc-decel simulate --speed 27.8 --brake-pressure-bar 160 --plot stop.png
        acc-decel simulate --speed 27.8 --brake-pressure-bar 160 --abs 0 --water-film-mm 1 --plot locked.svg

    Needs the extra [train].
    """
    from acc_decel import physics  # noqa: PLC0415 - the extra [train] is asked for only here

    car = physics.vehicle(vehicle)
    true = {f.name: _value(f, factors.get(f.name)) for f in car.factors if not f.estimate}
    answer = physics.stops(car, **{name: np.array([value]) for name, value in true.items()}, latents=None)
    told = {name: float(column[0]) for name, column in answer.items()}
    if plot is not None:
        from acc_decel.cli import plots  # noqa: PLC0415

        title = f"{car.name}: {told['deceleration']:.2f} m/s^2, stands after {told['stopping_distance']:.1f} m"
        plots.save(plots.stop_over_time(physics.history(car, **true), title), plot)
    if friction_map is not None:
        _draw_map(car, true, friction_map)
    if as_json:
        print_json({"vehicle": car.name, "factors": true} | told)
        return
    named = {f.name: f for f in FACTORS}
    rows = [(name, _told(named[name], value), named[name].unit) for name, value in true.items()]
    print_table(f"{car.name}: taken", ("factor", "value", "unit"), rows)
    units = {"deceleration": "m/s^2", "delay": "s", "peak_disc_c": "degC", "stopping_distance": "m"}
    print_table("simulated", ("answer", "value", "unit"), [(n, f"{v:.3f}", units.get(n, "")) for n, v in told.items()])


def _value(factor: Factor, given: Given) -> float:
    """The number that the physics takes for a factor: what was given, or the ordinary."""
    if factor.levels:
        level = given if isinstance(given, str) else factor.levels[0]
        if level not in factor.levels:
            raise ValueError(factor.refusal(str(given)))
        return float(factor.levels.index(level))
    if given is None:
        return _ordinary(factor)
    if not isinstance(given, int | float) or not factor.low <= given <= factor.high:
        raise ValueError(factor.refusal(given))
    return float(given)


def _ordinary(factor: Factor) -> float:
    if factor.standard is not None:
        return factor.standard
    if factor.bend:
        return factor.low
    if factor.prior.uniform < 1:
        return factor.prior.mean
    return 0.5 * (factor.low + factor.high)


def _told(factor: Factor, value: float) -> str:
    return factor.levels[int(value)] if factor.levels else f"{value:g}"


def _draw_map(car: "Vehicle", true: dict[str, float], path: Path) -> None:
    from acc_decel import physics  # noqa: PLC0415
    from acc_decel.cli import plots  # noqa: PLC0415

    speed, film = np.linspace(3, 50, 48), np.linspace(0, 4, 41)
    speeds, films = (grid.ravel() for grid in np.meshgrid(speed, film))
    maps = {}
    for tread in MAP_TREADS_MM:
        columns = {name: np.full(speeds.size, value) for name, value in true.items()}
        columns |= {"speed": speeds, "water_film_mm": films, "tread_depth_mm": np.full(speeds.size, tread)}
        maps[f"{tread:g} mm tread"] = physics.stops(car, **columns, latents=None)["friction"].reshape(
            film.size, speed.size
        )
    plots.save(plots.friction_maps(maps, speed, film), path)
