"""Metrics of the trial with 95 % intervals: by arm, scenario and road, and over roads, evenly or weighted as a year."""

from collections.abc import Mapping
from functools import cache
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import binomtest, norm

from acc_decel.acc.trial.arms import ARMS
from acc_decel.acc.trial.roads import even_weights, year_weights

CONFIDENCE = 0.95
DEVIATIONS = float(norm.ppf(0.5 + CONFIDENCE / 2))  # standard deviations to the ends of an interval
HARD_IMPACT = 1.0  # [m/s] below it a contact is the end of a stop on its margin
NEEDLESS_EXCESS = 0.25  # a warning is needless if it comes from so much farther than would be right
KEY = ["road", "scenario", "run"]
MAIN = "lead_brakes"  # the scenario that the figures of an arm come from
Estimate = tuple[float, float, float]  # value, and the ends of its interval
NOTHING: Estimate = (np.nan, np.nan, np.nan)


@cache
def proportion(events: int, runs: int) -> Estimate:
    """Share of the runs with an event, and Wilson's interval."""
    interval = binomtest(events, runs).proportion_ci(CONFIDENCE, method="wilson")
    return events / runs, float(interval.low), float(interval.high)


def mean(values: Float[ndarray, " runs"]) -> Estimate:
    """Mean of what is not NaN, and its interval by the central limit theorem."""
    known = values[~np.isnan(values)]
    if not len(known):
        return NOTHING
    half = DEVIATIONS * (known.std(ddof=1) / sqrt(len(known)) if len(known) > 1 else np.inf)
    return float(known.mean()), float(known.mean() - half), float(known.mean() + half)


def median(values: Float[ndarray, " runs"]) -> Estimate:
    """Median of what is not NaN, and its interval by order statistics: binomial, whatever the distribution."""
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return NOTHING
    half = DEVIATIONS * 0.5 / sqrt(len(known))
    low, high = np.quantile(known, np.clip([0.5 - half, 0.5 + half], 0, 1))
    return float(np.median(known)), float(low), float(high)


def weighted(parts: Mapping[str, Estimate], weights: Mapping[str, float]) -> Estimate:
    """The weighted sum of independent estimates, and its interval.

    Zou, Huang and Zhang, A note on confidence interval estimation for a linear function of binomial proportions,
    Computational Statistics & Data Analysis 53, 2009: the distances to the ends of the parts' intervals add up as
    squares, which holds at 0 events, too. Roads without a value, as where the ACC is never active, do not count.
    """
    parts = {road: part for road, part in parts.items() if not np.isnan(part[0])}
    if not parts:
        return NOTHING
    total = sum(weights[road] for road in parts)
    weights = {road: weights[road] / total for road in parts} if total else even_weights(list(parts))
    value = sum(weights[road] * parts[road][0] for road in parts)
    below = sqrt(sum((weights[road] * (parts[road][0] - parts[road][1])) ** 2 for road in parts))
    above = sqrt(sum((weights[road] * (parts[road][2] - parts[road][0])) ** 2 for road in parts))
    return value, value - below, value + above


# What is estimated of the runs of one part: columns of `judged`, in percent for shares.
SHARES: dict[str, str] = {
    "active_pct": "active",
    "collisions_pct": "collided",
    "hard_collisions_pct": "hard",
    "preventable_pct": "preventable",
    "emergency_pct": "emergency",
    "late_warnings_pct": "late",
    "needless_warnings_pct": "needless",
}
MEANS: dict[str, str] = {
    "gap_s": "time_gap_s",
    "speed_mps": "speed",
    "speed_of_oracle_pct": "speed_pct",
    "capacity_veh_h": "capacity_veh_h",
    "least_gap_m": "least_gap_m",
    "jerk": "jerk",
    "peak_deceleration": "peak_deceleration",
    "early_warning_pct": "early_pct",
}
MEDIANS = {"early_warning_pct"}


