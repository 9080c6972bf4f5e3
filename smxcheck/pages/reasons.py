"""Why each check matters: what a result that fails it does to whoever uses it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: code -> what it costs to overlook it
WHY: Mapping[str, str] = MappingProxyType({
    "SMX101": "A formula that is nearly right, or one that loses digits, passes every test with a tolerance chosen to fit"
              " it. Only a bound that was derived, not fitted, tells rounding from a mistake.",
    "SMX102": "One nan in a forward pass is nan in every weight after the next update. It appears first on the confident"
              " rows that a short test does not hold.",
    "SMX103": "A finite stand-in for an infinity competes with real logits: once those are lower still, a class that was"
              " ruled out gets all the probability.",
    "SMX104": "A NaN is the trace of a fault further up. An answer that looks like a probability removes the trace.",
    "SMX105": "One extreme example then changes the predictions of all others in its batch, and a result depends on what"
              " it was computed together with.",
    "SMX106": "Tests use lengths like 8 or 1024. A vocabulary has 50,257 entries, and its last ones are then lost.",
    "SMX107": "Every result of the row is off by the part of the sum that was lost: by a factor of 2 for 4,096 equal"
              " logits in float16.",
    "SMX108": "Errors that all lean one way do not cancel: what is summed over many rows inherits the bias.",
    "SMX109": "A sampler that is a little off still draws plausible classes; only counts show it.",
    "SMX201": "A kept or lost axis broadcasts in the caller's next operation, which then gives wrong numbers silently.",
    "SMX202": "A wider result doubles memory and slows all that follows; a narrower one loses digits for good.",
    "SMX203": "A square array has the same shape along every axis: nothing but the values tells.",
    "SMX204": "Transposing or slicing an array is free, so callers do it without a thought, and get wrong numbers.",
    "SMX205": "The caller's logits are gone: what reads them next, the loss for example, reads something else.",
    "SMX206": "An update in place of the result then changes the logits too, or the other way round, far from the call.",
    "SMX207": "A run that cannot be repeated cannot be debugged, and two machines drift apart.",
    "SMX208": "The caller's next operation fails far from the cause, or works on a list in the wrong way.",
    "SMX209": "The last batch of a data set may be empty, and class scores may be counts: these are no rare inputs.",
    "SMX301": "An exception on an ordinary input stops a program that did nothing wrong.",
    "SMX302": "No exception handler catches it: all that the process held is lost.",
    "SMX303": "A service that waits for ever is down, and says nothing.",
    "SMX304": "Other processes of the machine are killed in its place.",
    "SMX305": "A library that ends the process takes the decision away from the program that called it.",
    "SMX306": "Output of that size hides every other message, and fills disks.",
    "SMX401": "A wrong label is a fault in the data. With a plausible loss for it, training goes on with the fault.",
    "SMX402": "Padding then counts as data: the loss depends on how a batch was padded.",
    "SMX403": "The weights are there to balance classes; applied otherwise they balance something else.",
    "SMX404": "Another smoothing has its least loss at other probabilities: the model that is trained is another one.",
    "SMX405": "The mean for the sum is another learning rate; a mean of means weighs examples by the size of their batch.",
    "SMX406": "The shapes fit, and each label is compared with the logits of another place.",
    "SMX501": "Code that replaces nan after a masked row works for some lengths or batches, and not for others.",
    "SMX502": "The code around it was written for the answer that was declared.",
    "SMX601": "A gradient through such a matrix moves all logits together, a direction that changes no probability.",
    "SMX602": "Which of the two triangles is wrong decides which of forward and backward mode is wrong.",
    "SMX603": "A negative curvature turns a step of Newton's method uphill.",
    "SMX604": "Logits then drift together during training: nothing holds the direction that the probabilities ignore.",
    "SMX605": "Methods that mix both products, such as Gauss-Newton or conjugate gradients, need one matrix; with two they"
              " need not converge.",
    "SMX606": "Two parts of one program that use the two names disagree about the same quantity.",
    "SMX607": "With smoothed, weighted or padded labels the loss is then not what the gradient descends.",
    "SMX608": "Subtracting the maximum is what makes softmax safe; it is allowed only because a shift changes nothing.",
    "SMX609": "An answer that depends on the order of the classes changes when a vocabulary is sorted anew.",
    "SMX610": "A two-class model gives another answer when its one logit is written as two.",
    "SMX611": "A divergence that is computed as a difference is then wrong, and may be negative.",
    "SMX612": "As a smooth maximum it is used in places that rely on max(x) ≤ logsumexp(x) ≤ max(x) + log n.",
    "SMX613": "A gradient and a Hessian that do not belong to the function send every optimiser elsewhere.",
    "SMX614": "What is argued from the bound, the size of a safe step for example, no longer holds.",
    "SMX615": "What is trained is not what is evaluated: each can look right by itself.",
})  # fmt: skip
