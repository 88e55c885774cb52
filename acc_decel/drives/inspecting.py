"""What a recording holds: its channels with rate, gaps and range, and a proposed mapping."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray

from acc_decel.drives.channel_mapping import Proposal, proposed
from acc_decel.drives.reading import blocks, source

GAP_STEPS, GAP_TIME = 10.0, 0.5  # a gap is longer than so many usual steps and so long [s]


@dataclass
class Tally:
    """What is known so far of one channel; it grows block by block."""

    name: str
    unit: str
    records: int = 0
    missing: int = 0
    low: float = np.inf
    high: float = -np.inf
    start: float = np.nan
    end: float = np.nan
    step: float = np.nan
    gaps: int = 0
    longest_gap_s: float = 0.0
    backward: int = 0

    def add(self, time: ndarray, value: ndarray) -> None:
        """Take in one block."""
        good = np.isfinite(value)
        self.records += len(value)
        self.missing += int((~good).sum())
        if not good.any():
            return
        self.low, self.high = min(self.low, float(value[good].min())), max(self.high, float(value[good].max()))
        stamps = time[good & np.isfinite(time)]
        if not len(stamps):
            return
        steps = np.diff(np.concatenate([[self.end], stamps]) if np.isfinite(self.end) else stamps)
        self.start = self.start if np.isfinite(self.start) else float(stamps[0])
        self.end = float(stamps[-1])
        if np.isnan(self.step) and (steps > 0).any():
            self.step = float(np.median(steps[steps > 0]))
        gaps = steps[steps > max(GAP_STEPS * self.step, GAP_TIME)]
        self.gaps += len(gaps)
        self.longest_gap_s = max(self.longest_gap_s, float(gaps.max(initial=0.0)))
        self.backward += int((steps < 0).sum())


@dataclass(frozen=True)
class ChannelReport:
    """One channel of a recording. `rate_hz` is that of its records; `note` says what is wrong with it."""

    name: str
    unit: str
    records: int
    rate_hz: float
    gaps: int
    longest_gap_s: float
    low: float
    high: float
    note: str


@dataclass(frozen=True)
class Inspection:
    """What a recording holds and how it may be read."""

    file: str
    duration_s: float
    channels: tuple[ChannelReport, ...]
    proposal: Proposal


def inspected(path: Path, dbc: Path | None = None, on_records: Callable[[int], None] = lambda _: None) -> Inspection:
    """Every channel of a recording and a proposed mapping; read block by block."""
    found = source(path, dbc)
    proposal = proposed(found)
    tallies = {name: Tally(name, unit) for name, unit in found.channels().items()}
    for block in blocks(found, list(tallies), proposal.description.time):
        for name, value in block.values.items():
            tallies[name].add(block.time, value)
        on_records(len(block.time))
    spans = [(t.start, t.end) for t in tallies.values() if np.isfinite(t.end)]
    duration = max(end for _, end in spans) - min(start for start, _ in spans) if spans else np.nan
    return Inspection(str(path), duration, tuple(_report(t) for t in tallies.values()), proposal)


def _report(tally: Tally) -> ChannelReport:
    some = tally.records > tally.missing
    notes = {
        "no numbers": not some,
        "one value": some and tally.low == tally.high,
        f"{tally.missing} missing": some and tally.missing > 0,
        f"time runs backward {tally.backward} times": tally.backward > 0,
    }
    return ChannelReport(
        tally.name,
        tally.unit,
        tally.records,
        1 / tally.step if tally.step > 0 else np.nan,
        tally.gaps,
        tally.longest_gap_s,
        tally.low if some else np.nan,
        tally.high if some else np.nan,
        ", ".join(text for text, holds in notes.items() if holds),
    )
