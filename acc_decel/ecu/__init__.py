"""The exported firmware as a virtual ECU: on the host, and on an emulated Cortex-M4F. Needs the extra [ecu]."""

from acc_decel.ecu.cortex_m import CortexM4F as CortexM4F
from acc_decel.ecu.cortex_m import EcuReport as EcuReport
from acc_decel.ecu.host import HostEcu as HostEcu
