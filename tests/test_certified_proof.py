"""The proof of the certified oracle: constants, sums of rounding errors, and that no part of a formula can be left out."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from smxcheck.oracle import certified
from smxcheck.oracle.certified import ball, constants, exponential, softmax
from smxcheck.oracle.certified.table import DOUBLE_BITS, SINGLE_BITS

from . import certified_copies as copies
from .certified_exact import MP

U = MP.mpf(2) ** -53
README = (copies.FOLDER / "README.md").read_text(encoding="utf-8")


# Sums of rounding errors, as README.md lists them ---------------------------------------------


def units(title: str) -> list[float]:
    """The last column of the table under a heading of README.md."""
    _, _, after = README.partition(f"**{title}**")
    assert after, title
    table = re.search(r"\n((?:\|.*\n)+)", after)
    assert table is not None
    rows = [line.strip().strip("|").split("|") for line in table[1].splitlines()[2:]]
    return [float(row[-1]) for row in rows]


#: The largest reduced argument.
RHO = MP.mpf(2) ** MP.mpf(-13.5)
STEP = MP.log(2) / 4096


def cubic(r=RHO):
    """The size of what is computed in plain float64 in `_expm1`: r³/6 + r⁴/24 + …"""
    return MP.exp(r) - 1 - r - r**2 / 2


def test_the_reduced_argument_is_small():
    """|d - n·c| ≤ c/2 and what rounding d/c to an integer adds; the low part of an argument is at most ulp/2 more."""
    near = STEP / 2 + exponential.NEAR * 2 * U + exponential.NEAR * U
    far = STEP / 2 + exponential.FARTHEST * 2 * U * (1 + U) + exponential.FARTHEST * U
    assert max(near, far) < RHO
    assert exponential.NEAR / STEP < 2**24 and exponential.FARTHEST / STEP < 2**43
    assert exponential.FARTHEST > MP.ldexp(MP.log(2), 30) > exponential.FARTHEST - 1


def test_the_bound_of_exp_in_double_double_is_the_sum_of_its_terms():
    """In units of U·(r³/6 + …): the polynomial, then the table; and what both leave out."""
    unit = U * cubic()
    left_out = cubic() - sum(RHO**k / MP.factorial(k) for k in range(3, 7)) + MP.mpf(2) ** -67 * RHO**2 / 2 + U**2
    whole = (sum(units("Polynomial")) + sum(units("Table"))) * unit + left_out
    constant = whole / (1 - RHO) + 4 * U * MP.mpf(2) ** -67
    assert 0.9 * 2.0**-92 < constant < 2.0**-92
    assert exponential.relative_error_double(0.0) == 2.0**-92
    per_size = exponential.relative_error_double(exponential.NEAR) - 2.0**-92
    assert sum(units("Reduction")) * U**2 <= per_size / exponential.NEAR <= 2 * sum(units("Reduction")) * U**2
    small = sum(units("Polynomial")) * U * cubic(MP.mpf(2) ** -14) / MP.mpf(2) ** -14 + U * MP.mpf(2) ** -29
    assert small + MP.mpf(2) ** -90 < MP.mpf(2) ** -79  # the relative bound of expm1_small


def test_the_bound_of_exp_in_float64_is_the_sum_of_its_terms():
    largest = exponential.SINGLE
    second_order = (largest * 3 * U) ** 2
    constant = sum(units("Evaluation")) * U + second_order
    proven = sum(units("Argument")) * U * largest + cubic() * (1 + 2 * RHO) + constant
    assert 0.95 * exponential.relative_error_single(largest) < proven < exponential.relative_error_single(largest)
    assert exponential.relative_error_single(0.0) > cubic() * (1 + 2 * RHO) + constant
    cut = (STEP - MP.mpf(constants.constants().step_parts[0])) / STEP / U
    assert units("Argument")[-1] >= cut > 0
    assert MP.exp(-largest) > MP.mpf(2) ** (-1022 + 40)  # no quotient by a sum of 2^40 weights underflows


def test_the_bounds_of_products_and_quotients_are_the_sums_of_their_terms():
    assert 1 <= ball.MULTIPLY / U**2 - sum(units("Product")) <= 2
    assert 1 <= ball.DIVIDE / U**2 - sum(units("Quotient")) <= 2
    assert (1 + U) ** (7 * 2**20) < ball.INFLATION < (1 + U) ** (9 * 2**20)


@pytest.mark.parametrize("n", [1, 2, 3, 62, 63, 1000, 4094, 4095, 4096, 4097, 10**5, 10**7, 2**32])
def test_the_bounds_of_softmax_are_the_sums_of_their_terms(n):
    entries = min(n, softmax.BLOCK)
    head, tail = softmax.extractors(n)
    spacing = [MP.mpf(float(np.spacing(v))) for v in (head, tail)]
    # Sums of leading bits are exact: multiples of the spacing, below 2^53 of it; and so is adding an entry.
    left = [MP.mpf(1), spacing[0] / 2]
    for extractor, grid, size in zip((head, tail), spacing, left, strict=True):
        assert (entries + 2) * size <= 2**53 * grid
        assert size < extractor / 3
    rest = n * spacing[1] / 2  # Σ of what is left is at most this and U·S
    parts = entries * U * (rest + U) + 3 * U**2 + n * MP.mpf(2) ** -499
    quotient = sum(units("Division of softmax")) * U**2
    mean = 2.0**-92 + MP.log(n) * MP.mpf(2) ** -104
    proven = 2.0**-92 + 2.0**-100 + mean + parts + quotient
    assert proven < softmax.double_error(n, 16.0) < 1.25 * proven
    assert softmax.double_error(n, 1e300) < 2.0**-DOUBLE_BITS


@pytest.mark.parametrize("n", [1, 2, 64, 65, 2048, 2049, 10**7, 2**40])
def test_the_float64_softmax_is_always_narrow_enough(n):
    additions = n - 1 if n <= 2048 else 63 + 511 + 1
    proven = (
        exponential.relative_error_single(exponential.SINGLE)
        + exponential.relative_error_single(float(MP.log(n)))
        + (additions + 2) * U
    )
    assert proven < softmax.single_error(n) < proven * 1.01
    assert softmax.single_error(n) < 2.0**-SINGLE_BITS


# Constants --------------------------------------------------------------------------------------


def test_integers_behind_the_constants():
    """Against mpmath, which works them out in another way."""
    assert 0 <= MP.ldexp(MP.log(2), 256) - constants.ln2_fixed() < 2**9
    worst = max(MP.ldexp(MP.mpf(2) ** (MP.mpf(j) / 4096), 256) - v for j, v in enumerate(constants.powers_fixed()))
    assert 0 <= worst < 2**15


def test_heads_times_quotients_are_exact():
    c = constants.constants()
    assert c.step_heads[0] < c.step_parts[0] and MP.mpf(c.inverse_step) * MP.mpf(c.step_parts[0]) < 1  # for n = ±1
    first, second = c.step_heads
    n = np.array([2**24 - 1, 16_546_015, 12_345_677], np.float64)
    for head in (first, second):
        assert [MP.mpf(float(v)) for v in n * head] == [MP.mpf(float(v)) * MP.mpf(head) for v in n]


# Every part of every formula is needed --------------------------------------------------------


PARTS = [
    # the reduction near 0
    ("exponential", "    low += e\n", ""),
    ("exponential", "    low -= n * c.step_tail\n", ""),
    ("exponential", "two_sum(d - n * first, -(n * second))", "two_sum(d - n * first, 0.0 * n)"),
    ("exponential", "    low -= n * c.step_tail\n    return fast_two_sum(r, low)", "    low -= n * c.step_tail\n    return r, low"),
    # the reduction far from 0
    ("exponential", "two_sum((d - p) - p_low, -q)", "two_sum(d - p, -q)"),
    ("exponential", "two_sum((d - p) - p_low, -q)", "two_sum((d - p) - p_low, 0.0 * q)"),
    ("exponential", "two_sum(r, e)", "two_sum(r, 0.0 * r)"),
    ("exponential", "(low + rest) - (q_low", "rest - (q_low"),
    ("exponential", "(low + rest) - (q_low", "low - (q_low"),
    ("exponential", "(q_low + n * tail)", "(n * tail)"),
    ("exponential", "(q_low + n * tail)", "q_low"),
    # the polynomial
    ("exponential", "high * high - square) + 2.0 * (high * rest)) + rest * rest", "high * high - square) + rest * rest)"),
    ("exponential", " + 2.0 * (high * rest)) + rest * rest", " + 2.0 * (high * rest))"),
    ("exponential", "(1 / 3 + r *", "(r *"),
    ("exponential", "(1 / 12 + r *", "(r *"),
    ("exponential", "(1 / 60 + r * (1 / 360))", "(r * (1 / 360))"),
    ("exponential", "(1 / 60 + r * (1 / 360))", "(1 / 60)"),
    ("exponential", " + r * low\n", "\n"),
    ("exponential", "tail += 0.5 * square_low + low", "tail += low"),
    ("exponential", "tail += 0.5 * square_low + low", "tail += 0.5 * square_low"),
    ("exponential", "    m_low += tail\n", "    m_low = tail\n"),
    ("exponential", "    m_low += tail\n", ""),
    # the table
    ("exponential", "((a * high - product) + a * rest + b * high) + b * rest", "((a * high - product) + b * high) + b * rest"),
    ("exponential", "((a * high - product) + a * rest + b * high) + b * rest", "((a * high - product) + a * rest) + b * rest"),
    ("exponential", "((a * high - product) + a * rest + b * high) + b * rest", "(a * high - product) + a * rest + b * high"),
    ("exponential", "low += product_low + (power_low + power * m_low)", "low += power_low + power * m_low"),
    ("exponential", "low += product_low + (power_low + power * m_low)", "low += product_low + power * m_low"),
    ("exponential", "low += product_low + (power_low + power * m_low)", "low += product_low + power_low"),
    ("exponential", "low += product_low + (power_low + power * m_low)", "low = product_low + (power_low + power * m_low)"),
    ("exponential", "    low += power_low * m\n", ""),
    # exp in float64
    ("exponential", "    multiple *= c.step_parts[0]\n", "    multiple *= c.step_heads[0]\n"),
    ("exponential", "    d += 1.0\n    d *= d\n", "    d += d\n    d += 1.0\n"),
    # products without error
    ("exact", "+ a_low * b_low", ""),
    ("exact", "((a_high * b_high - p) + a_high * b_low + a_low * b_high)", "((a_high * b_high - p) + a_low * b_high)"),
    ("exact", "((a_high * b_high - p) + a_high * b_low + a_low * b_high)", "((a_high * b_high - p) + a_high * b_low)"),
    ("exact", "(a - (s - part)) + (b - part)", "b - part"),
    ("exact", "(a - (s - part)) + (b - part)", "a - (s - part)"),
    # softmax in double-double
    ("softmax", "        w += w_low\n", ""),
    ("softmax", "    return 1.5 * 2.0 ** (bits + 1), 1.5 * 2.0 ** (2 * bits - 50)", "    return 1.5 * 2.0 ** (bits + 1), 1.5 * 2.0 ** 60"),
    ("softmax", "min(n, BLOCK) + 2", "n + 2 + 10**8"),
    ("softmax", "return fast_two_sum(total, low + rest)", "return fast_two_sum(total, rest)"),
    ("softmax", "return fast_two_sum(total, low + rest)", "return fast_two_sum(total, low)"),
    ("softmax", "np.array([math.fsum([*numbers, -whole])])", "np.array([0.0])"),
    ("softmax", "q_high * rest + q_low * high) + q_low * rest", "q_low * high) + q_low * rest"),
    ("softmax", "q_high * rest + q_low * high) + q_low * rest", "q_high * rest) + q_low * rest"),
    ("softmax", "q_high * rest + q_low * high) + q_low * rest", "q_high * rest + q_low * high)"),
    ("softmax", "((h - product) - product_low) + low - q", "(h - product) + low - q"),
    ("softmax", "- product_low) + low - q", "- product_low) - q"),
    ("softmax", " - q * total_low)", ")"),
    ("softmax", "value, value_low = fast_two_sum(q, q2)", "value, value_low = q, 0.0 * q"),
    # balls, and what their bounds are made of
    ("ball", "rest = e + low\n", "rest = low\n"),
    ("ball", "low = self.lo + b.lo\n", "low = self.lo + 0.0 * b.lo\n"),
    ("ball", "self.err + b.err + U * (np.abs(low) + np.abs(rest))", "self.err + b.err"),
    ("ball", "self.err + b.err + U * (np.abs(low) + np.abs(rest))", "b.err + U * (np.abs(low) + np.abs(rest))"),
    ("ball", "e + (self.hi * b.lo + self.lo * b.hi)", "e + self.lo * b.hi"),
    ("ball", "e + (self.hi * b.lo + self.lo * b.hi)", "e + self.hi * b.lo"),
    ("ball", "e + (self.hi * b.lo + self.lo * b.hi)", "self.hi * b.lo + self.lo * b.hi"),
    ("ball", "size_a * b.err + self.err * (size_b + b.err)", "self.err * (size_b + b.err)"),
    ("ball", "size_a * b.err + self.err * (size_b + b.err)", "size_a * b.err + self.err * b.err"),
    ("ball", "size_a * b.err + self.err * (size_b + b.err)", "size_a * b.err + self.err * size_b"),
    ("ball", "(MULTIPLY * np.abs(p) + UNDERFLOW)", "UNDERFLOW"),
    ("ball", "((self.hi - p) - e) + (self.lo - q * b.lo)", "(self.hi - p) + (self.lo - q * b.lo)"),
    ("ball", "((self.hi - p) - e) + (self.lo - q * b.lo)", "((self.hi - p) - e) - q * b.lo"),
    ("ball", "((self.hi - p) - e) + (self.lo - q * b.lo)", "((self.hi - p) - e) + self.lo"),
    ("ball", "(1 - 4 * U) - b.err * INFLATION", "(1 - 4 * U)"),
    ("ball", "(self.err + size * b.err + UNDERFLOW) / least", "(size * b.err + UNDERFLOW) / least"),
    ("ball", "(self.err + size * b.err + UNDERFLOW) / least", "(self.err + UNDERFLOW) / least"),
    ("ball", "(DIVIDE * size + UNDERFLOW)", "UNDERFLOW"),
    # logarithms
    ("logarithm", "(1, 3, 5, 7, 9)", "(1, 3, 5, 7)"),
    ("logarithm", "ball(0.5 * square)", "ball(0.0 * square)"),
    ("logarithm", "(ball(p) + ball(q)) + ball(n * b)", "ball(p) + ball(n * b)"),
    ("logarithm", "(ball(p) + ball(q)) + ball(n * b)", "(ball(p) + ball(q)) + ball(0.0 * n)"),
]


def test_the_shipped_code_holds():
    assert copies.holds(copies.copy())


@pytest.mark.parametrize(("module", "old", "new"), PARTS)
def test_a_part_that_is_left_out_is_noticed(module, old, new, score):
    noticed = not copies.holds(copies.copy({module: (old, new)}))
    score("broken parts of the certified oracle noticed", int(noticed), 1)
    assert noticed


FLIPS = [
    *[("power_low", j) for j in (1, 7, 2048, 4095)], *[("power", j) for j in (0, 1, 2049, 4095)],
    *[("step_heads", k) for k in (0, 1)], ("step_tail", 0), *[("step_parts", k) for k in (0, 1, 2)],
    *[("ln2_parts", k) for k in (0, 1, 2)], ("inverse_step", 0), ("power_high_half", 5), ("power_low_half", 4000),
]  # fmt: skip


@pytest.mark.parametrize(("field", "index"), FLIPS)
def test_a_constant_with_one_wrong_bit_is_noticed(field, index, score):
    noticed = not copies.holds(copies.copy(constant=copies.flipped(field, index)))
    score("broken parts of the certified oracle noticed", int(noticed), 1)
    assert noticed


# The floating-point environment ----------------------------------------------------------------

X86 = platform.machine().lower() in ("x86_64", "amd64")

#: Runs `answer` with a control register of the SSE unit that stubs of machine code read and write.
CHILD = """
import ctypes, json, mmap, sys, threading
import numpy as np
from smxcheck.oracle import certified

