"""Arithmetic of two tensors, or of a tensor and a number, with broadcasting."""
import torch

from op_cases.golden import INF, NAN, Family, bools, bvals, f, ints, ivals, vals

binary = Family('binary')


def other(x, a):
    return a['other'] if 'other' in a else x[1]


def shapes(low=-2.0, high=2.0):
    binary.s('equal shapes', f(2, 3, low=low, high=high), f(2, 3, low=low, high=high))
    binary.s('a row', f(2, 3, low=low, high=high), f(3, low=low, high=high))
    binary.s('rows with columns', f(3, 1, low=low, high=high), f(1, 2, low=low, high=high))
    binary.s('more axes on the right', f(2, low=low, high=high), f(2, 3, 2, low=low, high=high))
    binary.s('a scalar on the right', f(2, 2, low=low, high=high), f(low=low, high=high))
    binary.s('a scalar on the left', f(low=low, high=high), f(2, 2, low=low, high=high))


def family(name, fn, low=-2.0, high=2.0, number=1.5, special=True, integers=True):
    binary.op(name, lambda x, a: fn(x[0], other(x, a)))
    shapes(low, high)
    binary.s('a number', f(5, low=low, high=high), other=number)
    if special:
        n = (NAN, 1.0, INF, INF, -INF, 0.0, NAN)
        binary.s('NaN and infinities', vals(*n), vals(1.0, NAN, INF, -INF, 2.0, INF, NAN), _grad=False)
    if integers:
        binary.s('int32', ivals(-7, 7, -7, 7, 5, 0), ivals(2, -2, -2, 2, 3, 3))


family('add', torch.add)
binary.s('int32 broadcast', ints(3, 1), ints(1, 2))
binary.s('no elements', f(0, 3), f(3))
binary.s('a middle axis of one', f(2, 1, 3), f(2, 2, 1))
family('sub', torch.sub)
family('mul', torch.mul)
binary.s('int32 wraps', ivals(65536, 123456789, -2147483648), ivals(65536, 1000, -1))
family('div', torch.div, low=0.5, high=3.0, integers=False)
binary.s('by zero', vals(1.0, -1.0, 0.0), vals(0.0, 0.0, 0.0), _grad=False)
binary.s('int32 gives float32', ivals(1, 7, -7, 10), ivals(3, 2, 2, 4))


def tensor_other(fn):
    return lambda x, a: fn(x[0], torch.tensor(a['other'], dtype=x[0].dtype) if 'other' in a else x[1])


for name, fn in (('maximum', torch.maximum), ('minimum', torch.minimum)):
    binary.op(name, tensor_other(fn))
    shapes()
    binary.s('a number', f(5), other=0.5)
    binary.s('ties share the gradient', vals(1.0, -2.0, 0.0, 3.0), vals(1.0, -2.0, 0.5, 2.0))
    binary.s('NaN and infinities', vals(NAN, 1.0, INF, -INF), vals(1.0, NAN, 3.0, 3.0), _grad=False)
    binary.s('int32', ivals(-7, 7, 2), ivals(2, -2, 2))

binary.op('remainder', lambda x, a: torch.remainder(x[0], other(x, a)))
binary.s('signs', vals(5.3, -5.3, 5.3, -5.3, 0.5), vals(2.25, 2.25, -2.25, -2.25, 0.75))
binary.s('broadcast', vals(-3.7, -0.2, 0.6, 4.1, shape=[4, 1]), vals(1.3, -0.7))
binary.s('a number', vals(-3.7, -0.2, 0.6, 4.1), other=1.25)
binary.s('int32', ivals(-7, 7, -7, 7, 6), ivals(2, -2, -2, 2, 3))

binary.op('floorDivide', lambda x, a: torch.div(x[0], other(x, a), rounding_mode='floor'))
binary.s('signs', vals(5.3, -5.3, 5.3, -5.3, 0.5), vals(2.25, 2.25, -2.25, -2.25, 0.75), _grad=False)
binary.s('a number', vals(-3.7, -0.2, 0.6, 4.1), other=1.25, _grad=False)
binary.s('int32', ivals(-7, 7, -7, 7, 6), ivals(2, -2, -2, 2, 3))

binary.op('pow', lambda x, a: torch.pow(x[0], x[1]))
binary.s('positive bases', vals(0.3, 1.0, 1.7, 2.5), vals(2.0, -3.0, 0.5, 1.3))
binary.s('broadcast', f(3, 1, low=0.5, high=2.0), f(2))
binary.s('negative bases, whole exponents', vals(-2.0, -1.5, -3.0), vals(3.0, 2.0, -1.0).const())
binary.s('zero to the zero', vals(0.0, 0.0, 2.0), vals(0.0, 2.0, 0.0), _grad=False)
binary.s('int32', ivals(-3, 2, 5, 0), ivals(3, 10, 0, 0))

binary.op('numberFirst', lambda x, a: {'sub': a['left'] - x[0], 'div': a['left'] / x[0]}[a['fn']])
binary.s('sub', f(4), left=2, fn='sub')
binary.s('div', f(4, low=0.5, high=2.0), left=2, fn='div')

binary.op('addAlpha', lambda x, a: torch.add(x[0], x[1], alpha=a['alpha']))
binary.s('a factor', f(2, 3), f(3), alpha=0.3)
binary.op('subAlpha', lambda x, a: torch.sub(x[0], x[1], alpha=a['alpha']))
binary.s('a factor', f(2, 3), f(3), alpha=0.3)
binary.op('lerp', lambda x, a: torch.lerp(x[0], x[1], a['weight'] if 'weight' in a else x[2]))
binary.s('a number', f(4), f(4), weight=0.3)
binary.s('a tensor', f(2, 3), f(2, 3), f(2, 3, low=0, high=1))

binary.op('promotion', lambda x, a: x[0] * x[1])
binary.s('int32 with float', ints(2, 3), f(3))
binary.s('float with int32', f(2, 3), ints(3))
binary.s('float with bool', f(2, 3), bools(3))
binary.s('int32 with bool', ints(2, 3), bools(3))
binary.op('promotionNumber', lambda x, a: x[0] + a['other'])
binary.s('int32 with a fraction', ivals(-2, 0, 3), other=0.5)
binary.s('int32 with a whole number', ivals(-2, 0, 3), other=2)
binary.s('bool with a fraction', bvals(0, 1), other=0.5)

binary.op('sharedOperand', lambda x, a: x[0] * x[0] + x[0] / (x[0] * x[1] + 3))
binary.s('one tensor on both sides', f(2, 3, low=0.2, high=1.0), f(3, low=0.2, high=1.0))

FAMILIES = [binary]
