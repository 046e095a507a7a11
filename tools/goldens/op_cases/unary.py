"""Elementwise functions of one tensor."""
import torch

from op_cases.golden import INF, NAN, Family, f, ints, ivals, vals

unary = Family('unary')
# Points of each function's domain, away from kinks.
ANY = (-3.25, -1.5, -0.7, -0.1, 0.2, 0.9, 1.75, 4.5)
POSITIVE = (0.001, 0.02, 0.3, 0.9, 1.0, 1.75, 4.5, 120.0)
SPECIAL = (NAN, INF, -INF, 0.0, -0.0)


def family(name, fn, points, special=SPECIAL, kinks=None, integers=False, grad=True):
    unary.op(name, lambda x, a: fn(x[0]))
    unary.s('values', vals(*points, shape=[2, 4]), _grad=grad)
    unary.s('a scalar', vals(points[-2], shape=[]), _grad=grad)
    unary.s('NaN, infinities and zeros', vals(*special), _grad=False)
    if kinks:
        unary.s('gradient at kinks', vals(*kinks))
    if integers:
        unary.s('int32', ivals(-7, -1, 0, 1, 12))


family('neg', torch.neg, ANY, integers=True)
family('abs', torch.abs, ANY, kinks=(0.0, -1.0, 1.0), integers=True)
family('sign', torch.sign, ANY, special=(INF, -INF, 0.0, -0.0), integers=True)
family('exp', torch.exp, ANY)
family('expm1', torch.expm1, (-5.0, -0.5, -1e-4, 1e-4, 1e-5, 0.5, 3.0, 5.5))
family('log', torch.log, POSITIVE, special=SPECIAL + (-1.0,))
family('log1p', torch.log1p, (-0.9, -0.1, -1e-4, 1e-4, 1e-5, 0.5, 3.0, 55.0), special=SPECIAL + (-1.0, -2.0))
family('sqrt', torch.sqrt, POSITIVE, special=(NAN, INF, 0.0, -1.0))
family('rsqrt', torch.rsqrt, POSITIVE, special=(NAN, INF, 0.0, -1.0))
family('reciprocal', torch.reciprocal, ANY)
family('square', torch.square, ANY, kinks=(0.0, 2.0), integers=True)
family('sin', torch.sin, ANY, special=(NAN, INF, -INF, 0.0))
family('cos', torch.cos, ANY, special=(NAN, INF, -INF, 0.0))
family('tanh', torch.tanh, ANY)
family('erf', torch.erf, (-3.25, -1.5, -0.7, -0.001, 0.001, 0.9, 1.75, 2.5))
family('sigmoid', torch.sigmoid, (-30.0, -3.25, -0.7, -0.1, 0.0, 0.9, 4.5, 30.0))
family('relu', torch.relu, ANY, kinks=(0.0, -0.0, 1.0))
family('floor', torch.floor, (-2.5, -2.0, -0.5, -0.001, 0.0, 0.5, 1.999, 3.0))
family('ceil', torch.ceil, (-2.5, -2.0, -0.5, -0.001, 0.0, 0.5, 1.001, 3.0))
family('round', torch.round, (-2.5, -1.5, -0.5, 0.49, 0.5, 1.5, 2.5, 3.501))
family('trunc', torch.trunc, (-2.5, -2.0, -0.5, -0.001, 0.0, 0.5, 1.999, 3.0))
family('isfinite', torch.isfinite, ANY, grad=False)
family('isnan', torch.isnan, ANY, grad=False)


unary.op('powScalar', lambda x, a: torch.pow(x[0], a['exponent']))
for e in (2, 3, -1, 0, 1):
    unary.s(f'exponent {e}', vals(-2.5, -1.0, -0.3, 0.7, 1.0, 3.0), exponent=e)
for e in (0.5, -0.5, 2.5, 1.7):
    unary.s(f'exponent {e}', vals(0.1, 0.6, 1.0, 2.25, 7.0), exponent=e)
unary.s('square at zero', vals(0.0, -0.0, 1.0), exponent=2)
unary.s('exponent 0 at zero', vals(0.0, 2.0), exponent=0)
unary.s('fraction of a negative is NaN', vals(-1.0, -2.5), exponent=0.5, _grad=False)
unary.s('int32', ivals(-3, -1, 0, 2, 5), exponent=3)
unary.s('NaN and infinities', vals(NAN, INF, -INF), exponent=3, _grad=False)
unary.s('int32 to a fraction', ivals(1, 4, 9), exponent=0.5)

unary.op('composition', lambda x, a: torch.tanh(torch.exp(-x[0] * x[0]) + torch.sin(x[0]) / 3))
unary.s('a chain with a value read three times', f(3, 5))
unary.s('three axes', f(2, 3, 2))

unary.op('zeroSize', lambda x, a: torch.exp(x[0]) * 2 + 1)
unary.s('no rows', f(0, 3))
unary.s('no columns', f(2, 0))

unary.op('integerSquare', lambda x, a: x[0] * x[0] - x[0])
unary.s('int32', ints(3, 3))

FAMILIES = [unary]
