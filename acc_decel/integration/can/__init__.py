"""The predictor on a CAN bus: layout and DBC from the factors, the C task, a virtual ECU, and a demonstration.

What runs the task is imported from its module, because it needs the extra [ecu], and a bus the extra [can].
"""

from acc_decel.integration.can.dbc import dbc_text as dbc_text
from acc_decel.integration.can.layout import Bus as Bus
from acc_decel.integration.can.layout import Message as Message
from acc_decel.integration.can.layout import bus_load as bus_load
from acc_decel.integration.can.layout import bus_of as bus_of
from acc_decel.integration.can.task_files import can_files as can_files
from acc_decel.integration.can.task_files import task_files as task_files
