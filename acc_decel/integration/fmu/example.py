"""An example of inputs over time: every second one more factor becomes known, and at the end one is out of range."""

from collections.abc import Iterable

from acc_decel.factors import Factor
from acc_decel.integration.fmu import variables as v
from acc_decel.integration.fmu.variables import Variable


def example_end(factors: tuple[Factor, ...]) -> float:
    """The end of the example [s]: the first second, one for each optional factor, and the last one."""
    return float(sum(factor.optional for factor in factors) + 2)


def example_csv(factors: tuple[Factor, ...]) -> str:
    """A CSV of `time` and all inputs, one row a second, which importers read as it is.

    In the first second only what is required is known; then the optional factors are added in their order, each with
    its start value, a choice with its first level. In the last second the first factor is out of range, and is refused.
    """
    inputs = [variable for variable in v.variables(factors) if variable.causality == v.INPUT]
    optional = [factor.name for factor in factors if factor.optional]
    rows = [",".join(("time", *(variable.name for variable in inputs)))]
    for second in range(int(example_end(factors))):
        known = set(optional[:second])
        values = {variable.name: _value(variable, known) for variable in inputs}
        if second > len(optional):
            values[factors[0].name] = f"{2 * factors[0].high:g}"
        rows.append(",".join((str(second), *values.values())))
    return "\n".join((*rows, ""))


def _value(variable: Variable, known: Iterable[str]) -> str:
    """What an input is while these optional factors are known."""
    if variable.name.endswith(v.AVAILABLE):
        return str(int(variable.name.removesuffix(v.AVAILABLE) in known))
    if variable.kind == v.ENUMERATION:
        return str(int(variable.name in known))
    if variable.kind == v.BOOLEAN:
        return str(int(variable.start == "true"))
    return variable.start
