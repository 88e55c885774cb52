"""Laws of braking that hold for every car and road, closed-form cases, and published relations."""

import os
import tomllib
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from conftest import BUDGET, CAR_FACTORS, COMPACT, ORDINARY, level, situations, stopped, unknowns, values
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from acc_decel.constants import AIR_DENSITY, GRAVITY
from acc_decel.dataset import scenarios
from acc_decel.physics import (
    LATENTS,
    SURFACES,
    Trailer,
    Vehicle,
    braking,
    history,
    integration,
    stops,
    typical_latents,
    tyre,
    vehicle,
    vehicle_from,
    vehicle_names,
)
from acc_decel.physics.equations import SLOW, Event, abs_rate, pressure_at, rates
from acc_decel.physics.integration import CRAWLING
from benchmarks import physics as bench

SLOWS = CRAWLING  # [m/s^2] a car that slows by less never stops
shares = st.floats(0, 1)
with_abs = situations.map(lambda s: s | {"abs": 1.0})


def more(case: dict[str, float], name: str, share: float) -> dict[str, float]:
    """The same stop with the factor moved this share of the way to its upper end."""
    return case | {name: case[name] + share * (CAR_FACTORS[name].high - case[name])}


def slowing(*cases: dict[str, float], latents: dict[str, float] | None = None) -> np.ndarray:
    return np.maximum(stopped(*cases, latents=latents)["deceleration"], SLOWS)


@pytest.mark.parametrize("name", ["grade", "headwind"])
@given(case=with_abs, unknown=unknowns, share=shares)
def test_a_steeper_hill_or_more_headwind_never_lengthens_a_stop_with_abs(name, case, unknown, share):
    before, after = slowing(case, more(case, name, share), latents=unknown)
    assert after >= before - BUDGET.integration


@given(case=with_abs, unknown=unknowns, share=shares)
def test_pressing_harder_never_lengthens_a_stop_with_abs(case, unknown, share):
    before, after = slowing(case, more(case, "brake_pressure_bar", share), latents=unknown)
    assert after >= before - BUDGET.integration


@given(
    case=with_abs, unknown=unknowns, share=shares, paved=st.sampled_from([n for n, s in SURFACES.items() if s.paved])
)
def test_water_never_shortens_a_stop_on_a_paved_road(case, unknown, share, paved):
    case = case | {"surface": level("surface", paved)}
    dry, wet = slowing(case, more(case, "water_film_mm", share), latents=unknown)
    assert wet <= dry + BUDGET.integration


FILMS = {"asphalt": 8.0, "concrete": 8.0, "cobbles": 8.0, "gravel": 8.0, "ice": 1.0}  # deepest [mm] that lasts
far_unknowns = st.fixed_dictionaries({latent.name: st.floats(-4, 4) for latent in LATENTS})
EXACT = 1e-3  # [m/s^2] what the time steps and the end of the build-up may change


@given(case=with_abs, unknown=far_unknowns, share=shares, car=st.sampled_from([vehicle(n) for n in vehicle_names()]))
def test_hotter_discs_never_shorten_a_stop_with_abs(case, unknown, share, car):
    columns = [case, more(case, "brake_temperature_c", share)]
    cool, hot = np.maximum(stopped(*columns, car=car, latents=unknown)["deceleration"], SLOWS)
    assert hot <= cool + EXACT


@given(case=with_abs, unknown=far_unknowns, share=shares, road=st.sampled_from(list(FILMS)), depth=shares)
def test_less_tread_never_shortens_a_stop_under_a_film_of_a_millimetre(case, unknown, share, road, depth):
    film = 1 + depth * (FILMS[road] - 1)
    case = case | {"surface": level("surface", road), "water_film_mm": film}
    worn, fuller = slowing(case, more(case, "tread_depth_mm", share), latents=unknown)
    assert worn <= fuller + EXACT


@given(case=with_abs, unknown=far_unknowns, share=shares)
def test_deeper_water_never_shortens_a_stop(case, unknown, share):
    shallow, deep = slowing(case, more(case, "water_film_mm", share), latents=unknown)
    assert deep <= shallow + EXACT


@given(case=situations, unknown=unknowns, film=st.floats(0, 0.5))
def test_water_does_nothing_on_packed_snow(case, unknown, film):
    snow = case | {"surface": level("surface", "packed_snow"), "water_film_mm": 0.0}
    dry, wet = stopped(snow, snow | {"water_film_mm": film}, latents=unknown)["deceleration"]
    assert dry == wet


