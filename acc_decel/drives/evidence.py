"""Witnesses: what else in a file says how large its speed is, and how fast its clock goes.

Each witness gives a size: the speed in m/s, per second of the clock as it was read, that one unit of the speed channel
stands for. Positions, a second speed with a unit, a distance and a radar are witnesses; the accelerometer is one, too,
but a wide one, because grade and noise are in it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy import ndarray

from acc_decel.constants import GRAVITY
from acc_decel.drives.aligning import correlation, size_ratio
from acc_decel.drives.channel_names import ROLES, is_role, is_speed, stated_unit, unread_unit, words
from acc_decel.drives.channel_sampling import Sampled
from acc_decel.drives.series import Series
from acc_decel.drives.units import Unit, known_unit, unit_in_name, unit_named

EARTH_RADIUS_M = 6_371_000.0
MAX_WITNESSES = 12  # channels that are read for what they say
SPANS, SPAN_PERIODS = 40, (3.0, 20.0)  # over which distance and speed are compared: of the recording, of the fixes
MIN_SPANS = 5
MIN_MOVING_SHARE = 0.2  # of the greatest speed; slower, noise of the positions counts too much
MAX_SPREAD = 0.15  # of the sizes of the spans, relative; with more, a witness is not sure
TOLERANCE = 0.045  # of a size, relative: antennas, tyres and curves explain so much, and no two units are as near
ACCELEROMETER_TOLERANCE = 0.15
MIN_ACCELEROMETER_CORRELATION = 0.6
MIN_SAME_CORRELATION = 0.95  # of a second speed with the first
PAIRED = ("m/s", "km/h", "mph", "kn")  # units of two speeds that state none; the ratios of their pairs are far apart
DEGREES = ((90.0, 180.0, 1.0), (9e8, 1.8e9, 1e-7))  # greatest latitude, longitude, and their size [degrees]
MIN_RADAR_SHARE = 0.15  # of the reflections of a radar that must stand still to show the car's own speed
TIME_SCALES = (1.0, 1e-3, 1e3, 1e-6, 1e6, 1e-9, 1e9)
SPEED_SIZES = (0.25, 1.06)  # of the units that loggers use: km/h to m/s
MIN_PERIOD_S, MAX_PERIOD_S = 1e-3, 5.0  # between records of a speed that a logger writes
HARD_MPS2 = (0.3, 60.0)  # a drive's hardest change of speed lies between these, spikes and noise included
MIN_RANGE_MPS = 8.0  # of a speed whose change shows the clock
ACCELERATION_SIZES = (1.0, GRAVITY)  # of the units that an accelerometer may have if none is stated
MAX_CLOCK_RATIO = 1.5  # of the change of speed over acceleration, or its inverse, with the right clock and no noise
HARD_SPANS = 400  # of the recording, over which a change of speed is measured, so that noise counts less

Accelerometer = tuple[Series, Unit | None]  # with its unit, if the file states one
Travelled = Callable[[ndarray], ndarray]  # distances [m] between times


@dataclass(frozen=True)
class Witness:
    """What says that one unit of the speed channel is `size` m/s, give or take the relative `tolerance`."""

    name: str
    size: float
    tolerance: float = TOLERANCE

    def allows(self, unit: Unit) -> bool:
        """Whether a unit of speed has this size."""
        return abs(float(np.log(unit.size / self.size))) <= self.tolerance


def witness_channels(file_units: dict[str, str]) -> list[str]:
    """Channels that may say how large a speed is, besides speeds and accelerations."""
    positions = [name for name in file_units if is_role(name, "latitude") or is_role(name, "longitude")]
    others = [name for name in file_units if _distance_unit(name, file_units[name]) or _is_closing(name, file_units)]
    return list(dict.fromkeys([*positions, *others]))[:MAX_WITNESSES]


def speed_witnesses(speed: str, sampled: Sampled, file_units: dict[str, str]) -> list[Witness]:
    """The witnesses of a speed but for the accelerometer."""
    series = sampled.series[speed]
    others = [*_second_speeds(speed, sampled, file_units), *_radars(series, sampled, file_units)]
    return [*distance_witnesses(speed, sampled, file_units), *others]


def distance_witnesses(speed: str, sampled: Sampled, file_units: dict[str, str]) -> list[Witness]:
    """The witnesses of a speed that depend on the clock, too: positions and distances."""
    series = sampled.series[speed]
    return [*_positions(series, sampled, file_units), *_distances(series, sampled, file_units)]


def accelerometer_witness(speed: Series, acceleration: Series, sizes: Iterable[float]) -> list[Witness]:
    """What an accelerometer says of the size of speed, for each size [m/s^2] that its own unit may have."""
    values = correlation(speed, acceleration)
    r = float(np.abs(values[1]).max()) if values is not None else 0.0
    ratio = size_ratio(speed, acceleration) if r >= MIN_ACCELEROMETER_CORRELATION else np.nan
    if not np.isfinite(ratio) or ratio <= 0:
        return []
    tolerance = ACCELEROMETER_TOLERANCE - float(np.log(r))
    return [Witness("the accelerometer", size / ratio, tolerance) for size in sizes]


def _positions(speed: Series, sampled: Sampled, file_units: dict[str, str]) -> list[Witness]:
    """The speed that latitude and longitude show."""
    found = {
        role: next((n for n in file_units if is_role(n, role) and (n in sampled.series or n in sampled.constant)), None)
        for role in ("latitude", "longitude")
    }
    moving = [sampled.series[n] for n in found.values() if n in sampled.series]
    if None in found.values() or not moving:
        return []
    base = max(moving, key=lambda series: len(series.time))
    latitude, longitude = (_values_at(base.time, str(name), sampled) for name in found.values())
    size = next(
        (s for most_north, most_east, s in DEGREES if np.abs(latitude).max() <= most_north
         and np.abs(longitude).max() <= most_east), None,
    )  # fmt: skip
    if size is None or (np.abs(latitude).max() < 1e-3 and np.abs(longitude).max() < 1e-3):
        return []
    latitude, longitude = np.radians(latitude * size), np.radians(longitude * size)

    def travelled(times: ndarray) -> ndarray:
        north, east = (np.interp(times, base.time, values) for values in (latitude, longitude))
        return EARTH_RADIUS_M * np.hypot(np.diff(north), np.diff(east) * np.cos((north[1:] + north[:-1]) / 2))

    return _compared(f"the positions {found['latitude']!r}, {found['longitude']!r}", speed, base, travelled)


def _values_at(time: ndarray, name: str, sampled: Sampled) -> ndarray:
    if name in sampled.constant:
        return np.full(len(time), sampled.constant[name])
    return np.interp(time, sampled.series[name].time, sampled.series[name].value)


def _distances(speed: Series, sampled: Sampled, file_units: dict[str, str]) -> list[Witness]:
    """The speed that channels of the distance travelled show."""
    witnesses = []
    for name, series in sampled.series.items():
        unit = _distance_unit(name, file_units[name])
        rises = np.diff(series.value)
        if unit is None or (rises < 0).mean() > 0.01 or not (rises > 0).any():
            continue
        size = unit.size

        def travelled(times: ndarray, series: Series = series, size: float = size) -> ndarray:
            return np.diff(np.interp(times, series.time, series.value)) * size

        witnesses += _compared(f"the distance {name!r}", speed, series, travelled)
    return witnesses


def _compared(name: str, speed: Series, base: Series, travelled: Travelled) -> list[Witness]:
    """The witness whose distances between times are those of `travelled`, if its spans agree with each other."""
    start, end = max(speed.time[0], base.time[0]), min(speed.time[-1], base.time[-1])
    period = max(base.period, speed.period)
    span = float(np.clip((end - start) / SPANS, SPAN_PERIODS[0] * period, SPAN_PERIODS[1] * period))
    times = np.arange(start, end, span) if end > start else np.array([])
    if len(times) <= MIN_SPANS:
        return []
    integral = np.concatenate([[0], np.cumsum(np.diff(speed.time) * (speed.value[1:] + speed.value[:-1]) / 2)])
    gone, integrated = travelled(times), np.diff(np.interp(times, speed.time, integral))
    gapless = _longest_steps(times, speed.time) & _longest_steps(times, base.time)
    moving = gapless & (integrated > MIN_MOVING_SHARE * integrated.max()) & (gone > 0)
    if moving.sum() < MIN_SPANS:
        return []
    sizes = np.log(gone[moving] / integrated[moving])
    spread = 1.4826 * float(np.median(np.abs(sizes - np.median(sizes))))
    return [Witness(name, float(np.exp(np.median(sizes))))] if spread <= MAX_SPREAD else []


def _longest_steps(times: ndarray, records: ndarray) -> ndarray:
    """Which of the spans between `times` have no gap of their own length between records."""
    nearest = records[np.clip(np.searchsorted(records, times), 0, len(records) - 1)]
    near = np.abs(nearest - times) <= times[1] - times[0]
    return near[1:] & near[:-1]


def _second_speeds(speed: str, sampled: Sampled, file_units: dict[str, str]) -> list[Witness]:
    """Other speeds of the car: with a unit, or without one where the ratio of both shows their units."""
    own, witnesses = sampled.series[speed], []
    is_stated = stated_unit(speed, file_units[speed], "speed") is not None
    for name, other in sampled.series.items():
        if name == speed or not is_speed(name, file_units[name]) or unread_unit(name, file_units[name], "speed"):
            continue
        value = np.interp(own.time, other.time, other.value)
        moving = (own.value > MIN_MOVING_SHARE * own.value.max()) & (value > 0)
        if moving.sum() < MIN_SPANS or float(np.corrcoef(own.value, value)[0, 1]) < MIN_SAME_CORRELATION:
            continue
        ratio, unit = float(np.median(value[moving] / own.value[moving])), stated_unit(name, file_units[name], "speed")
        if unit is not None:
            witnesses.append(Witness(f"the speed {name!r}", ratio * unit.size, 0.08))
        elif not is_stated and (size := _size_by_ratio(ratio)) is not None:
            witnesses.append(Witness(f"the speed {name!r}", size))
    return witnesses


def _size_by_ratio(ratio: float) -> float | None:
    """The size of a speed's unit, if only one pair of units has this ratio; None where tyres may explain it, too."""
    sizes = [unit_named(name, "speed", "").size for name in PAIRED]
    pairs = [(abs(float(np.log(own / other / ratio))), own) for own in sizes for other in sizes if own != other]
    error, size = min(pairs) if ratio > 0 else (np.inf, 0.0)
    return size if error <= TOLERANCE / 2 else None


