"""SHOWS a board where continuous integration looks: JUnit XML, GitHub's step summary and annotations, a comment.

All of them tell the same, worst first, under the same policy as the exit code. Each is bounded as its reader is, says
how many more there are, and lets nothing through that a model, a dataset or a server may have written to be obeyed.
"""

from evalgate.report.ci.annotations import annotation_lines, broken_annotation
from evalgate.report.ci.junit import broken_junit, junit
from evalgate.report.ci.markdown import COMMENT_BYTES, MARKER, SUMMARY_BYTES, Since, broken_summary, comment, summary
from evalgate.report.ci.standing import Case, Role, standing

__all__ = [
    "COMMENT_BYTES",
    "MARKER",
    "SUMMARY_BYTES",
    "Case",
    "Role",
    "Since",
    "annotation_lines",
    "broken_annotation",
    "broken_junit",
    "broken_summary",
    "comment",
    "junit",
    "standing",
    "summary",
]
