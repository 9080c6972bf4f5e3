"""Derivations whose every step is executed, and published statements with a verdict made by execution."""
