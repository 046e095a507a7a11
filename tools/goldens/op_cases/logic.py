"""Comparison, selection, conversion."""
import torch

from op_cases.golden import INF, NAN, Family, bools, bvals, f, ints, ivals, vals

logic = Family('logic')


def other(x, a):
    return a['other'] if 'other' in a else x[1]


for name, fn in dict(eq=torch.eq, ne=torch.ne, lt=torch.lt, le=torch.le, gt=torch.gt, ge=torch.ge).items():
    logic.op(name, lambda x, a, fn=fn: fn(x[0], other(x, a)))
    logic.s('ties', vals(1.0, 2.0, 3.0, -0.0), vals(1.0, 3.0, 2.0, 0.0), _grad=False)
    logic.s('NaN and infinities', vals(NAN, 1.0, NAN, INF, -INF), vals(NAN, NAN, 1.0, INF, INF), _grad=False)
    logic.s('broadcast', ints(3, 1, low=0, high=3), ints(1, 3, low=0, high=3))
    logic.s('a number', vals(-1.0, 0.5, 0.75), other=0.5, _grad=False)
    logic.s('int32 with a number', ivals(-1, 2, 3), other=2)
    logic.s('int32 with a fraction', ivals(-1, 0, 1), other=0.5)
for name, fn in dict(eq=torch.eq, ne=torch.ne).items():
    logic.op(name, lambda x, a, fn=fn: fn(x[0], x[1]))
    logic.s('bool', bvals(0, 0, 1, 1), bvals(0, 1, 0, 1))

for name, fn in dict(logicalAnd=torch.logical_and, logicalOr=torch.logical_or, logicalXor=torch.logical_xor).items():
    logic.op(name, lambda x, a, fn=fn: fn(x[0], x[1]))
    logic.s('bool', bvals(0, 0, 1, 1), bvals(0, 1, 0, 1))
    logic.s('broadcast', bools(3, 1), bools(2))
logic.op('logicalNot', lambda x, a: torch.logical_not(x[0]))
logic.s('bool', bvals(0, 1, 1))

logic.op('where', lambda x, a: torch.where(x[0], x[1], x[2]))
logic.s('equal shapes', bools(2, 3), f(2, 3), f(2, 3))
logic.s('all broadcast', bools(2, 1), f(3), f(1, 1))
logic.s('a scalar branch', bools(4), f(4), f())
logic.s('a broadcast condition', bools(3), f(2, 3), f(2, 3))
logic.s('int32', bvals(0, 1, 1), ivals(1, 2, 3), ivals(4, 5, 6))
logic.s('bool', bvals(0, 1, 1), bvals(1, 0, 1), bvals(1, 1, 0))
logic.s('int32 and float', bvals(0, 1, 1), ivals(1, 2, 3), vals(0.5, 1.5, 2.5))
logic.s('the branch not taken may be NaN', bvals(1, 0), vals(1.0, NAN), vals(INF, 2.0))

logic.op('maskedFill', lambda x, a: x[0].masked_fill(x[1], a['value']))
logic.s('a mask', f(2, 3), bools(2, 3), value=-1.5)
logic.s('a mask that broadcasts', f(2, 3), bools(3), value=0)
logic.s('minus infinity', vals(1.0, 2.0, 3.0), bvals(1, 0, 1), value=-INF)
logic.s('int32', ivals(1, 2, 3), bvals(1, 0, 1), value=9)

logic.op('clamp', lambda x, a: torch.clamp(x[0], a.get('min'), a.get('max')))
logic.s('both bounds', f(2, 4), min=-0.5, max=0.75)
logic.s('min alone', f(5), min=0.25)
logic.s('max alone', f(5), max=0.25)
logic.s('gradient at the bounds', vals(-1.0, -0.5, 0.0, 0.5, 1.0), min=-0.5, max=0.5)
logic.s('NaN and infinities', vals(NAN, INF, -INF), min=-1, max=1, _grad=False)
logic.s('min above max', vals(-2.0, 0.0, 2.0), min=1, max=-1, _grad=False)
logic.s('int32', ivals(-5, 0, 5), min=-2, max=3)

logic.op('clampMin', lambda x, a: torch.clamp(x[0], min=a['min']))
logic.s('a number', f(5), min=0.25)
logic.op('clampMax', lambda x, a: torch.clamp(x[0], max=a['max']))
logic.s('a number', f(5), max=0.25)
logic.op('clampTensors', lambda x, a: torch.clamp(x[0], x[1], x[2]))
logic.s('bounds that broadcast', f(2, 3), vals(-1.0, -0.5, 0.0), vals(0.5, shape=[1]))

NAMES = {'float32': torch.float32, 'float64': torch.float64, 'int32': torch.int32, 'bool': torch.bool}
logic.op('to', lambda x, a: x[0].to(torch.float64 if a['dtype'] == 'float' else NAMES[a['dtype']]))
logic.s('float to int32 truncates', vals(-2.7, -0.5, 0.5, 2.7), dtype='int32', _grad=False)
logic.s('float to bool', vals(0.0, -0.0, 0.3, NAN, INF), dtype='bool', _grad=False)
logic.s('int32 to float', ivals(-3, 0, 7), dtype='float')
logic.s('int32 to bool', ivals(-3, 0, 7), dtype='bool')
logic.s('bool to float', bvals(0, 1), dtype='float')
logic.s('bool to int32', bvals(0, 1), dtype='int32')
logic.s('float to itself', f(3), dtype='float')

logic.op('isinf', lambda x, a: torch.isinf(x[0]))
logic.s('values', vals(1.0, NAN, INF, -INF, 0.0), _grad=False)

logic.op('oneHot', lambda x, a: torch.nn.functional.one_hot(x[0].long(), a['numClasses']).int())
logic.s('classes', ivals(0, 2, 1, 2), numClasses=3)
logic.s('two axes', ivals(0, 1, 1, 0, shape=[2, 2]), numClasses=2)

FAMILIES = [logic]
