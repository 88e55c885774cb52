"""Pictures: one stop over time, a drive through the task of an ECU, friction over speed and water, influences."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy import ndarray

from acc_decel.cli.flag_lines import flag_counts, flag_masks
from acc_decel.files import atomic_write

mpl.rcParams["svg.hashsalt"] = "acc_decel"  # same picture, same bytes
FORMATS = (".png", ".svg")


def check_picture_name(path: Path) -> None:
    """Raise ValueError if `save` cannot write a file of this name."""
    if path.suffix not in FORMATS:
        raise ValueError(f"{path} must end in {' or '.join(FORMATS)}. Got {path.suffix or 'no ending'!r}: choose one.")


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG or SVG, whole or not at all."""
    check_picture_name(path)
    with atomic_write(path) as temporary:
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(temporary, format=path.suffix[1:], dpi=130, metadata=metadata)


def stop_over_time(history: dict[str, ndarray], title: str) -> Figure:
    """Speed, distance, deceleration, slip, pressure and disc temperature of one stop."""
    panels = (
        ("speed [m/s]", ("speed",)),
        ("distance [m]", ("distance",)),
        ("deceleration [m/s^2]", ("deceleration",)),
        ("slip", ("front_slip", "rear_slip")),
        ("pressure [bar]", ("pressure_bar",)),
        ("discs [degC]", ("front_disc_c", "rear_disc_c")),
    )
    figure = Figure(figsize=(8, 10.5), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True)
    for axis, (label, names) in zip(axes, panels, strict=True):
        for name in names:
            axis.plot(history["time"], history[name], label=name.split("_")[0])
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        if len(names) > 1:
            axis.legend(loc="best", frameon=False)
    axes[0].set_title(title, loc="left")
    axes[-1].set_xlabel("time since the demand [s]")
    return figure


def task_over_time(answers: pd.DataFrame, use: ndarray | None, title: str) -> Figure:
    """Deceleration with interval and flags, and the use of the deadline, at every tick; instructions if not known."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    slowing, cost = figure.subplots(2, 1, sharex=True)
    time = answers["time_s"]
    bounds = answers["deceleration_lower"], answers["deceleration_upper"]
    slowing.fill_between(time, *bounds, alpha=0.3, step="post", color="#4878a8", label="90 % interval")
    slowing.step(time, answers["deceleration"], where="post", color="#4878a8", label="median")
    raised = flag_masks(answers["status"])
    slowing.margins(y=0.05 + 0.05 * len(raised))  # room above the interval for one row of marks for each flag
    for i, (name, mask) in enumerate(raised.items()):
        height = np.full(int(mask.sum()), 0.97 - 0.04 * i)
        slowing.plot(time[mask], height, "|", color=f"C{i + 1}", label=name, transform=slowing.get_xaxis_transform())
    slowing.set_ylabel("deceleration [m/s^2]")
    slowing.legend(loc="best", frameon=False)
    slowing.set_title(f"{title}\n{flag_counts(answers['status'], 'ticks')}", loc="left")
    cost.step(time, answers["instructions"] if use is None else 100 * use, where="post", color="#d1603d")
    cost.set_ylabel("instructions" if use is None else "deadline used [%]")
    cost.set_ylim(bottom=0)
    cost.set_xlabel("time [s]")
    for axis in (slowing, cost):
        axis.grid(alpha=0.3)
    return figure


def friction_maps(maps: dict[str, ndarray], speed: ndarray, water_film_mm: ndarray) -> Figure:
    """Friction over speed and water film, one map for each title."""
    figure = Figure(figsize=(4.2 * len(maps), 4), layout="constrained")
    axes = figure.subplots(1, len(maps), sharey=True, squeeze=False)[0]
    levels = np.linspace(0, 1.3, 14)
    for axis, (title, friction) in zip(axes, maps.items(), strict=True):
        drawn = axis.contourf(speed * 3.6, water_film_mm, friction, levels=levels, cmap="viridis")
        axis.set_title(title)
        axis.set_xlabel("speed [km/h]")
    axes[0].set_ylabel("water film [mm]")
    figure.colorbar(drawn, ax=list(axes), label="friction")
    return figure


def influence_bars(indices: pd.DataFrame, shown: int = 10) -> Figure:
    """Total Sobol indices with their 95 % interval, the greatest of each regime."""
    regimes: Iterable[str] = indices["regime"].unique()
    figure = Figure(figsize=(11, 8), layout="constrained")
    for axis, regime in zip(figure.subplots(2, 2).ravel(), regimes, strict=True):
        rows = indices[indices["regime"] == regime].head(shown).iloc[::-1]
        axis.barh(rows["influence"], rows["total"], xerr=rows["total_conf"], color="#4878a8", label="total")
        axis.plot(rows["first"], rows["influence"], "o", color="#d1603d", label="first order")
        axis.set_title(regime, loc="left")
        axis.set_xlim(0, 1)
        axis.grid(axis="x", alpha=0.3)
    axis.legend(frameon=False, loc="lower right")
    figure.supxlabel("share of the variance of the deceleration")
    return figure
