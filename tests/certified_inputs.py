"""What the certified functions are asked in the tests: rows of logits, outputs, distributions and labels that are hard."""

from __future__ import annotations

from typing import Any

import numpy as np

INF = np.inf

#: Functions by their arguments.
LOGITS = ("softmax", "logsumexp_grad", "log_softmax", "logsumexp", "softmax_entropy", "softmax_entropy_grad")
PRODUCTS = ("softmax_vjp", "softmax_jvp", "log_softmax_vjp")
BACKWARD = ("softmax_backward", "log_softmax_backward")
ENTRYWISE = ("sigmoid", "log_sigmoid", "sigmoid_grad", "log_sigmoid_grad")
TWO_CLASS = (
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_grad",
    "binary_cross_entropy_with_logits_hessian",
)
ONE_DISTRIBUTION = ("entropy", "entropy_grad")
TWO_DISTRIBUTIONS = ("kl_divergence", "distribution_cross_entropy", "distribution_cross_entropy_grad")
LOSSES = ("cross_entropy", "cross_entropy_grad", "nll_loss", "nll_loss_grad")
MIXED = ("kl_divergence_grad",)


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng([20, *seed])


def peaked(gap: float) -> np.ndarray:
    x = rng(1).normal(size=(3, 7))
    x[np.arange(3), [0, 3, 6]] += gap
    return x


def logits() -> dict[str, np.ndarray]:
    """Rows of logits by what is hard about them."""
    normal = rng(2).normal(size=(3, 7))
    masked = 4 * normal
    masked[0, 1:] = masked[1, ::2] = -INF
    return {
        **{f"scale-{scale:g}": scale * normal for scale in (1e-3, 1, 30, 300)},
        **{f"offset-{offset:g}": normal + offset for offset in (1e6, -1e300)},
        **{f"gap-{gap:g}": peaked(gap) for gap in (40, 800, 3000, 1e9, 1.7e308)},
        "ties": np.array([[0.5] * 4, [1, 1, 0, 0], [3, 3, 3, -5]]),
        "ties-above-nothing": np.array([[0.0, 0, -2000, -3000], [5, 5, -1e9, 5], [0, -1e9, -1e9, -2e9]]),
        "masked": masked,
        "one": rng(3).normal(size=(4, 1)),
        "two": np.array([[0.0, 0.0], [1e-300, -1e-300], [20, -20], [-1, 1 + 2.0**-52]]),
        "subnormal": np.array([[5e-324, 0, -5e-324], [1e-310, 2e-310, 0], [1.0, 5e-324, 0]]),
        "span": np.array([[1.7e308, -1.7e308, 0], [1.7e308, 1.7e308, 1.6e308]]),
        "hundred": 5 * rng(4).normal(size=(1, 100)),
    }


LOGIT_ROWS = logits()


