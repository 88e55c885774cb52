"""Braking events to distributions of how a fleet drives, as a scenario file."""

import json
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray
from scipy import stats

from acc_decel.drives.description import SIGNALS_BY_NAME
from acc_decel.drives.events import NO_SPEED_FLAG, THRESHOLD, check_threshold
from acc_decel.files import atomic_write

MIN_EVENTS = 20
CANDIDATES = ("expon", "gamma", "lognorm", "weibull_min", "norm")  # as SciPy names them
HINT = "`acc-decel drives scenarios EVENTS --output FILE.toml` writes one."
FREE_LOCATION = "norm"  # the location of the others is where the quantity starts


@dataclass(frozen=True)
class Quantity:
    """A quantity of the events that is fitted. No value lies below `start`."""

    name: str
    unit: str
    start: float
    meaning: str


# fmt: off
QUANTITIES: tuple[Quantity, ...] = (
    Quantity("speed",        "m/s",   0.0,       "at the start of braking"),
    Quantity("deceleration", "m/s^2", THRESHOLD, "demanded: the peak of the event"),
    Quantity("duration",     "s",     0.0,       "of the event"),
    Quantity("gap",          "s",     0.0,       "from the end of an event to the start of the next in one drive"),
)
# fmt: on


LIMITS = {  # of the columns that are fitted: unit of `drives events`
    "start_s": (0.0, 1e9),
    "end_s": (0.0, 1e9),
    "initial_speed": (0.0, SIGNALS_BY_NAME["speed"].high),
    "peak_deceleration": (0.0, SIGNALS_BY_NAME["acceleration"].high),
}


