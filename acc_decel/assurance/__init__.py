"""Proofs and explanations: what a model can never do, and which influences matter. Needs the extra [train]."""

from acc_decel.assurance.attribution import KERNEL_SAMPLES as KERNEL_SAMPLES
from acc_decel.assurance.attribution import agreement as agreement
from acc_decel.assurance.attribution import exact as exact
from acc_decel.assurance.attribution import exact_of as exact_of
from acc_decel.assurance.influences import NEEDED as NEEDED
from acc_decel.assurance.influences import REGIMES as REGIMES
from acc_decel.assurance.influences import influences as influences
from acc_decel.assurance.influences import needed as needed
from acc_decel.assurance.proofs import Model as Model
from acc_decel.assurance.proofs import Proof as Proof
from acc_decel.assurance.proofs import opened as opened
from acc_decel.assurance.proofs import passed as passed
from acc_decel.assurance.proofs import proofs as proofs
from acc_decel.assurance.proofs import write_report as write_report