@given(case=with_abs, film=st.floats(0, 8))
def test_water_does_little_on_gravel(case, film):
    gravel = case | {"surface": level("surface", "gravel"), "water_film_mm": 0.0}
    dry, wet = stopped(gravel, gravel | {"water_film_mm": film})["friction"]
    assert 0.8 * dry <= wet <= dry


@given(case=situations, unknown=unknowns, car=st.sampled_from([vehicle(n) for n in vehicle_names()]))
def test_no_stop_beats_the_torque_of_the_brakes(case, unknown, car):
    body, brakes = car.body, car.brakes
    mass = float(np.clip(case["mass"], body.kerb_mass, body.gross_mass))
    case = case | {"mass": mass, "brake_pressure_bar": brakes.full_pressure_bar}
    unknown = unknown | {"gust_score": 0.0}
    pads = np.exp(braking.PAD_SPREAD * unknown["pad_score"])
    torque = (brakes.front_torque_per_bar + brakes.rear_torque_per_bar) * brakes.full_pressure_bar * pads
    air = max(case["speed"] + case["headwind"], 0.0)
    drag = 0.5 * AIR_DENSITY * body.drag_area * air**2
    rolling = body.rolling_resistance * max(s.rolling for s in SURFACES.values()) * mass * GRAVITY
    climbing = mass * GRAVITY * max(case["grade"], 0.0)
    reached = stopped(case, car=car, latents=unknown)["deceleration"][0]
    assert reached <= (torque / car.tyres.radius + drag + rolling + climbing) / mass + BUDGET.integration


def tenth_stop(car: Vehicle, disc_c: float, **stated: float) -> tuple[float, float, float]:
    """Quantiles 5, 50 and 95 % of the distance [m] from 100 km/h at full pressure on dry asphalt, unknowns drawn."""
    drawn, latents = scenarios(car.factors, seed=1, first=0, events=2_000)
    fixed = {"speed": 27.778, "brake_pressure_bar": car.brakes.full_pressure_bar, "brake_temperature_c": disc_c}
    fixed |= {"surface": 0.0, "water_film_mm": 0.0, "grade": 0.0, "headwind": 0.0, "abs": 1.0} | stated
    columns = drawn | {name: np.full(2_000, value) for name, value in fixed.items()}
    low, median, high = np.quantile(stops(car, **columns, latents=latents)["stopping_distance"], (0.05, 0.5, 0.95))
    return float(low), float(median), float(high)


# auto motor und sport, tenth full stop in a row at gross mass, as firmenauto.de reports it.
@pytest.mark.parametrize(
    ("name", "mass", "measured"), [("compact", 1950.0, 38.0), ("compact", 1500.0, 47.0), ("heavy_suv", 3350.0, 70.1)]
)
def test_the_tenth_stop_of_a_loaded_car_lies_in_the_interval_of_hot_discs(name, mass, measured):
    low, _, high = tenth_stop(vehicle(name), 550.0, mass=mass)
    assert low <= measured <= high


@pytest.mark.parametrize("name", vehicle_names())
def test_discs_at_550_degrees_lengthen_the_stop_of_every_car_and_widen_its_interval(name):
    car = vehicle(name)
    cool = tenth_stop(car, 100.0, mass=car.body.gross_mass)
    hot = tenth_stop(car, 550.0, mass=car.body.gross_mass)
    assert hot[1] > cool[1]
    assert hot[2] - hot[0] > cool[2] - cool[0]


@pytest.mark.parametrize("name", vehicle_names())
def test_full_pressure_of_a_shipped_car_brakes_cool_discs_almost_as_hard_as_any_pressure(name):
    car, highest = vehicle(name), CAR_FACTORS["brake_pressure_bar"].high
    half = 0.5 * (car.body.kerb_mass + car.body.gross_mass)
    for mass, share in ((half, 0.985), (car.body.gross_mass, 0.94)):
        case = ORDINARY | {"mass": mass, "grade": 0.0, "headwind": 0.0}
        pressures = (car.brakes.full_pressure_bar, highest)
        full, most = stopped(*(case | {"brake_pressure_bar": p} for p in pressures), car=car)["deceleration"]
        assert full >= share * most


