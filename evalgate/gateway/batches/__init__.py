"""The batch tier: `/v1/files` and `/v1/batches`, done by providers' batch APIs at their discount, or by and by.

tier = BatchTier(store, table, environment, settings.queue, doorkeeper, live, recorder.record, …)
routes(tier)  # for the gateway's application
work(tier)    # a task of each of its processes; tier.stop() ends it
"""

from evalgate.gateway.batches.api import routes
from evalgate.gateway.batches.tier import BatchTier
from evalgate.gateway.batches.working import work

__all__ = ["BatchTier", "routes", "work"]
