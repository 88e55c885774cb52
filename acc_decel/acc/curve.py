"""The stopping curve: what one car's full braking does from every speed, as the way that it takes.

S(v) = v^2 / (2 b(v)), with the mean deceleration b(v) to standstill, is more than a distance: it is how the car brakes.
A car that brakes from v0 has the speed v when S(v0) - S(v) lies behind it, as the rest of its way is a full stop from
v. So from v1 to v2 it takes S(v1) - S(v2), and not (v1^2 - v2^2) / (2 b), which is wrong where the deceleration changes
with the speed: on worn tyres in water.

Between two speeds of the grid the deceleration is taken as constant, so S is a straight line over v^2.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from acc_decel.acc.quantities import Numbers, Value, checked
from acc_decel.factors import Factor
from acc_decel.following import DECELERATION, DELAY, DISTANCE, HARDEST, SLOWER_SPEED, SPEED, TOP_SPEED


@dataclass(frozen=True)
class Curve:
    """Way and delay of full braking from each speed of a grid, for one car or for many.

    `speed` [m/s] begins with 0 and rises. `distance` [m] is S, infinite from where the car may not stop, and NaN where
    a model has refused. `delay` [s] is that of the brakes: from the demand a stop takes speed * delay + S(speed).
    """

    speed: Float[ndarray, " speeds"]
    distance: Float[ndarray, "*cars speeds"]
    delay: Float[ndarray, "*cars speeds"]

    def __post_init__(self) -> None:
        """Raise ValueError unless the speeds begin with 0 and rise."""
        if self.speed[0] != 0 or not (np.diff(self.speed) > 0).all():
            raise ValueError(f"speed of a curve must begin with 0 and rise [m/s]. Got {self.speed.tolist()}: sort it.")

    @classmethod
    def of_decelerations(cls, speed: ndarray, deceleration: ndarray, delay: ndarray) -> "Curve":
        """The curve of mean decelerations [m/s^2] to standstill from each `speed` [m/s], above 0, in rising order.

        A way never falls with the speed, since a car that stops from a higher speed passes every lower one: where an
        answer says otherwise, the longer way counts. One that is not above 0 is of a car that may not stop.
        """
        stays = deceleration <= 0
        way = np.where(stays, np.inf, speed**2 / (2 * np.where(stays, 1.0, deceleration)))
        least = speed**2 / (2 * HARDEST)
        way = np.maximum.accumulate(np.maximum(way - least, 0.0), axis=-1) + least
        first = np.zeros((*way.shape[:-1], 1))
        return cls(
            np.concatenate([[0.0], speed]),
            np.concatenate([first, way], axis=-1),
            np.concatenate([delay[..., :1], delay], axis=-1),
        )

    @classmethod
    def constant(cls, deceleration: Value, delay: Value = 0.0) -> "Curve":
        """The curve of a car that slows by `deceleration` [m/s^2] from any speed, `delay` [s] after the demand."""
        b, after = np.broadcast_arrays(checked(DECELERATION, deceleration), checked(DELAY, delay))
        return cls.of_decelerations(np.array([TOP_SPEED]), b[..., None], after[..., None])

    def braking_distance(self, speed: Value) -> ndarray:
        """S [m]: the way of built-up brakes from `speed` [m/s] to standstill."""
        return self._at(self._known(speed), self.distance, power=2)

    def delay_from(self, speed: Value) -> ndarray:
        """The delay of the brakes [s] from `speed` [m/s]."""
        return self._at(self._known(speed), self.delay, power=1)

    def stopping_distance(self, speed: Value) -> ndarray:
        """The way [m] from the demand to standstill: speed * delay + S(speed)."""
        v = self._known(speed)
        return np.asarray(v * self.delay_from(v) + self.braking_distance(v))

    def deceleration_from(self, speed: Value) -> ndarray:
        """Mean deceleration [m/s^2] from `speed` [m/s] to standstill, v^2 / 2S; 0 where the car may not stop."""
        v = np.maximum(self._known(speed), 1e-6)  # below the grid the deceleration is constant
        return np.asarray(v**2 / (2 * self.braking_distance(v)))

    def between(self, speed: Value, slower_speed: Value) -> ndarray:
        """The way [m] of built-up brakes from `speed` down to `slower_speed`: S(v1) - S(v2); infinite if S(v1) is.

        0 where `slower_speed` is not slower.
        """
        long = self.braking_distance(speed)
        return _difference(long, np.minimum(self.braking_distance(self._known(slower_speed, SLOWER_SPEED)), long))

    def time_between(self, speed: Value, slower_speed: Value) -> ndarray:
        """The time [s] of built-up brakes from `speed` down to `slower_speed`; infinite where the car may not stop.

        0 where `slower_speed` is not slower.
        """
        long = self._stopping_time(self._known(speed))
        return _difference(long, np.minimum(self._stopping_time(self._known(slower_speed, SLOWER_SPEED)), long))

    def speed_after(self, speed: Value, distance: Value) -> ndarray:
        """Speed [m/s] that is left after built-up brakes from `speed` have taken a way of `distance` [m]; 0 at rest.

        S(v) = S(v0) - distance, solved for v. A car that may not stop keeps its speed.
        """
        v, way = np.broadcast_arrays(self._known(speed), checked(DISTANCE, distance))
        start = self.braking_distance(v)
        rest = np.maximum(np.where(np.isinf(start), 0.0, start) - way, 0.0)
        squared = _interpolate(rest, self.distance, np.broadcast_to(self.speed**2, self.distance.shape))
        return np.where(np.isinf(start), v, np.where(np.isnan(start), np.nan, np.sqrt(np.minimum(squared, v**2))))

    def motion(self, speed: Value, hold: Value) -> tuple[ndarray, ndarray]:
        """Time [s] and speed [m/s] at the corners of the speed over time: straight lines from corner to corner.

        The car holds its speed for `hold` [s], then it brakes to standstill. A car that may not stop keeps its speed.
        """
        v, wait = np.broadcast_arrays(self._known(speed), np.asarray(hold, np.float64))
        start = self._stopping_time(v)[..., None]
        speeds = np.minimum(self.speed[::-1], v[..., None])
        never = np.isinf(start)
        left = np.where(never, 0.0, self._corner_times(speeds))
        times = wait[..., None] + np.where(never, 0.0, np.maximum(np.where(never, 0.0, start) - left, 0.0))
        return times, np.where(never, v[..., None], np.broadcast_to(speeds, times.shape))

    def _known(self, speed: Value, quantity: Factor = SPEED) -> ndarray:
        """The speed, which must be one of those that the curve is known for."""
        return checked(replace(quantity, high=float(self.speed[-1])), speed)

    def _corner_times(self, speeds: ndarray) -> ndarray:
        """Stopping time [s] from each of `speeds` [..., n], whose cars are those of the curve."""
        one_more = Curve(self.speed, self.distance[..., None, :], self.delay[..., None, :])
        return one_more._stopping_time(speeds)

    def _stopping_time(self, v: ndarray) -> ndarray:
        """Time [s] of built-up brakes to standstill: 2 dS / (v1 + v2) for each part of the grid."""
        parts = 2 * _difference(self.distance[..., 1:], self.distance[..., :-1]) / (self.speed[1:] + self.speed[:-1])
        whole = np.concatenate([np.zeros((*parts.shape[:-1], 1)), np.cumsum(parts, axis=-1)], axis=-1)
        return self._at(v, whole, power=1)  # constant deceleration: the time is a straight line over the speed

    def _at(self, v: ndarray, nodes: ndarray, *, power: int) -> ndarray:
        """`nodes` [..., speeds] at the speeds `v`, as straight lines over the speed to this power."""
        return _interpolate(v**power, self.speed**power, nodes)


def curve_of(car: Curve | Value) -> Curve:
    """The curve itself, or the curve of a constant deceleration [m/s^2] without delay."""
    return car if isinstance(car, Curve) else Curve.constant(car)


def _difference(long: Numbers, short: Numbers) -> ndarray:
    """`long` - `short`, infinite where `long` is."""
    endless = np.isinf(long)
    return np.where(endless, np.inf, np.where(endless, 0.0, long) - np.where(endless, 0.0, short))


def _interpolate(x: Numbers, places: ndarray, values: ndarray) -> ndarray:
    """Straight lines through `values` [..., n] at rising `places` [n] or [..., n], each row at its own `x` [...].

    Towards an infinite value the line is infinite at once.
    """
    shape = np.broadcast_shapes(x.shape, values.shape[:-1], places.shape[:-1])
    x = np.broadcast_to(x, shape)
    index = np.zeros(shape, np.intp)
    for i in range(1, values.shape[-1] - 1):  # few places, many rows
        index += x >= places[..., i]
    x0, x1, y0, y1 = (_pick(array, index + k) for array in (places, values) for k in (0, 1))
    endless, flat = np.isinf(y1), ~(x1 > x0) | np.isinf(x1)
    share = np.where(flat, 0.0, x - np.where(flat, x, x0)) / np.where(
        flat, 1.0, np.where(flat, 1.0, x1) - np.where(flat, 0.0, x0)
    )
    rise = np.where(endless, 0.0, y1) - np.where(endless, 0.0, y0)
    return np.where(endless & (share > 0), np.inf, y0 + share * rise)


def _pick(array: ndarray, index: ndarray | np.integer) -> ndarray | np.number:
    """The entry of each row of `array` [..., n] at its `index` [...]."""
    places = np.asarray(index)[..., None]
    rows = np.broadcast_to(array, (*index.shape, array.shape[-1]))
    return np.take_along_axis(rows, places, axis=-1)[..., 0]
