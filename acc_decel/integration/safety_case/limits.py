"""What the case takes for granted, and what nobody has tested: the same for every model."""

from acc_decel.integration.safety_case.argument import Assumption

SIMULATED = "The simulation of acc_decel is the reference: nobody has compared a fleet's stops with its intervals"
ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption(
        "The car is of the kind of the model, and its mass is within the range of the factor",
        "REFUSED by the C beyond the range",
    ),
    Assumption(
        "The car brakes straight ahead, with hydraulic friction brakes, on one road surface", "nothing: yours to ensure"
    ),
    Assumption(
        "Required factors are given, and what no sensor gives now is missing, never a default",
        "REFUSED by the C if a required one is missing",
    ),
    Assumption("A value is used only up to its maximum age", "nothing: the C has no state"),
    Assumption("The status of each call is read before its answer is used", "nothing: yours to ensure"),
    Assumption(
        "The C is built with the options of its README.md, for a little-endian core with IEEE 754 binary32",
        "the compiler, or the self-test",
    ),
    Assumption(
        "A correction is one that `acc-decel drives correct` or `drives bound` fitted for this very model",
        "CORRECTION_LIMITED, if it asks for more than a car can do",
    ),
)
"""Assumptions of use."""

NEVER_TESTED: tuple[tuple[str, str, str], ...] = (
    (
        "any real car",
        "the simulation is fitted to published figures; nobody compared a fleet's stops with the intervals",
        "",
    ),
    (
        "any real ECU or board",
        "all cores were emulated; caches, flash wait states and interrupts cost time",
        "",
    ),
    (
        "braking while steering, split friction, rough roads, kerbs",
        "there is no lateral motion in the physics",
        "",
    ),
    (
        "repeated stops with cooling in between; wet or icy discs; regenerative braking",
        "a stop starts at a given disc temperature; the brakes are hydraulic friction brakes",
        "",
    ),
    (
        "a trailer that pushes sideways",
        "it only pushes along",
        "",
    ),
    (
        "snow and ice beyond a few published tests, and hot brakes",
        "21 measured tests on snow, 6 on ice and 3 with hot brakes count; most are of one kind of car",
        "",
    ),
    (
        "wrong but plausible sensor values",
        "only impossible combinations are flagged, and answered with caution; two wrong values that agree are not "
        "noticed",
        "",
    ),
    (
        "the border of the trained domain on real roads",
        "a worse reading may end a contradiction, and with it the caution: the answer may then rise",
        "concepts/domain.md#the-cautious-answer",
    ),
    (
        "the warning of a sensor that is lost",
        "the lower bound may rise, by up to 8.7 m/s^2 in 20,000 events",
        "concepts/missing.md#what-a-lost-sensor-can-do",
    ),
    (
        "a hazard analysis, an ASIL, ISO 26262, ISO 21448 (SOTIF), a definition of an ODD",
        "they belong to your item; none exists here",
        "",
    ),
    (
        "tool qualification of the exporter",
        "the same model gives the same bytes, and the C is compared with a reference; that is all",
        "",
    ),
)
"""What, why it matters, and where docs/ says more; the table of docs/assurance.md is made of it."""
