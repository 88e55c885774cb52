"""Pictures of recorded drives: a whole drive with its events marked, and one event close up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from acc_decel.drives import GOOD, DriveEvents, TargetEvents

BEFORE, AFTER = 2.0, 2.0  # [s] shown around an event
RECORD, SMOOTH, EVENT, FLAGGED, LEAST = "#9aa5b1", "#1f5a96", "#d1603d", "#8e6bb8", "#2a9d6f"


def drive(record: DriveEvents) -> Figure:
    """Speed and deceleration of the drive, records and smooth motion, events shaded."""
    figure = Figure(figsize=(14, 6.5), layout="constrained")
    axes = _axes(figure, record)
    slowing = axes[-1]
    _draw(record, axes, mark=1.5)
    for colour, label, events in _by_quality(record.events):
        for i, (start, end) in enumerate(events[["start_s", "end_s"]].to_numpy(float)):
            for axis in axes:
                axis.axvspan(start, end, color=colour, alpha=0.25, lw=0, label=None if i else label)
    slowing.legend(loc="lower right", ncols=5, markerscale=5, frameon=True)
    slowing.set_ylim(*_limits(record))
    flagged = f"flagged: {(record.events['quality'] != GOOD).sum()}"
    axes[0].set_title(f"{record.file}, braking events: {len(record.events)}, {flagged}", loc="left")
    return figure


def event(record: DriveEvents, row: Mapping[Any, Any]) -> Figure:
    """One event with what was recorded around it."""
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = _axes(figure, record)
    slowing = axes[-1]
    _draw(record, axes, mark=4.0)
    slowing.set_xlim(row["start_s"] - BEFORE, row["end_s"] + AFTER)
    if record.clean.has_speed:
        axes[0].set_ylim(min(row["final_speed"] - 2, 0.8 * row["final_speed"]), 1.1 * row["initial_speed"] + 1)
    slowing.set_ylim(-3, row["peak_deceleration"] + 2)
    slowing.hlines(row["mean_deceleration"], row["start_s"], row["end_s"], color=EVENT, label="mean")
    for axis in axes:
        axis.axvspan(row["start_s"], row["end_s"], color=EVENT, alpha=0.15, lw=0)
    slowing.legend(loc="upper right", frameon=False)
    change = f"{row['initial_speed']:.1f} to {row['final_speed']:.1f} m/s"
    if not record.clean.has_speed:
        change = f"{row['mean_deceleration'] * (row['end_s'] - row['start_s']):.1f} m/s lost"
    axes[0].set_title(f"{change}, peak {row['peak_deceleration']:.2f} m/s^2, {row['quality']}", loc="left")
    return figure


def targets(record: TargetEvents) -> Figure:
    """Range and speed of each car ahead, frames that were dropped in grey, braking in the colour of events."""
    figure = Figure(figsize=(14, 6.5), layout="constrained")
    place, speed = figure.subplots(2, 1, sharex=True)
    place.plot(record.time, record.range, ".", ms=1.5, color=RECORD)
    for i, target in enumerate(record.targets):
        colour = f"C{i % 10}"
        place.plot(record.time[target.rows], record.range[target.rows], ".", ms=2.5, color=colour)
        for piece in target.pieces:
            time = piece.time - target.clean.start
            speed.plot(time, piece.speed, lw=1, color=colour)
            for start, end in record.events.loc[record.events["target"] == i, ["start_s", "end_s"]].to_numpy(float):
                inside = (time >= start) & (time <= end)
                speed.plot(time[inside], piece.speed[inside], lw=3, color=EVENT)
    for axis, label in ((place, "range [m]"), (speed, "speed of the target [m/s]")):
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    speed.set_xlabel("time [s]")
    place.set_title(
        f"{record.file}, cars ahead: {len(record.targets)}, braking events: {len(record.events)}, "
        f"flagged: {(record.events['quality'] != GOOD).sum()}",
        loc="left",
    )
    return figure


def _by_quality(events: pd.DataFrame) -> tuple[tuple[str, str, pd.DataFrame], ...]:
    """Colour, name and rows of the good events and of the flagged ones."""
    good = events["quality"] == GOOD
    return (EVENT, "event", events[good]), (FLAGGED, "flagged event", events[~good])


def _axes(figure: Figure, record: DriveEvents) -> tuple[Axes, ...]:
    """One for speed and one for deceleration; only the latter where no speed was recorded."""
    if not record.clean.has_speed:
        return (figure.subplots(),)
    speed, slowing = figure.subplots(2, 1, sharex=True)
    return speed, slowing


def _draw(record: DriveEvents, axes: tuple[Axes, ...], mark: float) -> None:
    clean, slowing = record.clean, axes[-1]
    if clean.has_speed:
        axes[0].plot(clean.speed.time - clean.start, clean.speed.value, ".", ms=mark, color=RECORD, label="recorded")
    if clean.acceleration is not None:
        pushed = clean.acceleration
        slowing.plot(pushed.time - clean.start, -pushed.value, ".", ms=mark, color=RECORD, label="recorded")
    for i, piece in enumerate(record.pieces):
        time = piece.time - clean.start
        if clean.has_speed:
            axes[0].plot(time, piece.speed, lw=1, color=SMOOTH)
        slowing.plot(time, -piece.acceleration, lw=1, color=SMOOTH, label=None if i else "smooth")
        if (piece.least_peak > 0).any():
            least = np.where(piece.least_peak > 0, piece.least_peak, np.nan)
            slowing.plot(time, least, lw=1.5, color=LEAST, label=None if i else "least peak, by two records")
        if clean.acceleration is not None:
            slowing.plot(time, -piece.bias, lw=0.8, color="black", label=None if i else "bias and grade")
    for axis, label in zip(axes[::-1], ("deceleration [m/s^2]", "speed [m/s]"), strict=False):
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    slowing.set_xlabel("time [s]")


def _limits(record: DriveEvents) -> tuple[float, float]:
    peak = float(record.events["peak_deceleration"].max()) if len(record.events) else 2.0
    return -5.0, max(peak, 2.0) + 1.0
