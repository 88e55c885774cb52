"""The generated C tables of the physics features and of the head, which every number format computes in float32."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from acc_decel.export.c_tables import (
    LARGEST,
    Table,
    c_float,
    checksum_ranges,
    defines,
    header,
    rows_of,
)
from acc_decel.factors import FACTORS, Factor, column_names
from acc_decel.network import FEATURES, HEAD, LAST, LAYOUT, DenseNet, features, named
from acc_decel.outputs import ORDERED, OUTPUTS, QUANTILES

SOURCES = ("acc_decel_features.c", "acc_decel_features.h", "acc_decel_head.c", "acc_decel_head.h")
VALUES_FILE, FEATURES_FILE, HEAD_FILE = (
    "acc_decel_values.h",
    "acc_decel_feature_tables.h",
    "acc_decel_head_tables.h",
)
SURFACES = len(features.SURFACE_COLUMNS)
FORMULAS = {
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
    "LARGEST_ROAD_LIMIT": features.LARGEST_ROAD_LIMIT,
    "DOUBT_SLACK": features.DOUBT_SLACK,
    "COLDEST_C": features.COLDEST_C,
    "FROZEN_C": features.FROZEN_C,
    "THAWED_C": features.THAWED_C,
    "MILD_C": features.MILD_C,
    "HOTTEST_C": features.HOTTEST_C,
    "NEW_MM": features.NEW_MM,
    "WEAR_PER_MM": 1 / (features.NEW_MM - features.WORN_MM),
    "DEEPEST_MM": features.DEEPEST_MM,
}
"""The numbers of the formulas, the same for all vehicles."""


def values_header(factors: tuple[Factor, ...], *, stamp: str) -> str:
    """acc_decel_values.h: places of columns, features and values of the head in one array; `stamp` is its comment."""
    names = value_names(factors)
    choices = {f.name: f"{names.index(f.columns[0])}U /* the first of {len(f.columns)} */" for f in factors if f.levels}
    counts = {"VALUE_COUNT": len(names), "QUANTILE_COUNT": len(ORDERED), "SURFACE_COUNT": SURFACES, "SUM_COUNT": LAST}
    parts = (
        "/* The columns, the features, what only the head uses: their places. */",
        defines({f"VALUE_{name.upper()}": f"{i}U" for i, name in enumerate(names)}),
        defines({f"VALUE_{name.upper()}": place for name, place in choices.items()}),
        defines({name: f"{count}U" for name, count in counts.items()}),
    )
    return header("ACC_DECEL_VALUES_H", [], parts, stamp=stamp)


def value_names(factors: tuple[Factor, ...] = FACTORS) -> tuple[str, ...]:
    """The columns, the features, the values that only the head uses."""
    return (*column_names(factors), *(feature.name for feature in FEATURES), *HEAD)


@dataclass(frozen=True)
class Struct(Table):
    """The constants of the features as one struct, with a member for each name of LAYOUT."""

    @property
    def text(self) -> str:
        """Type and definition."""
        members = "\n".join(f"    float {name}{f'[{n}]' if n > 1 else ''};" for name, n in LAYOUT.items())
        return (
            f"typedef struct {{\n{members}\n}} {self.kind};\n\n/* {self.shape} */\n"
            f"static const {self.kind} {self.name} = {{\n{self._rows}\n}};"
        )

    @property
    def address(self) -> str:
        """An expression for where it is in memory."""
        return f"&{self.name}"

    @property
    def _rows(self) -> str:
        return "\n".join(f"    .{name} = {_member(value)}," for name, value in named(self.values).items())


def _member(value: ndarray | np.float32) -> str:
    return c_float(value) if np.ndim(value) == 0 else "{" + ", ".join(map(c_float, value)) + "}"


def features_header(net: DenseNet, *, stamp: str) -> str:
    """acc_decel_feature_tables.h: constants of the vehicle, only for acc_decel_features.c."""
    tables = feature_tables(net)
    parts = (
        defines({name: c_float(value) for name, value in FORMULAS.items()}),
        *(table.text for table in tables),
        checksum_ranges(tables, name="feature_ranges", count="ACC_DECEL_FEATURE_RANGE_COUNT"),
    )
    return header("ACC_DECEL_FEATURE_TABLES_H", ['"acc_decel_network.h"', "<stdint.h>"], parts, stamp=stamp)


def feature_tables(net: DenseNet) -> list[Table]:
    """The tables of acc_decel_features.c."""
    return [Struct("constants", net.constants, "constants of the vehicle and of roads", "acc_decel_constants_t")]


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


_HEAD_TYPES = """/* How a quantile follows from friction and brakes. */
typedef struct {
    uint32_t output; /* its index */
    float slope;     /* of the brake limit over the braking */
    float offset;    /* [m/s^2] if the surface is not available */
    float share;     /* of the brake force that bounds it */
} acc_decel_quantile_t;

/* Limits of an output. */
typedef struct {
    float low;
    float high;
} acc_decel_cut_t;"""


def head_tables(net: DenseNet) -> list[Table]:
    """The tables of acc_decel_head.c."""
    head = net.head
    quantiles = list(zip(ORDERED, head.slopes, head.offset, head.shares, strict=True))
    limits = list(zip(*np.clip([net.low, net.high], -LARGEST, LARGEST), strict=True))
    return [
        Table("quantiles", rows_of("u4,f4,f4,f4", quantiles), "quantiles", "acc_decel_quantile_t", tuple(QUANTILES)),
        Table("surface_offsets", head.surface_offsets, "surfaces x quantiles [m/s^2]"),
        Table("output_limits", rows_of("f4,f4", limits), "outputs", "acc_decel_cut_t", tuple(OUTPUTS)),
    ]
