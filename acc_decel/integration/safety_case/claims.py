"""The argument as one table: every goal, every claim with its bar and where its value is read, every duty left open.

Numbers of goals and claims are their places here: append, and never insert, so that a number keeps its meaning. The
bars are ours; the reason stands beside each that is not zero, all or the text of the claim itself. No standard gives
them, so whoever files the case decides whether they are enough.
"""

from acc_decel.integration.safety_case.argument import Goal
from acc_decel.integration.safety_case.code_claims import CODE_GOALS
from acc_decel.integration.safety_case.model_claims import MODEL_GOALS

TOP = (
    "Of 100 stops that are planned with {lower}, some {share} reach less than that, and no more, on events as the "
    "training describes them"
)
STRATEGY = "over every way in which an answer can be higher than what the car reaches"
GOALS: tuple[Goal, ...] = (*MODEL_GOALS, *CODE_GOALS)
