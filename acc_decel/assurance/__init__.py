"""Proofs: what a model can never do. Needs the extra [train]."""

from acc_decel.assurance.proofs import Model as Model
from acc_decel.assurance.proofs import Proof as Proof
from acc_decel.assurance.proofs import opened as opened
from acc_decel.assurance.proofs import passed as passed
from acc_decel.assurance.proofs import proofs as proofs
from acc_decel.assurance.proofs import write_report as write_report