def test_full_braking_is_the_standard_pressure_of_a_vehicle():
    pressure = next(f for f in COMPACT.factors if f.name == "brake_pressure_bar")
    assert pressure.standard == COMPACT.brakes.full_pressure_bar
    assert pressure.low <= pressure.standard <= pressure.high


# Worn over new distance. Published ones are in tyre.py; the tracks differ, so each counts within its scatter.
@pytest.mark.parametrize(
    ("speed_kmh", "film_mm", "new_mm", "worn_mm", "measured"),
    [(113, 1.4, 7.9, 3.2, 1.49), (113, 1.4, 7.9, 1.6, 1.94), (97, 1.27, 8.0, 3.2, 1.41), (80, 1.0, 3.0, 1.6, 1.26)],
)
def test_worn_tyres_take_as_much_longer_in_the_wet_as_published(speed_kmh, film_mm, new_mm, worn_mm, measured):
    wet = ORDINARY | {"speed": speed_kmh / 3.6, "water_film_mm": film_mm, "brake_pressure_bar": 120.0}
    new, worn = stopped(wet | {"tread_depth_mm": new_mm}, wet | {"tread_depth_mm": worn_mm})["deceleration"]
    assert new / worn == pytest.approx(measured, rel=0.15)


def test_friction_on_ice_falls_with_speed():
    ice = ORDINARY | {"surface": level("surface", "ice"), "road_temperature_c": -5.0}
    slow, fast = stopped(ice | {"speed": 5.0}, ice | {"speed": 11.1})["deceleration"]
    assert 0.75 < fast / slow < 0.9


@given(case=with_abs)
def test_a_millimetre_of_water_costs_grip_on_asphalt(case):
    hard = case | {"surface": level("surface", "asphalt"), "brake_pressure_bar": 180.0, "water_film_mm": 0.0}
    dry, wet = stopped(hard, hard | {"water_film_mm": 1.0})["friction"]
    assert wet < 0.9 * dry


@given(case=situations, unknown=unknowns)
def test_braking_never_beats_friction_on_a_calm_level_road(case, unknown):
    calm = case | {"grade": 0.0, "headwind": 0.0}
    latents = unknown | {"gust_score": 0.0}
    reached = stopped(calm, latents=latents)["deceleration"][0]
    friction = stopped(calm | {"speed": 1.0}, latents=latents)["friction"][0]  # water takes least at low speed
    lightest = 1 - COMPACT.tyres.load_sensitivity  # a tyre without load has so much more friction
    rolling = COMPACT.body.rolling_resistance * max(s.rolling for s in SURFACES.values()) * GRAVITY
    drag = 0.5 * AIR_DENSITY * COMPACT.body.drag_area * calm["speed"] ** 2 / calm["mass"]
    assert reached <= lightest * friction * GRAVITY + rolling + drag + BUDGET.integration


@given(case=situations, unknown=unknowns)
def test_every_stop_has_an_answer(case, unknown):
    answer = stopped(case, latents=unknown)
    assert not any(np.isnan(column).any() for column in answer.values())
    assert answer["stopping_distance"][0] > 0
    assert answer["peak_disc_c"][0] >= case["brake_temperature_c"] - 1


def test_a_car_on_a_steep_icy_descent_never_stops():
    descent = ORDINARY | {"surface": level("surface", "ice"), "grade": -0.2, "road_temperature_c": -2.0}
    answer = stopped(descent, descent | {"abs": 0.0})
    assert np.isinf(answer["stopping_distance"]).all()
    assert (answer["deceleration"] < 0.05).all()


@given(
    case=st.fixed_dictionaries(
        {
            "brake_pressure_bar": st.floats(5, 12),
            "speed": values(CAR_FACTORS["speed"], 10, 45),
            "mass": values(CAR_FACTORS["mass"]),
            "headwind": st.just(0.0),
        }
    )
)
def test_gentle_braking_follows_the_constant_force_formula(case):
    # (m + 4 J / r^2) a = F + c v^2, with F brake torque over radius plus rolling force, c v^2 the drag. Integrated over
    # the way: x = (m + 4 J / r^2) / (2 c) ln(1 + c v0^2 / F), and the mean deceleration is v0^2 / (2 x).
    body, brakes, tyres = COMPACT.body, COMPACT.brakes, COMPACT.tyres
    inertia = case["mass"] + 4 * tyres.wheel_inertia / tyres.radius**2
    torque = (brakes.front_torque_per_bar + brakes.rear_torque_per_bar) * case["brake_pressure_bar"]
    force = torque / tyres.radius + body.rolling_resistance * case["mass"] * GRAVITY
    drag = 0.5 * AIR_DENSITY * body.drag_area
    way = inertia / (2 * drag) * np.log1p(drag * case["speed"] ** 2 / force)
    cold = ORDINARY | {"grade": 0.0, "brake_temperature_c": 20.0} | case
    assert stopped(cold)["deceleration"][0] == pytest.approx(case["speed"] ** 2 / (2 * way), rel=0.01)


