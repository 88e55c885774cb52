"""How much each factor adds to a prediction: definition by Shapley values, and their estimate by permutations.

The definition is a cooperative game. A coalition is a set of known factors; its value is the median deceleration that
the model then predicts. A factor outside the coalition is missing, which the model can handle, so it is never asked
about a combination that is impossible on a road. A required factor outside the coalition takes its values from
background events, and the value is the mean over them. The empty coalition is the baseline. The Shapley value of a
factor (Shapley, A Value for n-Person Games, 1953) is what it adds, averaged over all orders in which the factors can
become known. For a missing factor it is exactly 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray

from acc_decel.factors import Factor, owners
from acc_decel.network import missing

BACKGROUND = 32  # background events; a multiple of WALKS
WALKS = 16  # permutations for each event

Answer = Callable[[ndarray], ndarray]  # columns, NaN where missing, to the median deceleration [m/s^2]


@dataclass(frozen=True)
class Reference:
    """What attributions are relative to: `answer` for background events, of which only required factors are known."""

    factors: tuple[Factor, ...]
    answer: Answer
    background: Float32[ndarray, "events columns"]  # in ascending order of their answers

    @cached_property
    def baseline(self) -> float:
        """The median deceleration [m/s^2] with no factor known: the mean answer to the background."""
        return float(self.answers.mean())

    @cached_property
    def answers(self) -> Float64[ndarray, " events"]:
        """The answer to each background event [m/s^2]."""
        return self.answer(self.background).astype(np.float64)

    def values(
        self, event: Float32[ndarray, " columns"], known: Bool[ndarray, "coalitions factors"]
    ) -> Float64[ndarray, " coalitions"]:
        """The median deceleration [m/s^2] of one event with only the factors of each coalition known."""
        owner, required = owners(self.factors), _required(self.factors)
        patterns, pattern_of = np.unique(known[:, required], axis=0, return_inverse=True)
        value = np.empty(len(known))
        for i, pattern in enumerate(patterns):
            known_required = np.zeros(len(self.factors), bool)
            known_required[required] = pattern
            filled = np.where(known_required[owner], event, self.background)
            comparable = np.nan_to_num(filled)  # NaN is not equal to NaN
            _, first, count = np.unique(comparable, axis=0, return_index=True, return_counts=True)
            filled = filled[first]
            rows = pattern_of == i
            known_optional = known[rows][:, owner] & ~required[owner]
            inputs = np.where(known_optional[:, None], event, filled).reshape(-1, len(owner))
            value[rows] = self.answer(inputs).reshape(-1, len(filled)).astype(np.float64) @ (count / count.sum())
        return value


def reference(
    factors: tuple[Factor, ...],
    answer: Answer,
    columns: Float32[ndarray, "rows columns"],
    *,
    events: int = BACKGROUND,
) -> Reference:
    """The reference whose background is taken from the events `columns`.

    The events are sorted by their answers and split into equal shares; the middle of each share is a background event.
    So the baseline is close to the mean of all of them.
    """
    required_only = np.where(_required(factors)[owners(factors)], columns, np.float32(np.nan))
    order = np.argsort(answer(required_only), kind="stable")
    middles = ((np.arange(events) + 0.5) * len(order) / events).astype(int)
    return Reference(factors, answer, required_only[order[middles]])


def estimates(
    game: Reference,
    columns: Float32[ndarray, "rows columns"],
    rng: np.random.Generator,
    *,
    walks: int = WALKS,
    on_step: Callable[[], None] = lambda: None,
) -> Float64[ndarray, "rows factors"]:
    """Unbiased estimates of the Shapley values [m/s^2] of each event, from an even number of `walks`.

    A walk starts at a background event and makes the factors known one by one; there are at most as many walks as
    background events. Walks come in pairs, an order and its reverse, and the background events of an event's walks are
    spread evenly over the answers: eight such walks have less error than 16 independent ones. `on_step` is called after
    each of walks * factors steps.
    """
    rows, count = len(columns), len(game.factors)
    stride = len(game.background) // walks
    start = rng.integers(0, stride, rows)
    total = np.zeros((rows, count))
    for pair in range(walks // 2):
        order = rng.permuted(np.tile(np.arange(count), (rows, 1)), axis=1)
        for direction, share in ((order, pair), (order[:, ::-1], walks - 1 - pair)):
            _walk(game, columns, direction, start + stride * share, total, on_step)
    return total / walks


def _walk(
    game: Reference,
    columns: Float32[ndarray, "rows columns"],
    order: Int64[ndarray, "rows factors"],
    background: Int64[ndarray, " rows"],
    total: Float64[ndarray, "rows factors"],
    on_step: Callable[[], None],
) -> None:
    """Add to `total` the change by each factor when it becomes known, in the `order` of each row."""
    owner, available = owners(game.factors), is_available(game.factors, columns)
    now, before = game.background[background], game.answers[background]
    for factor in order.T:
        rows = np.flatnonzero(available[np.arange(len(columns)), factor])
        now[rows] = np.where(np.array(owner) == factor[rows, None], columns[rows], now[rows])
        after = game.answer(now[rows])
        total[rows, factor[rows]] += after - before[rows]
        before[rows] = after
        on_step()


def is_available(
    factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]
) -> Bool[ndarray, "rows factors"]:
    """Which factors are available: all their columns are numbers."""
    return ~missing(factors, columns)


def _required(factors: tuple[Factor, ...]) -> Bool[ndarray, " factors"]:
    return np.array([not f.optional for f in factors])
