"""What has happened in a closed loop, tick by tick, and where two of them differ in any bit."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy import ndarray


@dataclass(frozen=True)
class Record:
    """The ticks of all runs of one part, and their results.

    `asked` are the numbers of the runs that had not ended, `outputs` [asked, questions, outputs] and `status` [asked,
    questions] the answers of their ECUs. `plan` [runs, 2] is the deceleration [m/s^2] and the gap [m] that the planner
    counts on, `seen` [runs, SEEN] what it commands and how both cars move.
    """

    asked: list[ndarray] = field(default_factory=list)
    outputs: list[ndarray] = field(default_factory=list)
    status: list[ndarray] = field(default_factory=list)
    plan: list[ndarray] = field(default_factory=list)
    seen: list[ndarray] = field(default_factory=list)
    results: list[ndarray] = field(default_factory=list)

    def add(self, running: ndarray, answers: tuple[ndarray, ndarray], plan: tuple[ndarray, ...], seen: ndarray) -> None:
        """Add one tick; `answers` are those of the `running` cars."""
        outputs, status = answers
        self.asked.append(np.flatnonzero(running))
        self.outputs.append(outputs)
        self.status.append(status)
        self.plan.append(np.array(plan).T.copy())
        self.seen.append(seen.copy())

    def answers(self) -> pd.DataFrame:
        """The status of every answer: a row for each tick, run and question."""
        status = np.concatenate(self.status)
        cars, questions = status.shape
        ticks = np.repeat(np.arange(len(self.asked)), [len(asked) for asked in self.asked])
        columns = {"tick": ticks, "run": np.concatenate(self.asked)}
        table = {name: np.repeat(values, questions) for name, values in columns.items()}
        return pd.DataFrame(table | {"question": np.tile(np.arange(questions), cars), "status": status.ravel()})


def first_difference(one: Record, other: Record) -> str | None:
    """Where two records differ first, in any bit, in a sentence; None where they are the same.

    A tick whose answers differ is named before what follows from it.
    """
    ticks = min(len(one.seen), len(other.seen))
    for tick in range(ticks):
        for name in ("asked", "outputs", "status", "plan", "seen"):
            a, b = getattr(one, name)[tick], getattr(other, name)[tick]
            if len(a) != len(b):
                return f"number of runs at tick {tick}: {len(a)} and {len(b)}"
            if (place := _differing(a, b)) is not None:
                run = one.asked[tick][place[0]] if name in ("outputs", "status") else place[0]
                return f"{name} of run {run} at tick {tick}: {a[place]} and {b[place]}"
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
