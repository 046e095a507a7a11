"""Convolutions."""
import torch
import torch.nn.functional as F

from op_cases.golden import INF, NAN, Family, f, vals

conv1d = Family('conv1d')
conv2d = Family('conv2d')
conv2d_more = Family('conv2d-groups')
transposed = Family('conv-transpose')


def options(a):
    def py(v):
        return tuple(v) if isinstance(v, list) else v
    names = {'outputPadding': 'output_padding'}
    return {names.get(k, k): py(v) for k, v in a.items() if k != 'bias'}


def run(fn):
    return lambda x, a: fn(x[0], x[1], x[2] if len(x) > 2 else None, **options(a))


conv1d.op('conv1d', run(F.conv1d))
conv1d.s('plain', f(2, 2, 6), f(3, 2, 3))
conv1d.s('bias', f(1, 2, 5), f(2, 2, 2), f(2))
conv1d.s('stride 2, padding 1', f(1, 2, 7), f(2, 2, 3), stride=2, padding=1)
conv1d.s('dilation 2', f(1, 1, 8), f(2, 1, 3), f(2), dilation=2)
conv1d.s('groups', f(1, 4, 5), f(4, 2, 2), groups=2)
conv1d.s("padding 'same', even kernel", f(1, 1, 5), f(1, 1, 4), padding='same')
conv1d.s('stride past the kernel', f(1, 1, 9), f(1, 1, 2), stride=3)

conv2d.op('conv2d', run(F.conv2d))
conv2d.s('plain', f(2, 2, 5, 5), f(3, 2, 3, 3), f(3))
conv2d.s('without bias', f(1, 2, 4, 5), f(2, 2, 2, 3))
conv2d.s('1×1', f(2, 3, 3, 3), f(2, 3, 1, 1), f(2))
conv2d.s('padding 1', f(1, 2, 4, 4), f(2, 2, 3, 3), padding=1)
conv2d.s('stride 2', f(1, 2, 6, 6), f(2, 2, 3, 3), stride=2)
conv2d.s('stride 2, padding 1, rows left over', f(1, 1, 6, 5), f(2, 1, 3, 3), f(2), stride=2, padding=1)
conv2d.s('unequal strides and paddings', f(1, 2, 5, 7), f(2, 2, 3, 2), stride=[2, 3], padding=[0, 2])
conv2d.s('stride 3, remainder 2', f(1, 1, 8, 9), f(1, 1, 3, 2), stride=3)
conv2d.s('dilation 2', f(1, 2, 6, 6), f(2, 2, 2, 2), dilation=2)
conv2d.s('dilation with stride and padding', f(1, 1, 8, 8), f(2, 1, 3, 3), dilation=[2, 3], stride=2, padding=[2, 1])
conv2d.s("padding 'same'", f(1, 2, 4, 5), f(2, 2, 3, 3), f(2), padding='same')
conv2d.s("padding 'same', even kernel", f(1, 1, 4, 5), f(2, 1, 2, 4), padding='same')
conv2d.s("padding 'same', dilation", f(1, 1, 5, 5), f(1, 1, 2, 3), padding='same', dilation=2)
conv2d.s("padding 'valid'", f(1, 1, 4, 4), f(1, 1, 3, 3), padding='valid')
conv2d.s('the kernel covers the input', f(2, 2, 3, 3), f(4, 2, 3, 3), f(4))
conv2d.s('more padding than kernel', f(1, 1, 3, 3), f(1, 1, 2, 2), padding=3)
conv2d.s('1×1 with stride', f(1, 2, 5, 5), f(2, 2, 1, 1), stride=2)
conv2d.s('a kernel of one row', f(1, 1, 4, 5), f(2, 1, 1, 3))

conv2d_more.op('conv2d', run(F.conv2d))
conv2d_more.s('groups', f(1, 4, 4, 4), f(4, 2, 2, 2), f(4), groups=2)
conv2d_more.s('depthwise', f(2, 3, 4, 4), f(3, 1, 3, 3), groups=3, padding=1)
conv2d_more.s('depthwise with multiplier', f(1, 2, 4, 4), f(4, 1, 2, 2), groups=2)
conv2d_more.s('groups, stride and dilation', f(1, 4, 7, 7), f(2, 2, 2, 3), groups=2, stride=2, dilation=2, padding=1)
conv2d_more.s('no batch axis', f(2, 4, 4), f(2, 2, 3, 3), f(2))
conv2d_more.s('no images', f(0, 2, 4, 4), f(2, 2, 3, 3), _grad=False)
conv2d_more.s('NaN spreads as far as the kernel', vals(*[NAN if i == 12 else 1.0 for i in range(25)], shape=[1, 1, 5, 5]),
              vals(1.0, 2.0, 3.0, 4.0, shape=[1, 1, 2, 2]), _grad=False)
conv2d_more.s('infinity', vals(*[INF if i == 0 else 1.0 for i in range(9)], shape=[1, 1, 3, 3]),
              vals(1.0, 2.0, 3.0, 4.0, shape=[1, 1, 2, 2]), _grad=False)

conv1d.op('conv3d', run(F.conv3d))
conv1d.s('plain', f(1, 2, 3, 3, 2), f(2, 2, 2, 2, 2), f(2))
conv1d.s('stride, padding and dilation', f(1, 1, 5, 4, 3), f(1, 1, 2, 2, 2), stride=[2, 1, 2], padding=[1, 0, 1], dilation=[2, 1, 1])

transposed.op('convTranspose1d', run(F.conv_transpose1d))
transposed.s('plain', f(2, 2, 4), f(2, 2, 3), f(2))
transposed.s('stride, padding, output padding', f(1, 2, 3), f(2, 1, 3), stride=3, padding=1, outputPadding=2)
transposed.op('convTranspose2d', run(F.conv_transpose2d))
transposed.s('plain', f(1, 2, 3, 3), f(2, 3, 2, 2), f(3))
transposed.s('stride 2', f(1, 2, 3, 2), f(2, 2, 3, 3), stride=2)
transposed.s('padding 1', f(1, 1, 4, 4), f(1, 2, 3, 3), f(2), padding=1)
transposed.s('stride 2, padding 1, output padding 1', f(2, 2, 3, 3), f(2, 1, 3, 3), f(1), stride=2, padding=1, outputPadding=1)
transposed.s('unequal', f(1, 1, 3, 4), f(1, 2, 2, 3), stride=[2, 3], padding=[0, 1], outputPadding=[1, 2])
transposed.s('groups', f(1, 4, 3, 3), f(4, 1, 2, 2), f(2), groups=2)
transposed.s('dilation 2', f(1, 1, 3, 3), f(1, 1, 2, 3), dilation=2)
transposed.s('output padding beyond the kernel', f(1, 1, 2, 2), f(1, 1, 2, 2), f(1), stride=4, outputPadding=3)

FAMILIES = [conv1d, conv2d, conv2d_more, transposed]
