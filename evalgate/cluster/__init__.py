"""Beyond one machine: the same checks and runs with Ray as the engine (extra `[ray]`). Read `fleet.py` first.

Whoever decides does what he does on one machine; what differs is who asks and grades for him (`evalgate.collect.Crew`).
Askers are actors, each with a collector of its own on the store that all share: so what was answered is durable before
anybody hears of it, limits hold over all of them, and whoever dies loses no more than his calls under way. Nothing here
imports Ray before somebody asks for it, and no key and no password is ever handed to Ray: processes have them from
their environment.
"""

from evalgate.cluster.fleet import Fleet
from evalgate.cluster.messages import needs_of

__all__ = ["Fleet", "needs_of"]
