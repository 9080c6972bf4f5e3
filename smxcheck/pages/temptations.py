"""Why a wrong form is tempting: a sentence or two for each kind of error, keyed by the speaking half of its id.

A whole id goes before the half that it shares with others. What has no entry has no text: its page shows numbers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from smxcheck.mistakes import Mistake

_UNSHIFTED = (
    "It is the definition, written down. It is right as long as no logit is above 88.72 in float32, 709.78 in float64 or"
    " 11.09 in float16, so tests with small random numbers pass."
)
_WHOLE_BATCH = (
    "For a single row it is right, and most examples are single rows. Leaving out the axis is no error in NumPy: the"
    " maximum or the sum is then one number for the whole batch."
)
_LOG_OF_SOFTMAX = (
    "It says what it means: first the probabilities, then their logarithm. But a probability below 1e-45 is 0 in float32,"
    " and the rounding of one near 1 is all that its logarithm shows."
)
_EPSILON = (
    "It cures the nan at once. It also puts a floor under every probability: beyond 16 to 18 below the largest logit the"
    " answer no longer depends on the logits."
)
_UNCENTRED = (
    "The derivative of exp is exp, so p looks like the derivative of p. The sum in the denominator moves with every"
    " logit, too: that is the mean that must be taken off."
)
_DIAGONAL = (
    "Elementwise activations such as sigmoid have the derivative p(1 - p), and softmax of two classes is a sigmoid. But"
    " each probability depends on every logit: the other entries of a row of the Jacobian are not 0."
)
_LABELS_SUM = (
    "The well-known p - y. The step from p·Σy - y uses Σy = 1, which one-hot labels satisfy; smoothed, weighted and"
    " padded rows need not."
)
_OWN_ROUNDING = (
    "It saves an operation and is right in real numbers. The large common part is rounded first, and the small difference"
    " is taken of rounded numbers."
)
_ZERO_TIMES = (
    "Zero times anything is zero, except for an infinity: 0·(-inf) is nan. A class that is ruled out has p = 0 and"
    " log p = -inf, so the sum needs a case for it."
)
_NARROW_SUM = (
    "Storage in 16 bits suggests sums in 16 bits. A sum of ones stops growing at 2,048 in float16 and at 256 in bfloat16;"
    " short test rows do not reach that."
)
_BASE_TWO = "Hardware has exp2 and log2. Without the factor log2(e) the answer is in bits, or a softmax at another temperature."
_SIGN = "The signs of loss and gradient are one minus apart. A gradient check of one entry by hand is easily done for the ascent."
_MEAN_OF_MEANS = "Each micro-batch reports its mean, and the mean of these is the next thing to write. It is right for equal lengths only."
_ZEROS = "At a saturated row all derivatives round to 0, and a test there passes a derivative that is 0 everywhere."
_ENTRIES = "mean() without an axis divides by all entries, and a batch of losses is often still a matrix when it is called."
_WRAPS = (
    "Indexing from the end is a feature of Python's lists: labels[-1], the usual mark of padding, silently picks the last"
    " class."
)
_MASK = "A finite number is free of inf - inf. It works until a real logit is lower than it: then the masked class wins."
_MAXIMUM_FROM_ZERO = "A running maximum must start somewhere, and 0 is at hand. Rows whose logits are all negative keep that 0."
_TAIL = "Vectors of 8 or 16 divide the usual sizes. The loop for the rest is only run at other lengths."
_SCALE = "The shape of the answer is right, and a test with a tolerance of 1e-3 passes."

_BY_KIND: Mapping[tuple[str, ...], str] = MappingProxyType({
    ("unshifted", "overflowing", "log-of-unshifted-softmax"): _UNSHIFTED,
    ("global-maximum",): "The maximum only keeps exp from overflowing, and any shift gives the same softmax: so one for"
                         " the whole batch seems enough. A row far below it underflows to 0/0.",
    ("whole-array", "whole-batch", "whole-array-unshifted", "sum-over-batch", "first-axis"): _WHOLE_BATCH,
    ("log-of-softmax", "log-of-sigmoid", "log-of-shares", "of-probabilities"): _LOG_OF_SOFTMAX,
    ("log-of-softmax-plus-1e-8", "log-of-sigmoid-plus-1e-8", "log-of-p-plus-1e-8", "log-of-q-plus-1e-8", "clipped",
     "log-of-clipped-softmax", "plus-1e-8"): _EPSILON,
    ("denominator-plus-1e-6", "denominator-plus-1e-8", "sum-plus-1e-6"):
        "Denominators are guarded against 0 by habit. After the shift by the maximum the sum is at least 1: there is"
        " nothing to guard, and every result is off by the guard.",
    ("uncentred", "not-centred", "slopes-only", "probabilities-on-diagonal"): _UNCENTRED,
    ("diagonal", "diagonal-only", "through-diagonal"): _DIAGONAL,
    ("without-kronecker", "ones-everywhere"): "It is the case i = j, which is derived first, taken for every entry.",
    ("outer-only", "without-diagonal"): "It is the case i ≠ j, taken for every entry.",
    ("plain-mean",): "Taking off the mean is right, but the mean under p: the plain one agrees where all probabilities"
                     " are equal.",
    ("plain-sum", "sum-taken-for-one", "own-cotangent"):
        "For a one-hot cotangent the sum has one term, or is 1, and the difference does not show.",
    ("labels-sum-to-one",): _LABELS_SUM,
    ("label-entry-only",): "p - 1 is the gradient by the label's own logit. The other logits have the gradient p, which is"
                           " easily left out when the derivation looks at the label alone.",
    ("minus-logsumexp", "from-logsumexp", "through-logsumexp", "x-minus-log"): _OWN_ROUNDING,
    ("log-of-sum", "log-of-one-plus"): "It is the usual stable form, and accepted by level standard. The maximum's own 1"
                                       " in the sum swallows a rest below 1e-7; log1p of the rest keeps it.",
    ("zero-times-infinity", "infinity-unguarded", "masked-class"): _ZERO_TIMES,
    ("accumulator-of-16-bits", "sum-narrowed"): _NARROW_SUM,
    ("in-float32", "through-float16", "exp-in-float16", "logits-in-bfloat16"):
        "The narrower format is faster and the result is widened again, so that its dtype is right.",
    ("base-two", "log-base-two", "in-bits"): _BASE_TWO,
    ("sign",): _SIGN,
    ("mean-of-means",): _MEAN_OF_MEANS,
    ("zeros",): _ZEROS,
    ("mean-over-entries", "classes-averaged", "divided-by-entries"): _ENTRIES,
    ("not-divided", "sum"): "For one row the sum is the mean.",
    ("mean-over-ignored",): "The rows that are ignored add 0 to the sum, and the number of rows is at hand; but they count"
                            " in it.",
    ("weighted-mean-over-rows",): "A mean divides by the number of rows. The weighted mean divides by the sum of the"
                                  " weights; with all weights 1 the two agree.",
    ("smoothing-over-others",): "Spreading ε over the other K - 1 classes is as natural a reading; the usual definition"
                                " spreads it over all K.",
    ("negative-label-wraps",): _WRAPS,
    ("label-clamped", "label-out-of-range-free"): "It keeps a kernel from reading beyond its arrays. It also makes a loss"
                                                  " of a label that is none.",
    ("minus-infinity-as-minus-1e4", "minus-infinity-as-minimum"): _MASK,
    ("maximum-from-zero", "online-maximum-stored-as-zero"): _MAXIMUM_FROM_ZERO,
    ("tail-not-in-sum", "tail-not-in-maximum", "odd-widths", "padded-with-zero", "first-ten"): _TAIL,
    ("axis-ignored", "keepdims-forgotten", "sum-over-columns"): "Broadcasting makes the shapes fit, for square arrays"
                                                               " always.",
    ("minus-mean", "minus-first", "minus-minimum", "minus-largest-magnitude"):
        "Any shift is right in real numbers. Only the maximum makes every exponent at most 0.",
    ("softmax-twice", "normalised-twice", "normalised-again"):
        "Probabilities look like logits: an array of numbers of the same shape. A layer that ends in softmax is then"
        " followed by a loss that applies it again.",
    ("nan-dropped", "nan-to-zero", "nan-only-in-its-entry", "masked-before-nan"):
        "Comparisons with NaN are false, so a maximum by comparison passes over it; a result without NaN looks healthy.",
    ("nan-at-masked", "leaks-through-maximum"): "Automatic differentiation of the shifted form gives it, where the shift"
                                                " is not taken out of the gradient.",
    ("straight-line-exp", "exp-by-squaring"): "It is fast, and the division by the sum seems to cancel its error. It"
                                              " cancels only what is the same for all entries.",
    ("shares-for-slopes", "exp-rule"): "For exp the function is its own derivative, so the value can stand for the slope."
                                       " For another function it cannot.",
    ("transposed", "index-of-column", "indices-swapped"): "The Jacobian of softmax is symmetric, so the order of its"
                                                          " indices never mattered before.",
    ("uniform", "one-hot", "maximum", "of-maximum"): "It is the limit of very small or very large differences between"
                                                     " logits.",
    ("twice-the-diagonal", "doubled-diagonal", "doubled"): "2p(1 - p) bounds the Hessian from above, which is enough for"
                                                           " a step that must not be too long.",
    ("squared-gradient", "outer-product-of-gradients"): "It equals the Hessian on average when the model is right (the"
                                                        " Fisher information); not for one example.",
    ("swapped", "reverse"): "The two arguments of a divergence look alike, and libraries take them in either order.",
    ("online-not-rescaled", "online-unguarded"): "The recurrence is right as long as the maximum comes first, or no block"
                                                 " is masked.",
    ("scaled",): _SCALE,
    ("without-exp",): "Dividing by the sum makes numbers add up to 1. Without exp they may be negative, and a shift"
                      " changes them.",
    ("distinct-once",): "Each of the two factors -p in the product rule gives the term p p p once; they add up to two.",
    ("without-derivative-of-mean",): "The product rule has a term for the mean p inside the bracket, which depends on the"
                                     " logits as well.",
})  # fmt: skip

_BY_ID: Mapping[str, str] = MappingProxyType({
    "softmax_entropy_grad/published": "It has the form of p - y, the gradient of the loss. At equal logits the entropy is"
                                      " largest and its gradient is 0; p - 1 is not 0 there.",
    "softmax_entropy_hessian/published": "It is the derivative of the gradient p - 1, and that gradient is wrong already."
                                         " It is also the Hessian of logsumexp, which looks familiar.",
    "softmax_entropy_grad/by-probabilities": "It is the gradient of the entropy by p. The chain rule through softmax is"
                                             " still to come.",
    "softmax_hessian/published-case": "The cases i = j and i = k have the factor 2p_i - 1, and the third looks alike. In it"
                                      " the equal indices are j and k, so the factor is 2p_k - 1. At equal logits the two agree.",
    "sparsemax/cumulative-twice": "The published rule holds a sum of the k largest entries; it is easily written with"
                                  " cumsum on what is a cumulative sum already. With a support of one entry the two agree.",
    "gumbel_softmax/softmax-before-noise": "Sampling is from probabilities, so these seem to be what the noise is added"
                                           " to. It is added to their logarithms, or to the logits.",
    "gumbel_max_sample/one-logarithm": "-log(u) is a noise, too: an exponential one, of which the smallest, divided by p,"
                                       " would be right. The argmax with the logits needs the second logarithm.",
    "softmax/mean-in-denominator": "mean for sum is one word, and the result is a softmax times the number of classes.",
})  # fmt: skip

_TEXTS: Mapping[str, str] = MappingProxyType({kind: text for kinds, text in _BY_KIND.items() for kind in kinds})


def why_tempting(mistake: Mistake) -> str:
    """Why people write it; "" where there is nothing to say."""
    return _BY_ID.get(mistake.id) or _TEXTS.get(mistake.id.partition("/")[2], "")


def kinds() -> frozenset[str]:
    """Ids and halves of ids that have a text."""
    return frozenset((*_BY_ID, *_TEXTS))
