"""Ways of choosing a gap, tried in closed loop on the physics of this package; needs the extra [train].

from acc_decel.acc import trial

rig = trial.open_rig(settings=trial.Settings(runs=100))
runs = trial.run_trial(rig, trial.trial_parts(["all", "rss"], ["worn_wet"], ["lead_brakes"]))
print(trial.summary(runs))
"""

from acc_decel.acc.trial.arms import ARMS as ARMS
from acc_decel.acc.trial.arms import FIXED_GAPS as FIXED_GAPS
from acc_decel.acc.trial.loop import TRACE as TRACE
from acc_decel.acc.trial.metrics import MAIN as MAIN
from acc_decel.acc.trial.metrics import summary as summary
from acc_decel.acc.trial.one_stop import ROAD_OF_STOP as ROAD_OF_STOP
from acc_decel.acc.trial.one_stop import traced_stop as traced_stop
from acc_decel.acc.trial.parts import Part as Part
from acc_decel.acc.trial.recorded_leads import RecordedLead as RecordedLead
from acc_decel.acc.trial.roads import ALL_ROADS as ALL_ROADS
from acc_decel.acc.trial.roads import ROADS as ROADS
from acc_decel.acc.trial.runs import Rig as Rig
from acc_decel.acc.trial.runs import Settings as Settings
from acc_decel.acc.trial.scenes import SCENARIOS as SCENARIOS
from acc_decel.acc.trial.trial import RECORDED as RECORDED
from acc_decel.acc.trial.trial import chosen_names as chosen_names
from acc_decel.acc.trial.trial import open_rig as open_rig
from acc_decel.acc.trial.trial import run_trial as run_trial
from acc_decel.acc.trial.trial import trial_parts as trial_parts
