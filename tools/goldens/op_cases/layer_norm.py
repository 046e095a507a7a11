"""Normalization within samples: layer, group, instance and local response normalization."""
import torch.nn.functional as F

from op_cases.golden import INF, NAN, Family, f, vals

layer_norm = Family('layer-norm')
n = layer_norm


def weight(*shape):
    return f(*shape, low=0.5, high=2.0)


n.op('layerNorm', lambda x, a: F.layer_norm(x[0], a['normalizedShape'], *x[1:], **{k: v for k, v in a.items() if k == 'eps'}))
n.s('features', f(3, 5), weight(5), f(5), normalizedShape=[5])
n.s('two axes', f(2, 3, 2, 4), weight(2, 4), f(2, 4), normalizedShape=[2, 4])
n.s('no weight and bias, another eps', f(2, 3, 4), normalizedShape=[4], eps=0.1)
n.s('a weight alone', f(2, 2, 3), weight(3), normalizedShape=[3])
n.s('all axes', f(2, 3), weight(2, 3), f(2, 3), normalizedShape=[2, 3])
n.s('one element a row', f(3, 1), weight(1), f(1), normalizedShape=[1])
n.s('equal elements', vals(0.5, 0.5, 0.5, 1.0, 2.0, 3.0, shape=[2, 3]), weight(3), f(3), normalizedShape=[3])
n.s('a large mean', vals(100.25, 100.5, 101.0, 99.25, 100.0, 102.0, shape=[1, 6]), weight(6), f(6), normalizedShape=[6])
n.s('no rows', f(0, 3), weight(3), f(3), normalizedShape=[3])

n.op('groupNorm', lambda x, a: F.group_norm(x[0], a['groups'], *x[1:], **{k: v for k, v in a.items() if k == 'eps'}))
n.s('two groups', f(2, 4, 2, 3), weight(4), f(4), groups=2)
n.s('one group', f(2, 3, 2, 2), weight(3), f(3), groups=1)
n.s('a group a channel', f(2, 3, 4), weight(3), f(3), groups=3)
n.s('features', f(3, 6), weight(6), f(6), groups=2)
n.s('no weight and bias, another eps', f(2, 4, 3), groups=2, eps=0.1)
n.s('volumes', f(1, 2, 2, 2, 2), weight(2), f(2), groups=1)
n.s('one value a group', f(2, 2), weight(2), f(2), groups=2)


def instance_norm(x, a):
    """(y, new running mean, new running variance)."""
    mean, variance = (x[3].clone(), x[4].clone()) if len(x) > 3 else (None, None)
    own = a.get('useInputStats', True)
    weight, bias = x[1:3] or (None, None)
    y = F.instance_norm(x[0], mean, variance, weight, bias, own, a.get('momentum', 0.1), a.get('eps', 1e-5))
    return (y, mean, variance) if mean is not None and own else y


n.op('instanceNorm', instance_norm)
n.s('images', f(2, 2, 2, 3), weight(2), f(2))
n.s('sequences', f(2, 3, 4))
n.s('volumes', f(1, 2, 2, 2, 2), weight(2), f(2), eps=0.1)
n.s('running statistics', f(3, 2, 2, 2), weight(2), f(2), f(2).const(), weight(2).const(), momentum=0.3)
n.s('with running statistics', f(2, 2, 2, 3), weight(2), f(2), f(2).const(), weight(2).const(), useInputStats=False)

response = Family('local-response-norm')
r = response
r.op('localResponseNorm', lambda x, a: F.local_response_norm(x[0], **a))
r.s('images', f(2, 6, 2, 3), size=5, alpha=0.5, beta=0.75, k=2)
r.s('defaults', f(1, 4, 2, 2, low=-20.0, high=20.0), size=3)
r.s('an even size', f(2, 5, 2, 2), size=4, alpha=0.7, beta=0.75, k=1)
r.s('two channels', f(1, 5, 2, 2), size=2, alpha=1, beta=0.5, k=0.5)
r.s('more than there are', f(2, 3, 2, 2), size=9, alpha=0.7, beta=0.6, k=1)
r.s('one channel', f(1, 3, 2, 2), size=1, alpha=0.7, beta=1, k=1)
r.s('sequences', f(2, 4, 3), size=3, alpha=0.7, beta=0.75, k=1)
r.s('sequences, an even size', f(2, 4, 3), size=4, alpha=0.7, beta=2, k=1)
r.s('volumes', f(1, 4, 2, 2, 2), size=3, alpha=0.7, beta=0.75, k=1)
r.s('NaN stays in its windows', vals(NAN, 1.0, 2.0, 3.0, 4.0, 5.0, shape=[1, 6, 1]), size=3, alpha=1)
r.s('infinity', vals(INF, 1.0, 2.0, 3.0, shape=[1, 4, 1]), size=3, alpha=1, _grad=False)
r.s('no samples', f(0, 4, 3), size=3)

FAMILIES = [layer_norm, response]
