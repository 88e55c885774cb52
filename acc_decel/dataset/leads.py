"""The lead of each event: another car on the same road, with its own tyres, load and brakes, braking as hard as it can.

Both cars share the road, so an unknown road changes what they need between them much less than what each can do.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator, Philox
from scipy.special import ndtri

from acc_decel.dataset.scenarios import CAUSES, Columns, from_prior, pick_level, tyre_shares
from acc_decel.physics import LATENTS, stops, vehicle, vehicle_names

STREAM = 0x1EAD  # of random numbers, apart from those of the sensors
LOAD_SHARES = (0.05, 1.0)  # of the payload in the lead, evenly; every car carries its driver
_DRAWN = tuple(cause for cause in CAUSES if not cause.of_the_road)
_DRAWS = 4 * -(-(1 + len(_DRAWN) + len(LATENTS)) // 4)  # uniform numbers for one event, a multiple of 4


def lead_deceleration(true: Columns, latents: Columns, *, seed: int, first: int) -> Float[ndarray, " events"]:
    """Deceleration [m/s^2] of the lead in each event, from the speed of the own car to standstill.

    `true` and `latents` are those of the own car; what is of the road holds for the lead, too. Which of the shipped
    platforms it is, is drawn evenly; its tyres, brakes and their temperature follow the priors of the factors and the
    season. It has ABS and its full brake pressure. The random numbers of event i come from the Philox counter i, so the
    result does not depend on how events are grouped.
    """
    events = len(true["speed"])
    draws = _uniform(seed, first, events)
    names = vehicle_names()
    platform = np.minimum((draws[:, 0] * len(names)).astype(int), len(names) - 1)
    own = dict(zip((cause.name for cause in _DRAWN), draws[:, 1:].T, strict=False))
    scores = dict(zip((latent.name for latent in LATENTS), ndtri(draws[:, 1 + len(_DRAWN) :]).T, strict=False))
    scores |= {latent.name: latents[latent.name] for latent in LATENTS if latent.of_the_road}
    answer = np.empty(events)
    for i, name in enumerate(names):
        rows = np.flatnonzero(platform == i)
        if len(rows):
            car = _car_factors(name, {key: u[rows] for key, u in own.items()}, true["road_temperature_c"][rows])
            road = {cause.name: true[cause.name][rows] for cause in CAUSES if cause.of_the_road}
            columns = road | car | {"speed": true["speed"][rows]}
            answer[rows] = stops(vehicle(name), **columns, latents={key: score[rows] for key, score in scores.items()})[
                "deceleration"
            ]
    return answer


def _car_factors(name: str, u: Columns, road_c: Float[ndarray, " events"]) -> Columns:
    """Factors of leads of one platform at the quantiles `u`."""
    car = vehicle(name)
    by_name = {f.name: f for f in car.factors}
    low, high = LOAD_SHARES
    kerb, gross = car.body.kerb_mass, car.body.gross_mass
    ones = np.ones(len(road_c))
    return {cause.name: from_prior(u[cause.name], by_name[cause.name]) for cause in _DRAWN} | {
        "mass": kerb + (low + (high - low) * u["mass"]) * (gross - kerb),
        "tyre_kind": pick_level(u["tyre_kind"], tyre_shares(by_name["tyre_kind"], road_c)),
        "brake_pressure_bar": car.brakes.full_pressure_bar * ones,
        "abs": ones,
    }


def _uniform(seed: int, first: int, events: int) -> Float[ndarray, "events draws"]:
    generator = Generator(Philox(key=[seed, STREAM], counter=first * _DRAWS // 4))
    return np.clip(generator.random((events, _DRAWS)), 1e-12, 1 - 1e-12)
