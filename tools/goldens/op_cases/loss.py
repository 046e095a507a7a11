"""Losses."""
import torch
import torch.nn.functional as F

from op_cases.golden import Family, f, ivals, vals

loss = Family('loss')


def options(x, a, weighted):
    out = {'reduction': a.get('reduction', 'mean')}
    if weighted:
        out['weight'] = x[2] if len(x) > 2 else None
    if 'ignoreIndex' in a:
        out['ignore_index'] = a['ignoreIndex']
    if 'labelSmoothing' in a:
        out['label_smoothing'] = a['labelSmoothing']
    return out


TARGET = ivals(0, 2, 1, 2)
WEIGHT = vals(0.5, 1.5, 2.0).const()

for name, fn in dict(crossEntropy=F.cross_entropy, nllLoss=F.nll_loss).items():
    loss.op(name, lambda x, a, fn=fn: fn(x[0], x[1].long(), **options(x, a, True)))
    loss.s('mean', f(4, 3), TARGET)
    loss.s('sum', f(4, 3), TARGET, reduction='sum')
    loss.s('none', f(4, 3), TARGET, reduction='none')
    loss.s('class weights', f(4, 3), TARGET, WEIGHT)
    loss.s('class weights, none', f(4, 3), TARGET, WEIGHT, reduction='none')
    loss.s('class weights, sum', f(4, 3), TARGET, WEIGHT, reduction='sum')
    loss.s('ignore index', f(4, 3), ivals(0, -100, 1, 2))
    loss.s('ignore index 1, weights', f(4, 3), ivals(0, 1, 1, 2), WEIGHT, ignoreIndex=1)
    loss.s('ignore index, none', f(4, 3), ivals(0, 1, -100, 2), reduction='none')
    loss.s('all ignored', f(2, 3), ivals(-100, -100))
    loss.s('all ignored, sum', f(2, 3), ivals(-100, -100), reduction='sum')
    loss.s('images', f(1, 3, 2, 2), ivals(0, 2, 1, 2, shape=[1, 2, 2]))
    loss.s('images, weights, ignore index', f(1, 3, 2, 2), ivals(0, 2, 1, -100, shape=[1, 2, 2]), WEIGHT)
    loss.s('one sample', f(3), ivals(1, shape=[]))

loss.op('crossEntropy', lambda x, a: F.cross_entropy(x[0], x[1].long(), **options(x, a, True)))
loss.s('label smoothing', f(4, 3), TARGET, labelSmoothing=0.1)
loss.s('label smoothing, none', f(4, 3), TARGET, labelSmoothing=0.2, reduction='none')
loss.s('label smoothing, sum', f(4, 3), TARGET, labelSmoothing=0.2, reduction='sum')
loss.s('label smoothing, weights', f(4, 3), TARGET, WEIGHT, labelSmoothing=0.1)
loss.s('label smoothing, weights, ignore index', f(4, 3), ivals(0, -100, 1, 2), WEIGHT, labelSmoothing=0.3)
loss.s('label smoothing, images', f(1, 3, 2, 2), ivals(0, 2, 1, -100, shape=[1, 2, 2]), labelSmoothing=0.1)
loss.s('large logits', vals(500.0, -500.0, 0.0, 1000.0, 999.0, 1001.0, shape=[2, 3]), ivals(1, 2))

loss.op('mseLoss', lambda x, a: F.mse_loss(x[0], x[1], **options(x, a, False)))
loss.s('mean', f(2, 3), f(2, 3))
loss.s('sum', f(2, 3), f(2, 3), reduction='sum')
loss.s('none', f(2, 3), f(2, 3), reduction='none')

loss.op('l1Loss', lambda x, a: F.l1_loss(x[0], x[1], **options(x, a, False)))
loss.s('mean', f(2, 3), f(2, 3))
loss.s('none', f(2, 3), f(2, 3), reduction='none')


def bce(x, a):
    weight = x[2] if a.get('weighted') else None
    positive = x[2] if a.get('positive') else None
    return F.binary_cross_entropy_with_logits(x[0], x[1], weight, None, None, a.get('reduction', 'mean'), positive)


def probability(*shape):
    return f(*shape, low=0, high=1).const()


loss.op('binaryCrossEntropyWithLogits', bce)
loss.s('mean', f(2, 3), probability(2, 3))
loss.s('sum', f(2, 3), probability(2, 3), reduction='sum')
loss.s('none', f(2, 3), probability(2, 3), reduction='none')
loss.s('large logits', vals(-200.0, 200.0, 30.0, -30.0), vals(0.0, 0.0, 1.0, 1.0).const(), reduction='none')
loss.s('a weight', f(2, 3), probability(2, 3), vals(0.5, 1.0, 2.0).const(), weighted=True)
loss.s('a weight of the positive part', f(2, 3), probability(2, 3), vals(0.5, 1.0, 2.0).const(), positive=True)

FAMILIES = [loss]
