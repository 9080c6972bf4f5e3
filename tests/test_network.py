"""The network: its layers, its two losses, and gradients held against differences in high precision.

The gradient is computed in float64 and the differences are exact to 30 digits, so what remains between them is rounding.
`rounding_bounds` derives how much that may be, weight by weight.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.functions.arrays import Array
from smxcheck.network import LOSSES, Gradient, Network, blobs, gradient, loss_of, published_direction, train

from . import differences

U = 2.0**-53
#: What a function of the package may be off by in float64, relative to the largest term that it adds: 4 ulp.
FUNCTION = 8 * U

POINTS, LABELS = blobs(300)
UNTRAINED = Network.random(2, 5, 2, seed=0)
TRAINED = train(UNTRAINED, POINTS[:240], LABELS[:240], rate=0.3, loss="squared_error")
OTHER = Network.random(3, 4, 5, seed=2)

#: (network, input, label): before and after training, both labels, a confident answer that is wrong, more classes.
SAMPLES = [
    pytest.param(UNTRAINED, (2.0, 6.0), 0, id="untrained"),
    pytest.param(UNTRAINED, (-0.75, 0.5), 1, id="untrained-negative"),
    pytest.param(TRAINED, (2.0, 6.0), 0, id="trained-right"),
    pytest.param(TRAINED, (2.0, 6.0), 1, id="trained-wrong"),
    pytest.param(TRAINED, (3.0, 3.0), 1, id="trained-between"),
    pytest.param(OTHER, (0.5, -1.0, 2.0), 3, id="3-4-5"),
]


def flat(network: Network) -> list[float]:
    return [*network.hidden_weights.ravel().tolist(), *network.output_weights.ravel().tolist()]


def as_gradient(values: list, network: Network) -> Gradient:
    """Numbers in the order of `flat`, in the shapes of the weights."""
    d, h, k = network.sizes
    return Gradient(np.array(values[: h * d]).reshape(h, d), np.array(values[h * d :]).reshape(k, h))


def layers(weights: list, x: tuple[float, ...], network: Network) -> tuple[list, list, list]:
    """(hidden, softmax, output weights row by row) by definition, in the working precision of mpmath."""
    d, h, k = network.sizes
    rows = [weights[i * d : (i + 1) * d] for i in range(h)]
    out = [weights[h * d + i * h : h * d + (i + 1) * h] for i in range(k)]
    hidden = [1 / (1 + mpmath.exp(-mpmath.fdot(row, x))) for row in rows]
    powers = [mpmath.exp(mpmath.fdot(row, hidden)) for row in out]
    return hidden, [p / mpmath.fsum(powers) for p in powers], out


def definition(network: Network, x: tuple[float, ...], label: int, loss: str) -> differences.Function:
    """The loss of one sample as a function of all weights, by its definition."""

    def value(weights: list) -> list:
        _, y, _ = layers(weights, x, network)
        if loss == "cross_entropy":
            return [-mpmath.log(y[label])]
        return [mpmath.fsum(((i == label) - p) ** 2 for i, p in enumerate(y)) / 2]

    return value


def exact_gradient(network: Network, x: tuple[float, ...], label: int, loss: str) -> Gradient:
    """By central differences in 200 digits, rounded once."""
    value, at = definition(network, x, label, loss), flat(network)
    return as_gradient([float(differences.first(value, at, j)[0]) for j in range(len(at))], network)


def rounding_bounds(network: Network, x: tuple[float, ...], label: int, loss: str) -> Gradient:
    """How far each entry of the gradient may be off in float64, to first order.

    A sum of n products has an error of n·u times the sum of their magnitudes (Higham, "Accuracy and Stability of
    Numerical Algorithms", 2002, §3.1). σ passes an absolute error of its argument on as at most that relative error,
    as |d log σ/da| = σ(-a) ≤ 1, and |d log σ'/da| ≤ 1. An absolute error e of every logit is a relative one of 2e in
    every y_i, and in g = y - t, whose entries are y_i and minus a sum of them. J g is Σ_k y_i y_k (g_i - g_k), k ≠ i, and
    no term of it has more than three such factors; computed as y_i (g_i - Σ y_k g_k), its own rounding is relative to
    these two terms.
    """
    w, v = abs(network.hidden_weights), abs(network.output_weights)
    d, h, k = network.sizes
    at, size = network.forward(x), abs(np.array(x))
    sums = d * U * (w @ size)
    hidden = sums + FUNCTION
    logits = v @ (at.hidden * hidden) + h * U * (v @ at.hidden)
    y, moved = at.probabilities, 2 * logits.max()
    g = abs(y - (np.arange(k) == label))
    if loss == "cross_entropy":
        delta, error = g, (moved + FUNCTION) * g
    else:
        delta = y * ((1 - y) * g + y @ g - y * g)
        error = (3 * moved + FUNCTION) * delta + FUNCTION * y * (g + y @ g)
    back = v.T @ delta
    back_error = v.T @ error + k * U * back
    slope = at.hidden * (1 - at.hidden)
    return Gradient(
        np.outer((back_error + back * (sums + 2 * FUNCTION + 4 * U)) * slope, size),
        np.outer(error, at.hidden) + np.outer(delta, at.hidden * (hidden + U)),
    )


def distance(a: Array, b: Array) -> float:
    """Relative, in the Euclidean norm."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def cosine(a: Array, b: Array) -> float:
    return float(np.sum(a * b) / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("network", "x", "label"), SAMPLES)
def test_each_layers_gradient_is_that_of_the_loss_up_to_rounding(network, x, label, loss) -> None:
    bounds = rounding_bounds(network, x, label, loss)
    for got, exact, bound in zip(
        gradient(network, x, label, loss), exact_gradient(network, x, label, loss), bounds, strict=True
    ):
        assert np.all(abs(got - exact) <= bound)
        assert np.all(bound <= 1e-13 * abs(exact).max()), "a bound so wide shows nothing"


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_of_a_larger_network_is_right_in_both_layers(loss) -> None:
    """64-30-10: five weights of each layer, since a difference in 200 digits takes a while."""
    rng = np.random.RandomState(5)
    network, x = Network.random(64, 30, 10), rng.uniform(0, 1, 64)
    got, bound = (
        np.concatenate([part.ravel() for part in of(network, x, 7, loss)]) for of in (gradient, rounding_bounds)
    )
    value, at = definition(network, differences.exact(x.tolist()), 7, loss), flat(network)
    hidden = network.hidden_weights.size
    for j in [*rng.randint(0, hidden, 5), *rng.randint(hidden, len(at), 5)]:
        exact = float(differences.first(value, at, j)[0])
        assert abs(got[j] - exact) <= bound[j] <= 1e-12 * abs(got).max()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("network", "x", "label"), SAMPLES)
