"""A safety case from the evidence there is: claims against their bars, and what stays with the integrator."""

from acc_decel.integration.safety_case.documents import Documents as Documents
from acc_decel.integration.safety_case.documents import read_documents as read_documents
from acc_decel.integration.safety_case.drawing import drawing as drawing
from acc_decel.integration.safety_case.judging import Case as Case
from acc_decel.integration.safety_case.judging import judge as judge
from acc_decel.integration.safety_case.judging import rows as rows
from acc_decel.integration.safety_case.limits import NEVER_TESTED as NEVER_TESTED
from acc_decel.integration.safety_case.page import page as page
from acc_decel.integration.safety_case.page import summary as summary
from acc_decel.integration.safety_case.verdicts import MISSED as MISSED
from acc_decel.integration.safety_case.writing import check_replaceable as check_replaceable
from acc_decel.integration.safety_case.writing import write_case as write_case
