"""Writes erf.txt: x, erf x, erfc x, Φ(x), x·Φ(x) and its derivative, each the f64 nearest to the true value (mpmath, 60 digits).

All x are f32 values, so that the table applies to both types.
"""
import random
import struct

from mpmath import erf, erfc, exp, mp, mpf, pi, sqrt

mp.dps = 60


def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def main():
    random.seed(1)
    xs = [1e-40, 1e-30, 1e-8, 0.5, 0.75179, 0.85, 1.0, 2.0, 4.0, 9.0, 10.0, 12.0, 13.0, 14.0, 26.5, 27.2, 37.6, 38.4]
    xs += [random.uniform(0, 1) for _ in range(30)] + [random.uniform(0, 6) for _ in range(40)]
    xs += [random.uniform(0, 15) for _ in range(30)] + [random.uniform(0, 38.4) for _ in range(20)]
    xs += [2.0 ** random.uniform(-60, 0) for _ in range(12)]
    xs = sorted(single(s * x) for x in xs for s in (-1, 1))
    with open(__file__.replace(".py", ".txt"), "w") as out:
        for x in xs:
            u = mpf(x)
            cdf = erfc(-u / sqrt(mpf(2))) / 2
            slope = cdf + u * exp(-u * u / 2) / sqrt(2 * pi)
            print(x, *(float(v) for v in (erf(u), erfc(u), cdf, u * cdf, slope)), file=out)


main()