def test_the_loss_is_its_definition_up_to_rounding(network, x, label, loss) -> None:
    with mpmath.workdps(differences.DIGITS):
        (exact,) = definition(network, x, label, loss)(differences.exact(flat(network)))
    # The logits' error of `rounding_bounds` again: at most twice that is added to -log y, and ½‖t - y‖² is a square.
    v, at = abs(network.output_weights), network.forward(x)
    sums = network.sizes[0] * U * (abs(network.hidden_weights) @ abs(np.array(x)))
    logits = (v @ (at.hidden * (sums + (network.sizes[1] + 8) * U))).max()
    size = float(exact)
    allowed = 2 * logits + FUNCTION * size if loss == "cross_entropy" else (4 * logits + 5 * FUNCTION) * size
    assert abs(loss_of(network, x, label, loss) - exact) <= allowed
    assert allowed <= 1e-13


# The published update: the output layer by the squared error, the hidden layer without the Jacobian and through
# weights that have moved already.


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("network", "x", "label"), SAMPLES)
def test_the_published_update_is_the_gradient_of_neither_loss(network, x, label, loss) -> None:
    """Where the right gradient is off by its rounding, below 1e-13, a layer of this one is off by half of it or more: here
    by 0.5 to 20 times its length. It still points downhill, at cosines of 0.52 to 0.993, which is why it learns."""
    exact, published = exact_gradient(network, x, label, loss), published_direction(network, x, label, rate=0.3)
    assert max(distance(p, e) for p, e in zip(published, exact, strict=True)) > 0.5
    whole_exact, whole_published = (np.concatenate([part.ravel() for part in g]) for g in (exact, published))
    assert 0.5 < cosine(whole_published, whole_exact) < 0.995


