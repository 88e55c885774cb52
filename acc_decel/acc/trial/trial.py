"""The whole trial: every arm on every road in every scenario, resumed from a folder where there is one."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from acc_decel.acc.trial.parts import Part, check_folder, read_part, trial_identity, write_part
from acc_decel.acc.trial.recorded_leads import RecordedLead
from acc_decel.acc.trial.runs import Rig, Settings
from acc_decel.acc.trial.scenes import SCENARIOS
from acc_decel.model_folder import DEFAULT_MODEL, released_models
from acc_decel.physics import vehicle_names
from acc_decel.predictor import Predictor

MAX_RUNS = 10_000  # of a part, which is held in memory
RECORDED = "recorded"  # the scenario that needs recorded leads
OTHERS = ("sports", "compact")  # whose model the arm with the wrong platform carries: the first that is not the own


def open_rig(
    model: str | Path = DEFAULT_MODEL, settings: Settings | None = None, recorded: Sequence[RecordedLead] = ()
) -> Rig:
    """The rig of a trial of this model, which must be of a vehicle that comes with the package.

    `recorded` are the leads of the scenario `recorded`, as `read_leads` gives them.

    Raises ValueError for another vehicle, and for settings out of range.
    """
    chosen = settings or Settings()
    _check_settings(chosen)
    predictor = Predictor(model)
    if predictor.vehicle not in vehicle_names():
        raise ValueError(
            f"model must be of a vehicle that comes with the package ({', '.join(vehicle_names())}), as the trial "
            f"drives it. Got one of {predictor.vehicle!r}: give a released model."
        )
    leads = tuple(Predictor(name) for name in released_models())
    other = next(name for name in OTHERS if name != predictor.vehicle)
    return Rig(predictor, leads, Predictor(other), chosen, tuple(recorded))


def _check_settings(settings: Settings) -> None:
    if not 1 <= settings.runs <= MAX_RUNS:
        raise ValueError(f"runs must be 1 to {MAX_RUNS} (of each arm, road and scenario). Got {settings.runs}.")
    if settings.seed < 0:
        raise ValueError(f"seed must be at least 0. Got {settings.seed}: choose another.")


def chosen_names(option: str, names: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """The names that were asked for, in the order of the trial; all of them without any. Raises ValueError."""
    if not names:
        return list(known)
    for name in names:
        if name not in known:
            raise ValueError(f"{option} must be one of {', '.join(known)}. Got {name!r}.")
    return [name for name in known if name in names]


def trial_parts(
    arms: Sequence[str], roads: Sequence[str], scenarios: Sequence[str], *, recorded: bool = False
) -> list[Part]:
    """The parts of a trial: roads outermost, then arms, so that what belongs to a road is made once.

    `recorded` says whether there are recorded leads; without them their scenario is left out. Raises ValueError if none
    of the scenarios happens on any of the roads.
    """
    if not recorded:
        if [*scenarios] == [RECORDED]:
            raise ValueError(f"scenario {RECORDED} needs recorded leads. Got none: give them with --lead.")
        scenarios = [name for name in scenarios if name != RECORDED]
    parts = [
        Part(arm, road, scenario)
        for road in roads
        for arm in arms
        for scenario in scenarios
        if road in SCENARIOS[scenario].roads
    ]
    if not parts:
        places = {road: [name for name in SCENARIOS if road in SCENARIOS[name].roads] for road in roads}
        possible = "; ".join(f"{road}: {', '.join(names)}" for road, names in places.items())
        raise ValueError(f"scenarios must happen on the roads ({possible}). Got {', '.join(scenarios)}.")
    return parts


def run_trial(
    rig: Rig,
    parts: Sequence[Part],
    folder: Path | None = None,
    on_part: Callable[[Part], None] = lambda _: None,
) -> pd.DataFrame:
    """All runs of the parts, a row each, with columns arm, road and scenario.

    With a `folder` each part is written there when it is finished, and finished ones are read. The same settings give
    the same rows, whether resumed or not. Raises ValueError if the folder holds another trial.
    """
    identity = trial_identity(rig) if folder else {}
    if folder:
        check_folder(folder, identity)
    tables = []
    for part in parts:
        runs = read_part(folder, part, identity) if folder else None
        if runs is None:
            runs = rig.run(part.arm, part.road, part.scenario).assign(**part.labels)
            if folder:
                write_part(folder, part, runs, identity)
        tables.append(runs)
        on_part(part)
    return pd.concat(tables, ignore_index=True)
