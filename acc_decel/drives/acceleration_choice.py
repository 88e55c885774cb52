"""Which accelerometer is the longitudinal one: that which correlates with the change of speed."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from acc_decel.drives.aligning import correlation, size_ratio
from acc_decel.drives.channel_names import is_longitudinal, is_role
from acc_decel.drives.series import Series
from acc_decel.drives.unit_choice import Candidate

MIN_CORRELATION = 0.5  # of an acceleration with the change of speed
MIN_CORRELATION_LEAD = 0.1  # of the best candidate over the second
MIN_CORRELATION_LONGITUDINAL = 0.3  # enough for a channel whose name says longitudinal
MIN_SAME_CORRELATION = 0.9  # of two accelerometers of one axis, smoothed
SAME_STEP_S, SAME_SMOOTHING_POINTS, MAX_SAME_POINTS = 0.1, 10, 100_000

Choice = tuple[Candidate | None, float, list[str]]


def choose_acceleration(speed: Candidate, candidates: list[Candidate]) -> Choice:
    """The candidate that correlates with the change of speed, its sign, and a note on the choice.

    Two that agree with each other are no rivals; of them the one without gravity is taken.
    """
    scored = []
    for candidate in candidates:
        correlations = correlation(speed.series, candidate.series)
        if correlations is not None:
            r = float(correlations[1][np.argmax(np.abs(correlations[1]))])
            scored.append((abs(r) * _size_score(speed, candidate), r, candidate))
    scored.sort(key=lambda entry: -entry[0])
    if not scored:
        return None, 1.0, ["the recording is too short to compare acceleration with speed"] if candidates else []
    top, near = scored[0], scored[0][0] - MIN_CORRELATION_LEAD
    same = [s for s in scored if s is top or (s[0] >= near and is_same_axis(s[2].series, top[2].series))]
    second = next((score for score, _, c in scored if all(c is not chosen for *_, chosen in same)), 0.0)
    score, r, best = max(same, key=lambda s: (is_role(s[2].name, "without_gravity"), is_longitudinal(s[2].name), s[0]))
    is_clear = abs(r) >= MIN_CORRELATION and score - second >= MIN_CORRELATION_LEAD * (0.5 if len(same) > 1 else 1)
    if is_clear or (is_longitudinal(best.name) and abs(r) >= MIN_CORRELATION_LONGITUDINAL):
        others = ", ".join(repr(c.name) for *_, c in same if c is not best)
        also = f"; {others} agree{'s' if len(same) == 2 else ''} with it" if others else ""
        return best, float(np.sign(r)), [f"{best.name!r} follows the change of {speed.name!r} (r = {r:.2f}){also}"]
    names = ", ".join(f"{c.name!r} (r = {r:.2f})" for _, r, c in scored)
    return None, 1.0, [f"no acceleration is used, none clearly follows the change of speed: {names}"]


def is_same_axis(one: Series, other: Series) -> bool:
    """Whether two accelerometers measure the same axis, whatever their sign and offset."""
    start, end = max(one.time[0], other.time[0]), min(one.time[-1], other.time[-1])
    grid = np.arange(start, min(end, start + MAX_SAME_POINTS * SAME_STEP_S), SAME_STEP_S)
    if len(grid) < 2 * SAME_SMOOTHING_POINTS:
        return False
    smooth = [uniform_filter1d(np.interp(grid, s.time, s.value), SAME_SMOOTHING_POINTS) for s in (one, other)]
    if min(float(np.ptp(value)) for value in smooth) == 0:
        return False
    return abs(float(np.corrcoef(*smooth)[0, 1])) >= MIN_SAME_CORRELATION


def _size_score(speed: Candidate, acceleration: Candidate) -> float:
    """1 where acceleration is as large as the change of speed in some pair of units, less where it is not."""
    ratio = max(size_ratio(speed.series, acceleration.series), 1e-9)
    speed_units, acceleration_units = speed.possible_units("speed"), acceleration.possible_units("acceleration")
    return float(np.exp(-min(abs(np.log(ratio * s.size / a.size)) for s in speed_units for a in acceleration_units)))