@pytest.mark.parametrize(("network", "x", "label"), SAMPLES)
def test_the_published_output_layer_follows_the_squared_error(network, x, label) -> None:
    exact = exact_gradient(network, x, label, "squared_error").output_weights
    bound = rounding_bounds(network, x, label, "squared_error").output_weights
    assert np.all(abs(published_direction(network, x, label, rate=0.3).output_weights - exact) <= bound)


@pytest.mark.parametrize(("network", "x", "label"), SAMPLES)
def test_the_published_hidden_layer_is_off_the_cross_entropy_by_the_rate(network, x, label) -> None:
    """At rate 0 the weights have not moved, and V'ᵀ(y - t) is the cross-entropy's; the rest is proportional to the rate."""
    exact = exact_gradient(network, x, label, "cross_entropy").hidden_weights
    off = {rate: published_direction(network, x, label, rate).hidden_weights - exact for rate in (0.0, 0.25, 0.5)}
    at = network.forward(x)
    # y - t and 1 - h are subtracted as they are published: the error of y ≤ 1 or of h, and a rounding, in either.
    plain = np.outer(2 * (FUNCTION + U) * abs(network.output_weights).sum(axis=0) * at.hidden, abs(np.array(x)))
    bound = rounding_bounds(network, x, label, "cross_entropy").hidden_weights + plain
    assert np.all(abs(off[0.0]) <= bound)
    assert np.all(abs(off[0.5] - 2 * off[0.25]) <= 4 * bound), "1 + 2 of them, and what the moved weights add"
    assert np.linalg.norm(off[0.5]) > 1000 * np.linalg.norm(bound)


def published_field(network: Network, x: tuple[float, ...], label: int) -> differences.Function:
    """The published direction at rate 0.3 as a function of all weights, by its definition."""

    def value(weights: list) -> list:
        hidden, y, out = layers(weights, x, network)
        g = [p - (i == label) for i, p in enumerate(y)]
        mean = mpmath.fdot(y, g)
        delta = [p * (e - mean) for p, e in zip(y, g, strict=True)]
        pairs = zip(out, delta, strict=True)
        moved = [[v - 0.3 * e * a for v, a in zip(row, hidden, strict=True)] for row, e in pairs]
        back = [mpmath.fdot([row[j] for row in moved], g) * a * (1 - a) for j, a in enumerate(hidden)]
        return [b * v for b in back for v in x] + [e * a for e in delta for a in hidden]

    return value


def right_field(network: Network, x: tuple[float, ...], label: int) -> differences.Function:
    """The gradient of the squared error: the same with J (y - t) in both layers."""

    def value(weights: list) -> list:
        hidden, y, out = layers(weights, x, network)
        g = [p - (i == label) for i, p in enumerate(y)]
        delta = [p * (e - mpmath.fdot(y, g)) for p, e in zip(y, g, strict=True)]
        back = [mpmath.fdot([row[j] for row in out], delta) * a * (1 - a) for j, a in enumerate(hidden)]
        return [b * v for b in back for v in x] + [e * a for e in delta for a in hidden]

    return value


@pytest.mark.parametrize(
    ("field", "symmetric"), [(right_field, True), (published_field, False)], ids=["right", "published"]
)
def test_the_published_update_is_the_gradient_of_no_function_at_all(field: Callable, symmetric: bool) -> None:
    """The derivatives of a gradient are symmetric (Schwarz); those of the published direction are not."""
    network, x = UNTRAINED, (2.0, 6.0)
    at = flat(network)
    columns = [differences.first(field(network, x, 0), at, j) for j in range(len(at))]
    with mpmath.workdps(differences.DIGITS):
        size = max(abs(v) for column in columns for v in column)
        skew = max(abs(columns[i][j] - columns[j][i]) for i in range(len(at)) for j in range(i))
        assert (skew <= differences.AGREEMENT * size) == symmetric
        assert symmetric or skew > size / 1000


