"""Reductions over some or all axes, and running sums."""
import torch

from op_cases.golden import INF, NAN, Family, bvals, distinct, f, ints, ivals, vals

reduction = Family('reduction')
statistics = Family('statistics')


def dims(a):
    d = a.get('dim')
    return tuple(d) if isinstance(d, list) else d


def reduced(fn):
    """`fn(x)` over everything, `fn(x, dim, keepdim)` over some axes."""
    def run(x, a):
        if 'dim' not in a:
            return fn(x[0])
        return fn(x[0], dims(a), a.get('keepdim', False))
    return run


def common(fam, make=f, one_dim_only=False):
    fam.s('everything', make(2, 3))
    fam.s('the last axis', make(2, 3), dim=-1)
    fam.s('the first axis, kept', make(2, 3), dim=0, keepdim=True)
    fam.s('a middle axis', make(2, 3, 2), dim=1)
    fam.s('an axis of one', make(3, 1), dim=1)
    if not one_dim_only:
        fam.s('outer axes', make(2, 3, 2), dim=[0, 2])
        fam.s('outer axes, kept', make(2, 3, 2), dim=[0, -1], keepdim=True)
        fam.s('inner axes', make(2, 3, 2), dim=[1, 2])
    fam.s('a scalar', make())


reduction.op('sum', reduced(torch.sum))
common(reduction)
reduction.s('int32', ints(3, 4), dim=0)
reduction.s('bool counts', bvals(0, 1, 1, 1, 0, 0, shape=[2, 3]), dim=1)
reduction.s('no elements', f(0), _grad=False)
reduction.s('an empty axis', f(2, 0), dim=1, _grad=False)
reduction.s('NaN and infinities', vals(NAN, 1.0, INF, -INF, INF, 1.0, shape=[3, 2]), dim=1, _grad=False)
reduction.s('four axes', f(2, 3, 2, 2), dim=[0, 2, 3])

reduction.op('mean', reduced(torch.mean))
common(reduction)
reduction.s('four axes', f(2, 3, 2, 2), dim=[0, 2, 3])

reduction.op('prod', reduced(torch.prod))
common(reduction, make=lambda *s: f(*s, low=0.5, high=2.0), one_dim_only=True)
reduction.s('one zero', vals(2.0, 0.0, 3.0))
reduction.s('two zeros', vals(2.0, 0.0, 0.0, 3.0))
reduction.s('zeros along an axis', vals(2.0, 0.0, 3.0, 1.0, 2.0, 3.0, 0.0, 0.0, 5.0, shape=[3, 3]), dim=1)
reduction.s('int32', ivals(1, 2, 3, -4))
reduction.s('no elements', f(0), _grad=False)

for name, fn in dict(amax=torch.amax, amin=torch.amin).items():
    reduction.op(name, lambda x, a, fn=fn: fn(x[0], dims(a) if 'dim' in a else (), a.get('keepdim', False)))
    common(reduction, make=distinct)
    reduction.s('ties share the gradient', vals(1.0, 3.0, 3.0, -1.0, -1.0, 0.0, shape=[2, 3]), dim=1)
    reduction.s('NaN and infinities', vals(NAN, 1.0, INF, -INF, 2.0, 1.0, shape=[3, 2]), dim=1, _grad=False)
    reduction.s('int32', ints(3, 4), dim=0)

for name, fn in dict(argmax=torch.argmax, argmin=torch.argmin).items():
    reduction.op(name, reduced(fn))
    common(reduction, make=lambda *s: distinct(*s).const(), one_dim_only=True)
    reduction.s('ties go to the first', vals(1.0, 3.0, 3.0, 1.0, 1.0, 0.0, 0.0, 1.0, shape=[2, 4]), dim=1, _grad=False)
    reduction.s('NaN is the extreme', vals(1.0, NAN, 3.0, NAN, INF, -INF, NAN, 0.0, shape=[2, 4]), dim=1, _grad=False)
    reduction.s('int32', ivals(3, -2, 7, 7, -2, 0, shape=[2, 3]), dim=1)

