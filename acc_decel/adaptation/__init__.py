"""Fitting to one car from its stops: a correction of what the model predicts, or the parameters of the vehicle."""

from acc_decel.adaptation.correction import CorrectionFit as CorrectionFit
from acc_decel.adaptation.correction import Prior as Prior
from acc_decel.adaptation.correction import fit_and_validate as fit_and_validate
from acc_decel.adaptation.correction import fit_correction as fit_correction
from acc_decel.adaptation.known_stops import known_stops as known_stops
from acc_decel.adaptation.labelled_stops import LabelledStops as LabelledStops
from acc_decel.adaptation.labelled_stops import labelled_stops as labelled_stops
from acc_decel.adaptation.lower_bound import LowerBound as LowerBound
from acc_decel.adaptation.lower_bound import read_bound as read_bound
from acc_decel.adaptation.parameters import PARAMETERS as PARAMETERS
from acc_decel.adaptation.parameters import Estimate as Estimate
from acc_decel.adaptation.parameters import Fit as Fit
from acc_decel.adaptation.parameters import MeasurementNoise as MeasurementNoise
from acc_decel.adaptation.parameters import Parameter as Parameter
from acc_decel.adaptation.parameters import fit_parameters as fit_parameters
from acc_decel.adaptation.parameters import with_parameters as with_parameters
from acc_decel.adaptation.plausible import check_stream as check_stream
from acc_decel.adaptation.plausible import odd_stops_note as odd_stops_note
from acc_decel.adaptation.plausible import scale_note as scale_note
from acc_decel.adaptation.vehicle_file import vehicle_toml as vehicle_toml
from acc_decel.adaptation.vehicle_file import write_vehicle as write_vehicle
