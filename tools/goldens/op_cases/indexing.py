"""Ops that pick and place elements."""
import torch

from op_cases.golden import Family, bools, f, ints, ivals

indexing = Family('indexing')
x_ = indexing


def sliced(x, a):
    index = [slice(None)] * x.dim()
    dim = a.get('dim', 0) % x.dim()
    # PyTorch has no negative steps either.
    index[dim] = slice(a.get('start'), a.get('end'), a.get('step', 1))
    return x[tuple(index)]


x_.op('narrow', lambda x, a: x[0].narrow(a['dim'], a['start'], a['length']))
x_.s('rows', f(4, 2), dim=0, start=1, length=2)
x_.s('columns', f(2, 4), dim=-1, start=2, length=2)
x_.s('a middle axis', f(2, 3, 2), dim=1, start=1, length=1)
x_.s('nothing', f(3), dim=0, start=1, length=0, _grad=False)
x_.s('int32', ints(4), dim=0, start=0, length=3)

x_.s('bool', bools(5), dim=0, start=2, length=2)

x_.op('slice', lambda x, a: sliced(x[0], a))
x_.s('from the start', f(4, 2), dim=0, end=2)
x_.s('to the end', f(2, 4), dim=1, start=1)
x_.s('from the back', f(5), dim=0, start=-3, end=-1)
x_.s('every other', f(2, 5), dim=1, step=2)
x_.s('every third from 1', f(7), dim=0, start=1, step=3)
x_.s('past the end', f(3), dim=0, start=1, end=10)

x_.op('select', lambda x, a: x[0].select(a['dim'], a['index']))
x_.s('a row', f(3, 2), dim=0, index=1)
x_.s('the last column', f(2, 3), dim=1, index=-1)
x_.s('to a scalar', f(3), dim=0, index=2)
x_.s('a middle axis', f(2, 3, 2), dim=-2, index=0)

x_.op('indexSelect', lambda x, a: x[0].index_select(a['dim'], x[1]))
x_.s('rows, one twice', f(3, 2), ivals(2, 0, 2), dim=0)
x_.s('columns', f(2, 3), ivals(1, 1), dim=-1)
x_.s('a middle axis', f(2, 3, 2), ivals(2, 1), dim=1)
x_.s('int32', ints(4), ivals(3, 0), dim=0)
x_.s('bool', bools(4), ivals(3, 0, 1), dim=0)

x_.op('gather', lambda x, a: x[0].gather(a['dim'], x[1].long()))
x_.s('the last axis', f(2, 3), ivals(2, 0, 0, 1, 1, 1, shape=[2, 3]), dim=1)
x_.s('the first axis', f(3, 2), ivals(2, 0, 0, 1, shape=[2, 2]), dim=0)
x_.s('a smaller index', f(3, 4), ivals(3, 0, shape=[2, 1]), dim=1)
x_.s('three axes', f(2, 2, 3), ivals(0, 2, 1, 1, 2, 0, 0, 0, shape=[2, 2, 2]), dim=-1)
x_.s('int32', ints(2, 3), ivals(2, 0, shape=[2, 1]), dim=1)

x_.s('bool', bools(2, 3), ivals(2, 0, shape=[2, 1]), dim=1)

x_.op('scatterAdd', lambda x, a: x[0].scatter_add(a['dim'], x[1].long(), x[2]))
x_.s('the last axis', f(2, 3), ivals(2, 0, 0, 1, shape=[2, 2]), f(2, 2), dim=1)
x_.s('the first axis, collisions', f(3, 2), ivals(1, 1, 1, 1, 0, 1, shape=[3, 2]), f(3, 2), dim=0)
x_.s('three axes', f(2, 2, 2), ivals(0, 1, 1, 0, shape=[2, 1, 2]), f(2, 1, 2), dim=1)
x_.s('int32', ints(3), ivals(0, 0, 2), ints(3), dim=0)
x_.s('a larger source', f(2, 3), ivals(2, 0, shape=[1, 2]), f(2, 3).const(), dim=1)

x_.op('indexAdd', lambda x, a: x[0].index_add(a['dim'], x[1], x[2]))
x_.s('rows, one twice', f(3, 2), ivals(2, 0, 2), f(3, 2), dim=0)
x_.s('columns', f(2, 3), ivals(1), f(2, 1), dim=1)
x_.s('int32', ints(3), ivals(0, 0, 2), ints(3), dim=0)

for name, fn in dict(tril=torch.tril, triu=torch.triu).items():
    x_.op(name, lambda x, a, fn=fn: fn(x[0], a.get('diagonal', 0)))
    x_.s('square', f(3, 3))
    x_.s('wide, above', f(2, 4), diagonal=1)
    x_.s('tall, below', f(4, 2), diagonal=-1)
    x_.s('a batch', f(2, 2, 3))
    x_.s('beyond', f(2, 2), diagonal=-3)

x_.op('index', lambda x, a: x[0][x[1].long()])
x_.s('a vector', f(3, 2), ivals(2, 0, 2, 1))
x_.s('a matrix of indices', f(4), ivals(0, 3, 1, 1, shape=[2, 2]))

x_.op('indexTwo', lambda x, a: x[0][x[1].long(), x[2].long()])
x_.s('pairs', f(3, 4), ivals(0, 2, 2), ivals(3, 1, 1))
x_.s('broadcast', f(3, 4), ivals(0, 2, shape=[2, 1]), ivals(3, 1, 0))
x_.op('indexSecond', lambda x, a: x[0][:, x[1].long()])
x_.s('columns', f(2, 3), ivals(2, 2, 0))

x_.op('scatter', lambda x, a: x[0].scatter(a['dim'], x[1].long(), a['value'] if 'value' in a else x[2]))
x_.s('a tensor', f(2, 4), ivals(3, 0, 1, 2, shape=[2, 2]), f(2, 2), dim=1)
x_.s('a number', f(3, 2), ivals(2, 0, shape=[1, 2]), dim=0, value=1.5)

FAMILIES = [indexing]
