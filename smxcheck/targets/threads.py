"""How many threads a target may use: the environment says it, before any library is imported."""

from __future__ import annotations

import os

#: What smxcheck's own functions and ONNX Runtime read, which have no variable of their own.
OWN = "SMXCHECK_THREADS"

#: Read at the import by OpenMP (torch), the BLAS libraries, numba, rayon, and XLA. Of XLA's CPU client only NPROC limits
#: the pool: jax.nn.softmax of (4096, 1000) used 1.94 CPUs on two cores unasked, as many with
#: --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1 in XLA_FLAGS, and 1.00 with NPROC=1.
_VARIABLES = (
    *(OWN, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    *("NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "NPROC"),
)


def variables(threads: int) -> dict[str, str]:
    """The environment of a process whose libraries use at most ``threads`` threads each."""
    return dict.fromkeys(_VARIABLES, str(threads))


def allowed() -> int:
    """The threads that this process was told to use; 1 where it was told nothing that can be read."""
    told = os.environ.get(OWN, "")
    return max(1, int(told)) if told.isdecimal() else 1
