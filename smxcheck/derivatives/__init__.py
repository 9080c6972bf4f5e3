"""Derivatives of a function that can only be called: finite differences with a bound on their own error, and the
Taylor-remainder test, which needs no tolerance."""

from __future__ import annotations

from smxcheck.derivatives.differences import directional_derivative
from smxcheck.derivatives.estimate import Estimate
from smxcheck.derivatives.noise import Noise, standard_noise, ulps
from smxcheck.derivatives.taylor import Rate, taylor_rate

__all__ = ["Estimate", "Noise", "Rate", "directional_derivative", "standard_noise", "taylor_rate", "ulps"]
