"""The demonstration: one sender falls silent, and within the maximum age of its messages the lower bound falls."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import can
import numpy as np
import pandas as pd
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.ecu import PERIOD
from acc_decel.integration.can.bus_ecu import receive_until, send
from acc_decel.integration.can.layout import Bus
from acc_decel.integration.can.senders import ERROR, SNA, Reader, Senders
from acc_decel.integration.can.signals import FACTOR_STATES
from acc_decel.integration.can.task import Frame
from acc_decel.outputs import QUANTILES
from acc_decel.status import FLAGS

PATIENCE_S = 1.0  # that an ECU may take until its first answer
LOWER = "deceleration_lower"
Exchange = Callable[[list[Frame]], list[Frame]]
Clock = Callable[[int], float]  # the time [s] at the begin of a tick


def in_lockstep(tick: int) -> float:
    """The clock of an ECU that takes no time."""
    return tick * PERIOD


@dataclass(frozen=True)
class Drop:
    """What the bus told while a sender fell silent."""

    answers: pd.DataFrame  # a row for each tick: time_s, quantiles, flags, and not_available as text
    sent: pd.DataFrame  # a row for each sent frame: time_s and message
    silent: str
    last_frame_s: float  # when the silent sender sent for the last time
    max_age_s: float  # of its messages, the greatest
    lost: tuple[str, ...]  # factors that were available before, and are not at the end
    before: float  # [m/s^2], the lower bound
    after: float  # [m/s^2]
    fell_after_s: float | None  # [s] from the last frame to the first answer with a smaller lower bound


def sender_falls_silent(
    layout: Bus,
    dbc: str,
    columns: Float32[ndarray, " columns"],
    exchange: Exchange,
    *,
    silent: str,
    seconds: float,
    silent_at: float,
    clock: Clock = in_lockstep,
    ticked: Callable[[float], None] = lambda _: None,
) -> Drop:
    """Send one event again and again; from `silent_at` [s] on the sender `silent` sends nothing.

    `exchange` sends frames and gives those that came back until the next tick; `ticked` gets the time after each tick.
    Raises ValueError for a sender that does not exist, for times that do not fit, and if no ECU answers.
    """
    check_silence(layout, silent=silent, seconds=seconds, silent_at=silent_at)
    senders, reader = Senders(layout, dbc), Reader(layout, dbc)
    known: dict[str, object] = {}
    rows, sent = [], []
    names = {m.identifier: m.name for m in layout.messages}
    tick, now = 0, clock(0)
    while now < seconds - PERIOD / 2:
        frames = senders.frames(columns, tick=tick, silent=frozenset({silent} if now >= silent_at else ()))
        sent += [(now, names[frame.identifier]) for frame in frames]
        known |= _answers(reader, exchange(frames))
        if not known and now >= PATIENCE_S:
            raise ValueError(
                f"The bus must have an ECU that answers within {PATIENCE_S:g} s. Got no frame of it: start "
                "`acc-decel can ecu` on the same bus and channel."
            )
        tick += 1
        now = clock(tick)
        rows.append({"time_s": now, **_row(layout, known)})
        ticked(now)
    return _drop(layout, pd.DataFrame(rows), pd.DataFrame(sent, columns=["time_s", "message"]), silent, silent_at)


def on_bus(bus: can.BusABC) -> tuple[Exchange, Clock]:
    """An exchange over a bus in real time, and its clock."""
    begin = due = time.monotonic()

    def exchange(frames: list[Frame]) -> list[Frame]:
        nonlocal due
        for frame in frames:
            send(bus, frame)
        due = max(due + PERIOD, time.monotonic())
        return receive_until(bus, due)

    return exchange, lambda _: time.monotonic() - begin


def check_silence(layout: Bus, *, silent: str, seconds: float, silent_at: float) -> None:
    """Raise ValueError for a sender that does not exist, and for times [s] that do not fit."""
    senders = dict.fromkeys(message.group.sender for message in layout.inputs)
    if silent not in senders:
        raise ValueError(f"--silent must be a sender of the bus: {', '.join(senders)}. Got {silent!r}.")
    if not PATIENCE_S <= silent_at < seconds <= 3600:
        raise ValueError(
            f"--silent-at must be {PATIENCE_S:g} s or later, before the end of --duration, which is an hour at most. "
            f"Got {silent_at:g} s of {seconds:g} s."
        )


def _answers(reader: Reader, frames: list[Frame]) -> dict[str, object]:
    """The newest value of each signal in some frames."""
    values: dict[str, object] = {}
    for frame in frames:
        values |= reader.read(frame) or {}
    return values


def _row(layout: Bus, known: dict[str, object]) -> dict[str, object]:
    """One row of the answers; numbers are NaN while they are not told."""
    numbers = {name: known.get(name, SNA) for name in QUANTILES}
    missing = [f.name for f in layout.factors if known.get(f"{f.name}_state") == FACTOR_STATES[1]]
    return {
        **{name: np.nan if value in (SNA, ERROR) else value for name, value in numbers.items()},
        **{name.lower(): known.get(name.lower()) == "yes" for name in FLAGS},
        "not_available": ", ".join(missing),
    }


def _drop(layout: Bus, answers: pd.DataFrame, sent: pd.DataFrame, silent: str, silent_at: float) -> Drop:
    own = [message for message in layout.inputs if message.group.sender == silent]
    last = float(sent["time_s"][sent["message"].isin([message.name for message in own])].max())
    before = answers[answers["time_s"] <= silent_at].iloc[-1]
    later = answers[answers["time_s"] > silent_at]
    holds = later["time_s"][later[LOWER] >= before[LOWER]]  # false where there is no bound at all
    fell = later[later["time_s"] > (holds.max() if len(holds) else silent_at)]
    at_first, at_last = (set(filter(None, row["not_available"].split(", "))) for row in (before, answers.iloc[-1]))
    return Drop(
        answers,
        sent,
        silent,
        last,
        max(message.max_age_ms for message in own) / 1000,
        tuple(f.name for f in layout.factors if f.name in at_last - at_first),
        float(before[LOWER]),
        float(answers[LOWER].iloc[-1]),
        float(fell["time_s"].iloc[0]) - last if len(fell) else None,
    )
