"""Softmax and its logarithm."""
import torch

from op_cases.golden import INF, NAN, Family, f, vals

softmax = Family('softmax')
for name, fn in dict(softmax=torch.softmax, logSoftmax=torch.log_softmax).items():
    softmax.op(name, lambda x, a, fn=fn: fn(x[0], a['dim']))
    softmax.s('the last axis', f(2, 4), dim=-1)
    softmax.s('the first axis', f(3, 2), dim=0)
    softmax.s('a middle axis', f(2, 3, 2), dim=1)
    softmax.s('four axes', f(2, 3, 2, 2), dim=1)
    softmax.s('an axis of one', f(3, 1), dim=1)
    softmax.s('a vector', f(5), dim=0)
    softmax.s('large numbers', vals(1000.0, 1001.0, 999.5, -1000.0, 0.0, 1000.0, shape=[2, 3]), dim=1)
    softmax.s('NaN', vals(NAN, 0.0, 1.0, 2.0, shape=[2, 2]), dim=1, _grad=False)
softmax.op('softmax', lambda x, a: torch.softmax(x[0], a['dim']))
softmax.s('masked', vals(1.0, -INF, 2.0, 0.5, 0.25, -INF, shape=[2, 3]), dim=1)

FAMILIES = [softmax]
