"""Readers of the result files that other eval tools write: one file a format, one `ScoredAnswer` an answer.

Every reader turns its format into a stream of `ScoredAnswer`s, and knows nothing of averages, duplicates or pairs:
`table` makes a `ScoreTable` of the stream by the same rules for all, and `pairing` holds two tables against each other.
The files come from elsewhere: they are read with bounded memory, nothing in them is evaluated, and whatever is wrong
with them is an `InputError` that names the place.
"""
