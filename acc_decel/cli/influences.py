"""`acc-decel influences`: Sobol indices of the physics. Needs the extra [train]."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from acc_decel.cli.options import Car, Json, check_output
from acc_decel.cli.terminal import print_json, print_table, progress_bar, say, say_written

MAX_SAMPLES = 2**17  # some 3 GB


def influences(
    vehicle: Car = "compact",
    samples: Annotated[
        int, typer.Option(help="base points for each kind of road; a power of two", min=64, max=MAX_SAMPLES)
    ] = 4096,
    seed: Annotated[int, typer.Option(help="same seed, same indices", min=0)] = 1,
    plot: Annotated[Path | None, typer.Option(help="draw the indices as PNG or SVG")] = None,
    as_json: Json = False,
) -> None:
    """Say what the deceleration depends on: Sobol indices of the physics, for each kind of road.

    The total index is the share of the variance in which a factor takes part, the first-order index what it explains
    alone. Names ending in _score are influences that no sensor knows. The last line names the factors that the network
    needs most. Needs the extra [train].

        acc-decel influences --vehicle suv --plot influences.png
    """
    if samples & (samples - 1):
        near = 2 ** (samples.bit_length() - 1)
        raise ValueError(
            f"--samples must be a power of two. Got {samples}: give {near} or {min(2 * near, MAX_SAMPLES)}."
        )
    check_output(plot, Path(vehicle) if Path(vehicle).is_file() else None, option="--plot")
    if plot is not None:
        from acc_decel.cli import plots  # noqa: PLC0415

        plots.check_picture_name(plot)
    from acc_decel import physics  # noqa: PLC0415
    from acc_decel.evaluation import sensitivity  # noqa: PLC0415

    car = physics.vehicle(vehicle)
    with progress_bar() as progress:
        task = progress.add_task("kinds of road", total=len(sensitivity.REGIMES))
        table = sensitivity.influences(car, samples=samples, seed=seed, on_regime=lambda: progress.advance(task))
    if plot is not None:
        plots.save(plots.influence_bars(table), plot)
    needed = sensitivity.needed_factors(table)
    if as_json:
        regimes = {name: rows.drop(columns="regime") for name, rows in table.groupby("regime", sort=False)}
        print_json({"regimes": regimes, "needed": needed})
        return
    for name, rows in table.groupby("regime", sort=False):
        _print_indices(str(name), rows)
    say(
        "on average the interval is wider without these factors: "
        + ", ".join(f"{n} ({v:.2f})" for n, v in needed.items())
    )
    say_written(plot)


def _print_indices(regime: str, rows: pd.DataFrame, shown: int = 8) -> None:
    print_table(
        f"{regime}: share of the variance of the deceleration",
        ("influence", "total", "+-", "first order", "+-"),
        [
            (str(r["influence"]), *(f"{r[column]:.3f}" for column in ("total", "total_conf", "first", "first_conf")))
            for _, r in rows.head(shown).iterrows()
        ],
    )
