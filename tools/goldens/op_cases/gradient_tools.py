"""Gradient checkpointing, and clipping of gradients."""
import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.utils.checkpoint import checkpoint

from op_cases.golden import INF, NAN, Family, bools, f, ints, vals

tools = Family('gradient-tools')


def again(fn, *inputs):
    return checkpoint(fn, *inputs, use_reentrant=False)


def parameters(gradients):
    made = [torch.zeros_like(g, requires_grad=True) for g in gradients]
    for p, g in zip(made, gradients):
        p.grad = g.detach().clone()
    return made


def by_norm(x, a):
    ps = parameters(x)
    norm = clip_grad_norm_(ps, a['maxNorm'], a.get('normType', 2.0))
    return [norm, *(p.grad for p in ps)]


def by_value(x, a):
    ps = parameters(x)
    clip_grad_value_(ps, a['clipValue'])
    return [p.grad for p in ps]


tools.op('checkpoint', lambda x, a: again(lambda t, w: torch.tanh(t @ w).exp(), *x))
tools.s('two inputs', f(2, 3), f(3, 4))
tools.op('checkpointMixed', lambda x, a: again(
    lambda t, i, b: torch.where(b, t.gather(1, i.long()), t.sin()), *x))
tools.s('with integers and bools', f(2, 3), ints(2, 3, low=0, high=3), bools(2, 3))
tools.op('checkpointScalar', lambda x, a: again(lambda t, s: (t * s).exp() * s, *x))
tools.s('a factor of rank 0', f(5), vals(0.5, shape=[]))
# What comes back is infinite or NaN: it must not reach what is computed again.
tools.op('checkpointSqrt', lambda x, a: again(lambda t: t * t, x[0]).sqrt() + again(torch.exp, x[0]))
tools.s('values', vals(1.0, 4.0, 0.25))
tools.s('a gradient of NaN', vals(1.0, 0.0, 0.25))
tools.op('checkpointDivision', lambda x, a: 1 / again(lambda t: t * 3, x[0]))
tools.s('infinite gradients', vals(0.0, 4.0, -0.0))
tools.op('checkpointNested', lambda x, a: again(lambda t, u: again(torch.sin, torch.tanh(t)) * u, x[0], x[1]).cos())
tools.s('nested', f(2, 3), f(2, 3))

tools.op('clipGradNorm', by_norm)
tools.s('by the 2-norm', f(2, 3).const(), f(4).const(), maxNorm=0.7)
tools.s('nothing to clip', f(2, 3).const(), f(4).const(), maxNorm=1000)
tools.s('by the 1-norm', f(2, 3).const(), f(4).const(), maxNorm=0.7, normType=1)
tools.s('by the 3-norm', f(2, 3).const(), f(4).const(), maxNorm=0.7, normType=3)
tools.s('NaN', vals(1.0, NAN).const(), f(2).const(), maxNorm=1)
tools.s('infinity', vals(1.0, INF).const(), f(2).const(), maxNorm=1)
tools.op('clipGradValue', by_value)
tools.s('some', f(2, 3).const(), vals(NAN, INF, -INF, 0.25, -3.0).const(), clipValue=0.5)



def squared_jacobian(fn, inputs, h):
    """Of each input the sum over outputs of (dy/dx)^2 h: what the diagonal of second derivatives is for one operation."""
    inputs = [x.detach() for x in inputs]
    rows = torch.autograd.functional.jacobian(lambda *xs: fn(*xs).reshape(-1), tuple(inputs))
    return [(j.square() * h.reshape(-1, *[1] * x.ndim)).sum(0) for j, x in zip(rows, inputs)]


tools.op('curvature', lambda x, a: squared_jacobian(torch.nn.functional.conv2d, x[:2], x[2]))
tools.s('of a convolution', f(2, 2, 4, 4).const(), f(3, 2, 3, 3).const(), f(2, 3, 2, 2, low=0).const())
tools.op('curvatureTanh', lambda x, a: squared_jacobian(lambda t, b: torch.tanh(t * b), x[:2], x[2]))
tools.s('of elements, broadcast', f(2, 3).const(), f(3).const(), f(2, 3, low=0).const())

FAMILIES = [tools]
