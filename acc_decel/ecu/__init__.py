"""The exported firmware as a virtual ECU: on the host, and on an emulated Cortex-M. Needs the extra [ecu]."""

from acc_decel.ecu.cortex_m import CortexM as CortexM
from acc_decel.ecu.cortex_m import EcuReport as EcuReport
from acc_decel.ecu.cortex_m import SelfTestCosts as SelfTestCosts
from acc_decel.ecu.cortex_m import TaskRun as TaskRun
from acc_decel.ecu.emulated_task import EmulatedTask as EmulatedTask
from acc_decel.ecu.emulated_task import TaskCosts as TaskCosts
from acc_decel.ecu.emulated_task import object_bytes as object_bytes
from acc_decel.ecu.host import HostEcu as HostEcu
from acc_decel.ecu.qemu import QemuEcu as QemuEcu
from acc_decel.ecu.qemu import QemuReport as QemuReport
from acc_decel.ecu.running_core import METERED_EVERY as METERED_EVERY
from acc_decel.ecu.running_core import RunningCore as RunningCore
from acc_decel.ecu.running_core import TickCosts as TickCosts
from acc_decel.ecu.self_test import SelfTest as SelfTest
from acc_decel.ecu.self_test import check_passed as check_passed
from acc_decel.ecu.ticks import MAX_AGE as MAX_AGE
from acc_decel.ecu.ticks import PERIOD as PERIOD
from acc_decel.ecu.ticks import deadline_utilisation as deadline_utilisation
from acc_decel.ecu.ticks import sample_and_hold as sample_and_hold
from acc_decel.ecu.ticks import tick_times as tick_times
