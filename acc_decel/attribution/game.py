"""How much each factor adds to a prediction or takes from it: the question, and its answer by permutations.

The question is a cooperative game. A coalition is a set of factors that are known; its value is the median deceleration
that the model then predicts. A factor outside the coalition is not available, which the model knows how to handle: no
combination is asked that could not be met on a road. A factor that may not lack takes its values from background
events, in turn, and the value is the mean. The empty coalition is the baseline; the Shapley value of a factor (Shapley,
A Value for n-Person Games, 1953) is what it adds, averaged over all orders in which the factors may become known. A
factor that is not available adds nothing, exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray

from acc_decel.factors import Factor, owners

BACKGROUND = 32  # events, a multiple of the walks
WALKS = 16  # permutations for each event

Answer = Callable[[ndarray], ndarray]  # columns, NaN for not available, to the median deceleration [m/s^2]


@dataclass(frozen=True)
class Reference:
    """What attributions are relative to: `answer` on background events, of which only what may not lack is known."""

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
        patterns, which = np.unique(known[:, required], axis=0, return_inverse=True)
        found = np.empty(len(known))
        for i, pattern in enumerate(patterns):
            told = np.zeros(len(self.factors), bool)
            told[required] = pattern
            filled = np.where(told[owner], event, self.background)
            known_alike = np.nan_to_num(filled)  # NaN is never alike
            _, first, events = np.unique(known_alike, axis=0, return_index=True, return_counts=True)
            filled = filled[first]
            rows = which == i
            seen = known[rows][:, owner] & ~required[owner]
            asked = np.where(seen[:, None], event, filled).reshape(-1, len(owner))
            found[rows] = self.answer(asked).reshape(-1, len(filled)).astype(np.float64) @ (events / events.sum())
        return found


def reference(
    factors: tuple[Factor, ...],
    answer: Answer,
    columns: Float32[ndarray, "rows columns"],
    *,
    events: int = BACKGROUND,
) -> Reference:
    """The reference whose background is drawn from the events `columns`.

    The background are the middles of equal shares of these events in order of their answers, so that the baseline is
    hardly different from the mean of them all.
    """
    alone = np.where(_required(factors)[owners(factors)], columns, np.float32(np.nan))
    order = np.argsort(answer(alone), kind="stable")
    middles = ((np.arange(events) + 0.5) * len(order) / events).astype(int)
    return Reference(factors, answer, alone[order[middles]])


def estimates(
    asked: Reference,
    columns: Float32[ndarray, "rows columns"],
    rng: np.random.Generator,
    *,
    walks: int = WALKS,
    on_step: Callable[[], None] = lambda: None,
) -> Float64[ndarray, "rows factors"]:
    """Estimates without bias of the Shapley values [m/s^2] of each event, from an even number of `walks`.

    A walk makes the factors known one by one, from one background event on; there may be as many as the background has
    events. Walks go in pairs, an order and its reverse, and the background of an event's walks is spread evenly over
    the answers: eight such walks err less than 16 independent ones. `on_step` is told each of walks * factors steps.
    """
    rows, every = len(columns), len(asked.factors)
    stride = len(asked.background) // walks
    start = rng.integers(0, stride, rows)
    total = np.zeros((rows, every))
    for pair in range(walks // 2):
        order = rng.permuted(np.tile(np.arange(every), (rows, 1)), axis=1)
        for way, share in ((order, pair), (order[:, ::-1], walks - 1 - pair)):
            _walk(asked, columns, way, start + stride * share, total, on_step)
    return total / walks


def _walk(
    asked: Reference,
    columns: Float32[ndarray, "rows columns"],
    order: Int64[ndarray, "rows factors"],
    background: Int64[ndarray, " rows"],
    total: Float64[ndarray, "rows factors"],
    on_step: Callable[[], None],
) -> None:
    """Add to `total` what each factor changes when it becomes known, in the `order` of each row."""
    owner, given = owners(asked.factors), is_available(asked.factors, columns)
    now, before = asked.background[background], asked.answers[background]
    for factor in order.T:
        rows = np.flatnonzero(given[np.arange(len(columns)), factor])
        now[rows] = np.where(np.array(owner) == factor[rows, None], columns[rows], now[rows])
        after = asked.answer(now[rows])
        total[rows, factor[rows]] += after - before[rows]
        before[rows] = after
        on_step()


def is_available(
    factors: tuple[Factor, ...], columns: Float32[ndarray, "rows columns"]
) -> Bool[ndarray, "rows factors"]:
    """Which factors are available: all their columns are numbers."""
    starts = np.unique(owners(factors), return_index=True)[1]
    return ~np.logical_or.reduceat(np.isnan(columns), starts, axis=1)


def _required(factors: tuple[Factor, ...]) -> Bool[ndarray, " factors"]:
    return np.array([not f.may_lack for f in factors])
