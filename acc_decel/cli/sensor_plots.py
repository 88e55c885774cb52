"""The picture of what sensors are worth: intervals of the deceleration by road and set of factors."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from acc_decel.evaluation.sensor_sets import EVERYTHING, SensorWorth

COLOUR, OTHER = "#4878a8", "#d1603d"
ACROSS = 3  # roads side by side


def intervals_by_road(worths: Sequence[SensorWorth], title: str) -> Figure:
    """The mean interval with each set known, of the model and of the oracle; the dashed line is the lower bound of all.

    At the right the distance with the lower bound of the model [m].
    """
    roads = list(dict.fromkeys(worth.road for worth in worths))
    sets = list(dict.fromkeys(worth.set for worth in worths))[::-1]
    down, across = -(-len(roads) // ACROSS), min(ACROSS, len(roads))
    figure = Figure(figsize=(1.6 + 3.6 * across, 0.8 + (0.9 + 0.34 * len(sets)) * down), layout="constrained")
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    right = max(_right(worth) for worth in worths)
    for axis, road in zip(axes, roads, strict=False):
        for worth in (w for w in worths if w.road == road):
            place = sets.index(worth.set)
            axis.barh(place + 0.15, worth.width, 0.3, left=worth.deceleration_lower, color=COLOUR, label="model")
            best = worth.oracle_width, worth.oracle_deceleration_lower
            axis.barh(place - 0.2, best[0], 0.2, left=best[1], color=OTHER, label="best possible")
            axis.text(1.03 * right, place, f"{worth.stopping_distance_upper:.0f} m", va="center", ha="left", fontsize=8)
            if worth.set == EVERYTHING:
                axis.axvline(worth.deceleration_lower, color="black", linewidth=0.8, linestyle="--")
        axis.set_yticks(np.arange(len(sets)), sets)
        axis.set_xlim(min(0.0, *(worth.deceleration_lower for worth in worths)), 1.22 * right)
        axis.set_title(road, loc="left", fontsize=10)
        axis.grid(axis="x", alpha=0.3)
    for axis in axes[len(roads) :]:
        axis.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    shown = dict(zip(labels, handles, strict=True))
    shown = shown if np.isfinite(worths[0].oracle_width) else {"model": shown["model"]}
    figure.legend(shown.values(), shown.keys(), frameon=False, loc="outside upper right", ncols=2)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    figure.supxlabel("90 % interval of the deceleration [m/s^2]; right: the car stops within")
    return figure


def _right(worth: SensorWorth) -> float:
    """The right end of both intervals."""
    return float(
        np.nanmax([worth.deceleration_lower + worth.width, worth.oracle_deceleration_lower + worth.oracle_width])
    )
