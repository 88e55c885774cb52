"""Achievable deceleration and stopping distance of a car, from the factors that affect braking.

>>> from acc_decel import Predictor
>>> Predictor().predict(speed=33.3, brake_pressure_bar=160, surface="asphalt", water_film_mm=1.0)
"""

from importlib.metadata import version

from acc_decel.factors import FACTORS as FACTORS
from acc_decel.factors import Factor as Factor
from acc_decel.model_folder import released_models as released_models
from acc_decel.predictor import Prediction as Prediction
from acc_decel.predictor import Predictor as Predictor

__version__ = version("acc_decel")
