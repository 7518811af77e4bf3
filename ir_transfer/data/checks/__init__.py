"""Checks of a data set before it is used: measurements of its files, findings, and the pairs that are off most."""
