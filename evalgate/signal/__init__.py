"""TELLS: the document that routers read, and the ways in which it is published and read back."""

from evalgate.signal.document import SignalDocument, SignalEntry, issue
from evalgate.signal.file import publish_file, read_file

__all__ = ["SignalDocument", "SignalEntry", "issue", "publish_file", "read_file"]
