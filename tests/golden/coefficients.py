"""Refits the polynomials and rational functions of src/scalar and checks the coefficients in the source.

    pip install mpmath
    python tests/golden/coefficients.py

The committed coefficients are read from the Rust source. Each set is compared with the best set of its kind, computed by the
exchange algorithm of Remez with 60 digits: its weighted error has extrema of equal height and alternating signs, one more
than the number of coefficients. The checks are of two kinds.

- `same`: the method of the fit is known, and all coefficients are reproduced. The fits of the error function were stopped
  before the heights were exactly equal. Before rounding, their errors were larger than the smallest possible error by some
  thousandths.
- otherwise: the method is not known to the last digit. The error of the committed coefficients, as rounded, must be within the
  stated factor of the smallest possible error: nearly minimax, except for the two rational functions.

The `held` lowest coefficients keep their committed values in the search for the smallest error: the others were fitted after
these were rounded, and cannot compensate for the rounding.

All errors refer to exact arithmetic with the committed coefficients.
"""

import re
from pathlib import Path

from mpmath import (
    atanh, cos, cosh, erf, erfc, exp, findroot, frexp, ldexp, log, lu_solve, matrix, mp, mpf, nint, nstr, pi, polyval,
    sinh, sqrt, tanh, taylor, workdps,
)

mp.dps = 60
SOURCE = Path(__file__).resolve().parents[2] / "src" / "scalar"
NUMBER = re.compile(r"(-\s?)?(?<![\w.])(\d[\d_]*\.\d[\d_]*(?:e-?\d+)?)")


# Coefficients in the source

def rounded(x, bits):
    mantissa, exponent = frexp(mpf(x))
    return ldexp(nint(ldexp(mantissa, bits)), exponent - bits)


def single(x):
    return rounded(x, 24)


def double(x):
    return rounded(x, 53)


def numbers(file, start, end="\n    }", after=""):
    """Returns the decimal literals between `start` and `end` with their signs, as the compiler rounds them."""
    text = re.sub(r"//.*", "", (SOURCE / file).read_text())
    text = text[text.index(after):]
    text = text[text.index(start) + len(start):]
    text = text[: text.index(end)]
    to = single if file == "single.rs" else double
    return [to((-1 if sign else 1) * mpf(digits.replace("_", ""))) for sign, digits in NUMBER.findall(text)]


def ordered(found, degrees):
    """Returns the coefficients by degree. `degrees` lists their degrees in source order. None marks a value to skip."""
    assert len(found) == len(degrees), (len(found), degrees)
    by_degree = {degree: x for degree, x in zip(degrees, found) if degree is not None}
    return [by_degree[degree] for degree in sorted(by_degree)]


# The exchange algorithm

def chebyshev(a, b, n):
    """Returns n + 1 points from a to b, denser at the ends."""
    return [(a + b) / 2 - (b - a) / 2 * cos(pi * i / n) for i in range(n + 1)]


def peaks(error, grid):
    """Returns the point of the largest error in each run of one sign."""
    runs = []
    for x in grid:
        e = error(x)
        if e == 0:
            continue
        if not runs or (runs[-1][1] > 0) != (e > 0):
            runs.append((x, e))
        elif abs(e) > abs(runs[-1][1]):
            runs[-1] = (x, e)
    return [x for x, _ in runs]


def refined(error, x, grid):
    """Returns the extremum near the grid point x, by parabolas through three points."""
    i = grid.index(x)
    if i in (0, len(grid) - 1):
        return x
    three = [(y, abs(error(y))) for y in grid[i - 1 : i + 2]]
    for _ in range(7):
        (x0, y0), (x1, y1), (x2, y2) = three
        left, right = (x1 - x0) * (y1 - y2), (x1 - x2) * (y1 - y0)
        if left == right:
            break
        x = x1 - ((x1 - x0) * left - (x1 - x2) * right) / (2 * (left - right))
        if not x0 < x < x2 or abs(x - x1) < mpf(10) ** -25 * (grid[-1] - grid[0]):
            break
        four = sorted([*three, (x, abs(error(x)))])
        top = min(max(range(4), key=lambda k: four[k][1]), 2)
        three = four[max(top, 1) - 1 : max(top, 1) + 2]
    return max(three, key=lambda p: p[1])[0]


