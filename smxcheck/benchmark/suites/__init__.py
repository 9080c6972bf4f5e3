"""The speed of smxcheck itself against the goals that were set for it: its functions, and its exact values."""
