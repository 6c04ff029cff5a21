"""Fits the polynomials of ../../src/scalar/trigonometric.rs, and computes its words of 2/π and its parts of π/2 (mpmath).

Without an argument it asserts that the source has the same literals, and prints the errors of the rounded polynomials. With
`print` it prints the literals. The program is deterministic.
"""
import re
import sys
from pathlib import Path

from mpmath import asin, atan, cos, floor, linspace, lu_solve, matrix, mp, mpf, pi, sin, sqrt, tan

mp.dps = 60
SOURCE = Path(__file__).resolve().parents[2] / "src" / "scalar" / "trigonometric.rs"

# name: (f, the first terms of f in r = √z, the power of r that multiplies the polynomial, the largest r, coefficients).
# f(r) = first(r) + rᵖ·polynomial(r²)
FITS = {
    "sin_tail": (sin, lambda r: r, 3, pi / 4, 6),
    "cos_tail": (cos, lambda r: 1 - r * r / 2, 4, pi / 4, 6),
    "atan_tail": (atan, lambda r: r, 3, tan(pi / 8), 12),
    "asin_tail": (asin, lambda r: r, 3, mpf(1) / 2, 13),
}


def evaluate(coefficients, z):
    y = mpf(0)
    for c in reversed(coefficients):
        y = y * z + c
    return y


def error(fit, coefficients, z):
    """Returns the error relative to the function."""
    f, first, power, _, _ = fit
    r = sqrt(z)
    return (first(r) + r**power * evaluate(coefficients, z)) / f(r) - 1


def remez(fit):
    """Returns the polynomial in z with the smallest maximum relative error, by the exchange algorithm."""
    f, first, power, last, n = fit
    # Slightly larger than the range of the reduced argument.
    end = (last * (1 + mpf(2) ** -30)) ** 2
    # Extrema of the Chebyshev polynomial, without the lower end, at which the error is 0 for any polynomial.
    points = [end * (1 - cos(pi * (i + mpf(1) / 2) / (n + mpf(1) / 2))) / 2 for i in range(n + 1)]
    for _ in range(60):
        rows, right = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for i, z in enumerate(points):
            r = sqrt(z)
            for j in range(n):
                rows[i, j] = z**j
            rows[i, n] = (-1) ** i * f(r) / r**power
            right[i] = (f(r) - first(r)) / r**power
        solution = lu_solve(rows, right)
        coefficients, level = [solution[j] for j in range(n)], abs(solution[n])
        # Zeros of the error between the points, with an extremum between neighbouring zeros.
        edges = [end * mpf(10) ** -6]
        for a, b in zip(points, points[1:]):
            edges.append(bisect(lambda z: error(fit, coefficients, z), a, b))
        edges.append(end)
        points = [greatest(lambda z: abs(error(fit, coefficients, z)), a, b) for a, b in zip(edges, edges[1:])]
        worst = max(abs(error(fit, coefficients, z)) for z in points)
        if worst / level - 1 < mpf(10) ** -12:
            return coefficients
    raise AssertionError("no convergence")


def rounded(fit):
    """Fits likewise, but first rounds the first coefficient, whose rounding error would be the largest."""
    f, first, power, last, n = fit
    c = mpf(float(remez(fit)[0]))
    return [c] + remez((f, lambda r: first(r) + c * r**power, power + 2, last, n - 1))


def bisect(f, a, b):
    left = f(a) > 0
    for _ in range(60):
        middle = (a + b) / 2
        a, b = (middle, b) if (f(middle) > 0) == left else (a, middle)
    return (a + b) / 2


def greatest(f, a, b):
    """Returns the point of the maximum of f between a and b, by golden-section search."""
    g = (sqrt(mpf(5)) - 1) / 2
    c, d = b - g * (b - a), a + g * (b - a)
    fc, fd = f(c), f(d)
    for _ in range(60):
        if fc > fd:
            b, d, fd = d, c, fc
            c = b - g * (b - a)
            fc = f(c)
        else:
            a, c, fc = c, d, fd
            d = a + g * (b - a)
            fd = f(d)
    return max((a + b) / 2, b, key=f)


def literal(x):
    """Returns the literal as rustfmt and clippy require it."""
    text, _, exponent = repr(float(x)).partition("e")
    whole, _, digits = text.partition(".")
    text = whole + "." + "_".join(digits[i : i + 3] for i in range(0, len(digits), 3))
    return text + (f"e{int(exponent)}" if exponent else "")


def words():
    """Returns the bits of 2/π after the point."""
    with mp.workprec(1400):
        bits = int(floor(2 / pi * 2**1216))
    return [bits >> 64 * (18 - i) & 2**64 - 1 for i in range(19)]


def word(x):
    digits = f"{x:016x}"
    return "0x" + "_".join(digits[i : i + 4] for i in range(0, 16, 4))


def expected():
    high = mpf(float(pi / 2))  # FRAC_PI_2 of the standard library
    return {
        "TWO_OVER_PI": [word(0)] + [word(x) for x in words()],
        "HALF_PI": [literal(pi / 2 - high)],
        **{name: [literal(c) for c in rounded(fit)] for name, fit in FITS.items()},
    }


def committed(name):
    """Returns the literals of the array `name`, in order."""
    text = SOURCE.read_text()
    body = re.search(rf"\b{name.upper()}: [^=]*=\s*\[?(.*?);\n", text, re.S).group(1)
    body = re.sub(r"//[^\n]*", "", body)
    return re.findall(r"-?(?:0x[0-9a-f_]+|\d[\d_]*\.[\d_]+(?:e-?\d+)?)", body)


def main():
    for name, literals in expected().items():
        if sys.argv[1:] == ["print"]:
            print(name.upper(), *literals, sep="\n    ")
        else:
            assert committed(name) == literals, f"{name}: {committed(name)} are not {literals}"
        if name in FITS:
            fit = FITS[name]
            coefficients = [mpf(float(x.replace("_", ""))) for x in literals]
            worst = max(abs(error(fit, coefficients, z)) for z in linspace(fit[3] ** 2 / 2000, fit[3] ** 2, 2000))
            print(name, "relative error", mp.nstr(worst, 3))


main()
