"""From times to ratios with intervals, to verdicts, and to the gate."""
