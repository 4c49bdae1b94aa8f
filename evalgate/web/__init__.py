"""SHOWS every model in a browser: who serves it, how it does, and what each tier does with it today.

view = View(Proofs(document, catalog), now=now, live=recorder.snapshot(now))  # all that a page may say, passed in
write_pages(view, Path("pages"))                             # a folder that works from a disk
Pages(look).routes                                           # the same at /models/, refreshed as it changes
"""

from evalgate.web.proofs import Proofs
from evalgate.web.static import write_pages
from evalgate.web.view import View

__all__ = ["Proofs", "View", "write_pages"]
