"""What to do when little is known: cap the gap, lower the set speed until it fits, and tell the driver why.

Knowing little is safe, and slow: a gap of five seconds is one that other drivers fill. So a gap longer than the cap is
answered with a lower speed. The driver reads which speed, and which missing factor would help most.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.acc.beliefs import Beliefs, believe, status_to
from acc_decel.acc.gap import safe_gap, time_gap
from acc_decel.acc.quantities import Value, checked
from acc_decel.acc.speed import GAP_CAP_TIME, safe_speed, speed_for_gap_cap
from acc_decel.factors import Factor, slices
from acc_decel.following import GAP_CAP, REACTION_TIME, SET_SPEED
from acc_decel.predictor import Predictor
from acc_decel.status import OUTSIDE_DOMAIN

TRIED_VALUES = 7  # of a missing factor, over its range
WORTH = 0.95  # a factor counts if knowing it may shorten the gap to less than this share
NAMED = 2  # missing factors that the driver reads


@dataclass(frozen=True)
class Advice:
    """The speed that an ACC may hold, and what the driver reads.

    `speed` [m/s] is at most the set speed; 0 says that the ACC must not be active. `gap` [m] and `time_gap` [s] are
    those to keep at that speed, `wanted_time_gap` [s] is that of the set speed. `missing` says for each factor that is
    not known and would help how short the time gap [s] at the set speed may be with it, the shortest first. The bits of
    `own_status` and `lead_status` are those of every answer that a stop from the set speed uses.
    """

    set_speed: float
    speed: float
    gap: float
    time_gap: float
    wanted_time_gap: float
    missing: dict[str, float]
    message: str
    own_status: int
    lead_status: int


def advise(
    predictor: Predictor,
    leads: Sequence[Predictor],
    columns: Float32[ndarray, "1 columns"],
    set_speed: Value,
    *,
    sight: Value | None = None,
    gap_cap: Value = GAP_CAP_TIME,
    reaction: Value = REACTION_TIME,
) -> Advice:
    """What an ACC of which `columns` are known does at the speed that the driver has set [m/s].

    `leads` are the models of cars that the lead may be. `sight` [m] is the distance that is seen to be free, if it is
    limited. Raises RefusedError for a factor out of range.
    """
    wish = float(checked(SET_SPEED, set_speed))
    pair = believe(predictor, leads, columns)
    for_gap = float(speed_for_gap_cap(pair.own, pair.lead, wish, gap_cap, reaction)[0])
    for_sight = wish if sight is None else float(safe_speed(pair.own, sight, reaction, set_speed=wish)[0])
    speed = min(for_gap, for_sight)
    wanted = float(time_gap(pair.own, pair.lead, wish, reaction)[0])
    missing = gaps_if_known(predictor, leads, columns, wish, reaction=reaction) if for_gap < wish else {}
    short = {name: gap for name, gap in missing.items() if gap < WORTH * wanted}
    status = [int(status_to(codes, wish)[0]) for codes in (pair.own_status, pair.lead_status)]
    sentences = _sentences(predictor, wish, for_gap, for_sight, wanted, float(checked(GAP_CAP, gap_cap)), list(short))
    if (status[0] | status[1]) & OUTSIDE_DOMAIN:
        sentences.append("The readings are a rare combination: do not rely on them.")
    return Advice(
        wish,
        speed,
        float(safe_gap(pair.own, pair.lead, speed, speed, reaction)[0]),
        float(time_gap(pair.own, pair.lead, speed, reaction)[0]),
        wanted,
        short,
        " ".join(sentences),
        *status,
    )


def gaps_if_known(
    predictor: Predictor,
    leads: Sequence[Predictor],
    columns: Float32[ndarray, "1 columns"],
    speed: Value,
    *,
    reaction: Value = REACTION_TIME,
) -> dict[str, float]:
    """For each factor that `columns` miss: how short the time gap [s] at `speed` may be once it is known.

    The shortest over the values of its range that the model was trained for, together with what is known; the best
    factor first. It is what the reading may show at best, not what is to be expected.
    """
    rows, names = _with_each_value(predictor.factors, columns)
    if not names:
        return {}
    pair = believe(predictor, leads, rows)
    gaps = time_gap(pair.own, pair.lead, speed, reaction)
    strange = (_status(pair, speed) & OUTSIDE_DOMAIN) != 0
    gaps = np.where(strange, np.inf, gaps)
    best = {
        name: float(gaps[[i for i, other in enumerate(names) if other == name]].min()) for name in dict.fromkeys(names)
    }
    return dict(sorted(best.items(), key=lambda item: item[1]))


def _status(pair: Beliefs, speed: Value) -> ndarray:
    return status_to(pair.own_status, speed) | status_to(pair.lead_status, speed)


def _with_each_value(factors: tuple[Factor, ...], columns: ndarray) -> tuple[ndarray, list[str]]:
    """Rows that are `columns` with one missing factor filled in, and the name of that factor for each row."""
    rows, names = [], []
    for factor, own in zip(factors, slices(factors), strict=True):
        if not factor.optional or not np.isnan(columns[0, own]).any():
            continue
        if factor.levels:
            values = np.eye(len(factor.levels))
        else:
            values = np.linspace(factor.low, factor.high, TRIED_VALUES)[:, None]
        for value in values:
            row = columns[0].copy()
            row[own] = value
            rows.append(row)
            names.append(factor.name)
    return np.array(rows, np.float32), names


def _sentences(
    predictor: Predictor,
    wish: float,
    for_gap: float,
    for_sight: float,
    wanted: float,
    gap_cap: float,
    missing: list[str],
) -> list[str]:
    """What the driver reads: the speed and its reason; then what is not known."""
    speed = min(for_gap, for_sight)
    if speed >= wish:
        return [f"Speed {_km_h(wish)} as set."]
    if for_sight < for_gap:
        why = f"to stop within the distance that is seen, the speed must be at most {_km_h(for_sight)}"
    else:
        why = f"at {_km_h(wish)} the safe gap would be {_seconds(wanted)}, longer than {gap_cap:g} s"
    if speed == 0:
        first = f"ACC not available: at no speed is it safe here; {why}."
    else:
        first = f"Speed lowered from {_km_h(wish)} to {_km_h(speed)}: {why}."
    if for_gap >= wish:
        return [first]
    return [first, _not_known(predictor, missing)]


def _not_known(predictor: Predictor, missing: list[str]) -> str:
    meanings = {f.name: f.meaning.partition(",")[0] for f in predictor.factors}  # without signs and levels
    if not missing:
        return "No missing factor explains it: the road or the car is like that."
    return "Not known: " + " and ".join(meanings[name] for name in missing[:NAMED]) + "."


def _km_h(speed: float) -> str:
    return f"{3.6 * speed:.0f} km/h"


def _seconds(time: float) -> str:
    return "endless" if np.isinf(time) else f"{time:.1f} s"
