"""Braking events from their factors: first the parameters of tyre and brakes, then the integration in time."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from acc_decel.constants import AIR_DENSITY, GRAVITY
from acc_decel.outputs import stopping_distance
from acc_decel.physics import tyre
from acc_decel.physics.equations import Event
from acc_decel.physics.grip import TYRE_SPREAD as TYRE_SPREAD  # noqa: PLC0414 - read by assurance
from acc_decel.physics.grip import peak_friction
from acc_decel.physics.integration import LANES, TIME_STEP, Answer, stops_of
from acc_decel.physics.latents import typical_latents
from acc_decel.physics.road import of_surface
from acc_decel.physics.vehicle import Vehicle

Columns = dict[str, ndarray]
_EVENT = np.dtype([(name, "f8") for name in Event._fields])

# Effect of one standard score of a latent; relative unless a unit is given.
TEXTURE_SPREAD = 0.35  # logarithm of the mean profile depth among asphalts; estimated, no source read
PAD_SPREAD = 0.06  # pad friction; estimated
# Hot pads: a score raises the friction that is left to the power exp(0.35), and lowers the onset [K]. So the tenth stop
# from 100 km/h at gross mass spreads as measured: 38.0 m (Golf VI), 47.0 m (Fox), 70.1 m (Escalade; auto motor und
# sport). UN Regulation 13-H, Annex 3, lets hot brakes lose up to 40 %.
FADE_SPREAD, FADE_ONSET_SPREAD = 0.35, 50.0
ABS_SPREAD = 0.07  # slip that the ABS holds, as a share of the slip of maximum friction; estimated
RESPONSE_SPREAD = 0.20  # dead time and build-up; estimated
GUST_SPREAD = 1.5  # [m/s]; estimated

SHORT_STOP_S = 6.0  # a stop that lasts longer is integrated with longer steps
MAX_STEPS = 5.0  # longest step, in units of TIME_STEP


def stops(
    vehicle: Vehicle,
    on_events: Callable[[ndarray], None] = lambda _: None,
    /,
    *,
    speed: Float[ndarray, " events"],
    brake_pressure_bar: Float[ndarray, " events"],
    mass: Float[ndarray, " events"],
    brake_temperature_c: Float[ndarray, " events"],
    grade: Float[ndarray, " events"],
    headwind: Float[ndarray, " events"],
    surface: Float[ndarray, " events"],
    water_film_mm: Float[ndarray, " events"],
    road_temperature_c: Float[ndarray, " events"],
    tyre_kind: Float[ndarray, " events"],
    tread_depth_mm: Float[ndarray, " events"],
    tyre_pressure_bar: Float[ndarray, " events"],
    abs: Float[ndarray, " events"],
    latents: Columns | None = None,
) -> Columns:
    """Full stops of `vehicle`, one for each row.

    Columns of the answer: `deceleration` [m/s^2], `delay` [s], `stopping_distance` [m], `friction` (under ABS at the
    initial speed), `peak_friction` (maximum friction of the tyre on this road at walking speed) and `peak_disc_c`
    [degC] (maximum temperature of the front discs).

    `surface` and `tyre_kind` are the index of the level, as a float column. `deceleration` is that of the built-up
    brakes from the initial speed to standstill; `stopping_distance = speed * delay + speed^2 / (2 * deceleration)`
    counts from the demand. A simulation ends when the car slows down by less than 0.05 m/s^2: its deceleration is then
    the last one, and its distance is infinite if that is not above 0.
    `latents` are standard scores (LATENTS), typical if not given. `on_events` is called with the events as they enter
    the integration, one record each with the fields of Event.
    """
    scores = latents or typical_latents(len(speed))
    film, tread, pressure = water_film_mm, tread_depth_mm, tyre_pressure_bar
    curve, peak, friction = _slip_curve(
        vehicle, speed, surface, film, road_temperature_c, tyre_kind, tread, pressure, scores
    )
    e = _record(
        len(speed),
        _situation(speed, headwind, brake_temperature_c, road_temperature_c, scores["gust_score"]),
        _resistance(vehicle, mass, surface, grade),
        _loads(vehicle, mass, grade),
        _brakes(vehicle, brake_pressure_bar, abs, scores),
        curve,
    )
    duration = _duration(e, friction)
    e["step"] = TIME_STEP * np.clip(duration / SHORT_STOP_S, 1, MAX_STEPS)
    on_events(e)
    columns = _integrate(e, order=np.argsort(duration / e["step"])) | {"friction": friction, "peak_friction": peak}
    columns["stopping_distance"] = stopping_distance(speed, columns["deceleration"], columns["delay"])
    return columns


def _record(events: int, *parts: Columns) -> ndarray:
    """One record for each event, with the fields of Event. Each of `parts` holds some of them."""
    record = np.zeros(events, _EVENT)
    for part in parts:
        for name, column in part.items():
            record[name] = column
    return record


def _situation(speed: ndarray, headwind: ndarray, disc_c: ndarray, road_c: ndarray, gust: ndarray) -> Columns:
    """Speed, wind and temperatures."""
    return {
        "speed": speed,
        "wind": headwind + GUST_SPREAD * gust,
        "ambient_c": road_c,
        "front_disc_c": disc_c,
        "rear_disc_c": road_c + 0.75 * (disc_c - road_c),  # the rear brakes do less work
    }


def _resistance(vehicle: Vehicle, mass: ndarray, surface: ndarray, grade: ndarray) -> Columns:
    """Inertia and resistances of the car, and of the share of a trailer that does not brake itself.

    An overrun brake takes a fixed share of the trailer's push (UNECE R13, Annex 12), an unbraked trailer takes none.
    """
    trailer = vehicle.trailer
    towed = (1 - trailer.braked_share) * trailer.mass if trailer else 0.0
    rolling = vehicle.body.rolling_resistance * of_surface("rolling", surface)
    drag_area = vehicle.body.drag_area, trailer.drag_area if trailer else 0.0
    return {
        "mass": mass + towed,
        "grade_force": _grade_force(mass, grade) + _grade_force(towed, grade),
        "rolling_force": rolling * mass * GRAVITY / np.hypot(1, grade) + rolling * towed * GRAVITY / np.hypot(1, grade),
        "drag": np.full(len(mass), 0.5 * AIR_DENSITY * drag_area[0] + 0.5 * AIR_DENSITY * drag_area[1]),
    }


def _grade_force(mass: ndarray | float, grade: ndarray) -> ndarray:
    """Weight along the road [N], positive uphill."""
    return mass * GRAVITY * grade / np.hypot(1, grade)


def _loads(vehicle: Vehicle, mass: ndarray, grade: ndarray) -> Columns:
    """Axle loads on the slope. Load beyond the kerb mass is mostly on the rear axle.

    The hitch of a trailer is assumed at the height of the centre of gravity: while braking, its push moves load between
    the axles, as the car's inertia does; its weight on the slope does not.
    """
    body = vehicle.body
    weight = mass * GRAVITY / np.hypot(1, grade)
    loaded = (mass - body.kerb_mass) / (body.gross_mass - body.kerb_mass)
    front = body.front_share - 0.10 * loaded
    transfer = body.centre_of_gravity_height / body.wheelbase
    shifted = _grade_force(mass, grade) * transfer  # uphill loads the rear axle
    rated = 0.5 * (body.kerb_mass + body.gross_mass) * GRAVITY
    return {
        "front_load": weight * front - shifted,
        "rear_load": weight * (1 - front) + shifted,
        "transfer": np.full(len(mass), transfer),
        "front_rated": np.full(len(mass), rated * (body.front_share - 0.05)),
        "rear_rated": np.full(len(mass), rated * (1.05 - body.front_share)),
        "load_sensitivity": np.full(len(mass), vehicle.tyres.load_sensitivity),
    }


def _brakes(vehicle: Vehicle, demand: ndarray, abs_on: ndarray, scores: Columns) -> Columns:
    """Forces, response and heat of the brakes."""
    brakes, tyres, ones = vehicle.brakes, vehicle.tyres, np.ones(len(demand))
    pads = np.exp(PAD_SPREAD * scores["pad_score"])
    response = np.exp(RESPONSE_SPREAD * scores["response_score"])
    rest = (1 - brakes.fade_loss) ** np.exp(FADE_SPREAD * scores["fade_score"])
    limited = np.minimum(demand, brakes.rear_knee_bar + brakes.rear_slope * (demand - brakes.rear_knee_bar))
    return {
        "demand": demand,
        "abs_on": abs_on,
        "front_force_per_bar": brakes.front_torque_per_bar * pads / tyres.radius,
        "rear_force_per_bar": brakes.rear_torque_per_bar * pads / tyres.radius,
        "rear_share": np.where(abs_on > 0.5, 1, limited / demand),  # the ABS itself limits the pressure at the rear
        "dead_time": brakes.dead_time * response,
        "lag": brakes.hydraulic_lag * response,
        "pressure_rate": brakes.pressure_rate_bar / response,
        "inverse_inertia": ones * (tyres.radius**2 / (2 * tyres.wheel_inertia)),
        "front_capacity": ones * brakes.front_heat_capacity,
        "rear_capacity": ones * brakes.rear_heat_capacity,
        "cooling": ones * brakes.cooling,
        "cooling_per_speed": ones * brakes.cooling_per_speed,
        "fade_onset": brakes.fade_onset_c - FADE_ONSET_SPREAD * scores["fade_score"],
        "fade_span": ones * (brakes.fade_full_c - brakes.fade_onset_c),
        "fade_loss": 1 - rest,
    }


def _slip_curve(
    vehicle: Vehicle,
    speed: ndarray,
    surface: ndarray,
    film: ndarray,
    road_c: ndarray,
    kind: ndarray,
    tread: ndarray,
    inflation: ndarray,
    scores: Columns,
) -> tuple[Columns, ndarray, ndarray]:
    """The slip curve of each event, its peak at walking speed, and the friction under ABS at the initial speed."""
    texture = tyre.RATED_TEXTURE_MM * np.exp(TEXTURE_SPREAD * scores["texture_score"])
    paved = of_surface("paved", surface) > 0
    level = peak_friction(vehicle, surface, film, road_c, kind, tread, inflation, texture, scores)
    critical = np.where(paved, tyre.critical_speed(film, tread, inflation, texture), np.inf)
    rise, fall = (of_surface(n, surface) for n in ("rise", "fall"))
    speed_fall = of_surface("speed_fall", surface) + paved * tyre.wet_speed_fall(film, tread, texture)
    speed_loss = of_surface("speed_loss", surface)
    slip, height = tyre.curve_peak(rise, fall)
    share = np.clip(vehicle.brakes.abs_slip_share + ABS_SPREAD * scores["abs_score"], 0.2, 1.0)
    # never beyond the peak at the initial speed: there, weaker brakes would stop the car sooner
    target = np.minimum(share * np.minimum(slip, 0.2), tyre.best_slip(rise, fall, speed_fall * speed))
    curve = {
        "level": level / height,
        "rise": rise,
        "fall": fall,
        "speed_fall": speed_fall,
        "inverse_critical": 1 / critical,
        "speed_loss": speed_loss,
        "front_target": target,
        "rear_target": target,
    }
    return curve, level, level * tyre.speed_ratio(speed, critical, speed_loss) * np.exp(-speed_fall * (target * speed))


def _integrate(e: ndarray, order: ndarray) -> Columns:
    """Columns of Answer. Lanes wait for the slowest one, so `order` puts events of about equal length together."""
    padded = np.concatenate([order, np.repeat(order[-1:], -len(order) % LANES)])
    events = np.stack([e[name][padded] for name in Event._fields])
    answers = np.empty((len(Answer._fields), len(padded)))
    stops_of(events, answers)
    columns = np.empty((len(Answer._fields), len(order)))
    columns[:, order] = answers[:, : len(order)]
    return dict(zip(Answer._fields, columns, strict=True))


def _duration(e: ndarray, friction: ndarray) -> ndarray:
    """Approximate duration of the stop [s]."""
    brakes = e["demand"] * (e["front_force_per_bar"] + e["rear_force_per_bar"] * e["rear_share"]) / e["mass"]
    slowing = np.minimum(brakes, friction * GRAVITY) + e["grade_force"] / e["mass"]
    return e["speed"] / np.maximum(slowing, 0.3)
