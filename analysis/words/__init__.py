"""How results read: one module for p, points, counts, intervals and tables, and for sentences.

A value reads the same wherever a person meets it: in the report, its page and its figures, in the
tables of a paper, in a terminal, in a sentence of the calculator. Decided once:

- *p*: ``0.45``, ``0.003``, ``0.0002``, below that ``< 0.0001``, never 0; near the level .05 with
  four decimals or more, so that none is rounded onto it. In a sentence ``p = 0.003``.
- *effects*: fractions come in and signed percentage points go out, with one decimal and a true
  minus: ``+2.3``, ``−12.8``, ``0.0``.
- *intervals*: ``[−4.2, +9.4]``; in a sentence that names their level, ``−4.2 to +9.4 points``.
- *counts*: whole numbers; gained and lost as ``4/2``.
- *doses*: signed and as short as they are: ``−3``, ``+0.5``, ``0``.
- what is missing or undefined: ``–``.

Two kinds of output are for further work and not for reading: JSON has every digit and nothing
rounded, and CSV has plain minus signs and empty cells. The lines of the calculator print a p as its
sentence does; whoever holds a published figure against every digit asks for JSON.
"""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
