"""Measured against predicted: the published braking tests, and a user's own."""

from acc_decel.evaluation.braking_tests import FULL_BRAKING_BAR as FULL_BRAKING_BAR
from acc_decel.evaluation.braking_tests import Summary as Summary
from acc_decel.evaluation.braking_tests import evaluated as evaluated
from acc_decel.evaluation.braking_tests import factors_of as factors_of
from acc_decel.evaluation.braking_tests import predictors as predictors
from acc_decel.evaluation.braking_tests import published_tests as published_tests
from acc_decel.evaluation.braking_tests import read_tests as read_tests
from acc_decel.evaluation.braking_tests import summary as summary
from acc_decel.evaluation.braking_tests import vehicles_of as vehicles_of
from acc_decel.evaluation.drive_scores import DriveScore as DriveScore
from acc_decel.evaluation.drive_scores import drive_score as drive_score
from acc_decel.evaluation.drive_scores import scored as scored
