"""The table of checks: one stable code per kind of question put to a target. One entry per check.

``smxcheck list checks`` and ``smxcheck explain CODE`` print this table; a case names the check that its values are
judged under by ``name``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A check: permanent code, short name, the sentence a problem is headed by, and the page behind ``explain``."""

    code: str
    name: str
    title: str
    page: str
    excuse: str = ""  # what would make such a result no defect: "not a defect if ..."


def _identity(code: str, name: str, title: str, page: str, excuse: str) -> Check:
    """A check that asks for no exact value."""
    judged = "Judged by the target's own values alone, against the sum of what level standard allows each of them to be off."
    return Check(code, name, title, f"{page} {judged}", excuse)


_ALL = (
    Check("SMX101", "accuracy", "the error is larger than the bound allows",
          "Every element of the result is compared with an exact value that mpmath encloses to 2^-80 or better. The"
          " error is |ŷ - y| / ulp(y), with the ulp of the exact value y. The bound counts the roundings of one named"
          " algorithm on this very input; nothing was fitted.",
          excuse="the documentation promises a lower accuracy on this range, or another definition of the function"),
    Check("SMX102", "not-finite", "nan or an infinity where a finite value is right",
          "The exact value exists and rounds to a finite number, but the target returned nan or an infinity. The usual"
          " causes: exp of an unshifted logit overflows, 0/0 or inf/inf in the division, log of a probability that"
          " underflowed to 0, or 0·(-inf) in y·log p.",
          excuse="the documentation excludes such inputs (infinite logits, probabilities that are exactly 0)"),
    Check("SMX103", "infinite", "a finite value, or the wrong infinity, where an infinity is right",
          "The limit is an infinity (a masked class has log-probability -inf; an impossible class costs +inf), or the"
          " exact value lies beyond the largest finite number of the dtype and rounds to one.",
          excuse="the documentation promises saturation at the largest finite number instead of an infinity"),
    Check("SMX104", "nan", "a NaN in the input did not come out",
          "A row that holds a NaN has no answer but NaN: every output of that row must be NaN. A maximum that drops"
          " NaN (fmax, max with a comparison) turns it into a plausible number.",
          excuse="the documentation says that NaN in the input is undefined behaviour"),
    Check("SMX105", "rows", "one row of the batch changed another",
          "Rows are independent. A maximum or a sum over the whole batch, or an index that runs over a row's end, makes"
          " the answer of one row depend on another.",
          excuse="the documentation defines the function over the whole batch"),
    Check("SMX106", "row-length", "wrong at some row lengths",
          "The same kind of row is put in at many lengths, around the widths of vectors, warps and blocks. An error at"
          " some lengths only is a fault of the tail, the padding or the reduction.",
          excuse="the documentation limits the row length"),
    Check("SMX107", "long-rows", "the sum over a long row is lost",
          "A sum kept in 16 bits stops growing at 2^p equal terms; a sequential float32 sum loses a percent at 10⁷. The"
          " bound grants the normaliser at most √u relative.",
          excuse="the documentation limits the row length, or promises accumulation in the storage dtype only"),
    Check("SMX108", "drift", "the errors of a row all lean one way",
          "Each element is within its bound, but the mean signed error over a long row shows a bias: the sum of softmax"
          " drifts from 1 with the row length. Sequential summation does that; tree summation does not."),
    Check("SMX109", "sampler", "the draws do not follow softmax",
          "Each class must come up as often as its probability says, within what chance allows: Bernstein's inequality"
          " over all classes and rows gives a false alarm in at most one of 10⁹ runs. The logits belong to each row of"
          " their own, the uniform numbers must fill the open interval (0, 1), and the noise is added, once.",
          excuse="the documentation promises draws without replacement, or from another distribution"),
    Check("SMX201", "shape", "wrong shape",
          "softmax and log_softmax keep the shape; logsumexp, the entropies and the divergences lose the axis; a loss"
          " has the shape of its labels for reduction='none' and is 0-d otherwise. smxcheck explain softmax_jacobian, like the"
          " page of any other function, says its shape.",
          excuse="the documentation defines another shape for such inputs"),
    Check("SMX202", "dtype", "wrong dtype",
          "The dtype of a result is that of the input; which floating dtype integers become is a choice. A float64 input that is computed in"
          " float32 loses nine digits, and a wider result breaks callers.",
          excuse="the documentation defines another dtype of the result"),
    Check("SMX203", "axis", "wrong along another axis",
          "The same values along the last axis come out right; along this axis they do not.",
          excuse="the documentation excludes this axis; then it should be refused, not answered"),
    Check("SMX204", "layout", "wrong for an array that is not contiguous",
          "The same values in a contiguous array come out right. Transposed, sliced, reversed and broadcast views are"
          " ordinary arrays; a kernel that assumes one block of memory must copy first or refuse.",
          excuse="the documentation demands contiguous arrays; then others should be refused, not answered"),
    Check("SMX205", "writes-input", "writes to its input",
          "A call leaves its input as it was. Say so with --allow writes-input where that is meant.",
          excuse="the documentation says that the input is overwritten"),
    Check("SMX206", "aliases-input", "returns memory of its input",
          "A result has memory of its own. Where it shares that of the input, writing to one changes the other.",
          excuse="the documentation says that the result is a view"),
    Check("SMX207", "determinism", "two calls with the same input differ",
          "The same call gives the same bits. It was made twice, and they differ. Atomics and thread scheduling do that; the size in ulp is"
          " reported. Say so with --allow determinism where that is meant.",
          excuse="the documentation says that results are not reproducible"),
    Check("SMX208", "not-array", "returns something that is not an array",
          "The result must be an array or a scalar of the target's own array library."),
    Check("SMX209", "empty", "wrong for an empty, 0-d or integer input",
          "softmax of no rows is no rows; logsumexp over nothing is -inf; a 0-d input is one number; integers become"
          " float64. A refusal of the whole class is counted as declined, not wrong.",
          excuse="the documentation excludes such inputs; then they should be refused, not answered"),
    Check("SMX301", "raises", "raises on an input that it must accept",
          "The core contract: float32 and float64, one or two axes, at least one element, and an integer axis if the"
          " callable takes one. There an exception is wrong. Declare what the callable excludes with --only, as in"
          " --only '2d,n<=8192': then it is a refusal.",
          excuse="the documentation excludes such inputs"),
    Check("SMX302", "crashes", "the process died", "A segmentation fault, an abort, or another fatal signal."),
    Check("SMX303", "hangs", "no answer within the time limit", "See --timeout and --compile-timeout."),
    Check("SMX304", "memory", "ran out of memory", "MemoryError, or killed at the worker's memory limit."),
    Check("SMX305", "exits", "ended the process", "The target called exit: a library must not."),
    Check("SMX306", "prints", "prints megabytes",
          "A call prints less than a megabyte to stdout and stderr. Say so with --allow prints where that is meant."),
    Check("SMX401", "labels", "a label out of range is not refused",
          "A class index below 0 or beyond the last class (and not ignore_index) has no loss. Raising an error is"
          " right; so is NaN, where the target declares it. Wrapping round to another class, or counting 0, is a wrong"
          " loss that nobody sees.",
          excuse="the specification leaves a label out of range undefined: then any answer is allowed, and none is of use"),
    Check("SMX402", "ignore-index", "ignored labels are not left out",
          "Rows whose label is ignore_index add nothing to the sum and do not count in the mean."),
    Check("SMX403", "class-weights", "class weights are applied wrongly",
          "Row i costs w[y_i]·ℓ_i, and the mean divides by Σ w[y_i], not by the number of rows."),
    Check("SMX404", "label-smoothing", "label smoothing is applied wrongly",
          "The target is (1 - ε)·y + ε/K over K classes."),
    Check("SMX405", "reduction", "wrong reduction", "none, sum or mean over the rows that count."),
    Check("SMX406", "class-axis", "wrong with the classes on another axis",
          "In an N-d array the classes may lie on axis 1; the labels have the other axes in their order."),
    Check("SMX501", "inconsistent", "no single right answer, and not always the same one",
          "Where no limit exists (a row of -inf) any convention will do, but it must be the same for every row length,"
          " dtype and batch.",
          excuse="the documentation says which answer belongs to which dtype or shape"),
    Check("SMX502", "unexpected-choice", "another choice than --expect declares",
          "The user declared with --expect what the target does where no limit exists; it does something else."),
    _identity("SMX601", "row-sums", "the rows or columns of a derivative do not add up to 0",
              "Adding one number to all logits changes no probability, so every row of the Jacobian, and of each"
              " slice of the Hessian, adds up to 0. The probabilities add up to 1 whatever the logits are, so every"
              " column does, too.",
              excuse="the documentation defines the matrix with the axes in another order, or of another function"),
    _identity("SMX602", "symmetry", "a symmetric derivative is not symmetric",
              "The Jacobian of softmax is the Hessian of logsumexp, and Hessians are symmetric: entry (i, j) and"
              " entry (j, i) may differ by what both may be off, and no more.",
              excuse="the documentation says that one triangle alone is filled"),
    _identity("SMX603", "semidefinite", "a negative curvature where none can be",
              "logsumexp is convex: vᵀJv is a variance, and never negative. It is formed for unit vectors,"
              " differences of them, alternating signs and a ramp.",
              excuse="the documentation defines the matrix with the other sign"),
    _identity("SMX604", "null-vector", "the product with a constant vector is not 0",
              "The Jacobian of softmax takes a vector of equal entries to 0, forward and backward. A backward pass"
              " that forgets to subtract the mean of the cotangent gives p instead.",
              excuse="the documentation defines the product of another function"),
    _identity("SMX605", "adjoint", "forward and backward product are not adjoint",
              "⟨g, J v⟩ = ⟨Jᵀ g, v⟩ for every v and g: the forward and the backward product come from one matrix.",
              excuse="the documentation says that one of the two is of another function"),
    _identity("SMX606", "equal-functions", "two names of one function disagree",
              "The gradient of logsumexp is softmax, its Hessian is the Jacobian of softmax; that Jacobian is"
              " symmetric, so the forward and the backward product are one function; the derivative of log_sigmoid"
              " is sigmoid(-x).",
              excuse="the documentation says that one of the two is of another function"),
    _identity("SMX607", "loss-gradient", "the gradient of the cross-entropy is not made of softmax",
              "It is (softmax(z)·Σy - y)/m for every y. The usual p - y assumes that the labels add up to 1: it is"
              " wrong for smoothed, weighted and empty rows.",
              excuse="the documentation demands labels that add up to 1; then others should be refused, not answered"),
    _identity("SMX608", "shift", "adding one number to all logits changes the answer",
              "softmax, log_softmax, the entropy and their derivatives do not change, and logsumexp grows by the"
              " number. The shift is a power of two and exact.",
              excuse="the documentation defines another function, that is not invariant"),
    _identity("SMX609", "permutation", "the order of the classes matters",
              "The answer for permuted logits is the permuted answer.",
              excuse="the documentation gives the classes an order"),
    _identity("SMX610", "two-classes", "softmax of two classes is not sigmoid",
              "softmax((x, 0)) = (sigmoid(x), sigmoid(-x)).",
              excuse="the documentation defines another function under one of the names"),
    _identity("SMX611", "decomposition", "cross-entropy is not entropy plus divergence",
              "-Σ p log q = H(p) + KL(p ‖ q).",
              excuse="the documentation gives one of the three in another unit: bits, not nats"),
    _identity("SMX612", "range", "logsumexp outside max(x) to max(x) + log n",
              "The sum is at least its largest term, and at most n times that.",
              excuse="the documentation defines another function: a mean, or another base"),
    _identity("SMX613", "expansion", "the entropy does not expand with this gradient and Hessian",
              "H(z + Δ) - H(z) - gᵀΔ - ½ ΔᵀHΔ is at most δ³(3.5(ρ + 2δ) + 4)/6 for |Δ| ≤ δ and logits in a range of"
              " ρ, by a bound on the third derivative. A wrong gradient leaves an error of first order, a wrong"
              " Hessian one of second.",
              excuse="the documentation gives one of the three in another unit: bits, not nats"),
    _identity("SMX614", "lipschitz", "softmax changes faster than its logits allow",
              "‖softmax(x) - softmax(y)‖ ≤ ½·‖x - y‖ in ℓ1, ℓ2 and ℓ∞; two equal classes almost reach it. A"
              " temperature below 1 breaks it.",
              excuse="the documentation defines a temperature"),
    _identity("SMX615", "own-forward", "the gradient is not that of the target's own function",
              "The target's forward function is differentiated by central differences, extrapolated to step 0, with"
              " a bound on what truncation and the rounding of the forward values can do. The gradient may be off by"
              " that bound and its own.",
              excuse="the documentation gives the gradient another definition, as for a straight-through gradient"),
)  # fmt: skip

#: code -> check
CHECKS: dict[str, Check] = {c.code: c for c in _ALL}
#: name -> check
CHECKS_BY_NAME: dict[str, Check] = {c.name: c for c in _ALL}


def code_of(text: str) -> str:
    """The code of a check that is given by its code or by its name. Raises KeyError for neither."""
    return text if text in CHECKS else CHECKS_BY_NAME[text].code


def is_identity(code: str) -> bool:
    """Whether a check holds values of the target against each other, and not against exact ones."""
    return code.startswith("SMX6")
