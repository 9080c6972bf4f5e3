"""From an observation and an enclosure to a frozen result: the error metric, the bounds, the levels, the checks."""
