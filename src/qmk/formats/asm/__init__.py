"""QVM assembly: ``assemble`` text to a graph, ``disassemble`` a graph to text that assembles to an equal one."""

from qmk.formats.asm.assembler import assemble
from qmk.formats.asm.disassembler import disassemble
from qmk.formats.asm.rules import ASM_RULES

__all__ = ["ASM_RULES", "assemble", "disassemble"]
