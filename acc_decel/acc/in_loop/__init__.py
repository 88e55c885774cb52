"""The trial with the exported C answering in the loop, on the host and on an emulated core; extras [train] and [ecu].

from acc_decel.acc import in_loop, trial

rig = trial.open_rig(settings=trial.Settings(runs=5))
with in_loop.exported(rig.predictor) as firmware:
    sil = in_loop.run_part(rig, trial.Part("all", "worn_wet", "lead_brakes"), in_loop.HostEcus(firmware))
    pil = in_loop.run_part(rig, trial.Part("all", "worn_wet", "lead_brakes"), in_loop.CoreEcus(firmware))
print(in_loop.first_difference(sil.record, pil.record))
"""

from acc_decel.acc.in_loop.beliefs import GRID as GRID
from acc_decel.acc.in_loop.beliefs import QUESTIONS as QUESTIONS
from acc_decel.acc.in_loop.beliefs import EcuBeliefs as EcuBeliefs
from acc_decel.acc.in_loop.ecus import CoreEcus as CoreEcus
from acc_decel.acc.in_loop.ecus import Ecus as Ecus
from acc_decel.acc.in_loop.ecus import HostEcus as HostEcus
from acc_decel.acc.in_loop.ecus import exported as exported
from acc_decel.acc.in_loop.records import Record as Record
from acc_decel.acc.in_loop.records import first_difference as first_difference
from acc_decel.acc.in_loop.runs import PartInLoop as PartInLoop
from acc_decel.acc.in_loop.runs import model_in_loop as model_in_loop
from acc_decel.acc.in_loop.runs import run_part as run_part
from acc_decel.acc.in_loop.unit import AccUnit as AccUnit
from acc_decel.ecu.acc_unit import AccCore as AccCore
from acc_decel.ecu.acc_unit import AccHost as AccHost
