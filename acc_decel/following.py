"""What formulas for an ACC take beside predictions: each quantity with its range and unit, and the usual settings.

The formulas in Python (`acc_decel.acc`) and in C (acc_decel_acc.c) have the same ranges and settings, from here.
"""

from acc_decel.factors import FACTORS, Factor
from acc_decel.outputs import OUTPUT_LIMITS

ACC_UNIT = "acc_decel_acc"  # the files of the C begin with it
REACTION_TIME = 0.45  # [s] radar 0.1, filter 0.15, decision and one tick 0.2: from the lead's braking to the own demand
REST_GAP = 2.0  # [m] that is left when both cars stand, as drivers leave in a queue
MIN_TIME_GAP = 0.8  # [s] ISO 15622: no ACC may keep less
DRIVER_TIME = 1.2  # [s] until a warned driver brakes; the trial of warnings of this project
BRAKING = 1e-9  # [m/s^2] a car that slows by less does not brake
STANDSTILL_SPEED = 1e-3  # [m/s] the C takes a car that is not faster for one that stands
HARDEST = OUTPUT_LIMITS["deceleration"][1]  # [m/s^2]: no road car brakes harder, at no speed
TOP_SPEED = next(f for f in FACTORS if f.name == "speed").high  # [m/s] that models know

KM_H = (("km/h", 1 / 3.6, 0.0),)
MS = (("ms", 1e-3, 0.0),)
MM = (("cm", 1e-2, 0.0), ("mm", 1e-3, 0.0))
G = (("%", 0.0980665, 0.0),)  # of the acceleration of gravity
SPEED = Factor("speed", 0.0, TOP_SPEED, 0.01, "m/s", "speed of the own car over ground", mistaken_for=KM_H)
SET_SPEED = Factor("set_speed", 1.0, TOP_SPEED, 0.01, "m/s", "speed that the driver has set", mistaken_for=KM_H)
LEAD_SPEED = Factor("lead_speed", 0.0, TOP_SPEED, 0.01, "m/s", "speed of the lead over ground", mistaken_for=KM_H)
SLOWER_SPEED = Factor("slower_speed", 0.0, TOP_SPEED, 0.01, "m/s", "speed to slow down to", mistaken_for=KM_H)
DECELERATION = Factor(
    "deceleration", *OUTPUT_LIMITS["deceleration"], 0.01, "m/s^2", "deceleration of a car", mistaken_for=G
)
HARDEST_LEAD = Factor(
    "lead_deceleration", DECELERATION.low, 1e9, 0.01, "m/s^2", "deceleration that a lead reaches at most"
)  # the C takes the reserve of a pair, which may say that the lead stops almost at once
LEAD_DECELERATION = Factor(
    "lead_deceleration", -18.0, 18.0, 0.01, "m/s^2", "deceleration of the lead now, negative where it gains speed",
    mistaken_for=G,
)  # fmt: skip
GAP = Factor("gap", 0.0, 1000.0, 0.01, "m", "distance from the own bumper to the lead's", mistaken_for=MM)
DISTANCE = Factor("distance", 0.0, 1e6, 0.01, "m", "way that the car has braked")
SIGHT = Factor("sight", 0.0, 2000.0, 0.1, "m", "distance that is seen to be free", mistaken_for=MM)
REACTION = Factor("reaction", 0.0, 5.0, 0.01, "s", "time from the event until the brakes are asked", mistaken_for=MS)
DELAY = Factor("delay", 0.0, 5.0, 0.01, "s", "time in which the car holds its speed", mistaken_for=MS)
DRIVER = Factor("driver", 0.0, 5.0, 0.01, "s", "time until a warned driver brakes", mistaken_for=MS)
GAP_CAP = Factor("gap_cap", 0.8, 10.0, 0.01, "s", "longest time gap that the ACC may keep", mistaken_for=MS)
STANDSTILL = Factor("standstill", 0.0, 20.0, 0.01, "m", "distance that is left when both cars stand", mistaken_for=MM)
RESERVE = Factor("reserve", -10.0, 100.0, 0.01, "s^2/m", "1 / deceleration of the own car - 1 / that of the lead")
