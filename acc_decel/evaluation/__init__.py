"""Predictions compared with measurements: published braking tests, a user's own tests, and recorded drives."""

from acc_decel.evaluation.braking_tests import BOUND as BOUND
from acc_decel.evaluation.braking_tests import FULL_BRAKING_BAR as FULL_BRAKING_BAR
from acc_decel.evaluation.braking_tests import Summary as Summary
from acc_decel.evaluation.braking_tests import evaluate_tests as evaluate_tests
from acc_decel.evaluation.braking_tests import factors_of as factors_of
from acc_decel.evaluation.braking_tests import load_predictors as load_predictors
from acc_decel.evaluation.braking_tests import published_tests as published_tests
from acc_decel.evaluation.braking_tests import read_tests as read_tests
from acc_decel.evaluation.braking_tests import summarise as summarise
from acc_decel.evaluation.braking_tests import vehicles_of as vehicles_of
from acc_decel.evaluation.braking_tests import with_vehicles as with_vehicles
from acc_decel.evaluation.drive_scores import DriveScore as DriveScore
from acc_decel.evaluation.drive_scores import drive_score as drive_score
from acc_decel.evaluation.drive_scores import score_events as score_events
