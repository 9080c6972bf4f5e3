"""Derivatives of libraries and of the user's callables come from their own automatic differentiation, or are declined.

Values are compared with the closed forms in plain NumPy, loosely: that the right thing is differentiated is the question.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from smxcheck.catalog import FUNCTIONS
from smxcheck.targets.autodiff import DERIVABLE
from smxcheck.targets.load import open_session, parse_target
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, Observation

RANDOM = np.random.default_rng(11)
Array = np.ndarray[Any, Any]


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def total(a: Array) -> Array:
    return a.sum(-1, keepdims=True)


def outer(a: Array, b: Array) -> Array:
    return a[..., :, None] * b[..., None, :]


def diagonal(a: Array) -> Array:
    return a[..., :, None] * np.eye(a.shape[-1])


def jacobian(z: Array) -> Array:
    p = softmax(z)
    return diagonal(p) - outer(p, p)


def hessians(z: Array) -> Array:
    p, eye = softmax(z), np.eye(z.shape[-1])
    at = eye - p[..., None, :]  # δ_ij - p_j
    return p[..., :, None, None] * (at[..., :, :, None] * at[..., :, None, :] - jacobian(z)[..., None, :, :])


def entropy_of(z: Array) -> tuple[Array, Array, Array]:
    p = softmax(z)
    return p, np.log(p), -total(p * np.log(p))


def divergence_of(z: Array, q: Array) -> tuple[Array, Array, Array]:
    p = softmax(z)
    r = np.log(p) - np.log(q)
    return p, r, total(p * r)


def entropy_hessian(z: Array) -> Array:
    p, log, h = entropy_of(z)
    return outer(p, p) * (log[..., :, None] + log[..., None, :] + 2 * h[..., None] + 1) - diagonal(
        p * (log + h + 1)
    )


def divergence_hessian(z: Array, q: Array) -> Array:
    p, r, d = divergence_of(z, q)
    return diagonal(p * (r - d + 1)) - outer(p, p) * (
        r[..., :, None] + r[..., None, :] - 2 * d[..., None] + 1
    )


def one_hot(z: Array, labels: Array) -> Array:
    return np.eye(z.shape[-1])[labels] if labels.dtype.kind == "i" else labels


def rows(z: Array) -> int:
    return z.size // z.shape[-1]


def entropy_gradient(z: Array) -> Array:
    p, log, h = entropy_of(z)
    return -p * (log + h)


def divergence_gradient(z: Array, q: Array) -> Array:
    p, r, d = divergence_of(z, q)
    return p * (r - d)


#: The catalog's formulas.
RIGHT: dict[str, Any] = {
    "softmax_jacobian": jacobian,
    "softmax_jvp": lambda x, v: softmax(x) * (v - total(softmax(x) * v)),
    "softmax_vjp": lambda x, g: softmax(x) * (g - total(softmax(x) * g)),
    "softmax_backward": lambda g, y: y * (g - total(y * g)),
    "softmax_hessian": hessians,
    "log_softmax_jacobian": lambda x: np.eye(x.shape[-1]) - softmax(x)[..., None, :],
    "log_softmax_vjp": lambda x, g: g - softmax(x) * total(g),
    "log_softmax_backward": lambda g, y: g - np.exp(y) * total(g),
    "logsumexp_grad": softmax,
    "logsumexp_hessian": jacobian,
    "sigmoid_grad": lambda x: sigmoid(x) * sigmoid(-x),
    "log_sigmoid_grad": lambda x: sigmoid(-x),
    "cross_entropy_grad": lambda z, y: (softmax(z) * total(one_hot(z, y)) - one_hot(z, y)) / rows(z),
    "cross_entropy_hessian": lambda z, y: jacobian(z) * total(one_hot(z, y))[..., None] / rows(z),
    "nll_loss_grad": lambda z, y: -one_hot(z, y) / rows(z),
    "binary_cross_entropy_with_logits_grad": lambda x, y: sigmoid(x) - y,
    "binary_cross_entropy_with_logits_hessian": lambda x, y: sigmoid(x) * sigmoid(-x),
    "entropy_grad": lambda p: -np.log(p) - 1,
    "entropy_hessian": lambda p: diagonal(-1 / p),
    "softmax_entropy_grad": entropy_gradient,
    "softmax_entropy_hessian": entropy_hessian,
    "kl_divergence_grad": divergence_gradient,
    "kl_divergence_hessian": divergence_hessian,
    "distribution_cross_entropy_grad": lambda p, q: -p / q,
    "distribution_cross_entropy_hessian": lambda p, q: diagonal(p / q**2),
}


def arguments(function: str, shape: tuple[int, ...], soft: bool = False) -> tuple[Array, ...]:
    """Generic arguments: logits, distributions, labels."""

    def made(name: str) -> Array:
        if name == "labels" and not soft:
            return RANDOM.integers(0, shape[-1], size=shape[:-1])
        drawn = RANDOM.normal(size=shape)
        return softmax(drawn) if name in ("p", "q", "y", "labels") else drawn

    return tuple(made(name) for name in FUNCTIONS[function].arguments)


def ask(session: Any, function: str, *given: Array, **keywords: Any) -> Array:
    seen: Observation = session.call(Call(function, given, keywords))
    assert seen.outcome == "returned", seen
    assert not seen.wrote_input
    value: Array = seen.value
    return value


def test_every_derivative_of_the_catalog_can_be_differentiated_but_these():
    derivatives = {f for f, entry in FUNCTIONS.items() if entry.derivative_of}
    left_out = {"softmax_backward", "log_softmax_backward", "adaptive_log_softmax_jacobian"}
    assert DERIVABLE.keys() == derivatives - left_out
    for function, recipe in DERIVABLE.items():
        assert recipe.forward in FUNCTIONS, function
        assert recipe.variable < len(FUNCTIONS[recipe.forward].arguments)


# ---- libraries


@pytest.fixture(scope="module", params=["torch", "jax"])
def library(request, needs) -> Iterator[Any]:
    needs(request.param)
    session = open_session(
        parse_target(request.param), WorkerOptions()
    )  # JAX's 64 bits are the worker's affair
    yield session
    session.close()


@pytest.mark.libraries
def test_what_differentiation_gives_is_the_catalogs_derivative_of_every_row(library):
    offered = [f for f in library.info.offers if FUNCTIONS[f].derivative_of]
    assert {"softmax_vjp", "softmax_hessian", "kl_divergence_grad"} < set(offered)
    for function in offered:
        for shape in ((4,), (2, 3), (2, 2, 3)) if library.info.name == "torch" else ((2, 2, 3),):
            given = arguments(function, shape)
            value = ask(library, function, *given)
            np.testing.assert_allclose(
                value, RIGHT[function](*given), rtol=1e-10, atol=1e-13, err_msg=f"{function} {shape}"
            )
            assert value.dtype == np.float64


@pytest.mark.libraries
def test_labels_that_are_distributions_are_differentiated_with_all_their_rows(library):
    for function in {"cross_entropy_grad", "cross_entropy_hessian"} & library.info.offers.keys():
        for shape in ((2, 3), (2, 2, 3)):
            given = arguments(function, shape, soft=True)
            np.testing.assert_allclose(ask(library, function, *given), RIGHT[function](*given), atol=1e-13)


@pytest.mark.libraries
def test_a_product_goes_along_the_axis_that_is_asked_for_and_keeps_the_dtype(library):
    x, g = arguments("softmax_vjp", (2, 3, 4))
    for axis in (0, 1) if library.info.name == "torch" else (0,):
        right = np.moveaxis(
            RIGHT["softmax_vjp"](np.moveaxis(x, axis, -1), np.moveaxis(g, axis, -1)), -1, axis
        )
        np.testing.assert_allclose(ask(library, "softmax_vjp", x, g, axis=axis), right, atol=1e-13)
    import ml_dtypes

    for dtype in (np.float16, ml_dtypes.bfloat16, np.float32):
        value = ask(library, "softmax_vjp", *(a[0].astype(dtype) for a in (x, g)))
        assert value.dtype == dtype
        np.testing.assert_allclose(value.astype(float), RIGHT["softmax_vjp"](x[0], g[0]), atol=2.0**-6)


@pytest.mark.libraries
def test_arrays_without_elements_have_derivatives_without_elements(library):
    for shape in ((0, 3), (2, 0)):
        assert ask(library, "softmax_jacobian", np.zeros(shape)).shape == (*shape, shape[-1])


@pytest.mark.slow
@pytest.mark.libraries
def test_the_spelling_says_what_was_differentiated_and_how(library):
    spelled = {f: offer.spelled for f, offer in library.info.offers.items()}
    if library.info.name == "torch":
        assert spelled["softmax_vjp"] == "autograd of torch.softmax"
        assert spelled["softmax_jvp"] == "forward-mode autograd of torch.softmax"
        assert spelled["logsumexp_hessian"] == "autograd of autograd of torch.logsumexp"
        assert spelled["softmax_backward"] == "torch.ops.aten._softmax_backward_data"
    else:
        assert spelled["softmax_vjp"] == "jax.vjp of jax.nn.softmax"
        assert spelled["softmax_hessian"] == "jax.vjp of jax.vjp of jax.nn.softmax"
        assert spelled["kl_divergence_grad"].endswith("rel_entr(p, q).sum of jax.nn.softmax")


# ---- the user's callables

TORCH = """
    import torch

    class RightSoftmax(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, dim=-1):
            y = torch.softmax(x, dim)
            ctx.save_for_backward(y)
            ctx.dim = dim
            return y

        @staticmethod
        def backward(ctx, g):
            y, = ctx.saved_tensors
            return y * (g - (y * g).sum(ctx.dim, keepdim=True)), None

    class WrongSoftmax(RightSoftmax):
        @staticmethod
        def backward(ctx, g):
            y, = ctx.saved_tensors
            return y * g, None

    class OnceSoftmax(RightSoftmax):
        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return RightSoftmax.backward(ctx, g)

    class ApartSoftmax(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return torch.softmax(x, -1)

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(output)

        @staticmethod
        def backward(ctx, g):
            y, = ctx.saved_tensors
            return y * (g - (y * g).sum(-1, keepdim=True))

    applied_softmax = RightSoftmax.apply

    def detached_softmax(x):
        return torch.softmax(x, -1).detach()

    def numbers_softmax(x):
        return torch.softmax(x, -1).tolist()

    def softmax_in_place(x):
        x -= x.amax(-1, keepdim=True)
        return x.exp_().div_(x.sum(-1, keepdim=True))

    def softmax_over_rows(x):
        return torch.softmax(x, 0)

    def cross_entropy(logits, labels):
        return torch.nn.functional.cross_entropy(logits, labels)

    def smoothed_cross_entropy(logits, labels):
        return torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)

    def distribution_cross_entropy(p, q):
        return -(p * q.log()).sum(-1)

    def taylor_softmax(z, order):
        f = 1 + z + z * z / 2 if order == 2 else 1 + z + z * z / 2 + z**3 / 6 + z**4 / 24
        return f / f.sum(-1, keepdim=True)
