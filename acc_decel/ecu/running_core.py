"""One emulated core in a closed loop: tick after tick through its mailboxes, and the cost of every 100th tick."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from acc_decel.ecu.cores import Core
from acc_decel.ecu.emulator import Emulator, exchanged
from acc_decel.ecu.image import Image
from acc_decel.ecu.mailbox import mailbox
from acc_decel.ecu.meter import Meter

METERED_EVERY = 100  # ticks: metering takes ten times as long as the tick itself


@dataclass(frozen=True)
class TickCosts:
    """What the task took in each metered tick, over all its mailboxes, from entry to return."""

    tick: Int64[ndarray, " metered"]  # the number of the tick, from 0
    instructions: Int64[ndarray, " metered"]
    cycles: Int64[ndarray, " metered"] | None  # None for a core without published timings


class RunningCore:
    """A core after power-up that answers the mailboxes of one tick after the other.

    Counting instructions is slow, so it is a second core with the same image that answers every 100th tick, the first
    one included, and is metered. It gives the same bits, as the firmware keeps nothing between calls.
    """

    def __init__(self, program: Image, kind: Core, plain: Emulator, metered: Emulator, meter: Meter) -> None:
        """`plain` and `metered` are cores after power-up with the image `program`."""
        self._program, self._kind, self._plain, self._metered, self._meter = program, kind, plain, metered, meter
        self._mail: ndarray = np.zeros(program.mailboxes, mailbox(program.columns))
        self._metered_ticks: list[tuple[int, int]] = []  # number of the tick, and of its mailboxes
        self.ticks = 0

    def tick(
        self, rows: Float32[ndarray, "rows columns"]
    ) -> tuple[Float32[ndarray, "rows outputs"], Int64[ndarray, " rows"]]:
        """The answers of one tick: outputs, as `OUTPUTS` lists them (NaN where refused), and status of every row.

        Each row is a mailbox; NaN in means not available. Raises ValueError for a wrong number of columns, and for no
        rows or more than there are mailboxes.
        """
        self._check(rows)
        mail = self._mail[: len(rows)]
        mail["factors"], mail["outputs"] = rows, np.nan
        core = self._plain
        if self.ticks % METERED_EVERY == 0:
            core = self._metered
            self._metered_ticks.append((self.ticks, len(rows)))
        self.ticks += 1
        answers = np.frombuffer(exchanged(core, self._program, self._kind, mail.tobytes(), len(rows)), mail.dtype)
        return answers["outputs"].copy(), answers["status"].copy()

    def _check(self, rows: ndarray) -> None:
        if rows.shape[1] != self._program.columns:
            raise ValueError(
                f"The firmware takes {self._program.columns} columns. Got {rows.shape[1]}: export it again."
            )
        if not 1 <= len(rows) <= self._program.mailboxes:
            raise ValueError(f"A tick has 1 to {self._program.mailboxes} rows, one a mailbox. Got {len(rows)}.")

    @property
    def costs(self) -> TickCosts:
        """What the metered ticks have cost so far."""
        calls = np.array([call.whole[:2] for call in self._meter.calls], np.int64).reshape(-1, 2)
        numbers, mailboxes = np.array(self._metered_ticks, np.int64).reshape(-1, 2).T
        first = np.cumsum(mailboxes) - mailboxes
        sums = np.add.reduceat(calls, first, axis=0) if len(calls) else calls
        return TickCosts(numbers, sums[:, 0], sums[:, 1] if self._kind.timing is not None else None)