# The layers.


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 5, 2), (64, 30, 10)])
def test_an_untrained_network_puts_out_probabilities(sizes) -> None:
    """Every row adds up to 1 within the rounding of its entries and of their sum."""
    x = np.random.RandomState(1).normal(0, 3, (50, sizes[0]))
    y = Network.random(*sizes).forward(x).probabilities
    assert y.shape == (50, sizes[2])
    assert y.min() > 0
    assert np.all(abs(y.sum(axis=-1) - 1) <= FUNCTION + sizes[2] * U)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
@settings(derandomize=True, deadline=None, max_examples=50)
def test_initial_weights_lie_within_the_fan_in_and_depend_on_the_seed_alone(d, h, k, seed) -> None:
    network, again = Network.random(d, h, k, seed), Network.random(d, h, k, seed)
    assert network.sizes == (d, h, k)
    assert abs(network.hidden_weights).max() <= 1 / np.sqrt(d)
    assert abs(network.output_weights).max() <= 1 / np.sqrt(h)
    assert flat(network) == flat(again)
    assert flat(network) != flat(Network.random(d, h, k, seed ^ 1))


def test_initial_weights_are_normal_numbers_cut_off() -> None:
    """Against the exact distribution, within what Massart's inequality (Ann. Probab. 18(3), 1990) allows in 1 of 10⁶
    draws: sqrt(log(2·10⁶) / 2n). The uniform distribution on [-1, 1] is farther away."""
    drawn = np.sort(Network.random(1, 20_000, 1).hidden_weights.ravel())
    allowed = np.sqrt(np.log(2e6) / (2 * len(drawn)))
    normal = np.array([float(mpmath.ncdf(v)) for v in drawn])
    below = float(mpmath.ncdf(-1))
    places = (np.arange(len(drawn)) + 0.5) / len(drawn)
    assert abs((normal - below) / (1 - 2 * below) - places).max() < allowed
    assert abs((drawn + 1) / 2 - places).max() > allowed


def test_a_batch_is_its_samples() -> None:
    """Up to the order in which the products are added."""
    whole = TRAINED.forward(POINTS.reshape(3, 100, 2))
    for place in ((0, 0), (1, 17), (2, 99)):
        for batch, one in zip(whole, TRAINED.forward(POINTS.reshape(3, 100, 2)[place]), strict=True):
            assert batch[place] == pytest.approx(one, rel=1e-13)


def test_what_does_not_fit_is_said_in_a_line() -> None:
    with pytest.raises(ValueError, match="last axis must have length 2"):
        UNTRAINED.forward([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"pass one sample, of shape \(2,\)"):
        gradient(UNTRAINED, POINTS, 0, "cross_entropy")
    with pytest.raises(ValueError, match="choose one of cross_entropy, squared_error"):
        loss_of(UNTRAINED, (1.0, 2.0), 0, "hinge")
    with pytest.raises(ValueError, match="label 2 is outside the 2 classes"):
        gradient(UNTRAINED, (1.0, 2.0), 2, "squared_error")
    with pytest.raises(ValueError, match="label -100 is outside the 2 classes"):
        loss_of(UNTRAINED, (1.0, 2.0), -100, "cross_entropy")
    with pytest.raises(ValueError, match=r"pass float64 of shapes \(h, d\) and \(k, h\)"):
        Network(np.zeros((5, 2)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="pass float64"):
        Network(np.zeros((5, 2), np.float32), np.zeros((2, 5)))
    with pytest.raises(ValueError, match="at least 1"):
        Network.random(2, 0, 2)
    with pytest.raises(TypeError, match="x has dtype complex128"):
        UNTRAINED.forward([1j, 2.0])
