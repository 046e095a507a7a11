"""Pooling, unfold and fold."""
import torch.nn.functional as F

from op_cases.golden import INF, NAN, Family, distinct, f, vals

maxpool = Family('max-pool')
avgpool = Family('avg-pool')
fold = Family('fold')


def pair(v):
    return tuple(v) if isinstance(v, list) else v


def max_pool(x, a):
    out, indices = F.max_pool2d(x[0], pair(a['kernel']), pair(a.get('stride')), pair(a.get('padding', 0)),
                                pair(a.get('dilation', 1)), a.get('ceilMode', False), return_indices=True)
    return (out, indices) if a.get('returnIndices') else out


p = maxpool
p.op('maxPool2d', max_pool)
p.s('2×2', distinct(2, 2, 4, 4), kernel=2)
p.s('a row left over', distinct(1, 1, 5, 5), kernel=2)
p.s('overlapping', distinct(1, 2, 5, 5), kernel=3, stride=2)
p.s('overlapping ties go to the first', vals(*([1.0, 1.0, 2.0, 2.0, 1.0] * 5), shape=[1, 1, 5, 5]), kernel=3, stride=1)
p.s('all equal', vals(*([0.0] * 16), shape=[1, 1, 4, 4]), kernel=2, stride=1)
p.s('padding', distinct(1, 1, 4, 4), kernel=3, stride=2, padding=1)
p.s('padding of negative numbers', vals(*[-1.0 - i for i in range(9)], shape=[1, 1, 3, 3]), kernel=2, padding=1)
p.s('dilation', distinct(1, 1, 6, 6), kernel=2, stride=1, dilation=2)
p.s('ceil mode', distinct(1, 1, 5, 6), kernel=2, ceilMode=True)
p.s('ceil mode with padding', distinct(1, 1, 6, 6), kernel=3, stride=2, padding=1, ceilMode=True)
p.s('ceil mode drops a window that starts in the padding', distinct(1, 1, 3, 4), kernel=2, stride=3, padding=1, ceilMode=True)
p.s('unequal', distinct(1, 2, 5, 6), kernel=[3, 2], stride=[1, 2], padding=[1, 0])
p.s('stride past the kernel', distinct(1, 1, 7, 7), kernel=2, stride=3)
p.s('the whole plane', distinct(2, 2, 3, 3), kernel=3)
p.s('indices', distinct(1, 2, 4, 4), kernel=2, returnIndices=True)
p.s('indices with padding and ties', vals(*([1.0, 1.0, 0.0, 1.0] * 4), shape=[1, 1, 4, 4]), kernel=3, stride=2, padding=1,
    returnIndices=True)
p.s('indices with dilation', distinct(1, 1, 6, 5), kernel=2, dilation=[2, 3], stride=1, returnIndices=True)
p.s('no batch axis', distinct(2, 4, 4), kernel=2)
p.s('NaN wins', vals(*[NAN if i in (5, 10) else float(i) for i in range(16)], shape=[1, 1, 4, 4]), kernel=2, _grad=False)
p.s('minus infinity', vals(*([-INF] * 8 + [1.0] * 8), shape=[1, 1, 4, 4]), kernel=2, padding=1, _grad=False)

p.op('adaptiveMaxPool2d', lambda x, a: F.adaptive_max_pool2d(x[0], pair(a['outputSize'])))
p.s('to 1', distinct(2, 2, 3, 4), outputSize=1)
p.s('even', distinct(1, 1, 4, 4), outputSize=2)
p.s('odd sizes', distinct(1, 2, 5, 7), outputSize=3)
p.s('unequal', distinct(1, 1, 5, 6), outputSize=[2, 3])
p.s('to a larger plane', distinct(1, 1, 2, 3), outputSize=[3, 4])

p.op('maxPool1d', lambda x, a: F.max_pool1d(x[0], a['kernel'], a.get('stride'), a.get('padding', 0)))
p.s('pairs', distinct(2, 2, 6), kernel=2)
p.s('overlapping, padding', distinct(1, 2, 5), kernel=3, stride=2, padding=1)
p.op('maxPool3d', lambda x, a: F.max_pool3d(x[0], pair(a['kernel']), pair(a.get('stride')), pair(a.get('padding', 0))))
p.s('cubes', distinct(1, 2, 4, 2, 4), kernel=2)
p.s('overlapping, padding', distinct(1, 1, 3, 4, 3), kernel=[3, 2, 2], stride=[2, 1, 1], padding=[1, 0, 1])
p.op('adaptiveMaxPool1d', lambda x, a: F.adaptive_max_pool1d(x[0], a['outputSize']))
p.s('odd sizes', distinct(1, 2, 7), outputSize=3)

p.op('maxPool1dWithIndices', lambda x, a: F.max_pool1d(x[0], a['kernel'], a.get('stride'), a.get('padding', 0), return_indices=True))
p.s('overlapping', distinct(1, 2, 6), kernel=3, stride=2, padding=1)
p.op('maxPool3dWithIndices', lambda x, a: F.max_pool3d(x[0], pair(a['kernel']), pair(a.get('stride')), pair(a.get('padding', 0)),
                                                       return_indices=True))