def trimmed(points, error, n):
    """Reduces the points to n by repeatedly removing the end point with the smaller error."""
    while len(points) > n:
        points.pop(0 if abs(error(points[0])) < abs(error(points[-1])) else -1)
    assert len(points) == n, f"{len(points)} alternations of {n}"
    return points


def levelled(f, weight, degrees, points):
    """Returns the coefficients whose weighted errors at the points have equal height and alternating signs."""
    n = len(degrees)
    system, right = matrix(n + 1, n + 1), matrix(n + 1, 1)
    for i, x in enumerate(points):
        for j, degree in enumerate(degrees):
            system[i, j] = x**degree
        system[i, n] = (-1) ** i / weight(x)
        right[i] = f(x)
    return list(lu_solve(system, right))[:n]


def stopped_fit(f, weight, degree, a, b, steps):
    """Runs the exchange that produced the committed coefficients of `same`: on 60 points for each degree, stopped early."""
    degrees = range(degree + 1)
    grid, points = chebyshev(a, b, 60 * degree - 1), chebyshev(a, b, degree + 1)
    for step in range(steps + 1):
        c = levelled(f, weight, degrees, points)
        error = lambda x: weight(x) * (f(x) - polyval(c[::-1], x))
        points = trimmed(peaks(error, grid), error, degree + 2)
    return c


def minimax(f, weight, degrees, a, b):
    """Returns the best coefficients and their weighted error, which is the smallest possible, to many digits."""
    n = len(degrees) + 1
    grid = chebyshev(a, b, 16 * n)
    # These points avoid the ends and the middle, at which the weight may be 0.
    points = [(a + b) / 2 - (b - a) / 2 * cos(pi * (i + mpf("0.4")) / n) for i in range(n)]
    for _ in range(30):
        c = levelled(f, weight, degrees, points)
        error = lambda x: weight(x) * (f(x) - sum(k * x**d for k, d in zip(c, degrees)))
        points = trimmed([refined(error, x, grid) for x in peaks(error, grid)], error, n)
        heights = [abs(error(x)) for x in points]
        if max(heights) / min(heights) - 1 < mpf(10) ** -15:
            return c, max(heights)
    raise AssertionError("no convergence")


def minimax_fraction(f, weight, p, q, b):
    """Like `minimax`, for p/q with q(0) = 1 on [0, b]. Starts from p and q, of which only the degrees matter."""
    n = len(p) + len(q)
    # Most alternations are near 0, so the points are spread over a/(a + 3).
    spread = lambda u: 3 * u / (1 + 3 / b - u)
    grid = [spread((1 - cos(pi * i / 1200)) / 2) for i in range(1201)]
    points = [spread((1 - cos(pi * (i + mpf("0.4")) / n)) / 2) for i in range(n)]
    for _ in range(40):
        # p − f·q = ±E·q/weight; the q multiplied by E is from the previous iteration, for linearity.
        for _ in range(6):
            system, right = matrix(n, n), matrix(n, 1)
            for i, x in enumerate(points):
                row = [x**j for j in range(len(p))] + [-f(x) * x**j for j in range(1, len(q))]
                row.append((-1) ** i * polyval(q[::-1], x) / weight(x))
                for j, value in enumerate(row):
                    system[i, j] = value
                right[i] = f(x)
            solution = list(lu_solve(system, right))
            p, q = solution[: len(p)], [mpf(1), *solution[len(p) : -1]]
        error = lambda x: weight(x) * (polyval(p[::-1], x) / polyval(q[::-1], x) - f(x))
        points = trimmed([refined(error, x, grid) for x in peaks(error, grid)], error, n)
        heights = [abs(error(x)) for x in points]
        if max(heights) / min(heights) - 1 < mpf(10) ** -8:
            return p, q, max(heights)
    raise AssertionError("no convergence")


