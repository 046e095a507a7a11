"""Normalization over batches."""
import torch
import torch.nn.functional as F

from op_cases.golden import Family, f, vals

normalization = Family('normalization')
n = normalization


def batch_norm(x, a):
    """(y, new running mean, new running variance)."""
    mean, variance = (x[3].clone(), x[4].clone()) if len(x) > 3 else (None, None)
    y = F.batch_norm(x[0], mean, variance, x[1], x[2], a.get('training', True), a.get('momentum', 0.1), a.get('eps', 1e-5))
    return (y, mean, variance) if mean is not None and a.get('training', True) else y


def channel(c, low=0.5, high=2.0):
    return f(c, low=low, high=high)


n.op('batchNorm', batch_norm)
n.s('images', f(2, 2, 2, 3), channel(2), f(2))
n.s('features', f(4, 3), channel(3), f(3))
n.s('sequences', f(2, 2, 3), channel(2), f(2))
n.s('running statistics', f(3, 2, 2, 2), channel(2), f(2), f(2).const(), channel(2).const())
n.s('another momentum and eps', f(3, 2, 2, 2), channel(2), f(2), f(2).const(), channel(2).const(), momentum=0.3, eps=0.01)
n.s('a large mean', vals(100.25, 100.5, 101.0, 99.25, 100.0, 102.0, shape=[6, 1]), channel(1), f(1))
n.s('inference', f(2, 2, 2, 3), channel(2), f(2), f(2).const(), channel(2).const(), training=False)
n.s('inference of features', f(4, 3), channel(3), f(3), f(3).const(), channel(3).const(), training=False, eps=0.1)

FAMILIES = [normalization]
