"""Rectifiers beyond relu and leaky relu, and maxout. softshrink and hardshrink without NaN: 1.13 makes 0 of it, 2.6 no more."""
import torch
import torch.nn.functional as F

from op_cases.activation import POINTS
from op_cases.golden import INF, NAN, Family, f, vals

rectifiers = Family('rectifiers')


def family(name, fn, special=(NAN, INF, -INF)):
    rectifiers.op(name, fn)
    rectifiers.s('values', vals(*POINTS))
    rectifiers.s('two axes', f(2, 3))
    rectifiers.s('NaN and infinities', vals(*special), _grad=False)


rectifiers.op('prelu', lambda x, a: F.prelu(x[0], x[1]))
rectifiers.s('one slope', vals(*POINTS), vals(0.25))
rectifiers.s('one slope for all channels', f(2, 3, 2), vals(-0.5))
rectifiers.s('a slope for each channel', f(2, 3), vals(0.25, 0.5, -0.1))
rectifiers.s('images', f(2, 3, 2, 2), vals(0.25, 1.5, -0.1))
rectifiers.s('a scalar', vals(-3.0, shape=[]), vals(0.25))
rectifiers.s('gradient at zero', vals(0.0, -0.0, 2.0), vals(0.25))
rectifiers.s('NaN and infinities', vals(NAN, INF, -INF), vals(0.25), _grad=False)
rectifiers.s('infinity with slope 0', vals(INF, 2.0), vals(0.0))
family('rrelu', lambda x, a: F.rrelu(x[0], a.get('lower', 1 / 8), a.get('upper', 1 / 3)))
rectifiers.s('other slopes', vals(*POINTS), lower=0.25, upper=0.75)
family('selu', lambda x, a: F.selu(x[0]))
rectifiers.s('gradient at zero', vals(0.0, -0.0))
family('celu', lambda x, a: F.celu(x[0], a.get('alpha', 1.0)))
rectifiers.s('alpha', vals(*POINTS), alpha=0.5)
rectifiers.s('a negative alpha', vals(*POINTS[1:]), alpha=-0.5)
rectifiers.s('gradient at zero', vals(0.0, -0.0), alpha=0.5)
family('threshold', lambda x, a: F.threshold(x[0], a.get('threshold', 0.25), a.get('value', -2.0)))
rectifiers.s('gradient at the kink', vals(0.5, 0.75, 0.25), threshold=0.5, value=0.75)
family('hardshrink', lambda x, a: F.hardshrink(x[0], a.get('lambda', 0.5)), special=(INF, -INF))
rectifiers.s('lambda', vals(*POINTS), **{'lambda': 2})
rectifiers.s('a negative lambda', vals(0.0, -0.25, 0.25, 3.0), **{'lambda': -1})
rectifiers.s('gradient at the kinks', vals(-0.5, 0.5, 0.0, 0.75))
family('softshrink', lambda x, a: F.softshrink(x[0], a.get('lambda', 0.5)), special=(INF, -INF))
rectifiers.s('lambda', vals(*POINTS), **{'lambda': 2})
rectifiers.s('lambda 0', vals(*POINTS), **{'lambda': 0})
rectifiers.s('gradient at the kinks', vals(-0.5, 0.5, 0.0, 0.75))


def maxout(x, a):
    """Goodfellow's: the largest of each `pieces` neighbours along an axis."""
    dim, pieces = a.get('dim', 1) % x[0].dim(), a['pieces']
    sizes = list(x[0].shape)
    return x[0].reshape(sizes[:dim] + [sizes[dim] // pieces, pieces] + sizes[dim + 1:]).amax(dim + 1)


rectifiers.op('maxout', maxout)
rectifiers.s('two pieces', f(2, 6), pieces=2)
rectifiers.s('three pieces of images', f(2, 6, 2, 2), pieces=3)
rectifiers.s('the last axis', f(2, 3, 4), pieces=4, dim=-1)
rectifiers.s('one piece', f(2, 3), pieces=1)
rectifiers.s('ties share', vals(1.0, 1.0, 0.5, 2.0, 2.0, 2.0), pieces=3, dim=0)
rectifiers.s('NaN and infinities', vals(NAN, 1.0, INF, -INF, -INF, -INF), pieces=2, dim=0, _grad=False)
rectifiers.s('no rows', f(0, 4), pieces=2)

FAMILIES = [rectifiers]
