"""Simulink: the firmware behind flat structs, for a C Caller block."""

from acc_decel.integration.simulink.simulink_files import simulink_files as simulink_files
