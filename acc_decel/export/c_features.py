"""The generated C tables of the physics features and of the head, which every number format computes in float32."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from acc_decel.export.c_tables import (
    LARGEST,
    Table,
    c_float,
    c_number,
    checksum_ranges,
    defines,
    header,
    rows_of,
)
from acc_decel.factors import FACTORS, Factor, column_names
from acc_decel.network import FEATURES, HEAD, LAST, LAYOUT, LEAST_BRAKING, DenseNet, features, named
from acc_decel.outputs import ORDERED, OUTPUTS, QUANTILES

SOURCES = tuple(f"acc_decel_{part}.{end}" for part in ("constants", "features", "head") for end in "ch")
VALUES_FILE, FEATURES_FILE, HEAD_FILE = (
    "acc_decel_values.h",
    "acc_decel_feature_tables.h",
    "acc_decel_head_tables.h",
)
SURFACES = len(features.SURFACE_COLUMNS)
FORMULAS: dict[str, float | np.float32] = {
    "GRAVITY": features.GRAVITY,
    "HALF_BRAKING": features.HALF_BRAKING,
    "MAX_BRAKING": features.MAX_BRAKING,
    "HALF_FILM_MM": features.HALF_FILM_MM,
    "THIN_FILM_MM": features.THIN_FILM_MM,
    "FILM_KNEE_MM": features.FILM_KNEE_MM,
    "DEEP_FILM": features.DEEP_FILM,
    "DRAINED_MM": features.DRAINED_MM,
    "MAX_WET_LOSS": features.MAX_WET_LOSS,
    "LARGEST_LIMIT": features.LARGEST_LIMIT,
    "LEAST_BRAKING": LEAST_BRAKING,
    "DOUBT_SLACK": features.DOUBT_SLACK,
    "COLDEST_C": features.COLDEST_C,
    "FROZEN_C": features.FROZEN_C,
    "THAWED_C": features.THAWED_C,
    "MILD_C": features.MILD_C,
    "NEW_MM": features.NEW_MM,
    "WEAR_PER_MM": 1 / (features.NEW_MM - features.WORN_MM),
    "DEEPEST_MM": features.DEEPEST_MM,
}
"""The numbers of the formulas, the same for all vehicles."""


def values_header(factors: tuple[Factor, ...], *, stamp: str) -> str:
    """acc_decel_values.h: places of columns, features and values of the head in one array, and the type of constants.

    `stamp` is its first comment.
    """
    names = value_names(factors)
    choices = {f.name: f"{names.index(f.columns[0])}U /* the first of {len(f.columns)} */" for f in factors if f.levels}
    counts = {"VALUE_COUNT": len(names), "QUANTILE_COUNT": len(ORDERED), "SURFACE_COUNT": SURFACES, "SUM_COUNT": LAST}
    members = "\n".join(
        f"    float {name}{f'[{np.size(value)}]' if np.ndim(value) else ''};"
        for name, value in _constants(np.ones(sum(LAYOUT.values()), np.float32)).items()
    )
    parts = (
        "/* The columns, the features, what only the head uses: their places. */",
        defines({f"VALUE_{name.upper()}": f"{i}U" for i, name in enumerate(names)}),
        defines({f"VALUE_{name.upper()}": place for name, place in choices.items()}),
        defines({name: f"{count}U" for name, count in counts.items()}),
        "/* Numbers of the formulas, the same for all vehicles. */",
        defines({name: c_float(value) for name, value in FORMULAS.items()}),
        f"/* The constants of a vehicle. */\ntypedef struct {{\n{members}\n}} acc_decel_constants_t;",
    )
    return header("ACC_DECEL_VALUES_H", [], parts, stamp=stamp)


def value_names(factors: tuple[Factor, ...] = FACTORS) -> tuple[str, ...]:
    """The columns, the features, the values that only the head uses."""
    return (*column_names(factors), *(feature.name for feature in FEATURES), *HEAD)


def features_header(net: DenseNet, *, stamp: str) -> str:
    """acc_decel_feature_tables.h: constants of the vehicle, only for acc_decel_constants.c."""
    tables = feature_tables(net)
    parts = (
        *(table.text for table in tables),
        checksum_ranges(tables, name="feature_ranges", count="ACC_DECEL_FEATURE_RANGE_COUNT"),
    )
    includes = ['"acc_decel_network.h"', '"acc_decel_values.h"', "<stdint.h>"]
    return header("ACC_DECEL_FEATURE_TABLES_H", includes, parts, stamp=stamp)


@dataclass(frozen=True)
class _Struct(Table):
    """One struct of floats with a name for each member."""

    members: tuple[tuple[str, ndarray], ...] = ()

    @property
    def _rows(self) -> str:
        return (
            "    {\n"
            + "\n".join(f"        .{name} = {c_number(value[()])}," for name, value in self.members)
            + "\n    }"
        )


def feature_tables(net: DenseNet) -> list[Table]:
    """The tables of acc_decel_constants.c."""
    members = tuple(_constants(net.constants).items())
    values = np.concatenate([np.ravel(value) for _, value in members])[None]
    kind = "acc_decel_constants_t"
    return [_Struct("constants", values, "constants of the vehicle and of roads", kind, members=members)]


def _constants(constants: ndarray) -> dict[str, ndarray]:
    """The constants by name, and what the formulas compute of constants alone."""
    c = named(constants)
    all_constants = c | {
        "least_inverse": 1 / (c["least_mass"] + c["towed_mass"]),
        "tyre_shares_change": c["tyre_shares_cold"] - c["tyre_shares_warm"],
        "mean_friction_squared": c["mean_friction"] * c["mean_friction"],
        "slip_change": c["slip_abs"] - c["slip_locked"],
        "best_tyre": np.array([c["best_snow"].max(), c["best_ice"].max()]),
        "coldest": 1 - (features.COLDEST_C - features.FROZEN_C) * c["cold_gain"],
    }
    return {name: np.asarray(value, np.float32) for name, value in all_constants.items()}


def head_header(net: DenseNet, *, stamp: str) -> str:
    """acc_decel_head_tables.h: trained numbers of the head and limits of the outputs, only for acc_decel_head.c."""
    tables = head_tables(net)
    parts = (
        _HEAD_TYPES,
        *(table.text for table in tables),
        checksum_ranges(tables, name="head_ranges", count="ACC_DECEL_HEAD_RANGE_COUNT"),
    )
    includes = ['"acc_decel_network.h"', "<float.h>", "<stdint.h>"]
    return header("ACC_DECEL_HEAD_TABLES_H", includes, parts, stamp=stamp)


_HEAD_TYPES = f"""/* How a quantile follows from friction and brakes. */
typedef struct {{
    uint32_t output;              /* its index */
    float slope;                  /* of the brake limit over the braking */
    float brake_share;            /* of the brake limit that bounds it */
    float road_share;             /* of the road limit that bounds it */
    float offset;                 /* [m/s^2] if the surface is not available */
    float by_surface[{SURFACES}]; /* [m/s^2] what each surface adds to it */
}} acc_decel_quantile_t;

/* Limits of an output. */
typedef struct {{
    float low;
    float high;
}} acc_decel_cut_t;"""


def head_tables(net: DenseNet) -> list[Table]:
    """The tables of acc_decel_head.c."""
    head = net.head
    numbers = zip(
        ORDERED, head.slopes, head.brake_shares, head.road_shares, head.offset, head.surface_offsets.T, strict=True
    )
    quantiles = rows_of(f"u4,f4,f4,f4,f4,({SURFACES},)f4", [*numbers])
    limits = list(zip(*np.clip([net.low, net.high], -LARGEST, LARGEST), strict=True))
    return [
        Table("quantiles", quantiles, "quantiles", "acc_decel_quantile_t", tuple(QUANTILES)),
        Table("output_limits", rows_of("f4,f4", limits), "outputs", "acc_decel_cut_t", tuple(OUTPUTS)),
    ]
