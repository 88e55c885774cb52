"""What an ECU believes of both cars, tick by tick: three predictions every 10 ms, by the exported C of one model.

Question OWN is the own car at its present speed. LEAD is a lead on the same road at the speed that the radar has
measured, of which nothing else is known. NODE is the own car at one speed of GRID, the next one in each tick, so that
all of its stopping curve is fresh after as many ticks as there are speeds.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64
from numpy import ndarray

from acc_decel import status as bits
from acc_decel.acc.beliefs import lead_columns
from acc_decel.acc.curve import Curve
from acc_decel.acc.in_loop.ecus import Ecus
from acc_decel.acc.in_loop.gaps import gaps_to_keep
from acc_decel.acc.in_loop.unit import AccUnit, unit_gaps
from acc_decel.acc.trial.arms import Belief
from acc_decel.factors import Factor, column_names
from acc_decel.following import REACTION_TIME
from acc_decel.outputs import DELAY, LOWER, UPPER
from acc_decel.predictor import RefusedError, refusal

QUESTIONS = OWN, LEAD, NODE = range(3)
GRID = np.array([2.0, 4.0, *np.arange(6.0, 42.0, 2.5), 50.0, 70.0])  # [m/s] 19 speeds, dense where cars drive


class EcuBeliefs:
    """What the ECUs of several cars believe, renewed by each `tick`."""

    def __init__(
        self,
        ecus: Ecus,
        factors: tuple[Factor, ...],
        columns: Float32[ndarray, "cars columns"],
        speed: Float[ndarray, " cars"],
        unit: AccUnit | None = None,
    ) -> None:
        """After the first ticks: the whole curve, with both cars at `speed` [m/s].

        `columns` is what each car reads of the `factors` of the model; their speed does not matter. With `unit` the
        gaps are those of the exported ACC unit. Raises RefusedError for a factor that is out of range or required.
        """
        self._ecus, self._factors, self._unit = ecus, factors, unit
        self._speed_column = column_names(factors).index("speed")
        self._speeds = next((f.low, f.high) for f in factors if f.name == "speed")
        lead = lead_columns(columns, factors)
        self._known = np.stack([columns, lead, columns], axis=1)
        self._lead_anywhere = lead_columns(np.full_like(columns, np.nan), factors)
        self._lower, self._delay = (np.full((len(columns), len(GRID)), np.nan) for _ in range(2))
        self._node = 0
        self.deceleration, self._own_delay, self._lead_upper = np.full((3, len(columns)), np.nan)
        everyone = np.ones(len(columns), bool)
        for _ in GRID:
            self.tick(speed, speed, everyone)

    def tick(
        self, speed: Float[ndarray, " cars"], lead_speed: Float[ndarray, " cars"], running: Bool[ndarray, " cars"]
    ) -> tuple[Float32[ndarray, "running questions outputs"], Int64[ndarray, "running questions"]]:
        """Ask the ECUs of the `running` cars at these speeds [m/s], and remember their answers, which are returned.

        Below the lowest speed of the model the answer of that speed counts, as in `Curve`; above the highest alike.
        """
        rows, (lowest, highest) = self._known[running], self._speeds
        for question, asked in ((OWN, speed[running]), (LEAD, lead_speed[running]), (NODE, GRID[self._node])):
            rows[:, question, self._speed_column] = np.minimum(np.maximum(asked, lowest), highest)
        outputs, status = self._answers(rows)
        self.deceleration[running] = outputs[:, OWN, LOWER]
        self._own_delay[running] = outputs[:, OWN, DELAY]
        self._lead_upper[running] = self._upper_of_lead(
            rows[:, LEAD], outputs[:, LEAD, UPPER], status[:, LEAD], running
        )
        self._lower[running, self._node] = outputs[:, NODE, LOWER]
        self._delay[running, self._node] = outputs[:, NODE, DELAY]
        self._node = (self._node + 1) % len(GRID)
        return outputs, status

    def _answers(self, rows: ndarray) -> tuple[ndarray, ndarray]:
        outputs, status = self._ecus.tick(rows)
        refused = status & bits.REFUSED != 0
        if refused.any():
            car, question = np.argwhere(refused)[0]
            raise RefusedError(refusal(self._factors, rows[car, question], int(status[car, question])))
        return outputs, status

    def _upper_of_lead(self, rows: ndarray, upper: ndarray, status: ndarray, running: ndarray) -> ndarray:
        """The upper deceleration of the lead; where its readings contradict each other, at least that of any road.

        As `acc.hardest_lead` does. It takes one more tick of those cars.
        """
        strange = status & bits.OUTSIDE_DOMAIN != 0
        if not strange.any():
            return upper
        anywhere = self._lead_anywhere[running][strange]
        anywhere[:, self._speed_column] = rows[strange, self._speed_column]
        outputs, _ = self._answers(anywhere[:, None])
        at_least = upper.copy()
        at_least[strange] = np.maximum(upper[strange], outputs[:, 0, UPPER])
        return at_least

    def gaps(self, speed: Float[ndarray, " cars"]) -> Float[ndarray, " cars"]:
        """The gap [m] that each planner keeps now to a lead of the same speed [m/s]."""
        if self._unit is not None:
            cars = self.deceleration, self._own_delay, self._lead_upper
            return unit_gaps(self._unit, speed, *cars, REACTION_TIME)
        return gaps_to_keep(GRID, self._lower, self._delay, self._lead_upper, speed, REACTION_TIME)

    @property
    def belief(self) -> Belief:
        """Of both cars now: the own curve, and a lead that slows evenly from its present speed."""
        own = Curve.of_decelerations(GRID, self._lower, self._delay)
        return Belief(own, Curve.constant(self._lead_upper), REACTION_TIME)
