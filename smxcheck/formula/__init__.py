"""Formulas of the softmax family: read, evaluated with arbitrary precision, printed. One tree for all three.

Why a tree of its own and not SymPy's, which the tests use as a second evaluator: SymPy prints ``p[i]*(1 - p[j])`` as
``(1 - p[j])*p[i]`` and drops ``0*S``, with evaluation switched off too or as soon as it is on, while a step of a
derivation is exactly the line that its author wrote; its parser evaluates what it reads, which text of a reader must not; and
it holds mpmath below 1.4.
"""
