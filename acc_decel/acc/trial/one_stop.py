"""One run of several arms over time: on worn tyres in water, where the camera sees nothing and the car knows."""

import numpy as np
import pandas as pd

from acc_decel.acc.trial.loop import TRACE
from acc_decel.acc.trial.metrics import MAIN
from acc_decel.acc.trial.runs import Rig

ROAD_OF_STOP = "worn_wet"
ROWS = 800  # of a trace: 40 s


def traced_stop(rig: Rig, arms: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """The same run of each of the arms, a table with the columns of TRACE each: the lead brakes fully after 1 s.

    It is the run of the first arm with the median impact of its collisions. Raises ValueError if that has none.
    """
    runs = rig.run(arms[0], ROAD_OF_STOP, MAIN)
    hits = runs[runs["collided"] > 0].sort_values("impact_mps")
    if not len(hits):
        raise ValueError(
            f"The picture of one stop needs a collision of the arm {arms[0]} on the road {ROAD_OF_STOP}. Got none in "
            f"{len(runs)} runs: try more runs, or another seed."
        )
    chosen = int(hits["run"].iloc[len(hits) // 2])
    return {arm: _trace(rig, arm, chosen) for arm in arms}


def _trace(rig: Rig, arm: str, run: int) -> pd.DataFrame:
    trace = np.full((rig.settings.runs, ROWS, len(TRACE)), np.nan)
    rig.run(arm, ROAD_OF_STOP, MAIN, trace=trace)
    return pd.DataFrame(trace[run], columns=list(TRACE)).dropna(ignore_index=True)
