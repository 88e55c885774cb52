"""What enters the network: the columns and the physics features, scaled, and which of them goes where."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32
from numpy import ndarray

from acc_decel.factors import FREE, Factor, column_names, half_saturations, owners, slices
from acc_decel.network.features import FEATURES, HEAD, REPLACED, SURFACE_COLUMNS, feature_values


@dataclass(frozen=True)
class Wiring:
    """Which input goes where, computed from factors and features: places among `input_names`."""

    free: tuple[int, ...]
    gated: tuple[int, ...]  # forced while their gate is 1, free while it is 0
    gates: tuple[int, ...]  # the gate of each gated input: the place of its column
    forced: tuple[int, ...]
    directions: tuple[int, ...]  # the sign of each forced input
    masked: tuple[int, ...]  # columns whose availability the embedding sees

    @property
    def embedding_inputs(self) -> int:
        """Number of values that enter the embedding."""
        return len(self.free) + len(self.gated) + len(self.masked)


class Entered(NamedTuple):
    """What the parts of the network get."""

    embedding: Float32[ndarray, "rows embedding_inputs"]
    forced: Float32[ndarray, "rows forced"]
    head: Float32[ndarray, "rows head"]  # the values of HEAD
    surface: Float32[ndarray, "rows surfaces"]  # the probability of each surface, 0 if unknown


def input_names(factors: tuple[Factor, ...]) -> tuple[str, ...]:
    """The columns, then the features: what `center` and `inverse_spread` belong to."""
    return (*column_names(factors), *(feature.name for feature in FEATURES))


def wiring(factors: tuple[Factor, ...]) -> Wiring:
    """The wiring of the network for these factors."""
    at = input_names(factors).index
    direct = [f for f in factors if f.name not in REPLACED]
    switches = {f.name for f in factors if f.is_switch}
    entries = [(at(c), f) for f in direct for c in f.columns] + [(at(f.name), f) for f in FEATURES]
    gated = [(i, entry) for i, entry in entries if entry.forced_while in switches]
    forced = [(i, entry) for i, entry in entries if entry.direction != FREE]
    return Wiring(
        free=tuple(i for i, entry in entries if entry.direction == FREE),
        gated=tuple(i for i, _ in gated),
        gates=tuple(at(entry.forced_while) for _, entry in gated),
        forced=tuple(i for i, _ in forced),
        directions=tuple(entry.direction for _, entry in forced),
        masked=tuple(at(f.name) for f in direct if f.optional and not f.levels),
    )


def entering(
    factors: tuple[Factor, ...],
    constants: Float32[ndarray, " constants"],
    center: Float32[ndarray, " inputs"],
    inverse_spread: Float32[ndarray, " inputs"],
    columns: Float32[ndarray, "rows columns"],
) -> Entered:
    """What enters the parts of the network; steps 1 to 3 of `dense_net`."""
    wires, names = wiring(factors), column_names(factors)
    absent = missing(factors, columns)[:, owners(factors)]
    values = feature_values(factors, constants, columns)
    features = np.stack([values[feature.name] for feature in FEATURES], axis=1)
    all_values = np.concatenate([saturated(factors, columns), features], axis=1)
    lost = np.pad(absent, ((0, 0), (0, len(FEATURES))))
    scaled = np.where(lost, np.float32(0), (all_values - center) * inverse_spread)
    known = np.where(absent, np.float32(0), columns)
    gated = scaled[:, wires.gated] * (1 - known[:, wires.gates])
    available = 1 - absent[:, wires.masked].astype(np.float32)
    return Entered(
        np.concatenate([scaled[:, wires.free], gated, available], axis=1),
        scaled[:, wires.forced],
        np.stack([values[name] for name in HEAD], axis=1),
        known[:, [names.index(name) for name in SURFACE_COLUMNS]],
    )


def saturated(
    factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]
) -> Float32[ndarray, "rows columns"]:
    """The columns as the network sees them before scaling: x / (x + half_saturation) for a factor that has one."""
    half = np.array(half_saturations(factors), np.float32)
    return np.divide(columns, columns + half, where=np.broadcast_to(half > 0, columns.shape), out=columns.copy())


def missing(factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]) -> Bool[ndarray, "rows factors"]:
    """Whether each factor is missing, because one of its columns is NaN; `[:, owners(factors)]` says it per column."""
    nan = np.isnan(columns)
    return np.stack([nan[:, own].any(axis=1) for own in slices(factors)], axis=1)
