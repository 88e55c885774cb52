"""The picture of braking tests: measured against predicted, by regime."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from acc_decel.cli.flag_lines import flag_counts, flag_masks
from acc_decel.evaluation import BOUND, RegimeScore

COLOUR, OUTSIDE = "#4878a8", "#d1603d"
GAP, ROOM = 2, 9  # tests between regimes, and as many as a label is wide
LIMITS = (0.4, 4.0)  # of predicted over measured distance; what lies beyond is cut
TICKS = (0.5, 0.7, 1.0, 1.4, 2.0, 3.0)


def tests_by_regime(rows: pd.DataFrame, scores: Sequence[RegimeScore]) -> Figure:
    """Predicted over measured distance of each measured test with its 90 % interval, and the figures of each regime.

    A measured distance outside its interval is drawn in red; flagged answers have rings.
    """
    figure = Figure(figsize=(13, 5.5), layout="constrained")
    axis = figure.subplots()
    places, centres = places_of_tests(rows, scores)
    drawn = rows.loc[places.index]
    _draw(axis, places.to_numpy(), drawn)
    axis.axhline(1, color="black", linewidth=0.8)
    axis.set_yscale("log")
    axis.set_ylim(LIMITS)
    axis.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axis.minorticks_off()
    axis.set_xticks(centres, [_figures(regime) for regime in scores])
    axis.tick_params(axis="x", length=0)
    axis.set_ylabel("predicted over measured distance, with 90 % interval")
    flagged = f"; {flag_counts(drawn['status'], 'tests')}" if "status" in rows else ""
    axis.set_title(f"braking tests by regime; red: outside the interval{flagged}", loc="left")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False, loc="upper left")
    axis.grid(axis="y", alpha=0.3)
    return figure


def places_of_tests(rows: pd.DataFrame, scores: Sequence[RegimeScore]) -> "tuple[pd.Series[float], list[float]]":
    """Where each test that counts stands, by regime and error, and the middle of each regime."""
    places, centres, start = [], [], 0.0
    for regime in scores:
        counts = (rows["regime"] == regime.regime) & (rows["kind"] != BOUND) & (rows["weight"] > 0)
        own = rows[counts].sort_values("error_pct")
        wide = max(len(own), ROOM)
        places.append(pd.Series(start + 0.5 * (wide - len(own)) + np.arange(len(own)), own.index))
        centres.append(start + 0.5 * (wide - 1))
        start += wide + GAP
    return pd.concat(places), centres


def _draw(axis: Axes, places: np.ndarray, rows: pd.DataFrame) -> None:
    """The tests, each at its place."""
    middle, lower, upper = (
        (rows[name] / rows["measured_m"]).clip(0.01, 100).to_numpy(float)
        for name in ("predicted_m", "lower_m", "upper_m")
    )
    for inside, colour in ((True, COLOUR), (False, OUTSIDE)):
        mask = rows["inside"].to_numpy(bool) == inside
        reach = np.stack([middle - lower, upper - middle])[:, mask]
        axis.errorbar(places[mask], middle[mask], yerr=reach, fmt="o", markersize=3.5, linewidth=1, color=colour)
    for i, (name, mask) in enumerate(flag_masks(rows["status"]).items() if "status" in rows else ()):
        axis.plot(
            places[mask], middle[mask], "o", markersize=8 + 4 * i, fillstyle="none", color=f"C{i + 4}", label=name
        )


def _figures(score: RegimeScore) -> str:
    """The figures of a regime, as the label below its tests."""
    return (
        f"{score.regime}\n{score.tests} tests\nerror {score.mean_abs_error_pct:.1f} %\nbias {score.bias_pct:+.1f} %\n"
        f"{score.inside_interval_pct:.0f} % inside\nwidth {score.mean_interval_pct:.0f} %\nrms z {score.rms_z:.2f}"
    )