"""

JAX = """
    import jax, numpy
    from jax import numpy as jnp

    @jax.custom_vjp
    def softmax(x):
        return jax.nn.softmax(x, axis=-1)

    def _forward(x):
        y = softmax(x)
        return y, y

    def _backward(y, g):
        return (y * (g - (y * g).sum(-1, keepdims=True)),)

    softmax.defvjp(_forward, _backward)

    @jax.custom_vjp
    def wrong_softmax(x):
        return jax.nn.softmax(x, axis=-1)

    wrong_softmax.defvjp(_forward, lambda y, g: (y * g,))

    def looking_softmax(x):
        return jax.nn.softmax(x, axis=-1) if (x == x).all() else x

    def numpy_softmax(x):
        e = numpy.exp(x)
        return jnp.asarray(e / e.sum(-1, keepdims=True))

    def called_back_softmax(x):
        return jax.pure_callback(lambda a: a, jax.ShapeDtypeStruct(x.shape, x.dtype), x)
"""


@pytest.fixture
def opened(tmp_path, monkeypatch, needs) -> Iterator[Any]:
    """``opened("kernel.py:f", *functions)``: the callable with the derivatives that are asked for."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("torch_kernel.py", TORCH), ("jax_kernel.py", JAX)):
        (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")
    sessions = []

    def open_one(text: str, *functions: str, **options: Any) -> Any:
        needs(text.partition("_kernel")[0].rpartition("=")[2])
        # A file's own module is imported for each session: no test sees what another left behind.
        isolated = text.startswith("jax")
        sessions.append(
            open_session(parse_target(text), WorkerOptions(derive=functions, isolate=isolated, **options))
        )
        return sessions[-1]

    yield open_one
    for session in sessions:
        session.close()


def declined(session: Any, function: str, *given: Array) -> str:
    """The one line with which a derivative is declined; NotImplementedError is what the judge takes for a refusal."""
    seen = session.call(Call(function, given))
    assert (seen.outcome, seen.error_type) == ("raised", "NotImplementedError"), seen
    assert "\n" not in seen.error
    return seen.error


X, G = np.array([[0.5, -1.0, 2.0], [3.0, 1.0, 1.0]]), np.array([[1.0, 2.0, -1.0], [1.0, 1.0, 1.0]])


@pytest.mark.slow
@pytest.mark.libraries
@pytest.mark.parametrize("name", ["RightSoftmax", "applied_softmax", "ApartSoftmax"])
def test_a_custom_function_of_torch_is_differentiated_by_its_own_backward(opened, name):
    session = opened(f"torch_kernel.py:{name}", "softmax_vjp", "softmax_jacobian", "softmax_hessian")
    np.testing.assert_allclose(ask(session, "softmax", X), softmax(X))
    for function, given in (("softmax_vjp", (X, G)), ("softmax_jacobian", (X,)), ("softmax_hessian", (X,))):
        np.testing.assert_allclose(ask(session, function, *given), RIGHT[function](*given), atol=1e-14)


@pytest.mark.libraries
def test_a_wrong_backward_behind_a_right_forward_shows(opened):
    session = opened("torch_kernel.py:WrongSoftmax", "softmax_vjp")
    assert session.info.offers["softmax_vjp"].spelled == "autograd of torch_kernel.py:WrongSoftmax"
    np.testing.assert_allclose(ask(session, "softmax", X), softmax(X))
    np.testing.assert_allclose(ask(session, "softmax_vjp", X, G), softmax(X) * G)


@pytest.mark.libraries
def test_a_derivative_is_there_only_where_it_is_asked_for(opened):
    assert opened("torch_kernel.py:RightSoftmax").info.offers.keys() == {"softmax"}
    asked = opened("torch_kernel.py:RightSoftmax", "softmax_vjp", "log_softmax_vjp", "softmax_backward")
    assert asked.info.offers.keys() == {"softmax", "softmax_vjp"}
    every = opened("torch_kernel.py:RightSoftmax", gradients=("auto",))
    assert every.info.offers.keys() == {
        "softmax",
        *(f for f, r in DERIVABLE.items() if r.forward == "softmax"),
    }


@pytest.mark.libraries
def test_what_torch_cannot_differentiate_is_declined_in_one_line(opened):
    session = opened("torch_kernel.py:detached_softmax", "softmax_vjp", "softmax_jvp")
    assert "no grad_fn" in declined(session, "softmax_vjp", X, G)
    assert "no tangent" in declined(session, "softmax_jvp", X, G)
    session = opened("torch_kernel.py:RightSoftmax", "softmax_vjp", "softmax_jvp")
    assert "jvp" in declined(session, "softmax_jvp", X, G)
    assert "floating point" in declined(session, "softmax_vjp", X.astype(int), G)
    session = opened("torch_kernel.py:OnceSoftmax", "softmax_vjp", "softmax_hessian")
    np.testing.assert_allclose(ask(session, "softmax_vjp", X, G), RIGHT["softmax_vjp"](X, G), atol=1e-14)
    assert "autograd cannot differentiate it" in declined(session, "softmax_hessian", X)


@pytest.mark.libraries
def test_what_is_no_refusal_is_raised_as_it_is(opened):
    for name, words in (("numbers_softmax", "returned list, not a tensor"), ("softmax_in_place", "in-place")):
        seen = opened(f"torch_kernel.py:{name}", "softmax_vjp").call(Call("softmax_vjp", (X, G)))
        assert (seen.outcome, seen.wrote_input) == ("raised", False)
        assert words in seen.error and seen.error_type != "NotImplementedError"


@pytest.mark.libraries
def test_the_derivative_is_that_of_the_catalogs_function_or_there_is_none(opened):
    """Along another axis the products are the catalog's too; a Jacobian of rows, or a smoothed loss, is not there."""
    wanted = ("softmax_vjp", "softmax_jacobian")
    session = opened("torch_kernel.py:softmax_over_rows", *wanted, fixed={"axis": 0})
    assert session.info.offers.keys() == {"softmax", "softmax_vjp"}
    assert session.info.offers["softmax_vjp"].fixed == {"axis": 0}
    np.testing.assert_allclose(
        ask(session, "softmax_vjp", X, G), RIGHT["softmax_vjp"](X.T, G.T).T, atol=1e-14
    )
    smoothed = opened(
        "torch_kernel.py:smoothed_cross_entropy", "cross_entropy_grad", fixed={"label_smoothing": 0.1}
    )
    assert smoothed.info.offers.keys() == {"cross_entropy"}


@pytest.mark.libraries
def test_a_loss_with_its_classes_on_axis_1_is_differentiated_in_any_number_of_axes(opened):
    session = opened("torch_kernel.py:cross_entropy", "cross_entropy_grad", "cross_entropy_hessian")
    for shape in ((2, 3), (2, 2, 3)):
        for function in ("cross_entropy_grad", "cross_entropy_hessian"):
            given = arguments(function, shape)
            np.testing.assert_allclose(ask(session, function, *given), RIGHT[function](*given), atol=1e-14)


@pytest.mark.libraries
def test_the_second_argument_is_the_variable_where_the_catalog_says_so(opened):
    wanted = ("distribution_cross_entropy_grad", "distribution_cross_entropy_hessian")
    session = opened("torch_kernel.py:distribution_cross_entropy", *wanted)
    for function in wanted:
        given = arguments(function, (2, 3))
        np.testing.assert_allclose(ask(session, function, *given), RIGHT[function](*given), rtol=1e-12)


@pytest.mark.libraries
def test_keywords_reach_the_function_that_is_differentiated(opened):
    session = opened("torch_kernel.py:taylor_softmax", "taylor_softmax_jacobian")
    z = X[0]
    for order, f, slope in (
        (2, 1 + z + z**2 / 2, 1 + z),
        (4, np.polyval([1 / 24, 1 / 6, 1 / 2, 1, 1], z), None),
    ):
        slope = np.polyval([1 / 6, 1 / 2, 1, 1], z) if slope is None else slope
        right = slope * (np.eye(3) - (f / f.sum())[:, None]) / f.sum()
        np.testing.assert_allclose(ask(session, "taylor_softmax_jacobian", z, order=order), right, rtol=1e-12)
    assert session.info.offers["taylor_softmax_jacobian"].keywords == {"order"}


@pytest.mark.libraries
def test_custom_rules_of_jax_are_what_is_differentiated(opened):
    session = opened("jax_kernel.py:softmax", gradients=("auto",))
    for function, given in (("softmax_vjp", (X, G)), ("softmax_jacobian", (X,)), ("softmax_hessian", (X,))):
        np.testing.assert_allclose(ask(session, function, *given), RIGHT[function](*given), atol=1e-14)
    assert "forward-mode" in declined(session, "softmax_jvp", X, G)
    assert "int64" in declined(session, "softmax_vjp", X.astype(int), G)
    wrong = opened("jax_kernel.py:wrong_softmax", "softmax_vjp")
    np.testing.assert_allclose(ask(wrong, "softmax_vjp", X, G), softmax(X) * G)


@pytest.mark.slow
@pytest.mark.libraries
def test_what_jax_can_only_do_op_by_op_is_done_so_and_what_it_cannot_is_declined(opened):
    session = opened("jax_kernel.py:looking_softmax", "softmax_vjp")
    for _ in range(2):
        np.testing.assert_allclose(ask(session, "softmax_vjp", X, G), RIGHT["softmax_vjp"](X, G), atol=1e-14)
    for name, words in (("numpy_softmax", "numpy.ndarray"), ("called_back_softmax", "callbacks")):
        assert words in declined(opened(f"jax_kernel.py:{name}", "softmax_vjp"), "softmax_vjp", X, G)
