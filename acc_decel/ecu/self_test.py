"""What acc_decel_self_test() of the firmware found, and the sentence for each result."""

from enum import IntEnum


class SelfTest(IntEnum):
    """The results of acc_decel_self_test(), as in acc_decel.h."""

    PASSED = 0
    TABLES_ALTERED = 1
    WRONG_STATUS = 2
    WRONG_ANSWER = 3
    OTHER_BITS = 4


CAUSES = {
    SelfTest.TABLES_ALTERED: "a table or a golden vector is not as exported: export it again",
    SelfTest.WRONG_STATUS: "a golden vector got another status: the code is damaged, or the compiler ignores NaN",
    SelfTest.WRONG_ANSWER: "an answer is beyond the tolerance: the code is damaged, or the compiler is wrong",
    SelfTest.OTHER_BITS: "the answers are within the tolerance, but not the same bits: compile with -ffp-contract=off",
}


def check_passed(result: int, where: str) -> None:
    """Raise RuntimeError, with the likely cause, unless the self-test passed; `where` names the core or board."""
    if result != SelfTest.PASSED:
        found = SelfTest(result)
        raise RuntimeError(f"The self-test must pass on {where}. Got {found.name}: {CAUSES[found]}.")
