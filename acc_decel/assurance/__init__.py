"""Proofs of properties that a model has for every accepted input. Needs the extra [train]."""

from acc_decel.assurance.proofs import Proof as Proof
from acc_decel.assurance.proofs import ProvenModel as ProvenModel
from acc_decel.assurance.proofs import open_model as open_model
from acc_decel.assurance.proofs import passed as passed
from acc_decel.assurance.proofs import prove as prove
from acc_decel.assurance.proofs import write_report as write_report
