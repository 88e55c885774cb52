"""Physical parameters of one car, from its stops at known conditions: MAP estimates with Laplace intervals."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.optimize import least_squares

from acc_decel.adaptation.correction import robust
from acc_decel.adaptation.plausible import check_ratio, check_stops
from acc_decel.physics import Vehicle, stops, typical_latents, vehicle_from

Columns = dict[str, ndarray]
Scores = Float[ndarray, " parameters"]  # standard scores of the prior


@dataclass(frozen=True)
class Parameter:
    """A property that differs between cars of one kind; `width` is one standard deviation of the prior.

    A `relative` parameter is a factor exp(width * score) around 1, the others are added and around 0.
    """

    name: str
    width: float
    relative: bool
    unit: str
    meaning: str

    def value(self, score: float) -> float:
        """The parameter at a standard score of its prior."""
        return float(np.exp(self.width * score) if self.relative else self.width * score)


# Widths are estimates of the spread among cars sold under one name; no source read.
# fmt: off
PARAMETERS: tuple[Parameter, ...] = (
    Parameter("brake_gain",     0.10, True,  "",   "torque per pressure of all brakes, relative to the file"),
    Parameter("friction_level", 0.08, True,  "",   "grip of the tyres, dry and wet, relative to the file"),
    Parameter("drag",           0.15, True,  "",   "drag area, relative to the file"),
    Parameter("extra_mass",     80.0, False, "kg", "mass beyond the mass stated for each stop"),
    Parameter("response",       0.25, True,  "",   "dead time and build-up of the brakes, relative to the file"),
)
# fmt: on
ROAD_SCORES = ("surface_score", "texture_score", "gust_score")  # of each stop; the others are of the car


@dataclass(frozen=True)
class MeasurementNoise:
    """Standard deviations of the measurements of a stop, without the influence of the road."""

    deceleration: float = 0.15  # [m/s^2]
    delay: float = 0.03  # [s]


@dataclass(frozen=True)
class Estimate:
    """One parameter: its 95 % interval given the stops, and whether they give more information than the prior.

    `value` is the most probable one. `adopted` is the value in the adapted vehicle: the most probable one with all
    parameters that are not identifiable at their prior.
    """

    name: str
    unit: str
    value: float
    low: float
    high: float
    narrowed_to: float  # standard deviation, relative to the prior's
    identifiable: bool
    adopted: float


@dataclass(frozen=True)
class Fit:
    """The estimates, and the car with those that are identifiable."""

    estimates: tuple[Estimate, ...]
    vehicle: Vehicle
    stops: int
    misfit: float  # root mean square of the residuals over its expected value; far above 1, the model does not fit


IDENTIFIABLE_DEVIATION = 0.8  # above this standard deviation, relative to the prior's, a parameter is not identifiable
NORMAL_95 = 1.959964  # half the 95 % interval of a standard normal distribution
STEP_SCORE = 0.5  # step of a derivative, in standard scores: wide, because the simulation is not smooth in small steps
MIN_STOPS = 5
WEIGHTING_ROUNDS = 2


def fit_parameters(
    vehicle: Vehicle,
    conditions: Columns,
    deceleration: Float[ndarray, " stops"],
    delay: Float[ndarray, " stops"] | None = None,
    *,
    noise: MeasurementNoise = MeasurementNoise(),
    on_round: Callable[[], None] = lambda: None,
) -> Fit:
    """The parameters of the car that made these stops.

    `conditions` are the columns of `physics.stops`; `deceleration` [m/s^2] is that of the built-up brakes, `delay` [s]
    counts from the demand, NaN or None where it was not measured. Each stop is weighted by the uncertainty from its
    road, of which only the kind is known. Regularised by the prior; robust against single stops. Raises ValueError for
    fewer than five stops, for decelerations that no car has, or for a vehicle outside the range of real cars.
    """
    if len(deceleration) < MIN_STOPS:
        raise ValueError(f"a fit needs at least {MIN_STOPS} stops. Got {len(deceleration)}: brake more often.")
    check_stops(deceleration)
    typical = stops(vehicle, **conditions, latents=typical_latents(len(deceleration)))
    check_ratio(typical["deceleration"], deceleration)
    measured = _stacked(deceleration, delay if delay is not None else np.full(len(deceleration), np.nan))
    problem = _Problem(vehicle, conditions, measured, np.ones(len(measured)), noise, on_round)
    all_free, scores = np.ones(len(PARAMETERS), bool), np.zeros(len(PARAMETERS))
    for _ in range(WEIGHTING_ROUNDS):  # the influence of the road depends on the car
        problem = replace(problem, deviation=_deviation(problem, scores))
        scores, covariance = _most_probable(problem, all_free, start=scores)
    misfit = float(np.sqrt(np.mean(problem.residuals(scores) ** 2)))
    deviation = np.sqrt(np.diag(covariance)) * max(1.0, misfit)
    identifiable = deviation < IDENTIFIABLE_DEVIATION
    adopted = scores
    if not identifiable.all():
        adopted, _ = _most_probable(problem, identifiable, start=np.where(identifiable, scores, 0.0))
    rows = zip(PARAMETERS, *(x.tolist() for x in (scores, deviation, identifiable, adopted)), strict=True)
    estimates = tuple(_estimate(*row) for row in rows)
    return Fit(estimates, with_parameters(vehicle, adopted), len(deceleration), misfit)


def with_parameters(vehicle: Vehicle, scores: Scores) -> Vehicle:
    """The vehicle at these standard scores, checked like a vehicle file.

    Extra mass is added to kerb and gross mass: the car is heavier at the same load.
    """
    values = {p.name: p.value(score) for p, score in zip(PARAMETERS, scores, strict=True)}
    gain, response = values["brake_gain"], values["response"]
    brakes, tyres, body = vehicle.brakes, vehicle.tyres, vehicle.body
    brakes = replace(
        brakes,
        front_torque_per_bar=brakes.front_torque_per_bar * gain,
        rear_torque_per_bar=brakes.rear_torque_per_bar * gain,
        dead_time=brakes.dead_time * response,
        hydraulic_lag=brakes.hydraulic_lag * response,
        pressure_rate_bar=brakes.pressure_rate_bar / response,
    )
    level, extra = values["friction_level"], values["extra_mass"]
    tyres = replace(tyres, dry_grip=tyres.dry_grip * level, wet_grip=tyres.wet_grip * level)
    masses = {"kerb_mass": body.kerb_mass + extra, "gross_mass": body.gross_mass + extra}
    body = replace(body, **masses, drag_area=body.drag_area * values["drag"])
    values = asdict(replace(vehicle, body=body, brakes=brakes, tyres=tyres))
    return vehicle_from(values, f"{vehicle.name} as adapted")


@dataclass(frozen=True)
class _Problem:
    vehicle: Vehicle
    conditions: Columns
    measured: ndarray  # decelerations, then delays
    deviation: ndarray
    noise: MeasurementNoise
    on_round: Callable[[], None]

    def residuals(self, scores: Scores) -> Float[ndarray, " measured"]:
        """Residuals of the measurements, each over its standard deviation."""
        mean, _ = _simulate(self.vehicle, self.conditions, scores)
        return ((self.measured - mean) / self.deviation)[np.isfinite(self.measured)]


def _most_probable(
    problem: _Problem, free: Bool[ndarray, " parameters"], *, start: Scores
) -> tuple[Scores, Float[ndarray, "free free"]]:
    """Scores of maximum posterior probability, those not free at 0, and the covariance of the free ones."""
    if not free.any():
        return start, np.empty((0, 0))

    def all_scores(x: ndarray) -> Scores:
        scores = np.zeros(len(PARAMETERS))
        scores[free] = x
        return scores

    def residuals(x: ndarray) -> ndarray:
        return np.concatenate([robust(problem.residuals(all_scores(x)), limit=3.0), x])

    def slopes(x: ndarray) -> ndarray:
        problem.on_round()
        steps = STEP_SCORE * np.eye(len(x))
        return np.stack([(residuals(x + step) - residuals(x - step)) / (2 * STEP_SCORE) for step in steps], axis=1)

    solution = least_squares(residuals, start[free], jac=slopes, bounds=(-4, 4), xtol=1e-3, ftol=1e-4, max_nfev=20)
    return all_scores(solution.x), np.linalg.inv(solution.jac.T @ solution.jac)


def _simulate(vehicle: Vehicle, conditions: Columns, scores: Scores) -> tuple[ndarray, ndarray]:
    """Mean and variance of deceleration and delay over the possible roads of each stop.

    Three-point Gauss-Hermite quadrature in each unknown of the road; the effects of several are added. The mean is not
    the value on a typical road: where the grip is just enough, more grip does not help and less grip does harm.
    """
    count = len(conditions["mass"])
    extra = next(p.value(s) for p, s in zip(PARAMETERS, scores, strict=True) if p.name == "extra_mass")
    cases = [(latent, sign * np.sqrt(3)) for latent in ROAD_SCORES for sign in (-1, 1)]
    latents = typical_latents(count * (1 + len(cases)))
    for i, (latent, score) in enumerate(cases, start=1):
        latents[latent][i * count : (i + 1) * count] = score
    true = {name: np.tile(column, 1 + len(cases)) for name, column in conditions.items()}
    true["mass"] = true["mass"] + extra
    answer = stops(with_parameters(vehicle, scores), **true, latents=latents)
    rows = (answer[name].reshape(-1, count) for name in ("deceleration", "delay"))
    typical, *others = np.concatenate(list(rows), axis=1)
    difference = np.stack(others) - typical
    shift = difference.reshape(len(ROAD_SCORES), 2, -1).sum(axis=1) / 6
    square = (difference**2).reshape(len(ROAD_SCORES), 2, -1).sum(axis=1) / 6
    return typical + shift.sum(axis=0), (square - shift**2).sum(axis=0)


def _stacked(deceleration: ndarray, delay: ndarray) -> ndarray:
    return np.concatenate([deceleration, delay])


def _deviation(problem: "_Problem", scores: Scores) -> ndarray:
    """Standard deviation of each measurement, from the sensor and from what is unknown of the road."""
    count, noise = len(problem.conditions["mass"]), problem.noise
    sensor = _stacked(np.full(count, noise.deceleration), np.full(count, noise.delay))
    return np.sqrt(sensor**2 + _simulate(problem.vehicle, problem.conditions, scores)[1])


def _estimate(parameter: Parameter, score: float, deviation: float, identifiable: bool, adopted: float) -> Estimate:
    reach = NORMAL_95 * deviation
    return Estimate(
        name=parameter.name,
        unit=parameter.unit,
        value=parameter.value(score),
        low=parameter.value(score - reach),
        high=parameter.value(score + reach),
        narrowed_to=deviation,
        identifiable=identifiable,
        adopted=parameter.value(adopted),
    )
