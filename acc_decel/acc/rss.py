"""The parameters of Responsibility-Sensitive Safety, from what both cars can do now, as two open stacks take them."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from acc_decel.acc.curve import Curve, curve_of
from acc_decel.acc.quantities import Value, checked
from acc_decel.following import LEAD_SPEED, REACTION, REACTION_TIME, SPEED


@dataclass(frozen=True)
class RssParameters:
    """Parameters of RSS with the signs of its paper: decelerations [m/s^2] are positive, the time is in s."""

    alpha_brake_min: ndarray
    alpha_brake_max: ndarray
    response_time: ndarray

    def ad_rss_lib(self) -> dict[str, ndarray]:
        """The entries of `RssDynamics` of ad-rss-lib: `brakeMin` of the own car, `brakeMax` of the lead; negative.

        The library refuses positive brake values, whatever its reference says (intel/ad-rss-lib, issue 134). It adds an
        acceleration during the response: `alphaLon.accelMax` of the own car, which an ACC with a command of its own
        sets to what it really commands.
        """
        return {
            "alphaLon.brakeMin": np.asarray(-self.alpha_brake_min),
            "alphaLon.brakeMax": np.asarray(-self.alpha_brake_max),
            "responseTime": self.response_time,
        }

    def autoware_cruise(self) -> dict[str, ndarray]:
        """The entries of Autoware's obstacle cruise: both accelerations are negative."""
        return {
            "min_ego_accel_for_rss": np.asarray(-self.alpha_brake_min),
            "min_object_accel_for_rss": np.asarray(-self.alpha_brake_max),
            "idling_time": self.response_time,
        }

    def autoware_aeb(self) -> dict[str, ndarray]:
        """The entries of Autoware's autonomous emergency braking: both accelerations are negative."""
        return {
            "a_ego_min": np.asarray(-self.alpha_brake_min),
            "a_obj_min": np.asarray(-self.alpha_brake_max),
            "t_response": self.response_time,
        }


def rss_parameters(
    own: Curve | Value,
    lead: Curve | Value,
    speed: Value,
    lead_speed: Value | None = None,
    reaction: Value = REACTION_TIME,
) -> RssParameters:
    """`alpha_brake_min`, `alpha_brake_max` and `response_time` for the own `speed` and that of the lead [m/s].

    alpha_brake_min: what the own car reaches at least. alpha_brake_max: what the lead reaches at most, and never less
    than alpha_brake_min: RSS looks at both cars at rest only, which is right only if the lead brakes at least as hard.
    response_time: `reaction` and the delay of the brakes. Without `lead_speed` both are equally fast.

    Raises ValueError where the own car may not stop: RSS has no parameter for that.
    """
    own, lead = curve_of(own), curve_of(lead)
    v = checked(SPEED, speed)
    least = own.deceleration_from(v)
    if (least <= 0).any():
        raise ValueError(
            "RSS needs a car that stops: alpha_brake_min above 0 m/s^2. Got a car that may not stop on this road: the "
            "ACC must not be active."
        )
    most = lead.deceleration_from(v if lead_speed is None else checked(LEAD_SPEED, lead_speed))
    return RssParameters(
        *np.broadcast_arrays(least, np.maximum(most, least), checked(REACTION, reaction) + own.delay_from(v))
    )
