"""What the calls of one function cost on the emulated core: instructions, cycles, multiplications and stack."""

from unicorn import UC_HOOK_MEM_READ

from acc_decel.ecu.cores import Core
from acc_decel.ecu.cycles import Run, RunCosts, refill_cycles, splits_words, unaligned_cycles
from acc_decel.ecu.emulator import FLASH_BYTES, RAM, RAM_BYTES, Emulator

_STACK_BYTES = 16 * 1024  # top of RAM, filled with a pattern to measure the depth of the stack
_PAINT = 0xA5


class Call:
    """Instructions, cycles and integer multiplications of one call: in total, and inside the network."""

    def __init__(self) -> None:
        self.whole = [0, 0, 0]
        self.network = [0, 0, 0]
        self.flash_words = 0  # read as data, and cycles of reads across words; both only where reads are watched
        self.unaligned = 0

    def add(self, instructions: int, cycles: int, multiplications: int, inside: bool) -> None:
        """Add executed instructions, `inside` the network or not."""
        whole = self.whole
        whole[0] += instructions
        whole[1] += cycles
        whole[2] += multiplications
        if inside:
            network = self.network
            network[0] += instructions
            network[1] += cycles
            network[2] += multiplications


class Meter:
    """Counts instructions, cycles and stack from each entry of a function to its return, as a hook of blocks."""

    def __init__(self, entry: int, network: int, kind: Core) -> None:
        self.calls: list[Call] = []
        self._entry, self._network = entry, network
        self._costs = RunCosts(kind.timing, kind.architecture.disassembler)
        self._splits = splits_words(kind.timing)
        self._link, self._stack = kind.architecture.link, kind.architecture.stack
        self._runs: dict[tuple[int, int], Run] = {}
        self._return = self._network_return = -1  # addresses after the running calls
        self._last: Run | None = None
        self._lowest = self._highest = 0  # stack pointers

    def step(self, core: Emulator, address: int, size: int, _: object) -> None:
        """Called before each block: code up to a branch."""
        if self._return < 0:
            if address != self._entry:
                return
            self._enter(core)
        call = self.calls[-1]
        run = self._runs.get((address, size)) or self._run(core, address, size)
        if (last := self._last) is not None:
            if address != last.end:
                call.add(0, refill_cycles(last, run), 0, self._network_return >= 0)
            if last.moves_stack:
                self._lowest = min(self._lowest, core.reg_read(self._stack))
        if address == self._return:
            self._return, self._last = -1, None
            return
        if address == self._network:
            self._network_return = core.reg_read(self._link) & ~1
        elif address == self._network_return:
            self._network_return = -1
        self._last = run
        call.add(run.instructions, run.cycles, run.multiplications, self._network_return >= 0)

    def watch_reads(self, core: Emulator) -> None:
        """Count the words that the calls read from flash as data, and the cycles of reads across words; it is slow."""
        core.hook_add(UC_HOOK_MEM_READ, self._read)

    def _read(self, _: Emulator, __: int, address: int, size: int, *___: object) -> None:
        if self._return < 0:
            return
        call = self.calls[-1]
        if address < FLASH_BYTES:
            call.flash_words += -(-size // 4)
        if self._splits:
            call.unaligned += unaligned_cycles(address, size)

    def _run(self, core: Emulator, address: int, size: int) -> Run:
        run = self._runs[address, size] = self._costs.run(address, bytes(core.mem_read(address, size)))
        return run

    def _enter(self, core: Emulator) -> None:
        self._return = core.reg_read(self._link) & ~1
        self.calls.append(Call())
        if not self._highest:
            self._highest = self._lowest = core.reg_read(self._stack)
            core.mem_write(RAM + RAM_BYTES - _STACK_BYTES, bytes([_PAINT]) * (self._painted_bytes()))

    def _painted_bytes(self) -> int:
        return self._highest - (RAM + RAM_BYTES - _STACK_BYTES)

    def stack_bytes(self, core: Emulator) -> int:
        """The deepest stack of the calls so far."""
        stack = core.mem_read(RAM + RAM_BYTES - _STACK_BYTES, self._painted_bytes())
        untouched = len(stack) - len(stack.lstrip(bytes([_PAINT])))
        return max(len(stack) - untouched, self._highest - self._lowest)
