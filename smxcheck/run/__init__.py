"""A run: a list of independent units of work, whose results merge in any order into one report."""