def cotangents(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    count, n = shape
    normal = rng(5).normal(size=shape)
    return {
        "normal": normal,
        "one-hot": (np.arange(n) == (np.arange(count) % n)[:, None]).astype(float),
        "constant": np.full(shape, 0.7),
        "huge": normal * 1e305,
        "tiny": normal * 1e-318,
        "mixed": normal * 10.0 ** rng(6).integers(-300, 300, shape),
    }


def outputs(function: str, x: np.ndarray) -> np.ndarray:
    """What a softmax or log_softmax in float64 stores."""
    d = x - x.max(axis=1, keepdims=True)
    w = np.exp(d)
    total = w.sum(axis=1, keepdims=True)
    return w / total if function == "softmax_backward" else d - np.log(total)


def stored(function: str) -> dict[str, np.ndarray]:
    """Outputs as they are stored, and numbers that no softmax gave."""
    kinds = ("scale-0.001", "scale-1", "scale-300", "gap-40", "gap-800", "ties", "one", "two", "hundred")
    return {
        **{kind: outputs(function, LOGIT_ROWS[kind]) for kind in kinds},
        "one-hot": np.array([[1.0, 0, 0], [0, 0, 1], [0.5, 0.5, 0]]) - (function == "log_softmax_backward"),
        "tiny": -np.array([[5e-324, 1e-310, 1e-40], [1e-17, 2.0**-14, 2.0**-13], [1e-30, 0, 1e3]]),
        "large": np.array([[-1e9, -3.0, -1e308], [700, -700, 2e4], [-7.5e8, -7.4e8, 0.0]]),
    }


def probabilities() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pairs of rows p, q ≥ 0, whether or not they add up to 1."""
    draw = rng(7)
    p, q = (np.exp(draw.normal(size=(3, 7))) for _ in range(2))
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    holes = np.where(draw.random((3, 7)) < 0.4, 0.0, p)
    return {
        "generic": (p, q),
        "same": (p, p),
        "near": (p, p * (1 + 2.0**-20 * draw.normal(size=p.shape))),
        "neighbours": (p, np.nextafter(p, 2.0)),
        "holes": (holes, q),
        "both-holes": (holes, np.where(holes == 0, 0.0, q)),
        "one-hot": (np.eye(4), np.full((4, 4), 0.25)),
        "peaked": (
            np.array([[1.0, 1e-300, 0], [1 - 2.0**-53, 2.0**-53, 5e-324]]),
            np.array([[1.0, 5e-324, 0.3]] * 2),
        ),
        "subnormal": (
            np.array([[5e-324, 1e-310, 2e-308]] * 2),
            np.array([[1e-310, 5e-324, 1.0], [1.0, 1e308, 3e-308]]),
        ),
        "near-1/e": (np.array([[0.36787944117144233, 0.3678794411714424]]), np.array([[1.0, 2.0]])),
        "large": (p * 1e300, q * 1e-300),
        "hundred": (np.exp(draw.normal(size=(1, 100))), np.exp(draw.normal(size=(1, 100)))),
    }


#: How labels and keywords of a loss can be; a number for the weight is added to random ones.
LABELS: dict[str, dict[str, Any]] = {
    "class": {},
    "soft": {},
    "soft-signed": {},
    "weight": {"weight": 0.5},
    "smoothing": {"label_smoothing": 0.1},
    "all-smoothing": {"label_smoothing": 1.0},
    "soft-smoothing-weight": {"label_smoothing": 0.3, "weight": -0.5},
}


def loss_columns(
    x: np.ndarray, kind: str, function: str
) -> tuple[tuple[np.ndarray, np.ndarray], dict[str, Any]]:
    count, n = x.shape
    draw, keywords = rng(8), dict(LABELS[kind])
    y: np.ndarray = draw.integers(0, n, count)
    if kind.startswith("soft"):
        y = draw.normal(size=x.shape) if kind == "soft-signed" else draw.dirichlet(np.ones(n), count)
        y[0] = np.arange(n) == 0
    if "weight" in keywords:
        keywords["weight"] = (draw.random(n) + keywords["weight"]).tolist()
    if function == "nll_loss":
        keywords.pop("label_smoothing", None)
    if function.endswith("_grad"):
        keywords = {"rows": 3}
    return (x, y), keywords


def two_class_labels(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    constant = {"0": 0.0, "1": 1.0, "half": 0.5, "tiny": 5e-324, "huge": 1e300}
    drawn = {"inside": rng(9).random(shape), "outside": 5 * rng(9).normal(size=shape)}
    return drawn | {kind: np.full(shape, value) for kind, value in constant.items()}


def divisors(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """The q of a divergence."""
    normal = rng(9).normal(size=shape)
    return {"flat": np.ones(shape), "any": np.exp(normal), "wide": np.exp(200 * normal)}


Arguments = tuple[tuple[np.ndarray, ...], dict[str, Any]]


def cases(function: str) -> dict[str, Arguments]:
    """What a function is asked, by what is hard about it."""
    rows, pairs = LOGIT_ROWS.items(), probabilities().items()
    flat = np.concatenate([x.reshape(-1) for x in LOGIT_ROWS.values()])
    flat = np.append(
        flat[np.isfinite(flat)][::3], [0.0, 710, -745, 2.0**-60, 7.44261117e8, -7.442611179e8, -7.44261119e8]
    )
    match function:
        case _ if function in LOGITS:
            return {kind: ((x,), {}) for kind, x in rows}
        case _ if function in PRODUCTS:
            return {f"{kind}-{g}": ((x, v), {}) for kind, x in rows for g, v in cotangents(x.shape).items()}
        case _ if function in BACKWARD:
            ys = stored(function).items()
            return {f"{kind}-{g}": ((v, y), {}) for kind, y in ys for g, v in cotangents(y.shape).items()}
        case _ if function in ENTRYWISE:
            return {"all": ((flat[:, None],), {})}
        case _ if function in TWO_CLASS:
            return {
                kind: ((flat[:, None], y[:, None]), {}) for kind, y in two_class_labels(flat.shape).items()
            }
        case _ if function in ONE_DISTRIBUTION:
            return {kind: ((p,), {}) for kind, (p, _) in pairs}
        case _ if function in TWO_DISTRIBUTIONS:
            return {kind: (pair, {}) for kind, pair in pairs}
        case _ if function in MIXED:
            return {f"{kind}-{q}": ((x, v), {}) for kind, x in rows for q, v in divisors(x.shape).items()}
    return {f"{kind}-{y}": loss_columns(x, y, function) for kind, x in rows for y in LABELS}


def generic(function: str, shape: tuple[int, int]) -> Arguments:
    """Ordinary arguments: logits of scale 3, normalised positive distributions."""
    draw = rng(10)
    x, g = 3 * draw.normal(size=shape), draw.normal(size=shape)
    p, q = (outputs("softmax_backward", v) for v in (x, g))
    if function in PRODUCTS:
        return (x, g), {}
    if function in BACKWARD:
        return (g, outputs(function, x)), {}
    if function in TWO_CLASS:
        return (x, draw.random(shape)), {}
    if function in ONE_DISTRIBUTION:
        return (p,), {}
    if function in TWO_DISTRIBUTIONS:
        return (p, q), {}
    if function in MIXED:
        return (x, q), {}
    if function in LOSSES:
        keywords = {"rows": shape[0]} if function.endswith("_grad") else {}
        given = outputs("log_softmax_backward", x) if function.startswith("nll") else x
        return (given, draw.integers(0, shape[1], shape[0])), keywords
    return (x,), {}
