"""Which events are drawn, what sensors make of them, and the table on disk."""

from acc_decel.dataset.driving import fleet_driving as fleet_driving
from acc_decel.dataset.events import SensedEvents as SensedEvents
from acc_decel.dataset.events import sensed_events as sensed_events
from acc_decel.dataset.never_trained import NEVER_TRAINED as NEVER_TRAINED
from acc_decel.dataset.never_trained import never_trained as never_trained
from acc_decel.dataset.oracle import conditional_quantiles as conditional_quantiles
from acc_decel.dataset.partition import events_table as events_table
from acc_decel.dataset.scenarios import CAUSES as CAUSES
from acc_decel.dataset.scenarios import COLD_C as COLD_C
from acc_decel.dataset.scenarios import SURFACE_SHARE as SURFACE_SHARE
from acc_decel.dataset.scenarios import TYRE_SHARE_COLD as TYRE_SHARE_COLD
from acc_decel.dataset.scenarios import TYRE_SHARE_WARM as TYRE_SHARE_WARM
from acc_decel.dataset.scenarios import Driving as Driving
from acc_decel.dataset.scenarios import from_prior as from_prior
from acc_decel.dataset.scenarios import limit_of as limit_of
from acc_decel.dataset.scenarios import scenarios as scenarios
from acc_decel.dataset.scenarios import typical_factors as typical_factors
from acc_decel.dataset.sensors import sense as sense
from acc_decel.dataset.table import Dataset as Dataset
from acc_decel.dataset.table import generate as generate
from acc_decel.dataset.table import load_dataset as load_dataset
