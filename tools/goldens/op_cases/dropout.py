"""
Dropout of channels, and alpha dropout: PyTorch's formulas on the masks that the first key of a seed gives.
"""
import math

import torch

from op_cases.golden import NAN, Family, f, vals
from op_cases.random_op import threefry2x32, uniform

dropout = Family('dropout')
d = dropout

ALPHA = 1.7580993408473766  # ATen/native/Dropout.cpp


def noise(shape, a):
    """1 where an element is kept."""
    key = threefry2x32(a['seed'], 0, 0, 0)
    return (uniform(key, math.prod(shape)).reshape(shape) >= a['p']).to(torch.float64)


def channels(x, unbatched):
    return ([] if unbatched else [x.shape[0]]) + [x.shape[0 if unbatched else 1]]


def feature_dropout(unbatched):
    """unbatched: the number of axes without a batch, where the function knows such inputs."""
    def run(inputs, a):
        x = inputs[0]
        shape = channels(x, x.dim() == unbatched)
        kept = noise(shape + [1] * (x.dim() - len(shape)), a)
        return x * (kept / (1 - a['p']) if a['p'] < 1 else kept * 0)
    return run


def alpha_dropout(of_channels):
    def run(inputs, a):
        x, p = inputs[0], a['p']
        shape = list(x.shape[:2]) + [1] * (x.dim() - 2) if of_channels else list(x.shape)
        kept = noise(shape, a)
        scale = 1 / math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
        shift = (kept - 1) * (ALPHA * scale) + ALPHA * scale * p
        return x * (kept * scale) + shift
    return run


d.op('dropout1d', feature_dropout(2))
d.s('a batch', f(3, 4, 2), p=0.5, seed=1)
d.s('no batch', f(6, 3), p=0.2, seed=2)
d.op('dropout2d', feature_dropout(None))
d.s('a batch', f(2, 5, 2, 2), p=0.5, seed=3)
d.s('sequences', f(3, 4, 2), p=0.3, seed=4)
d.s('everything', f(2, 2, 2, 1), p=1.0, seed=4)
d.s('NaN shows', vals(NAN, NAN, NAN, NAN, 1.0, 2.0, 3.0, 4.0, shape=[1, 4, 2, 1]), p=0.5, seed=5)
d.op('dropout3d', feature_dropout(4))
d.s('a batch', f(2, 4, 1, 2, 2), p=0.5, seed=6)
d.s('no batch', f(5, 2, 1, 2), p=0.5, seed=7)
d.op('alphaDropout', alpha_dropout(False))
d.s('half', f(4, 5), p=0.5, seed=8)
d.s('a tenth', f(30), p=0.1, seed=9)
d.op('featureAlphaDropout', alpha_dropout(True))
d.s('images', f(2, 5, 2, 2), p=0.5, seed=10)
d.s('features', f(4, 6), p=0.2, seed=11)

FAMILIES = [dropout]
