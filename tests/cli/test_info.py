"""`acc-decel info`: which car a model is of, and the released models side by side."""

import subprocess
import sys

import pytest

from acc_decel import Predictor, released_models
from acc_decel.physics import vehicle


def test_a_model_says_which_car_it_is_of(run, answered):
    description = vehicle("saloon").description
    assert "Mercedes S-Class" in description
    assert description in run("info", "saloon")[1]
    assert answered("info", "saloon")["car"] == description


def test_the_released_models_stand_side_by_side(run, answered):
    out = " ".join(run("info", "--all")[1].split())
    rows = {row["model"]: row for row in answered("info", "--all")["models"]}
    assert set(rows) == set(released_models())
    for name, row in rows.items():
        mass = next(f for f in Predictor(name).factors if f.name == "mass")
        assert (row["mass_low"], row["mass_high"], row["car"]) == (mass.low, mass.high, vehicle(name).description)
        assert f"{mass.low:g} to {mass.high:g}" in out


def test_factors_are_optional_or_not(run):
    lines = run("info")[1].splitlines()
    assert "optional" in next(line for line in lines if "range" in line)
    assert "no" in next(line for line in lines if "brake_pressure_bar" in line).split()
    assert "yes" in next(line for line in lines if "headwind" in line).split()


@pytest.mark.slow
def test_it_needs_no_extra():
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['numba', 'scipy', 'tensorflow', 'keras']))\n"
        "sys.argv = ['acc-decel', 'info', '--all']\n"
        "from acc_decel.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "S-Class" in done.stdout