def judged(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs with what is judged of each: columns `hard`, `preventable`, `late`, `needless`, `early_pct`.

    A collision is preventable if the oracle has none in the same run. The ACC is not active where no speed is safe:
    such a run has no collision, and no gap.
    """
    table = runs.assign(
        active=runs["speed"] > 0,
        collided=runs["collided"] > 0,
        emergency=runs["emergency"] > 0,
        hard=(runs["collided"] > 0) & (runs["impact_mps"] > HARD_IMPACT),
        late=runs["warning_m"] < runs["right_warning_m"] * (1 - 1e-9),
        early_pct=100 * (runs["warning_m"] / runs["right_warning_m"] - 1),
    )
    table["needless"] = table["early_pct"] > 100 * NEEDLESS_EXCESS
    names = {"collided": "oracle_collided", "speed": "oracle_speed"}
    oracle = table.loc[table["arm"] == "oracle", [*KEY, *names]].rename(columns=names)
    table = table.merge(oracle, on=KEY, how="left")
    table["speed_pct"] = 100 * table["speed"] / table["oracle_speed"]
    table["preventable"] = table["collided"] & (table["oracle_collided"] == False)  # noqa: E712 - NaN without oracle
    return table


def summary(runs: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Metrics of every arm: its main figures, and beneath them each scenario with its roads.

    `gap_even_s`, `gap_year_s`, `collisions_even_pct`, `collisions_year_pct` and `impact_mps` are those of the lead that
    brakes fully; NaN if that scenario was not tried. Each metric is a dict of value, low and high.
    """
    table = judged(runs)
    arms = [arm for arm in ARMS if arm in set(table["arm"].unique())]
    with_oracle = "oracle" in arms
    return {arm: _of_arm(table[table["arm"] == arm], with_oracle) for arm in arms}


def _of_arm(table: pd.DataFrame, with_oracle: bool) -> dict[str, Any]:
    scenarios = {name: _of_scenario(part, with_oracle) for name, part in table.groupby("scenario", sort=False)}
    main = scenarios.get(MAIN)
    figures: dict[str, Any] = {"title": ARMS[str(table["arm"].iloc[0])].title}
    for weighting in ("even", "year"):
        for metric, name in (("gap_s", f"gap_{weighting}_s"), ("collisions_pct", f"collisions_{weighting}_pct")):
            estimate = main[weighting][metric] if main else _named(NOTHING)
            figures[name] = estimate["value"]
            figures[f"{name}_interval"] = [estimate["low"], estimate["high"]]
    figures["impact_mps"] = main["impact_mps"] if main else np.nan
    return figures | {"scenarios": scenarios}


def _of_scenario(table: pd.DataFrame, with_oracle: bool) -> dict[str, Any]:
    """Even and year over the roads of a scenario, then each road."""
    parts = {str(road): part for road, part in table.groupby("road", sort=False)}
    estimates = {road: _estimates(part, with_oracle) for road, part in parts.items()}
    whole: dict[str, Any] = {"impact_mps": _impact(table)}
    if "lead_limited" in table and table["lead_limited"].notna().all():  # behind recorded leads
        whole["lead_limited_pct"] = 100 * float(table["lead_limited"].astype(float).mean())
    for name, weights in (("even", even_weights(list(parts))), ("year", year_weights(list(parts)))):
        over = {
            metric: _named(weighted({road: e[metric] for road, e in estimates.items()}, weights))
            for metric in next(iter(estimates.values()))
        }
        whole[name] = over
    roads = {
        road: {"runs": len(parts[road]), "impact_mps": _impact(parts[road])}
        | {metric: _named(estimate) for metric, estimate in values.items()}
        for road, values in estimates.items()
    }
    return whole | {"roads": roads}


def _estimates(part: pd.DataFrame, with_oracle: bool) -> dict[str, Estimate]:
    """Every metric of one part."""
    shares = {
        metric: _scaled(proportion(int(part[column].sum()), len(part)), 100.0) for metric, column in SHARES.items()
    }
    if not with_oracle:
        shares["preventable_pct"] = NOTHING
    means = {
        metric: (median if metric in MEDIANS else mean)(part[column].to_numpy(np.float64))
        for metric, column in MEANS.items()
    }
    return shares | means


def _impact(table: pd.DataFrame) -> float:
    """Mean impact [m/s] of the collisions; NaN without one."""
    return float(table.loc[table["collided"], "impact_mps"].mean()) if table["collided"].any() else np.nan


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    value, low, high = (factor * number for number in estimate)
    return value, low, high


def _named(estimate: Estimate) -> dict[str, float]:
    return dict(zip(("value", "low", "high"), estimate, strict=True))
