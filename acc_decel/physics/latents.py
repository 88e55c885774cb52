"""What no ECU knows about a stop: sampled, so that the labels scatter as reality does."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray


@dataclass(frozen=True)
class Latent:
    """One unknown influence, given as a standard score: 0 is typical, the population is normal with deviation 1."""

    name: str
    meaning: str


# What one standard score does is said where the physics uses it; sources there.
LATENTS: tuple[Latent, ...] = (
    Latent("surface_score", "friction of this very road among roads of its kind"),
    Latent("tyre_score", "quality of the tyre among tyres of its kind"),
    Latent("wet_score", "quality of the tyre in the wet, beyond its dry quality"),
    Latent("texture_score", "macrotexture of the road, drains the water"),
    Latent("pad_score", "friction of the brake pads against their rated value"),
    Latent("abs_score", "how closely the ABS holds the wheel to the best slip"),
    Latent("response_score", "brake dead time and build-up against the vehicle's rated values"),
    Latent("gust_score", "wind during the stop against the mean wind"),
)


def typical_latents(events: int) -> dict[str, ndarray]:
    """Latent columns of `events` stops in which everything unknown is typical."""
    return {latent.name: np.zeros(events) for latent in LATENTS}