@given(road_c=st.floats(-20, 0), speed=st.floats(5, 20), kind=values(CAR_FACTORS["tyre_kind"]))
def test_on_ice_abs_brakes_with_friction_times_gravity(road_c, speed, kind):
    ice = {"surface": level("surface", "ice"), "road_temperature_c": road_c, "speed": speed, "tyre_kind": kind}
    answer = stopped(ORDINARY | {"grade": 0.0, "headwind": 0.0, "mass": 1500.0} | ice)
    rolling = COMPACT.body.rolling_resistance * SURFACES["ice"].rolling * GRAVITY
    drag = 0.5 * AIR_DENSITY * COMPACT.body.drag_area * speed**2 / 2 / 1500.0  # half the speed squared, over the way
    by_tyres = answer["deceleration"][0] - rolling - drag
    # friction 1 / (1 + b v) of that at walking speed: 1 / a averaged over the distance has the speed 2 / 3 v0
    loss = SURFACES["ice"].speed_loss
    mean = answer["friction"][0] * (1 + loss * speed) / (1 + loss * speed * 2 / 3)
    assert by_tyres == pytest.approx(mean * GRAVITY, rel=0.15)


@given(speed=st.floats(10, 50), mass=values(CAR_FACTORS["mass"]), pressure=st.floats(140, 180))
def test_abs_beats_locked_wheels_on_asphalt_and_loses_on_gravel(speed, mass, pressure):
    hard = ORDINARY | {"speed": speed, "mass": mass, "brake_pressure_bar": pressure}
    on_asphalt = stopped(hard, hard | {"abs": 0.0})["deceleration"]
    loose = hard | {"surface": level("surface", "gravel")}
    on_gravel = stopped(loose, loose | {"abs": 0.0})["deceleration"]
    assert on_asphalt[0] > on_asphalt[1] + 0.1
    assert on_gravel[0] < on_gravel[1] - 0.1


def test_hot_weak_brakes_lose_more_than_hot_good_ones():
    weak = replace(COMPACT, brakes=replace(COMPACT.brakes, fade_loss=0.6, front_heat_capacity=4000.0))
    limited = ORDINARY | {"speed": 50.0, "brake_pressure_bar": 50.0, "brake_temperature_c": 50.0}  # brakes, not tyres
    hot = limited | {"brake_temperature_c": 600.0}
    lost = [-np.diff(stopped(limited, hot, car=car)["deceleration"])[0] for car in (COMPACT, weak)]
    assert 0.1 < lost[0] < lost[1] - 0.5


def test_the_discs_take_up_the_energy_of_the_car():
    # E = m v^2 / 2 into the heat capacities; cooling, drag and tyre slip take the rest.
    gentle = ORDINARY | {"brake_pressure_bar": 30.0, "mass": 1500.0, "brake_temperature_c": 20.0}
    gentle |= {"road_temperature_c": 20.0}
    heating = stopped(gentle)["peak_disc_c"][0] - 20.0
    brakes = COMPACT.brakes
    front_share = brakes.front_torque_per_bar / (brakes.front_torque_per_bar + brakes.rear_torque_per_bar)
    every_joule = front_share * 0.5 * 1500.0 * gentle["speed"] ** 2 / brakes.front_heat_capacity
    assert 0.75 * every_joule < heating < every_joule


def test_many_stops_at_once_are_the_same_as_one_by_one():
    rng = np.random.default_rng(3)
    cases = [
        {
            name: float(rng.integers(len(f.levels))) if f.levels else float(rng.uniform(f.low, f.high))
            for name, f in CAR_FACTORS.items()
        }
        for _ in range(40)
    ]
    together = stopped(*cases)
    for i, case in enumerate(cases):
        for name, value in stopped(case).items():
            assert value[0] == pytest.approx(together[name][i], rel=1e-9, nan_ok=False), (name, case)


