"""A model or a vehicle fitted to one car from its stops: lightly, on what the model says, or in its physics."""

from acc_decel.adaptation.correction import Correction as Correction
from acc_decel.adaptation.correction import Trust as Trust
from acc_decel.adaptation.correction import correction as correction
from acc_decel.adaptation.lower_bound import LowerBound as LowerBound