def _radars(speed: Series, sampled: Sampled, file_units: dict[str, str]) -> list[Witness]:
    """Radar: what stands still beside the road comes closer as fast as the car drives."""
    witnesses = []
    for name, series in sampled.series.items():
        unit = stated_unit(name, file_units[name], "speed")
        if unit is None or not _is_closing(name, file_units):
            continue
        own = np.interp(series.time, speed.time, speed.value)
        moving = (own > MIN_MOVING_SHARE * own.max()) & (series.value < 0)
        if moving.sum() < 10 * MIN_SPANS:
            continue
        sizes = np.log(-series.value[moving] * unit.size / own[moving])
        edges = np.arange(np.log(0.1), np.log(3.0), 0.02)
        counts = np.convolve(np.histogram(sizes, edges)[0], np.ones(3), "same")
        best = int(np.argmax(counts))
        if counts[best] >= MIN_RADAR_SHARE * len(sizes):
            witnesses.append(Witness(f"the radar {name!r}", float(np.exp((edges[best] + edges[best + 1]) / 2))))
    return witnesses


def _is_closing(name: str, file_units: dict[str, str]) -> bool:
    """Whether a channel is the speed of a radar's targets against the car, with a unit."""
    plain = words(name)
    is_relative = "range rate" in plain or ("rel" in plain and bool(ROLES["speed"].search(plain)))
    return is_relative and stated_unit(name, file_units[name], "speed") is not None