@given(case=situations, unknown=unknowns)
def test_delay_and_deceleration_reproduce_the_stopping_distance(case, unknown):
    answer = stopped(case, latents=unknown)
    deceleration, delay = answer["deceleration"][0], answer["delay"][0]
    if deceleration > 0:
        formula = case["speed"] * delay + case["speed"] ** 2 / (2 * deceleration)
        assert answer["stopping_distance"][0] == pytest.approx(formula)
    else:
        assert answer["stopping_distance"][0] == np.inf


def test_unknowns_left_out_are_typical():
    columns = {name: np.array([value]) for name, value in ORDINARY.items()}
    left_out, typical = stops(COMPACT, **columns), stops(COMPACT, **columns, latents=typical_latents(1))
    assert left_out == typical


@given(case=with_abs)
def test_slower_hydraulics_only_delay_the_stop_on_a_dry_road(case):
    case = case | {"water_film_mm": 0.0}
    slow, quick = (stopped(case, latents=typical_scores() | {"response_score": score}) for score in (2.0, -2.0))
    if quick["deceleration"][0] > 0.3:
        assert slow["delay"][0] > quick["delay"][0]
        assert slow["deceleration"][0] == pytest.approx(quick["deceleration"][0], rel=0.02)


def typical_scores() -> dict[str, float]:
    return dict.fromkeys(typical_latents(1), 0.0)


@pytest.mark.parametrize("name", vehicle_names())
def test_every_shipped_vehicle_stops_from_100_km_h_on_dry_asphalt_like_a_car(name):
    car = vehicle(name)
    answer = stopped(ORDINARY | {"mass": car.body.kerb_mass + 150, "grade": 0.0, "headwind": 0.0}, car=car)
    braking_distance = 27.778**2 / (2 * answer["deceleration"][0])
    assert 28 < braking_distance < 60
    assert 0 < answer["delay"][0] < 0.6


# Robert Bosch GmbH, Automotive Handbook, 4th edition, p. 335: friction by speed [km/h], tread and water film [mm],
# here over its dry value. Today's tyres grip better than its dry ones, so the ratios are what is compared.
BOSCH_FILMS = (0.0, 0.2, 1.0, 2.0)
BOSCH = {
    (50, 8.0): (0.85, 0.65, 0.55, 0.5),
    (50, 1.6): (1.0, 0.5, 0.4, 0.25),
    (90, 8.0): (0.8, 0.6, 0.3, 0.05),
    (90, 1.6): (0.95, 0.2, 0.1, 0.05),
    (130, 8.0): (0.75, 0.55, 0.2, 0.0),
    (130, 1.6): (0.9, 0.2, 0.1, 0.0),
}


def wet_over_dry(speed_kmh: float, tread_mm: float) -> np.ndarray:
    road = ORDINARY | {"speed": speed_kmh / 3.6, "tread_depth_mm": tread_mm, "road_temperature_c": 20.0}
    friction = stopped(*[road | {"water_film_mm": film} for film in BOSCH_FILMS])["friction"]
    return friction / friction[0]


def test_wet_friction_falls_with_water_speed_and_wear_as_bosch_publishes_it():
    ratios = {key: wet_over_dry(*key) for key in BOSCH}
    for (speed, tread), ratio in ratios.items():
        assert (np.diff(ratio) < 0).all()
        assert (ratio[1:] <= ratios[50, tread][1:]).all(), f"friction at {speed} km/h beats that at 50 km/h"
        assert (ratio[1:] <= ratios[speed, 8.0][1:]).all(), "worn tyres beat new ones in the wet"


def test_locked_wheels_slide_on_water_as_bosch_publishes_it():
    def ratio(speed_kmh: float, tread_mm: float) -> np.ndarray:
        film, speed = np.array(BOSCH_FILMS[1:]), np.full(3, speed_kmh / 3.6)
        low_speed = tyre.wet_ratio(film, np.full(3, tread_mm), np.full(3, SURFACES["asphalt"].wet_loss))
        sliding = np.exp(-tyre.wet_speed_fall(film, np.full(3, tread_mm)) * speed)
        return low_speed * sliding * tyre.speed_ratio(speed, tyre.critical_speed(film, np.full(3, tread_mm)))

    differences = [np.abs(ratio(*key) - np.array(row[1:]) / row[0]) for key, row in BOSCH.items()]
    assert np.mean(differences) < 0.10


