"""How intelligent a model is said to be: benchmark reports, their composite, and an estimate where there are none."""

from evalgate.intelligence.collection import files_beside, load_collection
from evalgate.intelligence.composite import Part
from evalgate.intelligence.reports import Report, ReportFile, load_reports
from evalgate.intelligence.standing import Intelligence, standing

__all__ = [
    "Intelligence",
    "Part",
    "Report",
    "ReportFile",
    "files_beside",
    "load_collection",
    "load_reports",
    "standing",
]
