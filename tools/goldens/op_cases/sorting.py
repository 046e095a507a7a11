"""Sorting and the largest elements."""
import torch

from op_cases.golden import INF, NAN, Family, distinct, ivals, vals

sorting = Family('sorting')
s = sorting

s.op('sort', lambda x, a: tuple(torch.sort(x[0], dim=a.get('dim', -1), descending=a.get('descending', False), stable=True)))
s.s('a vector', distinct(6))
s.s('descending', distinct(2, 4), descending=True)
s.s('the first axis', distinct(3, 2), dim=0)
s.s('a middle axis', distinct(2, 3, 2), dim=1, descending=True)
s.s('ties are stable', vals(2.0, 1.0, 2.0, 1.0, 3.0, 1.0))
s.s('ties are stable, descending', vals(2.0, 1.0, 2.0, 1.0, 3.0, 1.0), descending=True)
s.s('NaN is the largest', vals(NAN, 1.0, INF, -INF, NAN, 0.0), _grad=False)
s.s('NaN is the largest, descending', vals(1.0, NAN, INF, -INF, NAN, 0.0), descending=True, _grad=False)
s.s('int32', ivals(3, -1, 2, -1, shape=[2, 2]))

s.op('argsort', lambda x, a: torch.sort(x[0], dim=a.get('dim', -1), descending=a.get('descending', False), stable=True)[1])
s.s('rows', distinct(2, 4).const())
s.s('descending', distinct(5).const(), descending=True)

s.op('topk', lambda x, a: tuple(torch.topk(x[0], a['k'], a.get('dim', -1), a.get('largest', True))))
s.s('a vector', distinct(6), k=3)
s.s('rows', distinct(2, 5), k=2)
s.s('the smallest', distinct(2, 4), k=2, largest=False)
s.s('the first axis', distinct(4, 2), k=1, dim=0)
s.s('all', distinct(4), k=4)

FAMILIES = [sorting]
