"""`python -m acc_decel` is `acc-decel`."""

from acc_decel.cli import main

main()
