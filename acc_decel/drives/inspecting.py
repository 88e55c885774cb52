"""What a recording holds: its channels with rate, gaps and range, and a proposed mapping."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy import ndarray

from acc_decel.drives.channel_mapping import Proposal, propose_mapping
from acc_decel.drives.clock import LONG_GAP_S, LONG_GAP_STEPS
from acc_decel.drives.formats.opening import check_one_vehicle, open_source
from acc_decel.drives.formats.source import Choices
from acc_decel.drives.formats.text_cells import TextTally
from acc_decel.drives.reading import read_blocks

MIN_GAP_STEPS, MIN_GAP_S = 10.0, 0.5  # a gap is longer than so many typical steps and longer than this time


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
    """What a recording holds, and the mapping that its channels and values suggest. `duration_s` leaves gaps out."""

    file: str
    duration_s: float
    channels: tuple[ChannelReport, ...]
    proposal: Proposal


def inspect_recording(
    path: Path,
    dbc: Path | None = None,
    on_records: Callable[[int], None] = lambda _: None,
    *,
    bus: str | None = None,
    vehicle_id: str | None = None,
) -> Inspection:
    """Every channel of a recording and a proposed mapping; read block by block.

    `on_records` gets the number of records that have just been read. `dbc` and `bus` say how to read a raw log,
    `vehicle_id` which vehicle of a table of several. Raises ValueError for a file that cannot be read.
    """
    choices = Choices(dbc, bus, vehicle_id)
    check_one_vehicle(path, choices)
    source = open_source(path, choices)
    proposal = propose_mapping(source)
    description = replace(proposal.description, bus=bus, vehicle_id=vehicle_id)
    tallies = {name: ChannelTally(name, unit) for name, unit in source.channels().items()}
    for block in read_blocks(source, list(tallies), proposal.description.time):
        for name, value in block.values.items():
            tallies[name].add(block.time, value)
            tallies[name].texts.add(value, block.texts.get(name))
        on_records(len(block.time))
    proposal = replace(proposal, description=description, notes=(*proposal.notes, *source.notes))
    duration = max((t.recorded for t in tallies.values() if np.isfinite(t.end)), default=np.nan)
    return Inspection(str(path), duration, tuple(t.report() for t in tallies.values()), proposal)


@dataclass
class ChannelTally:
    """Counts and extremes of one channel; it grows block by block. `step` [s] is the typical one of the first block."""

    name: str
    unit: str
    records: int = 0
    missing: int = 0
    low: float = np.inf
    high: float = -np.inf
    recorded: float = 0.0
    end: float = np.nan
    step: float = np.nan
    gaps: int = 0
    longest_gap_s: float = 0.0
    backward: int = 0
    texts: TextTally = field(default_factory=TextTally)

    def add(self, time: ndarray, value: ndarray) -> None:
        """Count one block."""
        finite = np.isfinite(value)
        self.records += len(value)
        self.missing += int((~finite).sum())
        if not finite.any():
            return
        self.low, self.high = min(self.low, float(value[finite].min())), max(self.high, float(value[finite].max()))
        stamps = time[finite & np.isfinite(time)]
        if not len(stamps):
            return
        steps = np.diff(np.concatenate([[self.end], stamps]) if np.isfinite(self.end) else stamps)
        self.end = float(stamps[-1])
        if np.isnan(self.step) and (steps > 0).any():
            self.step = float(np.median(steps[steps > 0]))
        self.recorded += float(steps[(steps > 0) & (steps <= max(LONG_GAP_S, LONG_GAP_STEPS * self.step))].sum())
        gaps = steps[steps > max(MIN_GAP_STEPS * self.step, MIN_GAP_S)]
        self.gaps += len(gaps)
        self.longest_gap_s = max(self.longest_gap_s, float(gaps.max(initial=0.0)))
        self.backward += int((steps < 0).sum())

    def report(self) -> ChannelReport:
        """The channel as counted, with a note on what is wrong with it."""
        has_numbers = self.records > self.missing
        notes = {
            "no numbers": not has_numbers,
            "one value": has_numbers and self.low == self.high,
            f"{self.missing} missing": has_numbers and self.missing > 0,
            f"{self.texts.count} hold text like {self.texts.word!r}": has_numbers and self.texts.count > 0,
            f"time runs backward {self.backward} times": self.backward > 0,
        }
        return ChannelReport(
            self.name,
            self.unit,
            self.records,
            1 / self.step if self.step > 0 else np.nan,
            self.gaps,
            self.longest_gap_s,
            self.low if has_numbers else np.nan,
            self.high if has_numbers else np.nan,
            ", ".join(text for text, applies in notes.items() if applies),
        )
