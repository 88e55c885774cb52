"""Influences on a stop that no ECU can measure: sampled, so that the labels scatter as real stops do."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray


@dataclass(frozen=True)
class Latent:
    """One unknown influence as a standard score: 0 is typical, the population is normal with standard deviation 1.

    One that is `of_the_road` is the same for every car at that place.
    """

    name: str
    meaning: str
    of_the_road: bool = False


# braking.py and grip.py define the effect of one standard score, with sources.
LATENTS: tuple[Latent, ...] = (
    Latent("surface_score", "friction of this road among roads of its kind", of_the_road=True),
    Latent("tyre_score", "quality of the tyre among tyres of its kind"),
    Latent("wet_score", "quality of the tyre in the wet, beyond its dry quality"),
    Latent("wet_road_score", "friction of this road in the wet, beyond its dry friction", of_the_road=True),
    Latent("snow_score", "quality of the tyre on snow and ice, beyond its dry quality"),
    Latent("texture_score", "macrotexture of the road, which drains the water", of_the_road=True),
    Latent("pad_score", "friction of the brake pads against their rated value"),
    Latent("fade_score", "how much friction the pads lose in the heat, against the vehicle's rated loss"),
    Latent("abs_score", "how closely the ABS keeps the wheel at the best slip"),
    Latent("response_score", "brake dead time and build-up against the vehicle's rated values"),
    Latent("gust_score", "wind during the stop against the mean wind", of_the_road=True),
)


def typical_latents(events: int) -> dict[str, ndarray]:
    """Latent columns for `events` stops with typical values, 0."""
    return {latent.name: np.zeros(events) for latent in LATENTS}