p.s('cubes', distinct(1, 1, 4, 2, 4), kernel=2)
p.op('adaptiveMaxPool2dWithIndices', lambda x, a: F.adaptive_max_pool2d(x[0], pair(a['outputSize']), return_indices=True))
p.s('odd sizes', distinct(1, 2, 5, 4), outputSize=3)

p = avgpool
p.op('avgPool2d', lambda x, a: F.avg_pool2d(x[0], pair(a['kernel']), pair(a.get('stride')), pair(a.get('padding', 0)),
                                            a.get('ceilMode', False), a.get('countIncludePad', True), a.get('divisorOverride')))
p.s('2×2', f(2, 2, 4, 4), kernel=2)
p.s('a row left over', f(1, 1, 5, 5), kernel=2)
p.s('overlapping', f(1, 2, 5, 5), kernel=3, stride=2)
p.s('padding counts', f(1, 1, 4, 4), kernel=3, stride=2, padding=1)
p.s('padding does not count', f(1, 1, 4, 4), kernel=3, stride=2, padding=1, countIncludePad=False)
p.s('ceil mode', f(1, 1, 5, 6), kernel=2, ceilMode=True)
p.s('ceil mode, padding counts', f(1, 1, 6, 6), kernel=3, stride=2, padding=1, ceilMode=True)
p.s('ceil mode, padding does not count', f(1, 1, 6, 6), kernel=3, stride=2, padding=1, ceilMode=True, countIncludePad=False)
p.s('ceil mode drops a window that starts in the padding', f(1, 1, 3, 4), kernel=2, stride=3, padding=1, ceilMode=True)
p.s('a divisor', f(1, 1, 4, 4), kernel=2, divisorOverride=3)
p.s('a divisor with padding and ceil mode', f(1, 1, 5, 5), kernel=2, padding=1, ceilMode=True, divisorOverride=5)
p.s('unequal', f(1, 2, 5, 6), kernel=[3, 2], stride=[1, 2], padding=[1, 0])
p.s('stride past the kernel', f(1, 1, 7, 7), kernel=2, stride=3)
p.s('no batch axis', f(2, 4, 4), kernel=2)

p.op('adaptiveAvgPool2d', lambda x, a: F.adaptive_avg_pool2d(x[0], pair(a['outputSize'])))
p.s('to 1', f(2, 2, 3, 4), outputSize=1)
p.s('even', f(1, 1, 4, 4), outputSize=2)
p.s('odd sizes', f(1, 2, 5, 7), outputSize=3)
p.s('unequal', f(1, 1, 5, 6), outputSize=[2, 3])
p.s('one axis kept', f(1, 1, 4, 5), outputSize=[None, 2])
p.s('to a larger plane', f(1, 1, 2, 3), outputSize=[3, 4])

p.op('avgPool1d', lambda x, a: F.avg_pool1d(x[0], a['kernel'], a.get('stride'), a.get('padding', 0),
                                            a.get('ceilMode', False), a.get('countIncludePad', True)))
p.s('pairs', f(2, 2, 6), kernel=2)
p.s('overlapping, padding does not count', f(1, 2, 5), kernel=3, stride=2, padding=1, countIncludePad=False)
p.op('avgPool3d', lambda x, a: F.avg_pool3d(x[0], pair(a['kernel']), pair(a.get('stride')), pair(a.get('padding', 0)),
                                            a.get('ceilMode', False), a.get('countIncludePad', True)))
p.s('cubes', f(1, 2, 4, 2, 4), kernel=2)
p.s('ceil mode, padding does not count', f(1, 1, 3, 4, 3), kernel=2, stride=2, padding=1, ceilMode=True, countIncludePad=False)
p.op('adaptiveAvgPool1d', lambda x, a: F.adaptive_avg_pool1d(x[0], a['outputSize']))
p.s('odd sizes', f(1, 2, 7), outputSize=3)

fold.op('unfold', lambda x, a: F.unfold(x[0], pair(a['kernel']), pair(a.get('dilation', 1)), pair(a.get('padding', 0)),
                                        pair(a.get('stride', 1))))
fold.s('plain', f(2, 1, 3, 4), kernel=2)
fold.s('stride and padding', f(1, 2, 4, 4), kernel=3, stride=2, padding=1)
fold.s('dilation', f(1, 1, 5, 5), kernel=2, dilation=2)
fold.s('unequal', f(1, 1, 4, 5), kernel=[2, 3], stride=[1, 2], padding=[1, 0])
fold.op('fold', lambda x, a: F.fold(x[0], pair(a['outputSize']), pair(a['kernel']), pair(a.get('dilation', 1)),
                                    pair(a.get('padding', 0)), pair(a.get('stride', 1))))
fold.s('overlapping', f(1, 4, 6), outputSize=[3, 4], kernel=2)
fold.s('stride and padding', f(1, 18, 4), outputSize=[4, 4], kernel=3, stride=2, padding=1)
fold.s('dilation', f(1, 4, 9), outputSize=[5, 5], kernel=2, dilation=2)
fold.s('side by side', f(2, 4, 4), outputSize=[4, 4], kernel=2, stride=2)

FAMILIES = [maxpool, avgpool, fold]
