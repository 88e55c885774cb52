"""The pictures of a model's card."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy import ndarray

from acc_decel.cli.flag_lines import flag_counts, flag_masks
from acc_decel.factors import CERTAIN, Factor, column_names
from acc_decel.outputs import LOWER, MEDIAN, ORDERED, QUANTILES, UPPER

BINS = 12  # of each factor's range
MIN_EVENTS = 100  # events for a share to be drawn
COLOUR, OTHER = "#4878a8", "#d1603d"


def predicted_against_simulated(columns: ndarray, true: ndarray, outputs: ndarray) -> Figure:
    """Density of median against simulated deceleration, every factor known and factors missing."""
    complete = ~np.isnan(columns).any(axis=1)
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    for axis, (title, mask) in zip(
        figure.subplots(1, 2, sharey=True),
        {"every factor known": complete, "factors missing": ~complete}.items(),
        strict=True,
    ):
        axis.hexbin(outputs[mask, MEDIAN], true[mask], gridsize=50, bins="log", cmap="viridis", mincnt=1)
        axis.axline((0, 0), slope=1, color="black", linewidth=0.8)
        axis.set_title(title, loc="left")
        axis.set_xlabel("predicted median [m/s^2]")
        axis.set_ylabel("simulated [m/s^2]" if mask is complete else "")
    return figure


def calibration(columns: ndarray, true: ndarray, outputs: ndarray) -> Figure:
    """Share of events below each quantile, over the share that is meant, for all events and by kind of road."""
    at = column_names().index
    film = columns[:, at("water_film_mm")]
    surfaces = {c: columns[:, at(c)] > CERTAIN for c in column_names() if c.startswith("surface_")}
    kinds = {"all": np.ones(len(true), bool), "dry": film == 0, "wet": film > 0} | surfaces
    figure = Figure(figsize=(6, 5), layout="constrained")
    axis = figure.subplots()
    meant = 100 * np.array(list(QUANTILES.values()))
    for name, mask in kinds.items():
        if mask.sum() >= MIN_EVENTS:
            below = [100 * (true[mask] < outputs[mask, i]).mean() for i in ORDERED]
            axis.plot(meant, below - meant, "o-", label=name, linewidth=2 if name == "all" else 1)
    axis.axhspan(-3, 3, color="grey", alpha=0.15)
    axis.set_xlabel("meant to be below [%]")
    axis.set_ylabel("below the quantile, more than meant [percentage points]")
    axis.legend(frameon=False, fontsize=8, ncols=2)
    axis.grid(alpha=0.3)
    return figure


def error_by_factor(factors: tuple[Factor, ...], columns: ndarray, true: ndarray, outputs: ndarray) -> Figure:
    """Median error with its middle 90 %, over each factor; and the mean predicted interval for comparison."""
    numbers = [f for f in factors if not f.levels and f.step < f.high - f.low]
    rows = -(-len(numbers) // 3)
    figure = Figure(figsize=(11, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, 3, sharey=True).ravel()
    for axis, factor in zip(axes, numbers, strict=False):
        value = columns[:, column_names().index(factor.name)]
        edges = np.unique(np.nanquantile(value, np.linspace(0, 1, BINS + 1)))
        bins = np.digitize(value, edges[1:-1])
        bins[np.isnan(value)] = -1
        masks = [bins == i for i in range(len(edges) - 1)]
        centers = [np.median(value[mask]) for mask in masks]
        error = [np.quantile(outputs[mask, MEDIAN] - true[mask], (0.05, 0.5, 0.95)) for mask in masks]
        below, middle, above = np.array(error).T
        axis.fill_between(centers, below, above, color=COLOUR, alpha=0.25)
        axis.plot(centers, middle, color=COLOUR)
        for end in (LOWER, UPPER):
            axis.plot(
                centers, [-(outputs[mask, end] - outputs[mask, MEDIAN]).mean() for mask in masks], ":", color=OTHER
            )
        axis.set_xlabel(f"{factor.name} [{factor.unit}]" if factor.unit else factor.name)
        axis.grid(alpha=0.3)
    for axis in axes[len(numbers) :]:
        axis.set_axis_off()
    figure.supylabel("predicted median less simulated [m/s^2]; dotted: predicted interval")
    return figure


def tests(rows: pd.DataFrame) -> Figure:
    """Published tests: measured distance, predicted distance and its 90 % interval; flagged answers have rings."""
    figure = Figure(figsize=(9, 1 + 0.32 * len(rows)), layout="constrained")
    axis = figure.subplots()
    shown = rows.iloc[::-1]
    reach = np.stack([shown["predicted_m"] - shown["lower_m"], shown["upper_m"] - shown["predicted_m"]])
    farthest = 1.5 * float(shown["measured_m"].max())
    reach[1] = np.minimum(reach[1], farthest)
    axis.errorbar(shown["predicted_m"], shown["name"], xerr=reach, fmt="o", color=COLOUR, label="predicted, 90 %")
    axis.plot(shown["measured_m"], shown["name"], "x", color=OTHER, label="measured")
    for i, (name, mask) in enumerate(flag_masks(shown["status"]).items()):
        points = shown["predicted_m"][mask], shown["name"][mask]
        axis.plot(*points, "o", markersize=11 + 4 * i, fillstyle="none", color=f"C{i + 1}", label=name)  # rings
    axis.set_xlim(0, farthest)
    axis.set_ylim(-1, len(rows))
    axis.set_xlabel(f"braking distance [m]; {flag_counts(shown['status'], 'tests')}")
    axis.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))  # above: no room beside few tests
    axis.grid(axis="x", alpha=0.3)
    return figure
