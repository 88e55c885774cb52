"""The exported firmware as a library of this machine: compiled once, cached, called by `Predictor`.

Importing this folder is quick: the code that builds a library is imported only when needed.
"""

from acc_decel.compiled.cache import cache_folder as cache_folder
from acc_decel.compiled.cache import kept_library as kept_library
from acc_decel.compiled.compiler import SAME_BITS as SAME_BITS
from acc_decel.compiled.compiler import WARNINGS as WARNINGS
from acc_decel.compiled.compiler import acc_sources as acc_sources
from acc_decel.compiled.compiler import compiled as compiled
from acc_decel.compiled.compiler import find_zig as find_zig
from acc_decel.compiled.compiler import fingerprint as fingerprint
from acc_decel.compiled.compiler import firmware_sources as firmware_sources
from acc_decel.compiled.compiler import is_of_acc as is_of_acc
from acc_decel.compiled.compiler import run_compiler as run_compiler
from acc_decel.compiled.library import Library as Library
