"""Evidence that an exported firmware is right: what is measured of it, as JSON and as a page. Needs the extra [ecu]."""

from acc_decel.evidence.keyed import ACC as ACC
from acc_decel.evidence.keyed import CHANGED as CHANGED
from acc_decel.evidence.keyed import changed_parts as changed_parts
from acc_decel.evidence.keyed import measure_all as measure_all
from acc_decel.evidence.keyed import page as page
from acc_decel.evidence.keyed import part_keys as part_keys
from acc_decel.evidence.keyed import renew_part as renew_part
from acc_decel.evidence.keyed import settings_of as settings_of
from acc_decel.evidence.keyed import steps_in_all as steps_in_all
from acc_decel.evidence.keyed import with_changes as with_changes
from acc_decel.evidence.keyed import write_evidence as write_evidence
from acc_decel.evidence.report import BITS as BITS
from acc_decel.evidence.report import PARTS as PARTS
from acc_decel.evidence.report import Settings as Settings
from acc_decel.evidence.report import check_formats as check_formats
from acc_decel.evidence.report import formats_of as formats_of
from acc_decel.evidence.report import read_evidence as read_evidence
from acc_decel.evidence.report import renew as renew
from acc_decel.evidence.report import steps_of as steps_of
from acc_decel.evidence.tools import check_tools as check_tools