def greatest(error, a, b, count=2000):
    """Returns the largest |error| on a dense grid, with refined extrema."""
    grid = chebyshev(a, b, count)
    return max(abs(error(refined(error, x, grid))) for x in peaks(error, grid))


# The functions. All are 0/0 at 0 and need more digits near 0.

def smooth(value, at_zero):
    cache = {}

    def f(x):
        if x not in cache:
            with workdps(110):
                cache[x] = +value(x) if abs(x) > mpf(10) ** -25 else at_zero
        return cache[x]

    return f


LN2 = log(mpf(2))
exp_even = smooth(lambda z: (cosh(sqrt(z)) - 1) / z, mpf(1) / 2)
exp_odd = smooth(lambda z: (sinh(sqrt(z)) / sqrt(z) - 1) / z, mpf(1) / 6)
artanh_tail = smooth(lambda z: 2 * (atanh(sqrt(z)) / sqrt(z) - 1) / z, mpf(2) / 3)
tanh_tail = smooth(lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z, -mpf(1) / 3)
erf_near = smooth(lambda z: erf(sqrt(z)) / sqrt(z) - 1, 2 / sqrt(pi) - 1)
exp2_tail = smooth(lambda g: (2**g - 1) / g, LN2)
mills = smooth(lambda a: exp(a * a / 2) * erfc(a / sqrt(mpf(2))) / 2, mpf(1) / 2)


def mish_slope(u):
    e = exp(u)
    f = 1 + e / 2
    d = 1 + e * f
    return e * (f * d + u * (1 + e)) / d**2


with workdps(110):
    MISH_ZERO = findroot(mish_slope, (mpf("-1.19"), mpf("-1.2")), solver="secant", tol=mpf(10) ** -200)
    MISH_SLOPE = taylor(mish_slope, MISH_ZERO, 1)[1]
mish_near = smooth(lambda x: mish_slope(MISH_ZERO + x) / x, MISH_SLOPE)


# The checks

TABLE = []


def row(name, interval, weight, degree, least, committed, equal, count, held=0):
    ratio = f"{float(committed / least):.4f}" if least else ""
    same = "same" if equal == count else ""
    cells = [name, interval, weight, degree, str(held or ""), nstr(least, 5), nstr(committed, 5), ratio]
    TABLE.append([*cells, f"{equal} of {count}", same])


def constants():
    """Checks values given by a definition, in one or two parts."""
    ln2 = {"single": single, "double": double}
    for kind, to in ln2.items():
        bits = 24 if kind == "single" else 53
        [low] = numbers(f"{kind}.rs", "const LN2_LOW", ";")
        [shift] = numbers(f"{kind}.rs", "const ROUND:", ";")
        power, exponent = numbers(f"{kind}.rs", "const NORMALIZE:", ";")
        assert low == to(LN2 - to(LN2)), kind
        assert shift == 3 * mpf(2) ** (bits - 2) and power == mpf(2) ** exponent, kind
    [peak] = numbers("erf.rs", "const PEAK", ";")
    assert peak == double(1 / sqrt(2 * pi))
    # The low parts may be off in their last bits.
    for name, exact in (("ZERO", MISH_ZERO), ("SLOPE_AT_ZERO", MISH_SLOPE)):
        high, low = numbers("double_mish.rs", f"const {name}", ";")
        assert high == double(exact), name
        assert abs(high + low - exact) < mpf(2) ** -105, name


def same(name, found, f, weight, a, b, steps, texts, special=None):
    """Checks coefficients that are reproduced. `special` rounds the constant term."""
    a, b, degree = mpf(a), mpf(b), len(found) - 1
    c = stopped_fit(f, weight, degree, a, b, steps)
    c = [double(special(x) if special and i == 0 else x) for i, x in enumerate(c)]
    equal = sum(x == y for x, y in zip(c, found))
    error = lambda x: weight(x) * (f(x) - polyval(found[::-1], x))
    _, least = minimax(f, weight, range(degree + 1), a, b)
    row(name, *texts, str(degree), least, greatest(error, a, b), equal, len(c))
    assert c == found, (name, c, found)


