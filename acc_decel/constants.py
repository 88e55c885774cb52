"""Physical constants that every part shares; importing them needs nothing else."""

GRAVITY = 9.80665  # [m/s^2], standard gravity, ISO 80000-3
AIR_DENSITY = 1.204  # [kg/m^3], dry air at 20 degC and 1013.25 hPa, ideal gas
