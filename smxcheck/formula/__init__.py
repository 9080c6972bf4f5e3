"""Formulas of the softmax family: read, evaluated with arbitrary precision, printed. One tree for all three."""
