"""Predictions compared with measurements: published braking tests, a user's own tests, and recorded drives."""

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
from acc_decel.evaluation.implied import common_choices as common_choices
from acc_decel.evaluation.implied import implied_text as implied_text
from acc_decel.evaluation.regimes import BOUND as BOUND
from acc_decel.evaluation.regimes import REGIME_NAMES as REGIME_NAMES
from acc_decel.evaluation.regimes import RegimeScore as RegimeScore
from acc_decel.evaluation.regimes import score_halves as score_halves
from acc_decel.evaluation.regimes import score_regimes as score_regimes
from acc_decel.evaluation.regimes import source_halves as source_halves
