"""One part of the trial with ECUs in the loop: every 10 ms they answer, and the planner uses what they said last."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isclose

import numpy as np
import pandas as pd

from acc_decel.acc.in_loop.beliefs import EcuBeliefs
from acc_decel.acc.in_loop.ecus import Ecus
from acc_decel.acc.in_loop.records import Record
from acc_decel.acc.in_loop.unit import AccUnit
from acc_decel.acc.trial import loop
from acc_decel.acc.trial.arms import ARMS, OwnModel
from acc_decel.acc.trial.course import Lockstep
from acc_decel.acc.trial.parts import Part
from acc_decel.acc.trial.runs import Rig
from acc_decel.acc.trial.scenes import Planning, planning
from acc_decel.ecu import PERIOD
from acc_decel.predictor import Predictor

PLANNER_EVERY = round(loop.TICK / PERIOD)  # ticks of the ECU to one of the planner
NODES = 2  # of a table over the speed that holds one value


@dataclass(frozen=True)
class PartInLoop:
    """All runs of one part: a row each as `Rig.run` gives them, what happened in each tick, and how long it took.

    `ticks` are those of all runs together. The CPU times [s] are of the loop, and of the ECUs in it; neither counts the
    ticks before the start.
    """

    runs: pd.DataFrame
    record: Record = field(repr=False)
    ticks: int
    cpu: float
    ecu_cpu: float


def model_in_loop(rig: Rig, arm: str) -> Predictor:
    """The model whose C answers for this arm. Raises ValueError for an arm that has none."""
    return rig.other if _of_arm(arm).wrong else rig.predictor


def _of_arm(arm: str) -> OwnModel:
    believe = ARMS[arm].believe if arm in ARMS else None
    if not isinstance(believe, OwnModel):
        ours = ", ".join(name for name, a in ARMS.items() if a.ours)
        raise ValueError(f"arm must be one whose model an ECU can carry ({ours}). Got {arm!r}.")
    return believe


def run_part(
    rig: Rig,
    part: Part,
    ecus: Ecus,
    *,
    unit: AccUnit | None = None,
    on_ended: Callable[[int], None] = lambda _: None,
) -> PartInLoop:
    """All runs of one part, in lockstep, with `ecus` of the model of `model_in_loop` answering every 10 ms.

    The lead is believed to be one of that model, as the ECU carries no other. With `unit` the exported ACC unit says
    which gap is kept, else it is that of the whole stopping curve. `on_ended` is called with the number of runs that
    have ended in a tick. Raises ValueError for an arm without a model, and RefusedError.
    """
    own, knowledge = _of_arm(part.arm), rig.knowledge(part.road)
    speed = rig.pairs(part.road).speed
    beliefs = EcuBeliefs(ecus, own.predictor(knowledge).factors, own.columns(knowledge), speed, unit)
    belief = beliefs.belief
    start = rig.start(part.scenario, part.road, belief, planning(belief, speed))
    runs, record = Lockstep(rig.course(part.scenario, part.road, start)), Record()
    steps = _steps_of(rig.settings.step)
    tick = ticks = 0
    plan, asked, began = _plan(beliefs, runs), 0.0, time.process_time()
    while (running := runs.running.copy()).any():
        before = time.process_time()
        answers = beliefs.tick(runs.column("speed"), runs.column("radar_speed"), running)
        asked += time.process_time() - before
        if tick % PLANNER_EVERY == 0:
            plan = _plan(beliefs, runs)
        runs.drive_on(plan, steps)
        record.add(running, answers, (plan.deceleration[:, 0], plan.gap[:, 0]), runs.seen)
        tick, ticks = tick + 1, ticks + int(running.sum())
        on_ended(int((running & ~runs.running).sum()))
    cpu = time.process_time() - began
    record.results.append(runs.results)
    table = rig.table_of(part.road, start, belief, runs.results).assign(**part.labels)
    return PartInLoop(table, record, ticks, cpu, asked)


def _steps_of(step: float) -> int:
    """How many steps of the plant [s] a tick of the ECU has. Raises ValueError where that is no whole number."""
    steps = round(PERIOD / step)
    if steps < 1 or not isclose(steps * step, PERIOD):
        raise ValueError(f"step must divide {PERIOD:g} s, the time from tick to tick of an ECU. Got {step:g}.")
    return steps


def _plan(beliefs: EcuBeliefs, runs: Lockstep) -> Planning:
    """What the planner counts on now: the deceleration from the present speed, and the gap that is kept at it."""
    speed = runs.column("speed")
    held = [np.repeat(values[:, None], NODES, axis=1) for values in (beliefs.deceleration, beliefs.gaps(speed))]
    return Planning(np.ones(len(speed)), *held)
