"""Physics of road, tyre and brake: one straight-line braking event over time, for a vehicle read from TOML."""

from acc_decel.physics import tyre as tyre
from acc_decel.physics.braking import stops as stops
from acc_decel.physics.grip import SNOW_SPREAD as SNOW_SPREAD
from acc_decel.physics.grip import TYRE_SPREAD as TYRE_SPREAD
from acc_decel.physics.history import HISTORY as HISTORY
from acc_decel.physics.history import history as history
from acc_decel.physics.latents import LATENTS as LATENTS
from acc_decel.physics.latents import Latent as Latent
from acc_decel.physics.latents import typical_latents as typical_latents
from acc_decel.physics.road import SURFACES as SURFACES
from acc_decel.physics.tyre import curve_peak as curve_peak
from acc_decel.physics.tyre import wet_ratio as wet_ratio
from acc_decel.physics.vehicle import Trailer as Trailer
from acc_decel.physics.vehicle import Vehicle as Vehicle
from acc_decel.physics.vehicle import check_trained_for as check_trained_for
from acc_decel.physics.vehicle import entry_comment as entry_comment
from acc_decel.physics.vehicle import vehicle as vehicle
from acc_decel.physics.vehicle import vehicle_from as vehicle_from
from acc_decel.physics.vehicle import vehicle_names as vehicle_names
