"""Interpolation, shuffles, embedding, distances, bilinear forms, and pooling that is no plain window."""
import torch
import torch.nn.functional as F

from op_cases.golden import INF, NAN, Family, distinct, f, ints, ivals, vals

interpolation = Family('interpolation')
bicubic = Family('interpolation-cubic')
shuffles = Family('shuffles')
vectors = Family('vectors')
pooling = Family('pooling-more')
volumes = Family('volumes')

NAMES = {'scaleFactor': 'scale_factor', 'alignCorners': 'align_corners', 'recomputeScaleFactor': 'recompute_scale_factor',
         'ceilMode': 'ceil_mode', 'normType': 'norm_type', 'paddingIdx': 'padding_idx', 'maxNorm': 'max_norm',
         'scaleGradByFreq': 'scale_grad_by_freq', 'outputSize': 'output_size', 'outputPadding': 'output_padding'}


def snake(a, *leave_out):
    """Options under PyTorch's names; lists become tuples."""
    return {NAMES.get(k, k): tuple(v) if isinstance(v, list) else v for k, v in a.items() if k not in leave_out}


i = interpolation
i.op('interpolate', lambda x, a: F.interpolate(x[0], **snake(a)))
i.s('signal, linear', f(2, 2, 5), size=8, mode='linear')
i.s('signal, linear, corners', f(1, 2, 5), size=8, mode='linear', alignCorners=True)
i.s('signal, smaller', f(1, 2, 7), size=3, mode='linear')
i.s('signal, by a factor', f(1, 2, 7), scaleFactor=1.7, mode='linear')
i.s('signal, by a factor, recomputed', f(1, 2, 7), scaleFactor=1.7, mode='linear', recomputeScaleFactor=True)
i.s('image, bilinear', f(2, 2, 3, 4), size=[5, 6], mode='bilinear')
i.s('image, bilinear, twice', f(1, 2, 3, 2), scaleFactor=2, mode='bilinear')
i.s('image, bilinear, corners', f(1, 2, 3, 4), size=[5, 6], mode='bilinear', alignCorners=True)
i.s('image, bilinear, one cell', f(1, 2, 1, 1), size=[2, 3], mode='bilinear')
i.s('image, bilinear, to one cell', f(1, 1, 4, 4), size=1, mode='bilinear')
i.s('image, bilinear, corners, to one cell', f(1, 1, 4, 4), size=1, mode='bilinear', alignCorners=True)
i.s('image, bilinear, factors that differ', f(1, 1, 5, 4), scaleFactor=[0.6, 2.5], mode='bilinear')
i.s('image, bilinear, the same size by a factor', f(1, 1, 5, 5), scaleFactor=1.1, mode='bilinear')
i.s('image, bilinear, antialias', f(1, 2, 7, 6), size=[3, 2], mode='bilinear', antialias=True)
i.s('image, bilinear, antialias, larger', f(1, 1, 3, 4), size=[5, 5], mode='bilinear', antialias=True)
i.s('volume, trilinear', f(1, 1, 2, 3, 2), size=[3, 4, 5], mode='trilinear')
i.s('volume, trilinear, corners', f(1, 1, 2, 3, 2), scaleFactor=2, mode='trilinear', alignCorners=True)
i.s('signal, nearest, twice', f(2, 2, 3), scaleFactor=2)
i.s('image, nearest, twice and thrice', f(1, 2, 2, 3), scaleFactor=[2, 3])
i.s('signal, nearest, five times', f(1, 2, 2), scaleFactor=5)
i.s('image, nearest, uneven', f(1, 1, 3, 5), size=[5, 7])
i.s('image, nearest, every second', f(1, 1, 4, 6), scaleFactor=0.5)
i.s('image, nearest, smaller', f(1, 1, 5, 7), size=[2, 3])
i.s('image, nearest, by a factor', f(1, 1, 5, 4), scaleFactor=1.3)
i.s('volume, nearest', f(1, 1, 2, 2, 3), size=[4, 3, 3])
i.s('image, nearest-exact', f(1, 1, 3, 6), size=[5, 2], mode='nearest-exact')
i.s('image, nearest-exact, twice', f(1, 1, 2, 2), scaleFactor=2, mode='nearest-exact')
i.s('image, area', f(1, 1, 5, 6), size=[2, 3], mode='area')
i.s('NaN and infinity stay where they are, nearest', vals(NAN, 1.0, INF, 2.0, shape=[1, 1, 2, 2]), size=3, _grad=False)

b = bicubic
b.op('interpolate', lambda x, a: F.interpolate(x[0], **snake(a)))
b.s('image, bicubic', f(1, 2, 3, 4), size=[5, 6], mode='bicubic')
b.s('image, bicubic, corners', f(1, 1, 4, 4), size=[6, 5], mode='bicubic', alignCorners=True)
b.s('image, bicubic, by a factor', f(1, 1, 5, 4), scaleFactor=[0.7, 1.6], mode='bicubic')
# PyTorch interpolates here, and in the gradient takes it for a copy.
b.s('image, bicubic, the same size by a factor', f(1, 1, 5, 5), scaleFactor=1.1, mode='bicubic', _grad=False)
b.s('image, bicubic, antialias', f(1, 1, 8, 7), size=[3, 4], mode='bicubic', antialias=True)

