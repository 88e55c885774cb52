"""Proofs and explanations: which influences matter. Needs the extra [train]."""

from acc_decel.assurance.influences import NEEDED as NEEDED
from acc_decel.assurance.influences import REGIMES as REGIMES
from acc_decel.assurance.influences import influences as influences
from acc_decel.assurance.influences import needed as needed
