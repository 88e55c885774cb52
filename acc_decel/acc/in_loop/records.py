"""What has happened in a closed loop, tick by tick, and where two of them differ in any bit."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy import ndarray

NOT_ASKED = -1  # status of a car whose run has ended


@dataclass(frozen=True)
class Record:
    """The ticks of all runs of one part, and their results.

    `outputs` [runs, questions, outputs] and `status` [runs, questions] are the answers, NaN and NOT_ASKED after the end
    of a run. `plan` [runs, 2] is the deceleration [m/s^2] and the gap [m] that the planner counts on, `seen` [runs,
    SEEN] what it commands and how both cars move.
    """

    outputs: list[ndarray] = field(default_factory=list)
    status: list[ndarray] = field(default_factory=list)
    plan: list[ndarray] = field(default_factory=list)
    seen: list[ndarray] = field(default_factory=list)
    results: list[ndarray] = field(default_factory=list)

    def add(self, running: ndarray, answers: tuple[ndarray, ndarray], plan: ndarray, seen: ndarray) -> None:
        """Add one tick; `answers` are those of the `running` cars."""
        outputs = np.full((len(running), *answers[0].shape[1:]), np.nan, np.float32)
        status = np.full((len(running), *answers[1].shape[1:]), NOT_ASKED, np.int64)
        outputs[running], status[running] = answers
        for entries, now in ((self.outputs, outputs), (self.status, status), (self.plan, plan), (self.seen, seen)):
            entries.append(now.copy())

    def answers(self) -> pd.DataFrame:
        """The answers as a table: a row for each tick, run and question that was asked."""
        status = np.stack(self.status)
        tick, run, question = np.nonzero(status != NOT_ASKED)
        return pd.DataFrame({"tick": tick, "run": run, "question": question, "status": status[tick, run, question]})


def first_difference(one: Record, other: Record) -> str | None:
    """Where two records differ first, in any bit, in a sentence; None where they are the same.

    A tick whose answers differ is named before what follows from it.
    """
    ticks = min(len(one.seen), len(other.seen))
    for tick in range(ticks):
        for name in ("outputs", "status", "plan", "seen"):
            a, b = getattr(one, name)[tick], getattr(other, name)[tick]
            if (place := _differing(a, b)) is not None:
                return f"{name} of run {place[0]} at tick {tick}: {a[place]} and {b[place]}"
    if len(one.seen) != len(other.seen):
        return f"number of ticks: {len(one.seen)} and {len(other.seen)}"
    for a, b in zip(one.results, other.results, strict=True):
        if (place := _differing(a, b)) is not None:
            return f"results of run {place[0]}: {a[place]} and {b[place]}"
    return None


def _differing(a: ndarray, b: ndarray) -> tuple[int, ...] | None:
    """The first place where two arrays of one shape have other bits."""
    unlike = a.view(f"i{a.itemsize}") != b.view(f"i{b.itemsize}")
    return tuple(int(i) for i in np.argwhere(unlike)[0]) if unlike.any() else None
