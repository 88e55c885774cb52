"""Integration: the exported firmware in the forms that other tools take: page, FMU, bus, calibration, safety case."""