def stub(code):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    at = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return page, ctypes.CFUNCTYPE(None, ctypes.c_void_p)(at)

read_page, read = stub(bytes([0x0F, 0xAE, 0x1F, 0xC3]))  # stmxcsr [rdi]; ret
write_page, write = stub(bytes([0x0F, 0xAE, 0x17, 0xC3]))  # ldmxcsr [rdi]; ret
word = ctypes.c_uint32(0)
read(ctypes.byref(word))
before = word.value

def verdict(extra):
    word = ctypes.c_uint32(before | extra)
    write(ctypes.byref(word))
    try:
        certified.answer("softmax", (np.zeros((4, 8)),), 80)
        text = "answered"
    except certified.UnsoundArithmetic as error:
        text = str(error)
    write(ctypes.byref(ctypes.c_uint32(before)))
    return text

def elsewhere(extra):
    inside = []
    thread = threading.Thread(target=lambda: inside.append(verdict(extra)))
    thread.start()
    here = certified.complaint()
    thread.join()
    return [inside[0], here]

found = {bits: [verdict(0), verdict(bits), *elsewhere(bits), verdict(0)] for bits in map(int, sys.argv[1:])}
print(json.dumps(found))
"""


ENVIRONMENTS = {
    "flush-to-zero": (0x8000, "flushed to zero"), "denormals-are-zero": (0x0040, "flushed to zero"),
    "both": (0x8040, "flushed to zero"), "downward": (0x2000, "rounding mode"), "upward": (0x4000, "rounding mode"),
    "toward-zero": (0x6000, "rounding mode"),
}  # fmt: skip


@pytest.mark.skipif(not X86 or sys.platform == "win32", reason="sets the control register of x86-64 in the System V ABI")
def test_another_arithmetic_is_refused_in_its_thread_and_call_alone():
    bits = [str(b) for b, _ in ENVIRONMENTS.values()]
    run = subprocess.run([sys.executable, "-c", CHILD, *bits], capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    for b, words in ENVIRONMENTS.values():
        before, refused, other_thread, this_thread, after = found[str(b)]
        assert (before, this_thread, after) == ("answered", "", "answered")
        for text in (refused, other_thread):
            assert words in text and text.startswith("the certified oracle refuses to run:")


#: FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO of the C library.
MODES = {"x86_64": (0x400, 0x800, 0xC00), "aarch64": (0x800000, 0x400000, 0xC00000)}


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() not in MODES, reason="the values of FE_… are of glibc")
def test_a_rounding_mode_set_by_the_c_library_is_refused():
    code = textwrap.dedent("""
        import ctypes, sys
        from smxcheck.oracle import certified
        libm = ctypes.CDLL("libm.so.6")
        for mode in map(int, sys.argv[1:]):
            libm.fesetround(mode)
            text = certified.complaint()
            libm.fesetround(0)
            print(text)
        print(certified.complaint() or "sound")
    """)
    modes = [str(m) for m in MODES[platform.machine()]]
    run = subprocess.run([sys.executable, "-c", code, *modes], capture_output=True, text=True, check=True)
    *texts, last = run.stdout.splitlines()
    assert last == "sound" and len(texts) == 3 and all("rounding mode" in t for t in texts)


@pytest.mark.slow
@pytest.mark.libraries
def test_torch_flushing_denormals_is_refused(needs):
    needs("torch")
    code = "import torch; from smxcheck.oracle import certified; print(torch.set_flush_denormal(True), certified.complaint())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    if run.stdout.startswith("False"):
        pytest.skip("this processor cannot flush subnormal numbers to zero")
    assert "flushed to zero" in run.stdout


def test_sound_arithmetic_is_not_refused():
    assert certified.complaint() == ""
