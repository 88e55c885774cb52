"""Mutation testing of the hand-written C: the events must detect every small change of what it does.

One operator or number at a time is changed in a copy of the firmware; gcc compiles the copy, and driver.c sends events
with known answers through it. A mutant that passes has survived. `EQUIVALENT` lists the survivors that behave like the
original, with the reason.
"""

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from acc_decel.compiled import firmware_sources
from acc_decel.evidence.events import driver_events, records, reference, unusual_net
from acc_decel.export import write_format
from acc_decel.factors import Factor

DRIVER = Path(__file__).parent / "driver.c"
WRAP = (  # what the self-test calls, so that driver.c can make it wrong
    "acc_decel_predict", "acc_decel_guard_checksum", "acc_decel_network_checksum", "acc_decel_crc",
    "acc_decel_out_of_range", "acc_decel_not_available", "acc_decel_no_factors", "acc_decel_stopping_distance",
    "acc_decel_correction_accepted", "acc_decel_corrected",
)  # fmt: skip
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
COMPILE = ("gcc", "-std=c99", "-O1", "-ffp-contract=off", "-w", *SANITIZE, "-c")


@dataclass(frozen=True)
class Driven:
    """C files of an exported folder, and the program that sends known answers through them."""

    sources: Callable[[Path], list[Path]]  # folder -> its files
    driver: Path
    wrap: tuple[str, ...]  # what the self-test calls, so that the driver can make it wrong

    @property
    def link(self) -> tuple[str, ...]:
        """The options that link the driver."""
        return tuple(f"-Wl,--wrap={name}" for name in self.wrap)


PREDICTION = Driven(firmware_sources, DRIVER, WRAP)
TIMEOUT_S = 5  # a mutant that takes longer never ends
OPERATORS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+", "*": "+", "/": "*",
    "&": "|", "|": "&", "&&": "||", "||": "&&", "<<": ">>", ">>": "<<", "^": "&", "+=": "-=", "|=": "&=", "&=": "|=",
    "^=": "|=", "*=": "+=", ">>=": "<<=", "%": "/",
}  # fmt: skip
OPERATOR = re.compile(r"(?<= )(<<|>>=|>>|<=|>=|==|!=|\+=|\|=|&=|\^=|\*=|&&|\|\||[-<>+*/&|^%])(?= )")
NUMBER = re.compile(r"(?<![\w.\[])(\d+)(U?)(?![\w.\]])")
INDEX = re.compile(r"(?<=\[)(\d+)(U?)(?=\])")


@dataclass(frozen=True)
class Mutant:
    """One changed place."""

    file: str
    start: int
    end: int
    new: str
    line: str
    number: int

    def __str__(self) -> str:
        """File, line and change."""
        return f"{self.file}:{self.number}: {self.line.strip()}  ->  {self.new}"


def mutants_of(file: str, text: str) -> Iterator[Mutant]:
    """All mutants of a C file: within functions, not in comments and directives."""
    code = re.sub(r"/\*.*?\*/|^#.*?(?<!\\)$", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S | re.M)
    body = re.compile(r"^\{.*?^\}", re.S | re.M)
    for block in body.finditer(code):
        for pattern in (OPERATOR, NUMBER, INDEX):
            for match in pattern.finditer(code, block.start(), block.end()):
                new = OPERATORS[match[1]] if pattern is OPERATOR else f"{int(match[1]) + 1}{match[2]}"
                number = text.count("\n", 0, match.start()) + 1
                yield Mutant(file, match.start(), match.end(), new, text.splitlines()[number - 1], number)


def survivors(folder: Path, files: list[str], data: bytes, driven: Driven = PREDICTION) -> tuple[int, list[Mutant]]:
    """The number of mutants of these files, and the mutants that no event detects."""
    with tempfile.TemporaryDirectory() as temporary:
        objects = {}
        for source in [*driven.sources(folder), driven.driver]:
            objects[source.name] = Path(temporary) / f"{source.stem}.o"
            subprocess.run([*COMPILE, f"-I{folder}", str(source), "-o", str(objects[source.name])], check=True)
        if not passes(Path(temporary), "original", objects, data, driven.link):
            raise RuntimeError(f"The unchanged firmware must pass {driven.driver.name}. Got a failure.")
        mutants = [m for file in files for m in mutants_of(file, (folder / file).read_text())]
        with ThreadPoolExecutor() as pool:
            work = Path(temporary)
            alive = list(pool.map(lambda i: survives(folder, work, objects, data, mutants[i], i, driven.link),
                                  range(len(mutants))))  # fmt: skip
    return len(mutants), [m for m, lives in zip(mutants, alive, strict=True) if lives]


