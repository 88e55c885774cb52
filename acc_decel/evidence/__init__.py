"""Evidence that an exported firmware is right: what is measured of it, as JSON and as a page. Needs the extra [ecu]."""

from acc_decel.evidence.folder import Firmware as Firmware
from acc_decel.evidence.folder import find_firmware as find_firmware
from acc_decel.evidence.report import BITS as BITS
from acc_decel.evidence.report import PARTS as PARTS
from acc_decel.evidence.report import SETTING_OF as SETTING_OF
from acc_decel.evidence.report import Settings as Settings
from acc_decel.evidence.report import check_formats as check_formats
from acc_decel.evidence.report import formats_of as formats_of
from acc_decel.evidence.report import measure as measure
from acc_decel.evidence.report import page as page
from acc_decel.evidence.report import read_evidence as read_evidence
from acc_decel.evidence.report import renew as renew
from acc_decel.evidence.report import steps_of as steps_of
from acc_decel.evidence.report import write_evidence as write_evidence
from acc_decel.evidence.tools import check_tools as check_tools
