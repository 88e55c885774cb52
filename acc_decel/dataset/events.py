"""Simulated and sensed events in memory: the one place where factors, stops and sensors come together."""

from dataclasses import dataclass
from threading import Lock

from jaxtyping import Float32
from numpy import ndarray

from acc_decel.dataset.leads import lead_deceleration
from acc_decel.dataset.scenarios import Columns, Driving, scenarios
from acc_decel.dataset.sensors import sense
from acc_decel.physics import Vehicle, stops

_ALL_CORES = Lock()  # the physics uses all cores, and with two callers at once Numba's threading may crash


@dataclass(frozen=True)
class SensedEvents:
    """Events of one vehicle, one row each: what was drawn, what the physics computed, and what an ECU would see."""

    true: Columns  # true factors; a factor with levels is the index of its level
    latents: Columns  # standard scores
    stops: Columns  # the answer of `physics.stops`, and lead_deceleration [m/s^2] of `leads`
    columns: Float32[ndarray, "events columns"]  # NaN where a factor is missing


def sensed_events(
    vehicle: Vehicle, *, seed: int, first: int, events: int, driving: Driving | None = None
) -> SensedEvents:
    """Events `first` to `first + events - 1` of `vehicle`, as training gets them.

    The on-board estimator reads the peak friction. `driving` replaces the priors of some factors. Safe to call from
    several threads: the physics runs for one at a time.
    """
    true, latents = scenarios(vehicle.factors, seed=seed, first=first, events=events, driving=driving)
    with _ALL_CORES:
        answer = stops(vehicle, **true, latents=latents)
        lead = lead_deceleration(true, latents, seed=seed, first=first)
    columns = sense(vehicle.factors, true, answer["peak_friction"], seed=seed, first=first)
    return SensedEvents(true, latents, answer | {"lead_deceleration": lead}, columns)