def survives(
    folder: Path, work: Path, objects: dict[str, Path], data: bytes, mutant: Mutant, number: int,
    link: Iterable[str] = PREDICTION.link,
) -> bool:  # fmt: skip
    """True if the mutant compiles and passes."""
    text = (folder / mutant.file).read_text()
    changed = work / f"mutant_{number}.c"
    changed.write_text(text[: mutant.start] + mutant.new + text[mutant.end :])
    unit = changed.with_suffix(".o")
    done = subprocess.run([*COMPILE, f"-I{folder}", str(changed), "-o", str(unit)], check=False, capture_output=True)
    if done.returncode:
        return False
    return passes(work, f"mutant_{number}", objects | {mutant.file: unit}, data, link)


def passes(work: Path, name: str, objects: dict[str, Path], data: bytes, link: Iterable[str] = PREDICTION.link) -> bool:
    """True if the program of these objects ends and finds nothing wrong."""
    program = work / name
    subprocess.run(["gcc", *SANITIZE, *link, *map(str, objects.values()), "-o", str(program)], check=True)
    try:
        return (
            subprocess.run(
                [str(program)], input=data, check=False, timeout=TIMEOUT_S, stderr=subprocess.DEVNULL
            ).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return False
    finally:
        program.unlink(missing_ok=True)


# Survivors that behave like the original for all possible inputs: a part of the line -> the reason.
EQUIVALENT: dict[str, str] = {
    "<< ACC_DECEL_OUT_OF_RANGE_SHIFT) |  ->  >>": "the shift is 0",
    "uint32_t bad = 0U; /* one bit for each column: not in range */  ->  1U": "shifted out",
    "uint32_t nan = 0U; /* one bit for each column: not available */  ->  1U": "shifted out of the columns",
    "const bool crossed = *upper < *lower;  ->  <=": "equal numbers change places",
    "(ACC_DECEL_EMBEDDING_LAYERS + 1U) % 2U];  ->  -": "the same remainder",
    "buffers[(ACC_DECEL_EMBEDDING_LAYERS + ACC_DECEL_TRUNK_LAYERS) % 2U];  ->  -": "the same remainder",
    "float *const buffers[2] =": "room that nothing uses",
    "float buffers[2][ACC_DECEL_DOMAIN_WIDEST];  ->  3": "room that nothing uses",
    "acc_decel_pair_t buffers[2][ACC_DECEL_DOMAIN_WIDEST_PAIRS];  ->  3": "room that nothing uses",
    "/* for the score; the embedding has no weights there */  ->  1U": "the score does not see the first forced column",
    "buffers[(ACC_DECEL_DOMAIN_LAYERS + 1U) % 2U];  ->  -": "the same remainder",
    "buffers[(ACC_DECEL_DOMAIN_LAYERS + 1U) % 2U];  ->  /": "the same for two layers",
    "return (uint32_t)(((uint64_t)limit - value) >> 32U);  ->  33U": "the top bit of a borrow, which nothing reads",
    "return 1U + outside_mask(": "the lowest bit is the same, and the only one that is read",
    "uint32_t allowed = ~(uint32_t)0U;": "one bit less of those that say the same",
    "for (uint32_t i = 0U; i < ACC_DECEL_FORCED_COUNT; i++) {  ->  <=": "one more value, which nothing reads",
    "(sum < limits->low) ? limits->low : sum;  ->  <=": "equal numbers",
    "(above > limits->high) ? limits->high : above;  ->  >=": "equal numbers",
    "(above.bits < BITS_OF_QUARTER) ? above.bits : BITS_OF_QUARTER;  ->  <=": "equal numbers",
    "i < ACC_DECEL_EMBEDDED_COUNT; i += 4U) { /* every layer of the trunk reads them */  ->  <=": "overwritten",
    "i < ACC_DECEL_MASKED_COUNT; i += 2U) { /* if the number is odd, one too many */  ->  <=": "the number is odd",
    "for (uint32_t i = 0U; i < ACC_DECEL_EMBEDDED_PAIRS; i++) {  ->  <=": "one more pair, which is overwritten",
    "const uint32_t raised = sum + SIGN; /* has the same order as the signed sum */  ->  -": "the same modulo 2^32",
    "return (score[0] + SIGN) > SIGN; /* the signed sum is above 0 */  ->  -": "the same modulo 2^32",
    "return (int16_t)(steps - 32768);  ->  +": "the same modulo 2^16",
    "value = (int32_t)number - HALF;  ->  +": "the same modulo 2^16",
    "value = (int32_t)steps - HALF;  ->  +": "the same modulo 2^16",
    "return (score[0] + SIGN) > SIGN; /* the signed sum is above 0 */  ->  >=": "killed in fixed; none is 0 in shift",
    "const uint32_t cut = (raised < output->min) ? output->min : raised;  ->  <=": "equal numbers",
    "const uint32_t ramp = (above < MAX_RAMP) ? above : MAX_RAMP;  ->  <=": "equal numbers",
    "const int32_t steps = (int32_t)((moved < STEPS) ? moved : STEPS);  ->  <=": "equal numbers",
    "away = (away > FARTHEST) ? FARTHEST : away;  ->  >=": "equal numbers",
    "acc_decel_pair_t buffers[2][ACC_DECEL_WIDEST_PAIRS];  ->  3": "room that nothing uses",
    "for (uint32_t i = count; (i % 4U) != 0U; i++) {": "values behind the last one have weights of 0",
    "acc_decel_put(x, i, 0);  ->  1": "values behind the last one have weights of 0",
    "const uint32_t at = (next - ACC_DECEL_GATED_COUNT) + i;  ->  -": "one factor is gated, so i is 0",
    "const uint32_t both = (cut > output->max) ? output->max : cut;  ->  >=": "equal numbers",
    "const int32_t value = ((int32_t)rounded - GATE_MIDDLE) + zero;  ->  +": "2^18 more, which 16 bits do not hold",
    "const uint32_t above = both - SIGN; /* modulo 2^32 */  ->  +": "the same modulo 2^32",
    "const bool negative = both < SIGN;  ->  <=": "0 has no sign that a comparison sees",
    "+ ACC_DECEL_TRUNK_LAYERS) + 1U) % 2U];  ->  -": "the same remainder",
    "return (other < value) ? other : value;  ->  <=": "equal numbers",
    "const float reduction = (offset > 0.0F) ? offset : 0.0F;  ->  >=": "equal numbers",
    "{ /* the delay; the quantiles are written again */  ->  1U": "the first output is a quantile",
    "{ /* may copy up to three values too many */  ->  <=": "four more values, which nothing reads",
    "{ /* else the answer is the same */  ->": "the same answer, computed again",
    "(difference <= ACC_DECEL_GOLDEN_TOLERANCE)": "no answer is exactly the tolerance away",
}


def mutation_score(factors: tuple[Factor, ...], number_format: str, *, count: int = 300) -> dict[str, object]:
    """Numbers of mutants, killed and equivalent ones, and the survivors that are neither, of the C of one format."""
    net = unusual_net(factors)
    events = driver_events(factors, count)
    data = records(events, *reference(net, number_format)(events))
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_format(Path(temporary), net, "unusual", number_format)
        total, alive = survivors(folder, [source.name for source in firmware_sources(folder)], data)
    return score(total, alive)


def score(total: int, alive: list[Mutant], listed: Iterable[str] = EQUIVALENT) -> dict[str, object]:
    """Numbers of mutants, killed and equivalent ones, and the survivors that are neither, as JSON values."""
    equivalent = [mutant for mutant in alive if is_equivalent(mutant, listed)]
    return {
        "mutants": total,
        "killed": total - len(alive),
        "equivalent": len(equivalent),
        "survivors": [str(mutant) for mutant in alive if mutant not in equivalent],
    }


def is_equivalent(mutant: Mutant, listed: Iterable[str] = EQUIVALENT) -> bool:
    """True if the mutant is listed as behaving like the original."""
    return any(passage in str(mutant) for passage in listed)
