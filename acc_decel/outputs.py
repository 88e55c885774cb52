"""What is answered: the outputs, which of them are quantiles, and their places."""

OUTPUTS: dict[str, str] = {
    "deceleration_lower": "mean deceleration reached at least, 95 times in 100 (5 % quantile) [m/s^2]",
    "deceleration": "mean deceleration of the built-up brakes to standstill, median [m/s^2]",
    "deceleration_upper": "mean deceleration exceeded only 5 times in 100 (95 % quantile) [m/s^2]",
    "delay": "brake dead time and build-up, as time at the initial speed [s]",
    "deceleration_lower_99": "mean deceleration reached at least, 99 times in 100 (1 % quantile) [m/s^2]",
}
QUANTILES: dict[str, float] = {  # the outputs that are quantiles of the deceleration, in ascending order
    "deceleration_lower_99": 0.01,
    "deceleration_lower": 0.05,
    "deceleration": 0.50,
    "deceleration_upper": 0.95,
}
ORDERED = tuple(list(OUTPUTS).index(name) for name in QUANTILES)  # where they stand among the outputs
DELAY = list(OUTPUTS).index("delay")
COMFORT_DECELERATION = 3.5  # [m/s^2], the most that an ACC may ask for at higher speed, ISO 15622
