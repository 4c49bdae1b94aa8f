"""What Prometheus is told. `serving.served` has the server; it is imported where it is used."""

from evalgate.gateway.metrics.gauge import Gauge, Gauges
from evalgate.gateway.metrics.metrics import Describe, Metrics
from evalgate.gateway.metrics.standing import standing

__all__ = ["Describe", "Gauge", "Gauges", "Metrics", "standing"]
