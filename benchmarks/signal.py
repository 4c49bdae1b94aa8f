"""Measures what the signal costs: see `signal_costs`, which this runs with the same options.

A script's folder is the first place where Python looks for modules, and this one is called as one of the standard
library's. So whoever imports it by that name (asyncio, on behalf of any script in this folder) is given the library's.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
elsewhere = [place for place in sys.path if Path(place).resolve() != HERE]

if __name__ == "__main__":
    sys.path[:] = [str(HERE.parent), *elsewhere]
    from benchmarks.signal_costs import main

    main()
else:
    found = PathFinder.find_spec("signal", elsewhere)
    assert found is not None
    assert found.loader is not None
    sys.modules[__name__] = module_from_spec(found)
    found.loader.exec_module(sys.modules[__name__])
