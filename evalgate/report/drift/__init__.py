"""The drift report: what a board says, what changed since the one before it, and what follows.

`gather` brings together what a report is made of, `write` makes the pages, `markdown` and `pdf` the short forms. Plain
data in between: nothing here asks a model, and nothing is stored that the store does not have already.
"""