def exact_distance(e: Event) -> float:
    """Distance [m] from the demand to standstill, the same equations integrated by LSODA."""

    def slip_rate(slip: float, free: float, target: float) -> float:
        """What the ABS lets through, curved near rolling and locking so that the slip stays between 0 and 1."""
        rate = min(free, abs_rate(slip, target)) if e.abs_on else free
        return max(min(rate, (1 - slip) / 1e-5), -slip / 1e-5)

    def rhs(time: float, state: np.ndarray) -> list[float]:
        _, speed, front, rear, front_c, rear_c = state
        pressure, before = pressure_at(e, time), 0.0
        for _ in range(4):  # the load sensitivity looks at the deceleration itself
            decel, front_free, _, rear_free, _, front_k, rear_k = rates(
                e, speed, front, rear, front_c, rear_c, pressure, before
            )
            before = decel
        front_rate, rear_rate = slip_rate(front, front_free, e.front_target), slip_rate(rear, rear_free, e.rear_target)
        return [speed, -decel, front_rate, rear_rate, front_k, rear_k]

    def slow(time: float, state: np.ndarray) -> float:
        return state[1] - SLOW

    slow.terminal = True
    start = [0.0, e.speed, 0.0, 0.0, e.front_disc_c, e.rear_disc_c]
    way = solve_ivp(rhs, (0, 60), start, method="LSODA", rtol=1e-8, atol=1e-8, events=slow, max_step=0.05)
    assert way.status == 1, "the car must come to rest"
    deceleration = -rhs(way.t[-1], way.y[:, -1])[1]
    return float(way.y[0, -1] + SLOW**2 / (2 * deceleration))


ACCURACY = {
    "dry asphalt": {},
    "dry asphalt, gently": {"brake_pressure_bar": 25.0},
    "dry asphalt from 200 km/h, hot": {"speed": 55.0, "brake_temperature_c": 450.0},
    "dry asphalt, wheels locked": {"abs": 0.0},
    "dry asphalt, front wheels locked": {"abs": 0.0, "brake_pressure_bar": 70.0},
    "wet asphalt": {"water_film_mm": 1.0},
    "wet asphalt, worn tyres": {"water_film_mm": 0.5, "tread_depth_mm": 2.0},
    "wet asphalt without ABS": {"water_film_mm": 0.5, "abs": 0.0, "speed": 20.0},
    "flooded asphalt": {"water_film_mm": 5.0},
    "concrete uphill": {"surface": level("surface", "concrete"), "grade": 0.1},
    "cobbles downhill": {"surface": level("surface", "cobbles"), "grade": -0.08},
    "gravel": {"surface": level("surface", "gravel"), "speed": 20.0},
    "gravel without ABS": {"surface": level("surface", "gravel"), "abs": 0.0, "speed": 15.0},
    "packed snow": {"surface": level("surface", "packed_snow"), "road_temperature_c": -5.0, "speed": 15.0},
    "ice": {"surface": level("surface", "ice"), "road_temperature_c": -8.0, "speed": 10.0},
    "storm": {"headwind": 15.0, "speed": 40.0},
}


@pytest.mark.parametrize("case", ACCURACY.values(), ids=ACCURACY.keys())
def test_the_time_steps_reach_the_distance_of_an_exact_integration(case, monkeypatch):
    events = []

    def seen(columns, answers):
        events.append(Event(*columns[:, 0].tolist()))
        compiled(columns, answers)

    compiled = braking.stops_of
    monkeypatch.setattr(braking, "stops_of", seen)
    answer = stopped(ORDINARY | case)
    assert answer["stopping_distance"][0] == pytest.approx(exact_distance(events[0]), rel=BUDGET.integration_share)


def compact_file() -> str:
    return (resources.files("acc_decel.physics") / "vehicles" / "compact.toml").read_text()


@pytest.mark.parametrize("entry", ["mass", "name"])
def test_a_vehicle_file_of_ones_own_gives_the_same_car(tmp_path, entry):
    path = tmp_path / "my_car.toml"
    path.write_text(compact_file())
    mine = vehicle(path)
    assert mine == replace(COMPACT, name="my_car")
    assert vehicle_from(asdict(mine)) == mine
    mass = next(f for f in mine.factors if f.name == "mass")
    assert (mass.low, mass.high) == (COMPACT.body.kerb_mass, COMPACT.body.gross_mass)