def _distance_unit(name: str, file_unit: str) -> Unit | None:
    if not is_role(name, "distance"):
        return None
    return known_unit(file_unit, "length") or unit_in_name(name, "length")


def clock_scale(
    speed: Series, unit: Unit | None, accelerations: Sequence[Accelerometer], witnesses: Iterable[Witness]
) -> tuple[float, str]:
    """True seconds in one second of the clock as it was read, and what shows it; 1 and "" where nothing contradicts.

    Of the accelerations, those whose unit the file states show the clock; the others can only speak against one.
    """
    low, high = (unit.size / 1.3, unit.size * 1.3) if unit else SPEED_SIZES
    for witness in witnesses:
        scale = next((c for c in TIME_SCALES if low <= witness.size / c <= high), None)
        if scale is not None:
            return scale, witness.name
    speed_sizes = [unit.size] if unit else list(SPEED_SIZES)
    for acceleration, its_unit in accelerations:
        stated = [its_unit.size] if its_unit else []
        if scales := [c for c in TIME_SCALES if _agrees(speed, acceleration, c, stated, speed_sizes)]:
            return scales[0], "the accelerometer"
    scale, shown_by = _plausible_scale(speed, unit)
    for acceleration, its_unit in accelerations:
        sizes = [its_unit.size] if its_unit else list(ACCELERATION_SIZES)
        if scale != 1 and _agrees(speed, acceleration, scale, sizes, speed_sizes) is False:
            return 1.0, ""  # no clock fits all, so this one is left as it was read
    return scale, shown_by


