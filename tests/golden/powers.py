"""Fits the polynomials of src/scalar/{pair,power,hyperbolic,gamma}.rs and asserts that the source has the same literals.

Uses the exchange algorithm on a fine grid, with 50 digits (mpmath). With --print it prints the literals instead.
"""
import re
import sys
from pathlib import Path

from mpmath import atanh, cos, digamma, findroot, log, loggamma, lu_solve, matrix, mp, mpf, pi, polyval, sin, sqrt

mp.dps = 50
SCALAR = Path(__file__).parents[2] / "src" / "scalar"
ZERO = findroot(digamma, 1.46)


def fit(f, low, high, n, weight=lambda x: mpf(1)):
    """Returns the polynomial of n coefficients with the smallest maximum of weight(x)·|f(x) − p(x)|, and log₂ of this maximum."""
    points = 40 * n
    xs = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / points) for i in range(points)]
    fs, ws = [f(x) for x in xs], [weight(x) for x in xs]
    # The points at which the error should alternate.
    at = [round((points - 1) * i / n) for i in range(n + 1)]
    for _ in range(60):
        a, b = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for row, i in enumerate(at):
            for column in range(n):
                a[row, column] = xs[i] ** column
            a[row, n] = (-1) ** row / ws[i]
            b[row] = fs[i]
        c = list(lu_solve(a, b))[:n]
        errors = [(y - polyval(c[::-1], x)) * w for x, y, w in zip(xs, fs, ws)]
        peaks = []
        for i, e in enumerate(errors):
            if peaks and (e > 0) == (errors[peaks[-1]] > 0):
                if abs(e) > abs(errors[peaks[-1]]):
                    peaks[-1] = i
            else:
                peaks.append(i)
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) <= n:
            raise ArithmeticError("the error does not alternate")
        if peaks == at:
            return c, float(log(max(map(abs, errors)), 2))
        at = peaks
    raise ArithmeticError("no end")


def parts(x):
    """Returns the f64 nearest to x, and the remainder."""
    return [float(x), float(x - mpf(float(x)))]


def powers():
    def artanh(z):
        s = sqrt(z)
        return (2 * atanh(s) - 2 * s - 2 * s**3 / 3) / s**5

    yield "pair.rs", "TWO_THIRDS", parts(mpf(2) / 3)
    yield "pair.rs", "ARTANH", fit(artanh, mpf(0), (3 - sqrt(mpf(8))) ** 2, 8, lambda z: z * z / 2)
    yield "power.rs", "LOG2_E", parts(1 / log(mpf(2)))[1:]
    yield "power.rs", "LOG10_E", parts(1 / log(mpf(10)))[1:]
    yield "power.rs", "INVERSE_CBRT", fit(lambda m: m ** (-mpf(1) / 3), mpf(1), mpf(2), 4)
    yield "power.rs", "CBRT_2", [float(mpf(2) ** (mpf(1) / 3)), float(mpf(2) ** (-mpf(1) / 3))]


def gammas():
    def sine(z):
        q = sqrt(z)
        return (sin(pi * q) / q - pi + pi**3 / 6 * z) / z**2

    def cosine(z):
        return (cos(pi * sqrt(z)) - 1 + pi**2 / 2 * z) / z**2

    def ln_gamma(u):
        x = mpf(3) / 2 + u
        return loggamma(x) / ((x - 1) * (x - 2))

    def stirling(w):
        x = 1 / sqrt(w)
        return (loggamma(x) - ((x - mpf(1) / 2) * (log(x) - 1) + (log(2 * pi) - 1) / 2)) * x

    def asymptotic(w):
        x = 1 / sqrt(w)
        return (digamma(x) - log(x) + 1 / (2 * x)) / w

    half, sixth, least = mpf(1) / 2, 1 / mpf(36), mpf(10) ** -12
    yield "gamma.rs", "PI", parts(pi)[1:]
    yield "gamma.rs", "SINE_CUBE", parts(-(pi**3) / 6)
    yield "gamma.rs", "SINE", fit(sine, mpf(0), mpf(1) / 16, 6, lambda z: z * z / pi)
    yield "gamma.rs", "COSINE_SQUARE", parts(-(pi**2) / 2)
    yield "gamma.rs", "COSINE", fit(cosine, mpf(0), mpf(1) / 16, 6, lambda z: z * z)
    yield "gamma.rs", "LN_PI", parts(log(pi))
    yield "gamma.rs", "STIRLING_CONSTANT", parts((log(2 * pi) - 1) / 2)
    first, c = fit(ln_gamma, -half, half, 22)
    yield "gamma.rs", "LN_GAMMA_FIRST", parts(first[0])
    yield "gamma.rs", "LN_GAMMA", (first[1:], c)
    yield "gamma.rs", "STIRLING", fit(stirling, least, sixth, 8, sqrt)
    yield "gamma.rs", "DIGAMMA_ZERO", parts(ZERO - 1)
    first, c = fit(lambda u: digamma(ZERO + u) / u, 1 - ZERO, 2 - ZERO, 24)
    yield "gamma.rs", "DIGAMMA_FIRST", parts(first[0])
    yield "gamma.rs", "DIGAMMA", (first[1:], c)
    yield "gamma.rs", "ASYMPTOTIC", fit(asymptotic, least, sixth, 7, lambda w: w)


def literals(file, name):
    """Returns the values in the constant `name`."""
    text = re.search(r"const " + name + r": [^=]*=\s*([^;]*);", (SCALAR / file).read_text()).group(1)
    return [float(x.replace("_", "")) for x in re.findall(r"-?\b\d[\d_]*\.\d[\d_]*(?:e-?\d+)?", text)]


def rust(x):
    """Returns x as a literal, with its digits in groups of three."""
    digits, _, exponent = repr(x).partition("e")
    whole, _, fraction = digits.partition(".")
    groups = "_".join(re.findall(".{1,3}", fraction or "0"))
    return f"{whole}.{groups}" + (f"e{int(exponent)}" if exponent else "")


def main():
    for file, name, wanted in [*powers(), *gammas()]:
        error = ""
        if isinstance(wanted, tuple):
            wanted, error = [float(x) for x in wanted[0]], f"error 2^{wanted[1]:.1f}"
        if "--print" in sys.argv:
            print(file, name, error, ", ".join(map(rust, wanted)), sep="; ")
        else:
            assert literals(file, name) == wanted, (file, name)
            print("ok", file, name, error)


main()
