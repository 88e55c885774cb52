"""The clock of a recording: midnight, a clock set back, stray stamps, and gaps that are no recorded time."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

DAY_S, HOUR_S, WEEK_S = 86_400.0, 3_600.0, 604_800.0
MIN_EPOCH_S = 1e8  # greater times are since 1970, so that they follow a clock on the wall
LOOK_AHEAD_RECORDS = 3  # this far after midnight the time of day must still be small: one wrong stamp is no midnight
TURN_S = 60.0  # before and after a clock that counts minutes or weeks starts again
MAX_SET_BACK_STEP_S = 2.0  # between the records before and after a clock is set back by an hour
LONG_GAP_S, LONG_GAP_STEPS = 60.0, 10.0  # a step longer than both is a gap, in seconds and in typical steps
MIN_STRETCH_RECORDS = 3  # fewer between two gaps have stray stamps
MAX_GAP_NOTES = 3
COUNTER_BITS, COUNTER_UNITS_S = (8, 16, 24, 32), (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
MIN_TURN_STEPS, MAX_TURN_STEPS = (
    5.0,
    3.0,
)  # of usual steps: a counter that starts again goes back further, and misses less
MIN_PERIOD_STEPS = 20.0  # of usual steps in one turn of a counter


@dataclass
class Clock:
    """Makes the times of one group of channels rise, block by block, where the clock on the wall does not.

    A time of day starts again at midnight, one of minutes and seconds each hour, GPS each week, and local time is set
    back by an hour in autumn: the times after that get a day, an hour or a week more. Any other step back stays.
    """

    last: float = np.nan
    added: float = 0.0
    midnights: int = 0
    set_back: int = 0
    turns: int = 0
    overflows: int = 0

    def continued(self, time: ndarray) -> ndarray:
        """The times [s] of the next block, with what was added so far; NaN stays."""
        time = time + self.added
        rows = np.flatnonzero(np.isfinite(time))
        if not len(rows):
            return time
        stamps = time[rows]
        before = np.concatenate([[self.last if np.isfinite(self.last) else stamps[0]], stamps[:-1]])
        ahead = stamps[np.minimum(np.arange(len(stamps)) + LOOK_AHEAD_RECORDS, len(stamps) - 1)]
        midnight = _is_midnight(before, stamps) & _is_midnight(before, ahead)
        set_back = _is_set_back(before, stamps) & _is_set_back(before, ahead)
        counter = self._counter_turns(before, stamps, ahead)
        hour, week = (_is_turn(before, stamps, period) & _is_turn(before, ahead, period) for period in (HOUR_S, WEEK_S))
        if midnight.any() or set_back.any() or hour.any() or week.any() or counter.any():
            added = DAY_S * np.cumsum(midnight) + HOUR_S * np.cumsum(set_back | hour) + WEEK_S * np.cumsum(week)
            added += np.cumsum(np.where(midnight | set_back | hour | week, 0.0, counter))
            time[rows] = stamps + added
            self.added += float(added[-1])
            self.midnights += int(midnight.sum())
            self.set_back += int(set_back.sum())
            self.turns += int((hour | week).sum())
            self.overflows += int((counter > 0).sum())
        self.last = float(time[rows[-1]])
        return time

    def _counter_turns(self, before: ndarray, stamps: ndarray, ahead: ndarray) -> ndarray:
        """What a counter of some bits has lost where it starts again at each stamp [s]; 0 elsewhere."""
        steps = stamps - before
        lost = np.zeros(len(stamps))
        usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
        for i in np.flatnonzero((steps < -MIN_TURN_STEPS * usual) & (ahead - before < 0)).tolist():
            lost[i] = _counter_period(float(before[i]), float(stamps[i]), usual, self.added)
        return lost

    @property
    def notes(self) -> tuple[str, ...]:
        """What was added to the times, in words."""
        notes: tuple[str, ...] = ()
        notes += ("the time of day passes midnight: a day is added to the times after it",) if self.midnights else ()
        notes += ("the clock is set back by an hour: an hour is added after it",) if self.set_back else ()
        notes += ("the time is a counter that starts again at its greatest value: that is added",) * bool(
            self.overflows
        )
        return notes + (("the clock starts again each hour or week: that is added after it",) if self.turns else ())


def _counter_period(before: float, after: float, usual: float, added: float) -> float:
    """The period [s] of a counter of some bits whose time goes from its last to its first values; 0 if it is none."""
    period, slack = before - after + usual, MAX_TURN_STEPS * usual
    for unit in COUNTER_UNITS_S:
        for bits in COUNTER_BITS:
            whole = unit * 2.0**bits
            if abs(whole - period) > slack or whole < MIN_PERIOD_STEPS * usual:
                continue
            first, last = after - added, before - added
            if any(abs(first - low) <= slack and abs(last - low - whole) <= slack for low in (0.0, -whole / 2)):
                return whole
    return 0.0


def _is_midnight(before: ndarray, after: ndarray) -> ndarray:
    """Whether the time of day is shortly before midnight, then shortly after it, on the same date."""
    is_late, is_early = before % DAY_S >= DAY_S - HOUR_S, after % DAY_S < HOUR_S
    return is_late & is_early & (after - before < 0) & (after - before >= -DAY_S)


def _is_set_back(before: ndarray, after: ndarray) -> ndarray:
    step = after - before + HOUR_S
    return (before > MIN_EPOCH_S) & (step >= 0) & (step < MAX_SET_BACK_STEP_S)


def _is_turn(before: ndarray, after: ndarray, period: float) -> ndarray:
    """Whether a clock that counts to `period` [s] starts again: the last minute of it, then the first."""
    step = before - after
    return (before >= period - TURN_S) & (before < period) & (after >= 0) & (after < TURN_S) & (step > 0)


def gap_limit(time: ndarray) -> float:
    """The longest step [s] between records that is still no gap, for times that rise."""
    return max(LONG_GAP_S, LONG_GAP_STEPS * float(np.median(np.diff(time)))) if len(time) > 1 else np.inf


def is_stray(time: ndarray) -> ndarray:
    """Records with a stray stamp: one or two alone between gaps, as before a clock is set; none where all are alone."""
    cuts = np.flatnonzero(np.diff(time) > gap_limit(time))
    first, last = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(time) - 1]])
    short = last - first + 1 < MIN_STRETCH_RECORDS
    return np.repeat(short & ~short.all(), last - first + 1)


def recorded_seconds(time: ndarray) -> float:
    """Time [s] from the first to the last of the rising times, without the gaps."""
    steps = np.diff(time)
    return float(time[-1] - time[0] - steps[steps > gap_limit(time)].sum()) if len(time) else 0.0


def gap_notes(time: ndarray) -> tuple[str, ...]:
    """A sentence on each of the first gaps between the rising times, and on how many there are."""
    steps = np.diff(time)
    gaps = np.flatnonzero(steps > gap_limit(time))
    notes = [_gap_note(steps[i], time[i] - time[0], float(np.median(steps))) for i in gaps[:MAX_GAP_NOTES]]
    more = [f"{len(gaps)} gaps in all"] if len(gaps) > MAX_GAP_NOTES else []
    return tuple(notes + more)


def _gap_note(gap: float, since_start: float, step: float) -> str:
    clock = ", as where a clock is set to summer time" if abs(gap - HOUR_S - step) < MAX_SET_BACK_STEP_S else ""
    return f"no record for {gap:.6g} s from {since_start:.6g} s on{clock}: not counted as recorded time"
