"""Random states for the ACC unit: ordinary ones, ones at the edges of its rules, and values that it must refuse."""

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from acc_decel.export.acc_golden import beyond, edge_states, golden_states
from acc_decel.export.acc_reference import ACC_VALUES, ANSWERS, COLUMNS, PARAMETERS, acc_answers

SEED = 1
INVALID = (np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 0.0, -0.0, 1e-42, -1e-42, 1e-9, 1.0, -1.0)
HIGHEST = {"gap": 300.0, "lead_deceleration": 20.0, "reserve": 2.0}  # of the ordinary values of an open range
SPOILT = 0.5  # of the states have one invalid value or one at a limit
EDGES = (  # columns that are made equal, or 0, in one state of ten each
    ("lead_speed", "speed"),
    ("lead_deceleration", "deceleration"),
    ("deceleration_at_lead_speed", "deceleration"),
    ("lead_speed", None),
    ("speed", None),
    ("lead_braking", None),
    ("wait", None),
    ("lead_deceleration", None),
)


def acc_states(count: int, seed: int = SEED) -> Float32[ndarray, "states columns"]:
    """`count` states with the columns of `COLUMNS`: the golden ones, those at the edges of each range, random ones."""
    chosen = np.concatenate([golden_states(), edge_states()])
    if count <= len(chosen):
        return chosen[:count]
    rng = np.random.default_rng(seed)
    states = np.stack([_ordinary(value.name, rng, count) for value in (*ACC_VALUES, *PARAMETERS)], axis=1)
    at = {name: i for i, name in enumerate(COLUMNS)}
    for target, source in EDGES:
        rows = rng.uniform(size=count) < 0.1
        states[rows, at[target]] = 0.0 if source is None else states[rows, at[source]]
    _balance(states, rng)
    _spoil(states, rng)
    return np.concatenate([chosen, states[len(chosen) :]])


def _ordinary(name: str, rng: np.random.Generator, count: int) -> Float32[ndarray, " states"]:
    value = next(value for value in (*ACC_VALUES, *PARAMETERS) if value.name == name)
    low, high = value.quantity.low, HIGHEST.get(name, value.quantity.high)
    return rng.uniform(low, high, count).astype(np.float32)


def _balance(states: Float32[ndarray, "states columns"], rng: np.random.Generator) -> None:
    """Where two rules meet: the lead comes to rest as a time ends or both are equally fast; a warning is due."""
    state = {name: states[:, i] for i, name in enumerate(COLUMNS)}  # views
    case = rng.integers(40, size=len(states))
    rests, brakes, together, first = (case == i for i in range(4))
    with np.errstate(all="ignore"):
        lost = state["lead_deceleration"] * (state["reaction"] + state["delay"])
        state["lead_speed"][rests] = lost[rests]
        state["lead_speed"][brakes] = (state["lead_braking"] * state["wait"])[brakes]
        state["reaction"][together], state["delay"][together] = 0.0, 0.0
        slower = state["lead_deceleration"] * state["speed"] / state["deceleration"]
        state["lead_speed"][together] = slower[together]
        state["wait"][first] = 0.0
        faster = state["speed"] - state["lead_speed"]
        state["gap"][first] = (state["lead_speed"] * faster / (2 * state["lead_braking"]))[first]
    warned = np.flatnonzero(case == 4)  # the warning is just due
    state["gap"][warned] = acc_answers(states[warned])[0][:, ANSWERS.index("warning_distance")]


def _spoil(states: Float32[ndarray, "states columns"], rng: np.random.Generator) -> None:
    """Give some states one value that is invalid, or at or just beyond a limit."""
    own = [(*value.limits, *beyond(value)) for value in (*ACC_VALUES, *PARAMETERS)]
    values = np.array([[*INVALID, *edges] for edges in own], np.float32)
    rows = np.flatnonzero(rng.uniform(size=len(states)) < SPOILT)
    columns = rng.integers(states.shape[1], size=len(rows))
    states[rows, columns] = values[columns, rng.integers(values.shape[1], size=len(rows))]