def _agrees(
    speed: Series, acceleration: Series, scale: float, sizes: list[float], speed_sizes: list[float]
) -> bool | None:
    """Whether speed changes as fast as acceleration says with this scale of the clock; None where nothing shows it."""
    pair = [replace(s, time=s.time * scale, period=s.period * scale) for s in (speed, acceleration)]
    if not MIN_PERIOD_S <= min(s.period for s in pair) <= max(s.period for s in pair) <= MAX_PERIOD_S:
        return None
    values = correlation(*pair)
    r = float(np.abs(values[1]).max()) if values is not None else 0.0
    if r < MIN_ACCELEROMETER_CORRELATION:
        return None
    ratio, most = size_ratio(*pair), MAX_CLOCK_RATIO / r
    return any(ratio * min(speed_sizes) < most * size and ratio * max(speed_sizes) > size / most for size in sizes)


def _plausible_scale(speed: Series, unit: Unit | None) -> tuple[float, str]:
    """The scale of the clock with which a car can change its speed so fast, where it cannot with the clock as read."""
    size, k = unit.size if unit else 0.5, max(len(speed.time) // HARD_SPANS, 1)
    change, steps = np.abs(speed.value[k:] - speed.value[:-k]), speed.time[k:] - speed.time[:-k]
    hardest = float(np.quantile(change * size / np.maximum(steps, k * speed.period / 2), 0.999))

    def fits(scale: float) -> bool:
        return MIN_PERIOD_S <= speed.period * scale <= MAX_PERIOD_S and HARD_MPS2[0] <= hardest / scale <= HARD_MPS2[1]

    if np.ptp(speed.value) * size < MIN_RANGE_MPS:
        return 1.0, ""  # a car that hardly changes its speed does so with any clock
    scales = [scale for scale in TIME_SCALES if fits(scale)]
    return (scales[0], "the change of speed") if len(scales) == 1 and scales[0] != 1 else (1.0, "")