def one_by_one(f, weight, n, a, b, to):
    """Rounds the constant term first, then refits the others to the rounded term."""
    c, _ = minimax(f, weight, range(n), a, b)
    first = to(c[0])
    c, _ = minimax(lambda x: f(x) - first, weight, range(1, n), a, b)
    return [first, *(to(x) for x in c)]


def close(name, found, f, weight, a, b, factor, texts, held=0, to=double, again=False):
    """Checks coefficients that are nearly minimax or, if `again`, are reproduced by `one_by_one`."""
    a, b, n = mpf(a), mpf(b), len(found)
    rest = lambda x: f(x) - sum(k * x**i for i, k in enumerate(found[:held]))
    best, least = minimax(rest, weight, range(held, n), a, b)
    committed = greatest(lambda x: weight(x) * (f(x) - polyval(found[::-1], x)), a, b)
    remade = one_by_one(f, weight, n, a, b, to) if held else [to(x) for x in best]
    equal = sum(x == y for x, y in zip(remade, found))
    row(name, *texts, str(n - 1), least, committed, equal, n, held)
    assert committed < factor * least, (name, nstr(committed, 5), nstr(least, 5))
    assert equal == n or not again, name


def kernels():
    """Checks sets that are nearly minimax, and two that are reproduced exactly.

    The weights turn errors into errors of eʳ for eʳ, and into relative errors for artanh and tanh, up to some percent and
    a factor.
    """
    r2, s2, x2 = (LN2 / 2) ** 2, (3 - sqrt(mpf(8))) ** 2, mpf("0.35") ** 2
    for file, name, f, order, power, b, held, texts in (
        ("single.rs", "exp_even", exp_even, [2, 1, 0], 2, r2, 1, ("r <= ln2/2", "r^2")),
        ("single.rs", "exp_odd", exp_odd, [1, 0], 3, r2, 1, ("r <= ln2/2", "r^3")),
        ("single.rs", "artanh_tail", artanh_tail, [2, 1, 0], 2, s2, 1, ("s <= 3-sqrt8", "s^2")),
        ("single.rs", "tanh_tail", tanh_tail, [1, 0, 3, 2], 2, x2, 2, ("x <= 0.35", "x^2")),
        ("double.rs", "exp_even", exp_even, [1, 0, 3, 2, 4], 2, r2, 1, ("r <= ln2/2", "r^2")),
        ("double.rs", "exp_odd", exp_odd, [1, 0, 3, 2, 4], 3, r2, 1, ("r <= ln2/2", "r^3")),
        ("double.rs", "artanh_tail", artanh_tail, [3, 2, 1, 0, 6, 5, 4], 2, s2, 1, ("s <= 3-sqrt8", "s^2")),
        ("double.rs", "tanh_tail", tanh_tail, [3, 2, 1, 0, 7, 6, 5, 4, 8], 2, x2, 2, ("x <= 0.35", "x^2")),
    ):
        found = ordered(numbers(file, f"fn {name}("), order)
        weight = lambda z: z ** (mpf(power) / 2)
        to = single if file == "single.rs" else double
        again = file == "single.rs" and name in ("exp_odd", "artanh_tail")
        close(f"{file[:-3]} {name}", found, f, weight, 0, b, 1.1, texts, held, to, again)


def error_function():
    near = lambda kind: numbers("erf.rs", "fn near(", after=f"impl Precision for {kind}")
    near_weight = lambda z: 1 / (1 + erf_near(z))
    near_texts = ("x <= 0.85", "x/erf x")
    end = mpf("0.85") ** 2
    # In Single the first fit was already within some thousandths, and no point was exchanged. In Double the rounding of
    # the coefficients causes an error of 3.4e-17, which is less than the errors of the arithmetic.
    same("Single::near", near("Single"), erf_near, near_weight, 0, end, 0, near_texts)
    same("Double::near", near("Double"), erf_near, near_weight, 0, end, 1, near_texts)
    gauss = ordered(numbers("erf.rs", "fn gauss(", after="impl Precision for Single"), [None, *range(7)])
    # The constant term is the error itself, so five digits are enough.
    five = lambda x: mpf(nstr(x, 5))
    power = lambda g: mpf(2) ** -g - 1
    same("Single::gauss", gauss, power, lambda g: mpf(2) ** g, -0.5, 0.5, 1, ("|g| <= 1/2", "2^g"), five)


