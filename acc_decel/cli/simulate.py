"""`acc-decel simulate`: one stop in the physics, as a table and a picture. Needs the extra [train]."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from acc_decel.cli.options import Car, Json, check_output
from acc_decel.cli.terminal import print_json, print_table, say_written
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
    """Simulate one stop to standstill, with typical values for what is not given, and draw it.

    A factor that is not given takes its typical value from the scenarios of the training: a dry road, which is more
    common than any depth of water, level, calm, half loaded, the median tread; the brakes are applied as hard as the
    vehicle can. Road temperature and tyres suit the surface. The table says where each value comes from. `predict` is
    different: there a factor that is not given is unknown, and the interval covers what it may be.

        acc-decel simulate --speed 27.8 --plot stop.png
        acc-decel simulate --speed 27.8 --abs 0 --water-film-mm 1 --plot locked.svg

    Needs the extra [train].
    """
    own = Path(vehicle) if Path(vehicle).is_file() else None
    check_output(plot, own, option="--plot")
    check_output(friction_map, own, plot, option="--friction-map")
    for picture in filter(None, (plot, friction_map)):
        from acc_decel.cli import plots  # noqa: PLC0415 - Matplotlib

        plots.check_picture_name(picture)
    from acc_decel import dataset, physics  # noqa: PLC0415 - the extra [train] is asked for only here

    car = physics.vehicle(vehicle)
    known = {f.name: _number(f, factors[f.name]) for f in car.factors if f.name in factors}
    standard = {f.name: f.standard for f in car.factors if f.standard is not None}
    true = dataset.typical_factors(car, standard | known)
    columns = physics.stops(car, **{name: np.array([value]) for name, value in true.items()}, latents=None)
    answer = {name: float(column[0]) for name, column in columns.items()}
    if plot is not None:
        from acc_decel.cli import plots  # noqa: PLC0415

        plots.save(plots.stop_over_time(physics.history(car, **true), _title(car.name, answer)), plot)
    if friction_map is not None:
        _draw_map(car, true, friction_map)
    if as_json:
        typical = [name for name in true if name not in known]
        print_json({"vehicle": car.name, "factors": true, "typical": typical} | answer)
        return
    named = {f.name: f for f in FACTORS}
    rows = [(n, _text(named[n], v), named[n].unit, "given" if n in known else "typical") for n, v in true.items()]
    print_table(f"{car.name}: taken", ("factor", "value", "unit", "source"), rows)
    units = {"deceleration": "m/s^2", "delay": "s", "peak_disc_c": "degC", "stopping_distance": "m"}
    results = [(name, f"{value:.3f}", units.get(name, "")) for name, value in answer.items()]
    print_table("simulated", ("answer", "value", "unit"), results)
    say_written(plot)
    say_written(friction_map, "map of the friction")


def _title(vehicle: str, answer: dict[str, float]) -> str:
    slowing, distance = answer["deceleration"], answer["stopping_distance"]
    end = f"stops after {distance:.1f} m" if np.isfinite(distance) else "does not stop"
    return f"{vehicle}: {slowing:.2f} m/s^2, {end}"


def _number(factor: Factor, given: Given) -> float:
    """The number that the physics takes for a given factor."""
    if factor.estimate:
        raise ValueError(f"{factor.name} is a result of the simulation ({factor.meaning}). Got {given}: leave it out.")
    if factor.levels:
        if given not in factor.levels:
            raise ValueError(factor.refusal(str(given)))
        return float(factor.levels.index(str(given)))
    if not isinstance(given, int | float) or not factor.low <= given <= factor.high:
        raise ValueError(factor.refusal(given))
    return float(given)


def _text(factor: Factor, value: float) -> str:
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
