"""The firmware as a Functional Mock-up Unit, for Simulink, CarMaker, FMPy and whatever else imports FMI."""

from acc_decel.integration.fmu.archive import FMI_2 as FMI_2
from acc_decel.integration.fmu.archive import FMI_3 as FMI_3
from acc_decel.integration.fmu.archive import fmu_bytes as fmu_bytes
from acc_decel.integration.fmu.binaries import PLATFORMS as PLATFORMS
from acc_decel.integration.fmu.binaries import Platform as Platform
from acc_decel.integration.fmu.documentation import LIST as LIST
