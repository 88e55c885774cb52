"""The pictures of the trial: collisions over the mean gap of each arm, and one stop over time."""

from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from acc_decel.acc.trial import ARMS, FIXED_GAPS, ROAD_OF_STOP
from acc_decel.acc.trial.loop import STEP, TRACE_STEPS

OURS, OTHERS, FRONTIER = "#4878a8", "#d1603d", "0.55"
HEADROOM, FOOTROOM = 1.6, 0.6  # of the range of collisions that is drawn
GAP_TICKS = (0.5, 0.8, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 30)
STOPS = (OTHERS, OURS)  # colours of the stops over time
TRACE_TIME = STEP * TRACE_STEPS  # [s] between two rows of a trace
COLLISION_TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
PIXEL, LETTER_PIXELS = 0.72, 6.4  # points in a pixel of a new figure; width of a letter of a name
WEIGHTINGS = {"year": "weighted as a year", "even": "every road alike"}


@dataclass(frozen=True)
class Point:
    """One arm: its mean gap [s], its collisions [%] and the ends of their interval."""

    gap: float
    collisions: float
    low: float
    high: float


def pareto(summary: dict[str, Any]) -> Figure:
    """Collisions [%] behind a lead that brakes fully over the mean time gap [s], for both weightings of the roads."""
    figure = Figure(figsize=(13, 6), layout="constrained")
    for axis, (weighting, title) in zip(figure.subplots(1, 2), WEIGHTINGS.items(), strict=True):
        draw_pareto(axis, summary, weighting)
        axis.set_title(title, loc="left")
    return figure


def draw_pareto(axis: Axes, summary: dict[str, Any], weighting: str) -> None:
    """The arms by their mean gap and their collisions, the "even" or the "year" ones; below and left is better.

    Bars are 95 % intervals. An arm without a collision is drawn at the lower edge, with an open mark.
    """
    points = {name: _point(arm, weighting) for name, arm in summary.items()}
    _draw_points(axis, {name: point for name, point in points.items() if not isnan(point.gap)})
    axis.set_xlabel("mean time gap [s]")
    axis.set_ylabel("collisions when the lead brakes fully [%]")


def _point(arm: dict[str, Any], weighting: str) -> Point:
    interval = arm[f"collisions_{weighting}_pct_interval"]
    return Point(arm[f"gap_{weighting}_s"], arm[f"collisions_{weighting}_pct"], *interval)


def _draw_points(axis: Axes, points: dict[str, Point]) -> None:
    """The arms with their names, and the line through the fixed gaps."""
    floor = FOOTROOM * min((p.collisions for p in points.values() if p.collisions > 0), default=1.0)
    height = {name: max(point.collisions, floor) for name, point in points.items()}
    frontier = [name for name in FIXED_GAPS if name in points]
    axis.plot([points[n].gap for n in frontier], [height[n] for n in frontier], color=FRONTIER, label="fixed gaps")
    for name, p in points.items():
        ends = [[height[name] - max(p.low, floor)], [max(p.high - height[name], 0.0)]]
        bar = axis.errorbar(p.gap, height[name], yerr=np.maximum(ends, 0), fmt="o", color=_colour(name), markersize=6)
        bar.lines[0].set_fillstyle("full" if p.collisions > 0 else "none")
        for line in bar.lines[2]:
            line.set(alpha=0.35, linewidth=1)
    gaps, highest = [p.gap for p in points.values()], max(p.high for p in points.values())
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(0.9 * min(gaps), 1.25 * max(gaps))
    axis.set_ylim(0.7 * floor, HEADROOM * max(highest, floor))
    _set_ticks(axis)
    axis.grid(alpha=0.3)
    _name_points(axis, {name: (p.gap, height[name]) for name, p in points.items()})
    if frontier:
        axis.legend(frameon=False, loc="upper right")


def _colour(name: str) -> str:
    return OURS if ARMS[name].ours else FRONTIER if name in FIXED_GAPS else OTHERS


def _set_ticks(axis: Axes) -> None:
    """Plain numbers on both axes."""
    for steps, limits, place in (
        (GAP_TICKS, axis.get_xlim(), axis.set_xticks),
        (COLLISION_TICKS, axis.get_ylim(), axis.set_yticks),
    ):
        ticks = [tick for tick in steps if limits[0] <= tick <= limits[1]]
        place(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()


def _name_points(axis: Axes, places: dict[str, tuple[float, float]]) -> None:
    """A name beside each point, on the first side where it covers neither a name nor a point."""
    dots = axis.transData.transform(list(places.values()))
    taken = [(x - 4, x + 4, y - 4, y + 4) for x, y in dots]
    for (name, point), (x, y) in zip(places.items(), dots, strict=True):
        width = LETTER_PIXELS * len(name)
        for right, up in ((1, 4), (1, -12), (0, 4), (0, -12), (1, 14), (1, -22)):
            left = x + 7 if right else x - 7 - width
            box = (left, left + width, y + up, y + up + 10)
            if not any(box[0] < t[1] and t[0] < box[1] and box[2] < t[3] and t[2] < box[3] for t in taken):
                break
        taken.append(box)
        side: Literal["left", "right"] = "left" if right else "right"
        offset = PIXEL * (7 if right else -7), PIXEL * up
        axis.annotate(name, point, xytext=offset, textcoords="offset points", fontsize=8, color=_colour(name), ha=side)


def stops_over_time(traces: dict[str, pd.DataFrame]) -> Figure:
    """Gap and speeds of one run of each arm over time."""
    figure = Figure(figsize=(8, 6), layout="constrained")
    gap, speed = figure.subplots(2, 1, sharex=True)
    draw_gaps(gap, traces)
    gap.set_title(f"{ROAD_OF_STOP}: the lead brakes fully after 1 s, the same cars and road", loc="left")
    for (arm, trace), colour in zip(traces.items(), STOPS, strict=True):
        speed.plot(trace["time"], trace["speed"], color=colour, label=ARMS[arm].title)
    longest = max(traces.values(), key=len)
    speed.plot(longest["time"], longest["lead_speed"], ":", color=mpl.rcParams["text.color"], label="lead")
    speed.set_ylabel("speed [m/s]")
    speed.set_xlabel("time [s]")
    speed.grid(alpha=0.3)
    speed.legend(frameon=False)
    return figure


def draw_gaps(axis: Axes, traces: dict[str, pd.DataFrame]) -> None:
    """The gap of each arm over time, and how the run ends."""
    for (arm, trace), colour in zip(traces.items(), STOPS, strict=True):
        last = trace.iloc[-1]
        closing = last["speed"] - last["lead_speed"]
        hits = last["gap"] < closing * TRACE_TIME  # contact comes before the next row
        end = f"hits at {closing:.0f} m/s" if hits else f"{last['gap']:.1f} m left"
        axis.plot(trace["time"], trace["gap"], color=colour, label=f"{ARMS[arm].title}: {end}")
    axis.axhline(0, color=mpl.rcParams["axes.edgecolor"], linewidth=0.8)
    axis.set_ylabel("gap [m]")
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