@dataclass(frozen=True)
class FittedDistribution:
    """The distribution of one quantity: SciPy's name and parameters (shapes, location, scale).

    It has the lowest AIC of the candidates. `distance` is the statistic of Kolmogorov and Smirnov. Its `p_value`
    ignores that the parameters were fitted to the same events, so that it is too high: a low one speaks against the
    fit, a high one says little.
    """

    quantity: str
    distribution: str
    parameters: tuple[float, ...]
    events: int
    low: float
    high: float
    aic: float
    distance: float
    p_value: float

    def quantiles(self, u: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
        """Values at the quantiles `u`, within the range of the events."""
        law = getattr(stats, self.distribution)(*self.parameters)
        lowest, highest = law.cdf([self.low, self.high])
        return np.clip(law.ppf(lowest + (highest - lowest) * u), self.low, self.high)


def fit_scenarios(events: pd.DataFrame, *, threshold: float = THRESHOLD) -> tuple[FittedDistribution, ...]:
    """Distributions of speed, demanded deceleration, duration and gap over the events of one drive or many.

    `events` is a table of `drives events` or of a fleet, where the column `file` separates the drives. Raises
    ValueError for fewer than 20 events, or an event below `threshold` [m/s^2], where its deceleration begins.
    """
    check_threshold(threshold)
    if len(events) < MIN_EVENTS:
        raise ValueError(f"a fit needs at least {MIN_EVENTS} events. Got {len(events)}: record more drives.")
    if without := with_speed(events)[1]:
        raise ValueError(
            f"events must have a speed. Got {without} of {len(events)} found by an accelerometer alone "
            f"({NO_SPEED_FLAG}): leave them out."
        )
    values = _values(events)
    if (lowest := values["deceleration"].min()) < threshold:
        raise ValueError(
            f"events must peak above the threshold of {threshold:g} m/s^2. Got {lowest:g}: give the threshold with "
            "which they were found."
        )
    starts = {q.name: threshold if q.name == "deceleration" else q.start for q in QUANTITIES}
    return tuple(_best_fit(q.name, values[q.name], starts[q.name]) for q in QUANTITIES)


def with_speed(events: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The events without those that an accelerometer alone found, and the number of these."""
    if "quality" not in events:
        return events, 0
    alone = events["quality"].astype(str).str.split().map(lambda flags: NO_SPEED_FLAG in flags).astype(bool)
    return events[~alone], int(alone.sum())


def _values(events: pd.DataFrame) -> dict[str, ndarray]:
    for name in LIMITS:
        if name not in events:
            columns = ", ".join(map(str, events))
            raise ValueError(f"events must have a column {name}. Got {columns}: use a table of `drives events`.")
    drive = events["file"] if "file" in events else pd.Series(0, index=events.index)
    events = events.assign(**{name: _numbers(events, name, *limits) for name, limits in LIMITS.items()})
    _check_whole(events, drive)
    ordered = events.assign(drive=drive).sort_values(["drive", "start_s"])
    gap = ordered["start_s"] - ordered.groupby("drive")["end_s"].shift()
    return {
        "speed": events["initial_speed"].to_numpy(float),
        "deceleration": events["peak_deceleration"].to_numpy(float),
        "duration": (events["end_s"] - events["start_s"]).to_numpy(float),
        "gap": gap[gap > 0].to_numpy(float),
    }


def _numbers(events: pd.DataFrame, name: str, low: float, high: float) -> "pd.Series[float]":
    """A column as numbers. Raises ValueError, with the row, for what is none or what no car does."""
    numbers = pd.to_numeric(events[name], errors="coerce").astype(float)
    wrong = ~numbers.between(low, high)
    if wrong.any():
        row = events.index[wrong][0]
        raise ValueError(
            f"{name} in {events.index.name or 'row'} {row} must be a number of {low:g} to {high:g}. "
            f"Got {str(events[name][wrong].iloc[0])[:40]}: use a table of `drives events`."
        )
    return numbers


def _check_whole(events: pd.DataFrame, drive: "pd.Series[Any]") -> None:
    """Raise ValueError for an event that ends before it starts, and for one that the table holds twice."""
    if (turned := events["end_s"] <= events["start_s"]).any():
        raise ValueError(
            f"events must end after they start. Got {events.index.name or 'row'} {events.index[turned][0]} that does "
            "not: use a table of `drives events`."
        )
    if twice := int(events.assign(drive=drive).duplicated(["drive", *LIMITS]).sum()):
        raise ValueError(
            f"events must be in the table once. Got {twice} again: are the tables of two runs joined? Delete one."
        )


def _best_fit(quantity: str, values: ndarray, start: float) -> FittedDistribution:
    if len(values) < MIN_EVENTS or not np.isfinite(values).all() or np.ptp(values) == 0:
        raise ValueError(
            f"{quantity} must have at least {MIN_EVENTS} finite values that differ. Got {len(values)} from "
            f"{values.min() if len(values) else 'none'} to {values.max() if len(values) else 'none'}: record more."
        )
    return min((_fit(quantity, name, values, start) for name in CANDIDATES), key=lambda fit: fit.aic)


def _fit(quantity: str, name: str, values: ndarray, start: float) -> FittedDistribution:
    law = getattr(stats, name)
    fixed = {} if name == FREE_LOCATION else {"floc": start - 1e-9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of the search for a maximum, at its far ends
        parameters = law.fit(values, **fixed)
        likelihood = float(law.logpdf(values, *parameters).sum())
    test = stats.kstest(values, name, args=parameters)
    return FittedDistribution(
        quantity=quantity,
        distribution=name,
        parameters=tuple(float(p) for p in parameters),
        events=len(values),
        low=float(values.min()),
        high=float(values.max()),
        aic=2 * (len(parameters) - len(fixed)) - 2 * likelihood if np.isfinite(likelihood) else np.inf,
        distance=float(test.statistic),
        p_value=float(test.pvalue),
    )


def scenario_toml(fits: tuple[FittedDistribution, ...]) -> str:
    """The distributions as TOML, one section each."""
    quantities = {q.name: q for q in QUANTITIES}
    lines = []
    for fit in fits:
        quantity = quantities[fit.quantity]
        lines += [f"[{fit.quantity}]  # {quantity.unit}, {quantity.meaning}"]
        lines += [f"distribution = {json.dumps(fit.distribution)}"]
        lines += [f"parameters = [{', '.join(f'{p:.9g}' for p in fit.parameters)}]  # shapes, location, scale"]
        lines += [f"events = {fit.events}"]
        lines += [f"{n} = {getattr(fit, n):.9g}" for n in ("low", "high", "aic", "distance", "p_value")]
        lines += [""]
    return "\n".join(lines)


def write_scenarios(fits: tuple[FittedDistribution, ...], path: Path) -> None:
    """Write the scenario file, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(scenario_toml(fits))


def read_scenarios(path: Path) -> tuple[FittedDistribution, ...]:
    """The distributions in a scenario file. Raises ValueError naming file, section and what came."""
    try:
        sections = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} must be a scenario file in TOML. Got: {error}. {HINT}") from error
    wanted = [q.name for q in QUANTITIES]
    if sorted(sections) != sorted(wanted):
        raise ValueError(f"{path} must have the sections {', '.join(wanted)}. Got {', '.join(sections)}. {HINT}")
    return tuple(_read_distribution(path, name, sections[name]) for name in wanted)


def _read_distribution(path: Path, name: str, section: dict[str, object]) -> FittedDistribution:
    try:
        parameters = tuple(float(p) for p in section["parameters"])  # type: ignore[attr-defined]  # checked by trying
        fit = FittedDistribution(name, **(section | {"parameters": parameters}))  # type: ignore[arg-type]
        if fit.distribution not in CANDIDATES or not np.isfinite(fit.quantiles(np.array([0.0, 0.5, 1.0]))).all():
            raise ValueError(f"{fit.distribution} with {parameters}")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} [{name}] must hold a fitted distribution. Got: {error}. {HINT}") from error
    return fit