DAMAGED = {
    "too many brackets": ("a = " + "[" * 5_000, "must be a TOML file. Got too many brackets in each other"),
    "too many digits": (f"a = {'9' * 5_000}", "must be a TOML file. Got: Exceeds the limit"),
    "description of another kind": ("description = {a = 1}", "description must be a text. Got {'a': 1}"),
    "Latin-1": ("description = 'ä'".encode("latin-1"), "must be a TOML file in UTF-8"),
}


@pytest.mark.parametrize(("content", "says"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_vehicle_file_is_refused_in_a_sentence(tmp_path, content, says):
    path = tmp_path / "car.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError) as refused:
        vehicle(path)
    assert str(refused.value).startswith(str(path))
    assert says in str(refused.value)


def test_a_vehicle_file_of_a_terabyte_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "car.toml"
    path.touch()
    os.truncate(path, 2**40)
    with pytest.raises(ValueError, match="bytes, more than"):
        vehicle(path)


def test_a_mark_at_the_beginning_of_a_vehicle_file_is_left_out(tmp_path):
    path = tmp_path / "car.toml"
    path.write_text(compact_file(), encoding="utf-8-sig")
    assert vehicle(path) == replace(COMPACT, name="car")


def replaced_entry(entry: str, value: str | None) -> str:
    lines = compact_file().splitlines()
    kept = [line for line in lines if not line.startswith(f"{entry} ")]
    assert len(kept) == len(lines) - 1, f"{entry} must be in the file once"
    at = next(i for i, line in enumerate(lines) if line.startswith(f"{entry} "))
    return "\n".join(kept if value is None else [*kept[:at], f"{entry} = {value}", *kept[at:]])


WRONG_FILES = {
    "missing value": (replaced_entry("wheelbase", None), ["body.wheelbase", "1.5 to 6 m", "Got nothing"]),
    "missing section": (compact_file().split("[tyres]")[0], ["tyres.", "Got nothing"]),
    "impossible value": (replaced_entry("wheelbase", "60"), ["body.wheelbase", "1.5 to 6 m", "60"]),
    "not a number": (replaced_entry("wheelbase", "nan"), ["body.wheelbase", "1.5 to 6 m", "nan"]),
    "text": (replaced_entry("wheelbase", '"long"'), ["body.wheelbase", "'long'"]),
    "truth": (replaced_entry("wheelbase", "true"), ["body.wheelbase", "True"]),
    "unknown value": (compact_file() + "\ncolour = 3\n", ["[tyres]", "colour"]),
    "unknown section": (compact_file() + "\n[wings]\nspan = 3\n", ["wings"]),
    "lighter full than empty": (replaced_entry("gross_mass", "700"), ["body.kerb_mass", "body.gross_mass"]),
    "fades before it fades": (replaced_entry("fade_onset_c", "690").replace("700", "600"), ["fade_onset_c"]),
    "not TOML": ("wheelbase: 2.6", ["TOML"]),
}


@pytest.mark.parametrize(("text", "named"), WRONG_FILES.values(), ids=WRONG_FILES.keys())
def test_a_vehicle_file_with_a_mistake_is_refused_by_name(tmp_path, text, named):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match="wrong") as refusal:
        vehicle(path)
    for part in named:
        assert part in str(refusal.value)


def test_a_vehicle_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ValueError, match=r"wrong\.toml must be a TOML file"):
        vehicle(path)


def test_an_unknown_vehicle_is_told_which_there_are():
    with pytest.raises(ValueError, match=r"compact.*no such file"):
        vehicle("spaceship")


@pytest.mark.parametrize("name", vehicle_names())
def test_every_shipped_vehicle_says_what_it_is(name):
    text = (resources.files("acc_decel.physics") / "vehicles" / f"{name}.toml").read_text()
    assert vehicle(name).description == tomllib.loads(text)["description"] != ""
    assert Path(f"{name}.toml").stem == vehicle(name).name


