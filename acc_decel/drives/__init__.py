"""Recorded drives to braking events: read, cleaned, smoothed, found; one file or a fleet. Needs the extra [drives]."""

from acc_decel.drives.cleaning import Clean as Clean
from acc_decel.drives.cleaning import clean as clean
from acc_decel.drives.events import COLUMNS as COLUMNS
from acc_decel.drives.events import QUALITY as QUALITY
from acc_decel.drives.events import THRESHOLD as THRESHOLD
from acc_decel.drives.events import Event as Event
from acc_decel.drives.events import events_of as events_of
from acc_decel.drives.finding import Found as Found
from acc_decel.drives.finding import found as found
from acc_decel.drives.finding import found_targets as found_targets
from acc_decel.drives.fleet import fleet as fleet
from acc_decel.drives.fleet import recordings as recordings
from acc_decel.drives.inspecting import ChannelReport as ChannelReport
from acc_decel.drives.inspecting import Inspection as Inspection
from acc_decel.drives.inspecting import inspected as inspected
from acc_decel.drives.reading import Drive as Drive
from acc_decel.drives.reading import Records as Records
from acc_decel.drives.reading import read as read
from acc_decel.drives.recording import Channel as Channel
from acc_decel.drives.recording import Recording as Recording
from acc_decel.drives.recording import recording as recording
from acc_decel.drives.recording import write_description as write_description
from acc_decel.drives.smoothing import Motion as Motion
from acc_decel.drives.smoothing import motion as motion
from acc_decel.drives.tracks import Targets as Targets
from acc_decel.drives.tracks import targets as targets