def mish():
    texts = ("|f| <= 0.5003", "|f|/2^f")
    # The coefficient 1 is held. The quotient by f has one degree less. The interval is wider than needed.
    found = ordered(numbers("single_mish.rs", "fn exp(", "\n}"), [1, 0, 3, 2, 5, 4, 6])
    assert found[0] == 1
    weight = lambda g: abs(g) * mpf(2) ** -g
    close("single_mish exp", found[1:], exp2_tail, weight, "-0.5003", "0.5003", 1.01, texts)

    # The polynomial without its constant term, divided by x. Its error times x² is the error of mish'. It was fitted to
    # the high part of the slope alone, and is checked in the same way. The source adds the low part, which is correct at
    # the zero but not part of the fit. With it, the error of mish' elsewhere is up to 3.2e-18.
    slope, _ = numbers("double_mish.rs", "const SLOPE_AT_ZERO", ";")
    found = ordered(numbers("double_mish.rs", "fn near(", "\n}"), [3, 2, 1, 7, 6, 5, 4, 11, 10, 9, 8])
    rest = smooth(lambda x: (mish_near(x) - slope) / x, mpf(0))
    close("double_mish near", found, rest, lambda x: x * x, "-0.2", "0.2", 1.25, ("|x| <= 0.2", "x^2"))


def fractions():
    """Checks sets that are not minimax: their relative errors are 1.7 and 2.8 times the smallest. Their method of fit is unknown.

    The second uses the rounded φ(0), as in the computation: the exact φ(0) would change its error by 6e-17. All coefficients
    are positive, so nothing cancels.
    """
    found = numbers("erf.rs", "fn mills(", after="impl Precision for Single")
    relative = lambda a: 1 / mills(a)
    fraction("Single::mills", found[:5], found[5:11], mills, relative, mpf(15), 1.7, "0 <= a <= 15", "1/M")

    [peak] = numbers("erf.rs", "const PEAK", ";")
    found = numbers("erf.rs", "fn mills(", after="impl Precision for Double")
    # M = (C + a·p/q)/(a + 2C)
    inner = smooth(lambda a: (mills(a) * (a + 2 * peak) - peak) / a, mpf(1) / 2 - 2 * peak / sqrt(2 * pi))
    weight = lambda a: a / ((a + 2 * peak) * mills(a))
    texts = ("0 <= a <= 39", "a/(a+2C)/M")
    fraction("Double::mills", found[:10], found[10:22], inner, weight, mpf(39), 2.8, *texts)


def fraction(name, p, q, f, weight, b, factor, interval, weight_text):
    assert q[0] == 1 and min(p + q) > 0
    error = lambda t: weight(b * t**4) * (polyval(p[::-1], b * t**4) / polyval(q[::-1], b * t**4) - f(b * t**4))
    committed = greatest(error, mpf(0), mpf(1), 3000)
    best_p, best_q, least = minimax_fraction(f, weight, p, q, b)
    equal = sum(double(x) == y for x, y in zip(best_p + best_q[1:], p + q[1:]))
    row(name, interval, weight_text, f"{len(p) - 1}/{len(q) - 1}", least, committed, equal, len(p) + len(q) - 1)
    assert committed < factor * least, (name, nstr(committed, 5), nstr(least, 5))


def main():
    constants()
    kernels()
    error_function()
    mish()
    fractions()
    head = ["", "interval", "weight", "degree", "held", "minimax", "committed", "ratio", "equal", ""]
    widths = [max(len(cells[i]) for cells in [head, *TABLE]) for i in range(len(head))]
    for cells in [head, *TABLE]:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())


main()
