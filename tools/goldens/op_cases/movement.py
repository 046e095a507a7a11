"""Ops that move elements and compute nothing."""
import torch
import torch.nn.functional as F

from op_cases.golden import Family, bools, f, ints, ivals

movement = Family('movement')
m = movement

m.op('reshape', lambda x, a: x[0].reshape(a['shape']))
m.s('to a matrix', f(2, 3), shape=[3, 2])
m.s('an inferred size', f(2, 3, 2), shape=[2, -1])
m.s('to a scalar', f(1, 1), shape=[])
m.s('from a scalar', f(), shape=[1, 1])
m.s('int32', ints(4), shape=[2, 2])
m.s('no elements', f(0, 3), shape=[3, 0], _grad=False)
m.op('view', lambda x, a: x[0].reshape(a['shape']))
m.s('an inferred size', f(2, 4), shape=[-1, 2])

m.op('permute', lambda x, a: x[0].permute(a['dims']))
m.s('two axes', f(2, 3), dims=[1, 0])
m.s('a cycle', f(2, 3, 2), dims=[2, 0, 1])
m.s('four axes', f(2, 1, 3, 2), dims=[0, 2, 3, 1])
m.s('negative axes', f(2, 3, 2), dims=[-1, 0, -2])
m.s('unchanged', f(2, 2), dims=[0, 1])
m.s('bool', bools(2, 3), dims=[1, 0])

m.op('transpose', lambda x, a: x[0].transpose(a['dim0'], a['dim1']))
m.s('a matrix', f(2, 3), dim0=0, dim1=1)
m.s('negative axes', f(2, 3, 2), dim0=-1, dim1=-3)
m.s('an axis with itself', f(2, 2), dim0=1, dim1=1)

m.op('flatten', lambda x, a: x[0].flatten(a.get('startDim', 0), a.get('endDim', -1)))
m.s('everything', f(2, 3))
m.s('from axis 1', f(2, 3, 2), startDim=1)
m.s('inner axes', f(2, 3, 2, 1), startDim=1, endDim=-2)
m.s('a scalar', f())

m.op('unflatten', lambda x, a: x[0].unflatten(a['dim'], a['sizes']))
m.s('an axis', f(2, 6), dim=1, sizes=[3, 2])
m.s('an inferred size', f(6, 2), dim=-2, sizes=[2, -1])

m.op('squeeze', lambda x, a: x[0].squeeze(a['dim']) if 'dim' in a else x[0].squeeze())
m.s('all', f(1, 3, 1))
m.s('one axis', f(1, 3, 1), dim=0)
m.s('an axis that is not one', f(2, 3), dim=1)
m.s('a negative axis', f(2, 1), dim=-1)
m.op('unsqueeze', lambda x, a: x[0].unsqueeze(a['dim']))
m.s('in front', f(3), dim=0)
m.s('at the end', f(2, 3), dim=-1)
m.s('a scalar', f(), dim=0)

m.op('expand', lambda x, a: x[0].expand(a['shape']))
m.s('an axis of one', f(2, 1), shape=[2, 3])
m.s('new axes', f(3), shape=[2, 2, 3])
m.s('-1 keeps', f(2, 1), shape=[-1, 2])
m.s('a scalar', f(), shape=[2, 2])
m.s('a middle axis', f(2, 1, 2), shape=[2, 3, 2])

m.op('flip', lambda x, a: x[0].flip(a['dims']))
m.s('rows', f(2, 3), dims=[0])
m.s('two axes', f(2, 3, 2), dims=[0, -1])
m.s('int32', ivals(1, 2, 3), dims=[0])

m.op('roll', lambda x, a: x[0].roll(a['shifts'], a.get('dims')))
m.s('an axis', f(2, 4), shifts=1, dims=1)
m.s('backwards', f(5), shifts=-2, dims=0)
m.s('two axes', f(2, 3), shifts=[1, -1], dims=[0, 1])
m.s('past the end', f(3), shifts=7, dims=0)
m.s('flattened', f(2, 3), shifts=2)

m.op('pad', lambda x, a: F.pad(x[0], a['pad'], 'constant', a.get('value', 0)))
m.s('the last axis', f(2, 3), pad=[1, 2])
m.s('two axes', f(2, 2), pad=[1, 0, 0, 1])
m.s('a value', f(2, 2), pad=[1, 1], value=-1.5)
m.s('negative pads crop', f(2, 4), pad=[-1, -1])
m.s('one side grows, one shrinks', f(3, 3), pad=[2, -1, -1, 1], value=0.5)
m.s('outer axes stay', f(1, 2, 2), pad=[0, 1])
m.s('int32', ivals(1, 2, shape=[1, 2]), pad=[1, 0, 1, 0], value=7)

m.op('cat', lambda x, a: torch.cat(x, a['dim']))
m.s('rows', f(2, 2), f(1, 2), dim=0)
m.s('columns', f(2, 1), f(2, 2), f(2, 1), dim=-1)
m.s('a middle axis', f(2, 1, 2), f(2, 2, 2), dim=1)
m.s('an empty part', f(0, 2), f(2, 2), dim=0)
m.s('int32', ivals(1), ivals(2, 3), dim=0)
m.s('one part', f(2), dim=0)

m.op('stack', lambda x, a: torch.stack(x, a['dim']))
m.s('in front', f(2, 2), f(2, 2), dim=0)
m.s('at the end', f(3), f(3), f(3), dim=-1)
m.s('scalars', f(), f(), dim=0)

m.op('split', lambda x, a: x[0].split(a['size'], a['dim']))
m.s('equal parts', f(4, 2), size=2, dim=0)
m.s('a smaller last part', f(2, 5), size=2, dim=1)
m.s('sizes', f(5), size=[1, 3, 1], dim=-1)
m.op('chunk', lambda x, a: x[0].chunk(a['chunks'], a['dim']))
m.s('equal parts', f(2, 4), chunks=2, dim=1)
m.s('uneven parts', f(5), chunks=3, dim=0)
m.op('unbind', lambda x, a: x[0].unbind(a['dim']))
m.s('rows', f(2, 3), dim=0)
m.s('columns', f(2, 3), dim=-1)

FAMILIES = [movement]
