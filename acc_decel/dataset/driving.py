"""From how a fleet drives to brake demand: demanded deceleration becomes brake pressure."""

from jaxtyping import Float
from numpy import ndarray

from acc_decel.dataset.scenarios import Driving
from acc_decel.physics import Vehicle


def fleet_driving(
    vehicle: Vehicle, *, speed: Float[ndarray, " quantiles"], deceleration: Float[ndarray, " quantiles"]
) -> Driving:
    """Driving with these quantiles of speed [m/s] and demanded deceleration [m/s^2].

    The pressure is the one at which the brakes alone reach this deceleration: half loaded, no drag, no fade, full grip.
    """
    brakes, body = vehicle.brakes, vehicle.body
    force_per_bar = (brakes.front_torque_per_bar + brakes.rear_torque_per_bar) / vehicle.tyres.radius
    pressure = deceleration * 0.5 * (body.kerb_mass + body.gross_mass) / force_per_bar
    return Driving((("speed", tuple(speed.tolist())), ("brake_pressure_bar", tuple(pressure.tolist()))))
