"""WHO is asked: models, their variants, prices, quantizations and providers."""

from evalgate.catalog.load import Catalog, Endpoint, load_catalog
from evalgate.catalog.models import (
    Capabilities,
    CatalogFile,
    DataPolicy,
    Imported,
    Model,
    Observed,
    Popularity,
    Price,
    Provider,
    Quantization,
    ToolChoice,
    Variant,
)

__all__ = [
    "Capabilities",
    "Catalog",
    "CatalogFile",
    "DataPolicy",
    "Endpoint",
    "Imported",
    "Model",
    "Observed",
    "Popularity",
    "Price",
    "Provider",
    "Quantization",
    "ToolChoice",
    "Variant",
    "load_catalog",
]
