"""AUTOSAR Classic: the firmware as a software component. Needs the extra [autosar]."""

from acc_decel.integration.autosar.autosar_files import autosar_files as autosar_files
