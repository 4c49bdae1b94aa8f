"""Small functions: what each has to do, calls of it, and how it is done.

The docstring is the task; lines that begin with `>>>` are calls that become tests, of which whoever is asked sees the
first.
"""

from classics import arithmetic, sequences, structures, texts

MODULES = (arithmetic, sequences, structures, texts)
