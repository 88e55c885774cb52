"""What the CAN task costs on a core: instructions of a tick, flash and RAM. Needs the extras [can] and [ecu]."""

from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float32
from numpy import ndarray

from acc_decel.ecu import TaskCosts, object_bytes
from acc_decel.factors import EXCLUSIONS, FACTORS, Factor, slices
from acc_decel.integration.can.layout import CAR, PERIOD_MS, Bus
from acc_decel.integration.can.senders import Senders
from acc_decel.integration.can.task import CoreTask

TICKS = CAR.cycle_ms // PERIOD_MS + 1  # in the last one every message is received and sent


@dataclass(frozen=True)
class CanCosts:
    """The CAN task on one core. A tick receives frames, predicts, and sends frames."""

    core: str
    instructions: int  # of a tick, maximum, inside the trained domain
    instructions_refused: int  # of a tick without any frame, whose answer is refused
    instructions_outside: int  # maximum outside the domain, where the network is computed several times
    cycles: int | None  # maximum inside the domain, an estimate; None for a core without published timings
    cycles_outside: int | None
    flash_bytes: int  # of acc_decel_can.c with its tables
    static_ram_bytes: int  # of acc_decel_can.c
    state_bytes: int  # RAM of the state that the caller keeps
    stack_bytes: int


def can_costs(
    folder: Path, bus: Bus, dbc: str, columns: Float32[ndarray, " columns"], *, core: str, build: Path | None = None
) -> CanCosts:
    """Costs of the task in `folder`, as `columns` is sent again and again. Raises RuntimeError as `CoreTask` does."""
    task, other, silent = (CoreTask(folder, bus, core=core, build=build, metered=True) for _ in range(3))
    inside = _costs(task, Senders(bus, dbc), columns)
    outside = _costs(other, Senders(bus, dbc), contradiction(columns, bus.factors))
    silent.tick([])
    flash, ram = object_bytes(folder / "acc_decel_can.c", folder, core=core)
    return CanCosts(
        core=core,
        instructions=inside.instructions,
        instructions_refused=silent.costs.instructions,
        instructions_outside=outside.instructions,
        cycles=inside.cycles,
        cycles_outside=outside.cycles,
        flash_bytes=flash,
        static_ram_bytes=ram,
        state_bytes=task.state_bytes,
        stack_bytes=outside.stack_bytes,
    )


def contradiction(
    columns: Float32[ndarray, " columns"], factors: tuple[Factor, ...] = FACTORS
) -> Float32[ndarray, " columns"]:
    """The same event with a combination that no road has: the first of `EXCLUSIONS`."""
    first, changed = EXCLUSIONS[0], columns.copy()
    for factor, own in zip(factors, slices(factors), strict=True):
        if first.column in factor.columns and factor.levels:
            changed[own] = [column == first.column for column in factor.columns]
        if factor.name == first.factor:
            changed[own] = (first.limit + (factor.low if first.below else factor.high)) / 2
    return changed


def _costs(task: CoreTask, senders: Senders, columns: Float32[ndarray, " columns"]) -> TaskCosts:
    for tick in range(TICKS):
        task.tick(senders.frames(columns, tick=tick))
    return task.costs
