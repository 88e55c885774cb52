"""The exported firmware as a virtual ECU: on the host, and on an emulated Cortex-M. Needs the extra [ecu]."""

from acc_decel.ecu.cortex_m import CortexM as CortexM
from acc_decel.ecu.cortex_m import EcuReport as EcuReport
from acc_decel.ecu.host import HostEcu as HostEcu
from acc_decel.ecu.qemu import QemuEcu as QemuEcu
from acc_decel.ecu.qemu import QemuReport as QemuReport
