"""Calibration: an A2L template with the names of factors, answer, status and correction, and the C behind it."""

from acc_decel.integration.a2l.a2l_files import CALIBRATION as CALIBRATION
from acc_decel.integration.a2l.a2l_files import MEASURED as MEASURED
from acc_decel.integration.a2l.a2l_files import a2l_files as a2l_files
