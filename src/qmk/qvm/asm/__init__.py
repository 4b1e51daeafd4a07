"""QVM assembly: ``assemble`` text to a graph, ``disassemble`` a graph to text that assembles to an equal one."""

from qmk.qvm.asm.assembler import assemble
from qmk.qvm.asm.disassembler import disassemble
from qmk.qvm.asm.rules import ASM_RULES

__all__ = ["ASM_RULES", "assemble", "disassemble"]
