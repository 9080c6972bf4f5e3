"""Inputs that nobody wrote down: drawn with Hypothesis, driven towards the largest error over what is allowed, shrunk."""
