"""Speaks other tools' languages, so that nobody has to run an evaluation again to get a verdict on it."""
