"""How much the deceleration depends on each factor and latent: Sobol indices of the physics, by kind of road."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray
from SALib.analyze import sobol as analysis
from SALib.sample import sobol as sampling
from scipy.special import ndtri

from acc_decel.dataset import CAUSES, from_prior
from acc_decel.factors import Factor
from acc_decel.physics import LATENTS, SURFACES, Vehicle, stops

SAMPLES = 4096  # base points; each needs as many stops as there are factors and latents, plus two
MIN_SPEED = 5.0  # [m/s] a slower stop ends before the influences matter
NEEDED_SHARE = 0.10  # of the variance: without a factor above it the answer is marked as less certain


@dataclass(frozen=True)
class Regime:
    """One kind of road, within which all factors vary independently."""

    name: str
    surfaces: tuple[str, ...]
    water_mm: tuple[float, float]  # evenly between
    road_c: tuple[float, float]  # evenly between


_PAVED = tuple(name for name, surface in SURFACES.items() if surface.paved)
_FROZEN = tuple(name for name, surface in SURFACES.items() if surface.frozen)
REGIMES = (
    Regime("dry", _PAVED, (0.0, 0.0), (-10.0, 50.0)),
    Regime("wet", _PAVED, (0.1, 3.0), (0.0, 40.0)),
    Regime("gravel", ("gravel",), (0.0, 1.0), (-10.0, 50.0)),
    Regime("snow and ice", _FROZEN, (0.0, 0.0), (-25.0, 0.0)),
)


def influences(
    vehicle: Vehicle, *, samples: int = SAMPLES, seed: int = 1, on_regime: Callable[[], None] = lambda: None
) -> pd.DataFrame:
    """Sobol indices of the mean deceleration with ABS, one row for each regime and influence.

    Columns: regime, influence, total (share of the variance in which it takes part), total_conf (half width of the
    95 % interval), first (share that it explains alone), first_conf. Factors follow their prior, within the regime;
    latents their population. Estimators of Saltelli et al., Comput. Phys. Commun. 181 (2010), by SALib.
    """
    tables = []
    for regime in REGIMES:
        tables.append(_indices(vehicle, regime, samples, seed))
        on_regime()
    return pd.concat(tables, ignore_index=True)


def needed_factors(indices: pd.DataFrame) -> dict[str, float]:
    """The factors whose total index is above NEEDED_SHARE in some regime, confidence included, with its maximum."""
    is_factor = ~indices["influence"].isin(_latent_names())
    certain = indices[(indices["total"] - indices["total_conf"] > NEEDED_SHARE) & is_factor]
    maximum = certain.groupby("influence")["total"].max().sort_values(ascending=False)
    return {str(name): float(value) for name, value in maximum.items()}


def _latent_names() -> list[str]:
    return [latent.name for latent in LATENTS]


def _indices(vehicle: Vehicle, regime: Regime, samples: int, seed: int) -> pd.DataFrame:
    factors = [f for f in vehicle.factors if f.name in {c.name for c in CAUSES} and f.name != "abs"]
    names = [f.name for f in factors] + _latent_names()
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    points = np.clip(sampling.sample(problem, samples, calc_second_order=False, seed=seed), 1e-9, 1 - 1e-9)
    uniform = {name: points[:, i] for i, name in enumerate(names)}
    true = {f.name: _within(f, uniform[f.name], regime) for f in factors} | {"abs": np.ones(len(points))}
    latents = {name: ndtri(uniform[name]) for name in _latent_names()}
    indices = analysis.analyze(
        problem, stops(vehicle, **true, latents=latents)["deceleration"], calc_second_order=False, seed=seed
    )
    columns = {
        "total": indices["ST"],
        "total_conf": indices["ST_conf"],
        "first": indices["S1"],
        "first_conf": indices["S1_conf"],
    }
    table = pd.DataFrame({"regime": regime.name, "influence": names, **columns})
    return table.sort_values("total", ascending=False, ignore_index=True)


def _within(factor: Factor, u: Float[ndarray, " events"], regime: Regime) -> Float[ndarray, " events"]:
    """Values of a factor at the quantiles `u` of its distribution in the regime."""
    if factor.name == "surface":
        choice = np.array([factor.levels.index(name) for name in regime.surfaces], float)
        return choice[np.minimum((u * len(choice)).astype(int), len(choice) - 1)]
    if factor.levels:
        return np.minimum(np.floor(u * len(factor.levels)), len(factor.levels) - 1)
    if factor.name == "water_film_mm":
        return regime.water_mm[0] + (regime.water_mm[1] - regime.water_mm[0]) * u
    if factor.name == "road_temperature_c":
        return regime.road_c[0] + (regime.road_c[1] - regime.road_c[0]) * u
    return np.maximum(from_prior(u, factor), MIN_SPEED) if factor.name == "speed" else from_prior(u, factor)
