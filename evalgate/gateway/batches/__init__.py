"""The batch tier: `/v1/files` and `/v1/batches`, done by providers' batch APIs at their discount, or by and by.

    mount(application, store, os.environ, telemetry=recorder)

is all that a gateway needs. Without its application: `routes(tier)`, and `work(tier)` as a task of each process.
"""

from evalgate.gateway.batches.api import routes
from evalgate.gateway.batches.mounting import mount
from evalgate.gateway.batches.tier import BatchTier
from evalgate.gateway.batches.working import work

__all__ = ["BatchTier", "mount", "routes", "work"]
