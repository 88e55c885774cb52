"""Which events are drawn: a quasi-random scenario for each event number, from the distribution stated here.

Event i is a pure function of (seed, i): a scrambled Sobol point with one dimension for each cause and each latent.
A factor without a rule below follows its own `Prior`.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtr, ndtri
from scipy.stats.qmc import Sobol

from acc_decel.factors import EXCLUSIONS, FACTORS, Factor
from acc_decel.physics import LATENTS, SURFACES, Vehicle

Columns = dict[str, ndarray]

CAUSES: tuple[Factor, ...] = tuple(f for f in FACTORS if not f.estimate)

ROAD_TEMPERATURE = next(f for f in CAUSES if f.name == "road_temperature_c")
NOISE_DEVIATIONS = 2.0  # of a sensor, by which events keep away from the exclusions
COLD_C = 7.0  # below this road temperature most drivers have changed to winter tyres

# Relative frequency of each surface, and of each kind of tyre in the warm and in the cold season. Snow and ice are left
# out where they would melt, and the rest is scaled to 1.
# fmt: off
SURFACE_SHARE = {
    "asphalt": 0.50, "concrete": 0.14, "cobbles": 0.10, "gravel": 0.10, "packed_snow": 0.50, "ice": 0.45,
}
TYRE_SHARE_WARM = {"summer": 0.60, "all_season": 0.25, "winter": 0.15}
TYRE_SHARE_COLD = {"summer": 0.15, "all_season": 0.25, "winter": 0.60}
# fmt: on
THAW_C = -3.0  # below this snow and ice carry no liquid water
SALTED_C = -10.0  # below this no road does: road salt works down to about -9 degC, 15 degF (Wisconsin DOT)
DRY_SHARE = 0.45  # of the events on a road that can be wet
THIN_SHARE, THIN_MEAN_MM = 0.7, 0.6  # of the wet events: exponential with this mean; the others evenly over the range
ABS_SHARE = 0.88  # of the events; no ABS, or a fault of it, is more frequent here than in traffic
TYPICAL_POINTS = 2001  # quantiles from which a typical value is taken; odd, so that one of them is the median


@dataclass(frozen=True)
class Driving:
    """How a fleet drives, in place of the priors: for some factors, evenly spaced quantiles from minimum to maximum.

    A share `uniform` of the events is still spread evenly over the whole range, so that training covers all of it.
    """

    quantiles: tuple[tuple[str, tuple[float, ...]], ...]
    uniform: float = 0.3

    def __post_init__(self) -> None:
        """Refuse a factor that has its own rule, and quantiles that do not rise."""
        free = {f.name for f in CAUSES} - set(_RULES)
        for name, values in self.quantiles:
            if name not in free or len(values) < 2 or not (np.diff(values) >= 0).all():
                raise ValueError(f"quantiles must rise, of one of {', '.join(sorted(free))}. Got {name}: {values}.")

    def column(self, u: ndarray, factor: Factor) -> ndarray | None:
        """Values of `factor` at the quantiles `u`, within its range; None for a factor that keeps its prior."""
        values = dict(self.quantiles).get(factor.name)
        if values is None:
            return None
        even = factor.low + (factor.high - factor.low) * u / max(self.uniform, 1e-9)
        rest = np.clip((u - self.uniform) / max(1 - self.uniform, 1e-9), 0, 1)
        driven = np.interp(rest, np.linspace(0, 1, len(values)), values)
        return np.clip(np.where(u < self.uniform, even, driven), factor.low, factor.high)

    def log_density(self, value: ndarray, factor: Factor) -> ndarray | None:
        """Logarithm of the density of `factor` at `value` under `column`; None for a factor that keeps its prior.

        Averaged over a step of the sensor, so that a single frequent value, like an end of the range, has a density.
        """
        values = dict(self.quantiles).get(factor.name)
        if values is None:
            return None
        width, steps = factor.high - factor.low, round((factor.high - factor.low) / factor.step)
        edges = np.linspace(factor.low, factor.high, steps + 1)
        below = np.interp(edges, np.clip(values, factor.low, factor.high), np.linspace(0, 1, len(values)))
        below[0], below[-1] = 0.0, 1.0
        density = self.uniform / width + (1 - self.uniform) * np.diff(below) * steps / width
        step = np.clip(((value - factor.low) / width * steps).astype(int), 0, steps - 1)
        with np.errstate(divide="ignore"):  # where the fleet never drives
            return np.log(density)[step]


def scenarios(
    factors: tuple[Factor, ...], *, seed: int, first: int, events: int, driving: Driving | None = None
) -> tuple[Columns, Columns]:
    """True factors and latents of events `first` to `first + events - 1`: two dicts of float64 columns.

    A factor with levels is the index of its level. `factors` have the ranges of the vehicle. `driving` replaces the
    priors of some factors.
    """
    points = _points(seed, first, events, len(CAUSES) + len(LATENTS))
    by_name = {f.name: f for f in factors}
    uniform = {f.name: points[:, i] for i, f in enumerate(CAUSES)}
    true = {name: sample(u, by_name[name], driving) for name, u in uniform.items() if name not in _RULES}
    for name, rule in _RULES.items():  # in this order: each may use what was drawn before
        true[name] = rule(uniform[name], by_name[name], true)
    latents = {latent.name: ndtri(points[:, len(CAUSES) + i]) for i, latent in enumerate(LATENTS)}
    return {f.name: true[f.name] for f in CAUSES}, latents


def sample(u: ndarray, factor: Factor, driving: Driving | None) -> ndarray:
    """Values of a factor at the quantiles `u` of how the fleet drives, or of its prior if `driving` has none."""
    driven = driving.column(u, factor) if driving else None
    return from_prior(u, factor) if driven is None else driven


def _points(seed: int, first: int, events: int, dimensions: int) -> Float[ndarray, "events dimensions"]:
    sobol = Sobol(dimensions, scramble=True, rng=seed)
    if first:  # SciPy cannot fast-forward by 0
        sobol.fast_forward(first)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The balance properties of Sobol")
        return np.clip(sobol.random(events), 1e-9, 1 - 1e-9)


def from_prior(u: Float[ndarray, " events"], factor: Factor) -> Float[ndarray, " events"]:
    """Values of a factor at the quantiles `u` of its prior."""
    prior = factor.prior
    even = factor.low + (factor.high - factor.low) * u / max(prior.uniform, 1e-9)
    if prior.uniform >= 1:
        return even
    rest = np.clip((u - prior.uniform) / (1 - prior.uniform), 0, 1)
    return np.clip(np.where(u < prior.uniform, even, _bell(rest, factor)), factor.low, factor.high)


def _bell(u: Float[ndarray, " events"], factor: Factor) -> Float[ndarray, " events"]:
    """Quantiles `u` of the normal part of the prior, truncated to the range."""
    prior = factor.prior
    low, high = (ndtr((limit - prior.mean) / prior.deviation) for limit in (factor.low, factor.high))
    return prior.mean + prior.deviation * ndtri(low + (high - low) * u)


def typical_factors(vehicle: Vehicle, known: Mapping[str, float] | None = None) -> dict[str, float]:
    """One typical event for `vehicle`: a value for each factor that `scenarios` draws, a level as its index.

    A factor with its own rule takes its most common value: asphalt, summer tyres, dry, ABS on. Each other factor takes
    the median of its prior, in steps of its sensor; the evenly spread part of the prior is left out, because it only
    makes training cover the whole range. `known` factors keep their value, and the others follow from them as in
    `scenarios`: ice comes with a road colder than 3 degC, and a road of -5 degC with winter tyres.
    """
    by_name = {f.name: f for f in vehicle.factors}
    u = (np.arange(TYPICAL_POINTS) + 0.5) / TYPICAL_POINTS
    values = dict(known or {})
    for name in (cause.name for cause in CAUSES if cause.name not in _RULES and cause.name not in values):
        factor = by_name[name]
        column = _bell(u, factor) if factor.prior.uniform < 1 else from_prior(u, factor)
        weights = _season(column, by_name, values) if name == "road_temperature_c" else np.ones(len(u))
        values[name] = _median(column, weights, factor)
    for name, rule in _RULES.items():  # in this order: each may use the values before it
        if name not in values:
            true = {other: np.full(len(u), value) for other, value in values.items()}
            values[name] = _most_common(rule(u, by_name[name], true))
    return {cause.name: float(values[cause.name]) for cause in CAUSES}


def _season(
    road_temperature_c: Float[ndarray, " events"], by_name: dict[str, Factor], known: Mapping[str, float]
) -> Float[ndarray, " events"]:
    """How probable the known surface and tyre kind are at this road temperature."""
    weights = np.ones(len(road_temperature_c))
    for name, shares in (("surface", surface_shares), ("tyre_kind", tyre_shares)):
        if name in known:
            weights *= shares(by_name[name], road_temperature_c)[:, int(known[name])]
    return weights


def _median(values: ndarray, weights: ndarray, factor: Factor) -> float:
    """Weighted median of ascending `values`, in steps of the sensor and within the range."""
    total = np.cumsum(weights)
    median = values[np.searchsorted(total, 0.5 * total[-1])]
    return float(np.clip(round(round(median / factor.step) * factor.step, 9), factor.low, factor.high))


def _most_common(values: ndarray) -> float:
    """The value that most events have; the first of equally common ones."""
    levels, counts = np.unique(values, return_counts=True)
    return float(levels[counts >= counts.max() - 1][0])  # counts on a grid are right to 1


def surface_shares(factor: Factor, road_temperature_c: Float[ndarray, " events"]) -> Float[ndarray, "events levels"]:
    """Probability of each surface at this road temperature; 0 for snow and ice that would melt."""
    shares = np.tile([SURFACE_SHARE[level] for level in factor.levels], (len(road_temperature_c), 1))
    for i, column in enumerate(factor.columns):
        shares[road_temperature_c > limit_of(column, ROAD_TEMPERATURE), i] = 0
    return shares / shares.sum(axis=1, keepdims=True)


def tyre_shares(factor: Factor, road_temperature_c: Float[ndarray, " events"]) -> Float[ndarray, "events levels"]:
    """Probability of each kind of tyre at this road temperature: drivers change with the season."""
    warm, cold = ([s[level] for level in factor.levels] for s in (TYRE_SHARE_WARM, TYRE_SHARE_COLD))
    return np.where((road_temperature_c < COLD_C)[:, None], cold, warm)


def deepest_film(factor: Factor, true: Columns) -> Float[ndarray, " events"]:
    """Deepest water [mm] that the surface can hold at this road temperature; 0 where all water is frozen."""
    surface_factor = next(f for f in FACTORS if f.name == "surface")
    limits = np.array([min(limit_of(c, factor), factor.high) for c in surface_factor.columns])
    frozen = np.array([s.frozen for s in SURFACES.values()])[true["surface"].astype(int)]
    freezes_c = np.where(frozen, THAW_C, SALTED_C)
    return np.where(true["road_temperature_c"] < freezes_c, 0.0, limits[true["surface"].astype(int)])


def pick_level(u: Float[ndarray, " events"], shares: Float[ndarray, "events levels"]) -> Float[ndarray, " events"]:
    """Index of the level that the quantile `u` falls into."""
    return np.minimum((u[:, None] > np.cumsum(shares, axis=1)).sum(axis=1), shares.shape[1] - 1).astype(float)


def limit_of(column: str, factor: Factor) -> float:
    """The highest value of `factor` with this level on a real road: so far below an exclusion that its reading is, too.

    Infinite if there is no exclusion.
    """
    limit = min((e.limit for e in EXCLUSIONS if (e.column, e.factor) == (column, factor.name)), default=np.inf)
    return (limit - NOISE_DEVIATIONS * factor.noise) / (1 + NOISE_DEVIATIONS * factor.noise_share)


def _surface(u: ndarray, factor: Factor, true: Columns) -> ndarray:
    return pick_level(u, surface_shares(factor, true["road_temperature_c"]))


def _tyre_kind(u: ndarray, factor: Factor, true: Columns) -> ndarray:
    return pick_level(u, tyre_shares(factor, true["road_temperature_c"]))


def _water_film_mm(u: ndarray, factor: Factor, true: Columns) -> ndarray:
    deepest = deepest_film(factor, true)
    wet = np.clip((u - DRY_SHARE) / (1 - DRY_SHARE), 0, 1)  # 0 to 1 among the wet events
    thin = -THIN_MEAN_MM * np.log1p(-np.minimum(wet / THIN_SHARE, 1 - 1e-9))
    deep = deepest * (wet - THIN_SHARE) / (1 - THIN_SHARE)
    return np.minimum(np.where(wet < THIN_SHARE, thin, deep), deepest)


def _abs(u: ndarray, factor: Factor, true: Columns) -> ndarray:  # noqa: ARG001 - every rule has this form
    return (u < ABS_SHARE).astype(float)


_RULES: dict[str, Callable[[ndarray, Factor, Columns], ndarray]] = {
    "surface": _surface,
    "tyre_kind": _tyre_kind,
    "water_film_mm": _water_film_mm,
    "abs": _abs,
}
