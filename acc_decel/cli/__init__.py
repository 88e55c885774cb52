"""The command line `acc-decel`."""

from acc_decel.cli.main import app as app
from acc_decel.cli.main import main as main