s = shuffles
s.op('pixelShuffle', lambda x, a: F.pixel_shuffle(x[0], a['factor']))
s.s('by 2', f(2, 8, 2, 3), factor=2)
s.s('by 3, no batch', f(9, 1, 2), factor=3)
s.s('more axes in front', f(2, 1, 4, 1, 2), factor=2)
s.op('pixelUnshuffle', lambda x, a: F.pixel_unshuffle(x[0], a['factor']))
s.s('by 2', f(2, 2, 4, 2), factor=2)
s.s('by 3, no batch', f(1, 3, 6), factor=3)


def channel_shuffle(x, a):
    """PyTorch 1.13 has no gradient of its own function: the same by what it is made of."""
    n, c, *rest = x[0].shape
    out = x[0].reshape(n, a['groups'], c // a['groups'], *rest).transpose(1, 2).reshape(x[0].shape)
    assert torch.equal(out, F.channel_shuffle(x[0].detach(), a['groups']))
    return out


s.op('channelShuffle', channel_shuffle)
s.s('two groups', f(2, 6, 2, 2), groups=2)
s.s('three groups, a signal', f(1, 6, 3), groups=3)
s.op('padMode', lambda x, a: F.pad(x[0], a['pad'], mode=a['mode']))
s.s('reflect, a volume', f(1, 1, 2, 3, 2), pad=[1, 1, 2, 0, 0, 1], mode='reflect')
s.s('replicate, a volume', f(1, 1, 2, 1, 2), pad=[1, 2, 0, 1, 2, 0], mode='replicate')


def embed(x, a):
    out = F.embedding(x[1].long(), x[0], **snake(a))
    return (out, x[0]) if 'maxNorm' in a else out


v = vectors
v.op('embedding', embed)
v.s('a row twice', f(5, 3), ivals(1, 4, 1, 0, shape=[2, 2]))
v.s('one number', f(3, 2), ivals(2, shape=[]))
v.s('a padding row', f(4, 2), ivals(1, 0, 3, 1), paddingIdx=1)
v.s('a padding row from the end', f(4, 2), ivals(1, 0, 3, 1), paddingIdx=-1)
v.s('scaled by frequency', f(4, 2), ivals(1, 1, 3, 1, 0), scaleGradByFreq=True)
v.s('scaled by frequency, with padding', f(4, 2), ivals(1, 1, 3, 3, 0), scaleGradByFreq=True, paddingIdx=3)
v.s('rows made shorter', f(4, 3), ivals(1, 1, 3), maxNorm=1.0, _grad=False)
v.s('rows made shorter, another norm', f(4, 3), ivals(0, 1, 2), maxNorm=1.5, normType=1.0, _grad=False)

v.op('pairwiseDistance', lambda x, a: F.pairwise_distance(x[0], x[1], **a))
v.s('batch', f(4, 3), f(4, 3))
v.s('one vector', f(3), f(3))
v.s('broadcast, axis kept', f(4, 3), f(1, 3), keepdim=True)
v.s('equal vectors', vals(1.0, 2.0, 3.0, 4.0, shape=[2, 2]), vals(1.0, 2.0, 3.0, 4.0, shape=[2, 2]))
v.s('sum of differences', f(2, 4), f(2, 4), p=1.0)
v.s('another norm and eps', f(2, 4), f(2, 4), p=3.0, eps=0.125)

v.op('cosineSimilarity', lambda x, a: F.cosine_similarity(x[0], x[1], **a))
v.s('rows', f(4, 3), f(4, 3))
v.s('columns', f(4, 3), f(4, 3), dim=0)
v.s('channels of images', f(2, 3, 2, 2), f(2, 3, 2, 2))
v.s('one vector with each', f(3, 4), f(4), dim=-1)
v.s('broadcast', f(3, 1, 4), f(1, 2, 4), dim=2)
v.s('a zero vector', vals(0.0, 0.0, 1.0, 2.0, shape=[2, 2]), f(2, 2))
v.s('a large eps', f(2, 3), f(2, 3), eps=100.0, _grad=False)

v.op('normalize', lambda x, a: F.normalize(x[0], **a))
v.s('rows', f(3, 4))
v.s('columns', f(3, 4), dim=0)
v.s('sum of magnitudes', f(3, 4), p=1.0)
v.s('a zero vector', vals(0.0, 0.0, 3.0, 4.0, shape=[2, 2]))
v.s('shorter than eps', f(2, 3), eps=10.0)

v.op('bilinear', lambda x, a: F.bilinear(*x))
v.s('batch with a bias', f(3, 2), f(3, 4), f(2, 2, 4), f(2))
v.s('no bias', f(3, 2), f(3, 4), f(2, 2, 4))
v.s('more axes', f(2, 2, 3), f(2, 2, 2), f(1, 3, 2), f(1))

p = pooling
for dims in (1, 2):
    shape = (2, 2, 6) if dims == 1 else (1, 2, 5, 4)
    p.op(f'lpPool{dims}d', lambda x, a, dims=dims: getattr(F, f'lp_pool{dims}d')(
        x[0], a['normType'], kernel_size=a['kernel'], **snake(a, 'normType', 'kernel')))
    p.s('squares', f(*shape), normType=2, kernel=2)
    p.s('cubes of positive numbers, overlapping', f(*shape, low=0.1), normType=3, kernel=3, stride=1)
    p.s('ceil mode', f(*shape), normType=2, kernel=3, stride=2, ceilMode=True)
    p.s('the sum', f(*shape), normType=1, kernel=2)
p.op('lpPool2d', lambda x, a: F.lp_pool2d(x[0], a['normType'], a['kernel']))
p.s('a window of zero', vals(0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 3.0, 4.0, shape=[1, 1, 2, 4]), normType=2, kernel=2)
p.s('no root of a negative sum', vals(-1.0, -2.0, 1.0, 0.0, shape=[1, 1, 2, 2]), normType=3, kernel=2, _grad=False)


def unpool(dims):
    return lambda x, a: getattr(F, f'max_unpool{dims}d')(x[0], x[1].long(), kernel_size=a['kernel'], **snake(a, 'kernel'))


p.op('maxUnpool1d', unpool(1))
p.s('pairs', f(1, 2, 3), ivals(0, 3, 4, 1, 2, 5, shape=[1, 2, 3]), kernel=2)
p.s('no batch', f(2, 2), ivals(0, 3, 1, 2, shape=[2, 2]), kernel=2)
p.op('maxUnpool2d', unpool(2))
p.s('2×2', f(1, 2, 2, 2), ivals(0, 3, 9, 10, 5, 6, 12, 15, shape=[1, 2, 2, 2]), kernel=2)
p.s('another output size', f(1, 1, 2, 2), ivals(1, 3, 11, 14, shape=[1, 1, 2, 2]), kernel=2, outputSize=[5, 5])
p.s('stride and padding', f(1, 1, 2, 2), ivals(1, 3, 4, 8, shape=[1, 1, 2, 2]), kernel=3, stride=2, padding=1)
p.op('maxUnpool3d', unpool(3))
p.s('cubes', f(1, 1, 1, 2, 1), ivals(3, 6, shape=[1, 1, 1, 2, 1]), kernel=2)

o = volumes
o.op('adaptiveAvgPool3d', lambda x, a: F.adaptive_avg_pool3d(x[0], a['outputSize']))
o.s('even', f(1, 2, 4, 2, 2), outputSize=[2, 1, 2])
o.s('odd sizes', f(1, 1, 3, 4, 2), outputSize=[2, 3, 1])
o.s('one axis kept, no batch', f(1, 3, 2, 2), outputSize=[2, None, 1])
o.op('adaptiveMaxPool3d', lambda x, a: F.adaptive_max_pool3d(x[0], a['outputSize']))
o.s('even', distinct(1, 2, 4, 2, 2), outputSize=[2, 1, 2])
o.s('odd sizes', distinct(1, 1, 3, 4, 2), outputSize=[2, 3, 1])
o.op('adaptiveMaxPool1d', lambda x, a: F.adaptive_max_pool1d(x[0], a['outputSize']))
o.s('even, no batch', distinct(2, 6), outputSize=3)
o.op('maxPool3d', lambda x, a: F.max_pool3d(x[0], a['kernel'], a.get('stride'), a.get('padding', 0), a.get('dilation', 1),
                                            a.get('ceilMode', False)))
o.s('dilation and ceil mode', distinct(1, 1, 5, 4, 3), kernel=2, stride=[2, 1, 2], dilation=[2, 1, 1], ceilMode=True)
o.op('avgPool3d', lambda x, a: F.avg_pool3d(x[0], a['kernel'], a.get('stride'), a.get('padding', 0), a.get('ceilMode', False),
                                            a.get('countIncludePad', True), a.get('divisorOverride')))
o.s('padding and a divisor', f(1, 1, 2, 3, 2), kernel=2, stride=1, padding=1, divisorOverride=3)
o.op('convTranspose3d', lambda x, a: F.conv_transpose3d(x[0], x[1], x[2] if len(x) > 2 else None, **snake(a)))
o.s('plain', f(1, 2, 2, 2, 1), f(2, 2, 2, 1, 2), f(2))
o.s('stride, padding, more output, groups', f(1, 2, 2, 1, 2), f(2, 1, 3, 2, 2), stride=[2, 1, 2], padding=[1, 0, 0],
    outputPadding=[1, 0, 1], groups=2)

FAMILIES = [interpolation, bicubic, shuffles, vectors, pooling, volumes]