@pytest.mark.parametrize("speed", [1.0, 1.6, 3.0, 27.778])
def test_a_stop_over_time_ends_at_standstill_where_the_stop_ends(speed):
    over_time = history(COMPACT, **ORDINARY | {"speed": speed})
    answer = stopped(ORDINARY | {"speed": speed})
    assert over_time["speed"][-1] == 0
    assert over_time["distance"][-1] == pytest.approx(answer["stopping_distance"][0], rel=1e-6)
    assert (np.diff(over_time["time"]) > 0).all()
    assert (np.diff(over_time["speed"]) <= 1e-9).all()


def test_the_end_of_a_stop_over_time_obeys_the_law_of_motion():
    over_time = history(COMPACT, **ORDINARY)
    speed, time = over_time["speed"][-2:], over_time["time"][-2:]
    assert 0 < speed[0] < SLOW
    assert (speed[0] - speed[1]) / (time[1] - time[0]) == pytest.approx(over_time["deceleration"][-1])


def test_a_car_that_never_stops_is_not_drawn_at_standstill():
    descent = ORDINARY | {"surface": level("surface", "ice"), "grade": -0.2, "road_temperature_c": -2.0}
    over_time = history(COMPACT, **descent)
    assert over_time["speed"][-1] > SLOW
    assert np.isinf(stopped(descent)["stopping_distance"][0])


def test_discs_end_no_colder_than_they_begin():
    assert stopped(ORDINARY | {"brake_temperature_c": 600.0})["peak_disc_c"][0] >= 600.0


def test_numpy_reaches_the_compiled_answer_from_the_same_source():
    columns = bench.nominal(16)
    plain = bench.numpy_stops(bench.in_numpy(), bench.prepared(columns))
    np.testing.assert_allclose(plain, stops(COMPACT, **columns)["deceleration"], rtol=1e-6)


def with_trailer(**told: float) -> Vehicle:
    """The compact car with a trailer as its vehicle file would say it."""
    trailer = {"mass": 750.0, "braked_share": 0.0, "drag_area": 0.0} | told
    return vehicle_from(asdict(COMPACT) | {"trailer": trailer})


@pytest.mark.slow
@given(case=with_abs, braked=st.floats(0, 1))
def test_a_trailer_lengthens_the_stop_the_less_the_more_it_brakes_by_itself(case, braked):
    level_road = case | {"grade": 0.0, "headwind": 0.0}
    alone, unbraked = (stopped(level_road, car=car)["deceleration"][0] for car in (COMPACT, with_trailer()))
    between = stopped(level_road, car=with_trailer(braked_share=braked))["deceleration"][0]
    assert unbraked - BUDGET.integration <= between <= alone + BUDGET.integration


def test_an_unbraked_trailer_pushes_with_its_mass():
    # Both cars brake with the same tyre forces: a (m + m_t) with the trailer is a m without, but for what air and
    # rolling take and for the load that less deceleration moves to the front.
    hard = ORDINARY | {"grade": 0.0, "headwind": 0.0, "mass": 1500.0, "speed": 15.0}
    alone, pushed = (stopped(hard, car=car)["deceleration"][0] for car in (COMPACT, with_trailer(mass=750.0)))
    assert pushed == pytest.approx(alone * 1500 / 2250, rel=0.03)


def test_a_trailer_that_brakes_its_whole_push_is_not_felt():
    case = ORDINARY | {"grade": -0.05}
    alone, towing = (stopped(case, car=car)["deceleration"][0] for car in (COMPACT, with_trailer(braked_share=1.0)))
    assert towing == pytest.approx(alone, rel=1e-9)


def test_a_trailer_is_an_optional_section_of_a_vehicle_file(tmp_path):
    source = (resources.files("acc_decel.physics") / "vehicles" / "compact.toml").read_text()
    file = tmp_path / "towing.toml"
    file.write_text(source + "\n[trailer]\nmass = 1300\nbraked_share = 0.5\ndrag_area = 0.8\n")
    assert vehicle(file).trailer == Trailer(mass=1300.0, braked_share=0.5, drag_area=0.8)
    file.write_text(source + "\n[trailer]\nmass = 1300\n")
    with pytest.raises(ValueError, match=r"trailer\.braked_share must be 0 to 1 .*add it"):
        vehicle(file)


def test_the_physics_is_compiled_where_no_folder_can_keep_it(monkeypatch):
    monkeypatch.setattr("numba.core.caching.FunctionCache._impl_class._locator_classes", [])
    assert integration._on_all_cores("") is not None
