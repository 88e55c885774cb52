"""The what-if page: the exported C as WebAssembly in one file that any browser opens."""

from acc_decel.integration.page.assembly import page_html as page_html
from acc_decel.integration.page.description import Arm as Arm
from acc_decel.integration.page.description import Car as Car
from acc_decel.integration.page.description import Knowledge as Knowledge
from acc_decel.integration.page.description import Lanes as Lanes
from acc_decel.integration.page.description import Note as Note
from acc_decel.integration.page.description import Road as Road
from acc_decel.integration.page.description import Setting as Setting
from acc_decel.integration.page.description import Table as Table
from acc_decel.integration.page.description import TableRows as TableRows
from acc_decel.integration.page.description import Vehicle as Vehicle
from acc_decel.integration.page.modules import compiled_module as compiled_module
from acc_decel.integration.page.modules import module_of as module_of
from acc_decel.integration.page.modules import record as record
from acc_decel.integration.page.modules import source_digest as source_digest