for name, fn in dict(maxDim=torch.max, minDim=torch.min).items():
    reduction.op(name, lambda x, a, fn=fn: tuple(fn(x[0], a['dim'], a.get('keepdim', False))))
    reduction.s('the last axis', distinct(2, 3), dim=-1)
    reduction.s('the first axis, kept', distinct(2, 3), dim=0, keepdim=True)
    reduction.s('ties go to the first', vals(1.0, 3.0, 3.0, -1.0, -1.0, 0.0, shape=[2, 3]), dim=1)

for name, fn in dict(maxAll=torch.max, minAll=torch.min).items():
    reduction.op(name, lambda x, a, fn=fn: fn(x[0]))
    reduction.s('two axes', distinct(2, 3))
    reduction.s('ties share the gradient', vals(1.0, 3.0, 3.0) if fn is torch.max else vals(1.0, 1.0, 3.0))

for name, fn in dict(any=torch.any, all=torch.all).items():
    reduction.op(name, reduced(fn))
    reduction.s('everything', bvals(0, 1, 0))
    reduction.s('an axis', bvals(0, 0, 0, 1, 1, 1, shape=[3, 2]), dim=1)
    reduction.s('an axis, kept', bvals(0, 0, 0, 1, 1, 1, shape=[3, 2]), dim=0, keepdim=True)

for name, fn in dict(var=torch.var, std=torch.std).items():
    def spread(x, a, fn=fn):
        axes = dims(a) if 'dim' in a else tuple(range(x[0].dim()))
        return fn(x[0], dim=axes, correction=a.get('correction', 1), keepdim=a.get('keepdim', False))
    statistics.op(name, spread)
    common(statistics, make=lambda *s: f(*(s or (5,))))
    statistics.s('population', f(3, 4), dim=1, correction=0)
    statistics.s('population of everything', f(3, 2), correction=0)
    statistics.s('a large mean', vals(1000.25, 1000.5, 1001.0, 999.25), correction=0)
    statistics.s('four axes', f(2, 2, 2, 2), dim=[0, 2, 3], correction=0)

statistics.op('norm', lambda x, a: torch.linalg.vector_norm(x[0], float(a.get('p', 2)), dims(a), a.get('keepdim', False)))
common(statistics)
for p in (1, 3, 1.5, 'inf', '-inf'):
    statistics.s(f'p {p}', distinct(2, 3), p=p, dim=1)
statistics.s('p 0', vals(1.0, 0.0, 2.0, 0.0), p=0, dim=0, _grad=False)
statistics.s('of zeros', vals(0.0, 0.0, 0.0))

statistics.op('logsumexp', lambda x, a: torch.logsumexp(x[0], dims(a), a.get('keepdim', False)))
statistics.s('the last axis', f(2, 3), dim=-1)
statistics.s('the first axis, kept', f(2, 3), dim=0, keepdim=True)
statistics.s('two axes', f(2, 3, 2), dim=[0, 2])
statistics.s('large numbers', vals(1000.0, 1001.0, 999.5), dim=0)
statistics.s('minus infinity', vals(-INF, 0.0, 1.0, -INF, -INF, -INF, shape=[2, 3]), dim=1, _grad=False)
statistics.s('one minus infinity', vals(-INF, 0.0, 1.0), dim=0)
statistics.s('infinity and NaN', vals(INF, 0.0, NAN, 1.0, shape=[2, 2]), dim=1, _grad=False)

statistics.op('cumsum', lambda x, a: torch.cumsum(x[0], a['dim']))
statistics.s('a vector', f(5), dim=0)
statistics.s('rows', f(2, 3), dim=-1)
statistics.s('a middle axis', f(2, 3, 2), dim=1)
statistics.s('int32', ints(2, 4), dim=1)
statistics.s('NaN stays', vals(1.0, NAN, 2.0, 3.0), dim=0, _grad=False)
statistics.s('no elements', f(0, 2), dim=0, _grad=False)

FAMILIES = [reduction, statistics]
