#!/usr/bin/env python3
"""Makes the coefficients in math.inl: minimax polynomials by Remez's exchange (needs mpmath only).

exp(r) = 1 + r + r^2 Q(r) on |r| <= ln 2 / 2, relative error.
Phi(-t) = exp(-t^2/2) R(t), t >= 0, with R(t) = erfcx(t / sqrt 2) / 2 = u S(u), u = 1 / (1 + c t): R falls like
1/t, so u maps [0, inf) to (0, 1] and leaves S nearly straight. The error is relative, so the tail keeps its digits.
"""
from mpmath import mp, mpf, matrix, lu_solve, exp, log, erfc, sqrt, pi, cos

mp.dps = 40


def remez(f, weight, low, high, degree, rounds=12, grid=2000):
    """Coefficients of p minimising max |weight (f - p)|, and that maximum."""
    n = degree + 2
    nodes = [low + (high - low) * (1 - cos(pi * i / (n - 1))) / 2 for i in range(n)]
    xs = [low + (high - low) * (1 - cos(pi * i / grid)) / 2 for i in range(grid + 1)]
    values = [(x, f(x), weight(x)) for x in xs]
    for _ in range(rounds):
        a, b = matrix(n, n), matrix(n, 1)
        for i, x in enumerate(nodes):
            for j in range(degree + 1):
                a[i, j] = x**j
            a[i, degree + 1] = (-1) ** i / weight(x)
            b[i] = f(x)
        solution = lu_solve(a, b)
        p = [solution[i] for i in range(degree + 1)]
        errors = [w * (y - sum(c * x**j for j, c in enumerate(p))) for x, y, w in values]
        # One extreme per run of equal sign; keep the n consecutive ones with the largest errors.
        runs, start = [], 0
        for i in range(1, len(errors) + 1):
            if i == len(errors) or (errors[i] > 0) != (errors[start] > 0):
                runs.append(max(range(start, i), key=lambda k: abs(errors[k])))
                start = i
        while len(runs) > n:
            runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
        if len(runs) < n:
            break
        nodes = [xs[i] for i in runs]
    return p, max(abs(e) for e in errors)


def show(name, coefficients, error):
    print(f"{name}: error {mp.nstr(error, 3)}")
    for c in coefficients:
        print(f"  {float(c):.9e}f,")


def half_erfcx(t):
    return exp(t * t / 2) * erfc(t / sqrt(mpf(2))) / 2


def main():
    edge = log(mpf(2)) / 2 * mpf("1.01")
    q = lambda r: (exp(r) - 1 - r) / r**2 if abs(r) > mpf("1e-12") else mpf(1) / 2 + r / 6
    show("exp", *remez(q, lambda r: r**2 * exp(-r) + mpf("1e-30"), -edge, edge, 4))
    c, degree, far = mpf("0.35"), 8, mpf(15)
    r_of = lambda u: half_erfcx((1 / u - 1) / c)
    show(f"S, c = {c}", *remez(lambda u: r_of(u) / u, lambda u: u / r_of(u), 1 / (1 + c * far), mpf(1), degree))


if __name__ == "__main__":
    main()
