"""Losses beside cross-entropy: of numbers, of probabilities, with margins, and those of LeNet-5 in 1998."""
import torch
import torch.nn.functional as F

from op_cases.golden import INF, NAN, Family, f, ints, ivals, vals

regression = Family('loss-regression')
probabilities = Family('loss-probabilities')
margins = Family('loss-margins')

REDUCTIONS = ('mean', 'sum', 'none')


def snake(a, **names):
    """The case's options under PyTorch's names."""
    return {names.get(k, k): v for k, v in a.items()}


def probability(*shape):
    return f(*shape, low=0.05, high=0.95)


# --- numbers ---

r = regression
r.op('smoothL1Loss', lambda x, a: F.smooth_l1_loss(x[0], x[1], **a))
for reduction in REDUCTIONS:
    r.s(reduction, f(2, 3), f(2, 3), reduction=reduction)
r.s('a small beta', f(2, 3), f(2, 3), beta=0.25, reduction='none')
r.s('a large beta', f(2, 3), f(2, 3), beta=10.0, reduction='none')
r.s('beta 0 is the absolute value', f(4), f(4), beta=0.0, reduction='none')
r.s('at the kinks and infinity', vals(0.0, 0.5, -0.5, 1.0, INF, -INF), vals(0.0, 0.0, 0.0, 0.0, 0.0, 0.0), beta=0.5, reduction='none')
r.s('NaN', vals(NAN, 1.0), vals(0.0, NAN), reduction='none', _grad=False)

r.op('huberLoss', lambda x, a: F.huber_loss(x[0], x[1], **a))
for reduction in REDUCTIONS:
    r.s(reduction, f(2, 3), f(2, 3), reduction=reduction)
r.s('a small delta', f(2, 3), f(2, 3), delta=0.25, reduction='none')
r.s('a large delta', f(2, 3), f(2, 3), delta=10.0, reduction='none')
r.s('at the kinks and infinity', vals(0.0, 0.5, -0.5, 1.0, INF, -INF), vals(0.0, 0.0, 0.0, 0.0, 0.0, 0.0), delta=0.5, reduction='none')

r.op('l1Loss', lambda x, a: F.l1_loss(x[0], x[1], **a))
r.s('sum', f(2, 3), f(2, 3), reduction='sum')
r.s('at the kink', vals(1.0, 2.0), vals(1.0, 0.0), reduction='none')

r.op('gaussianNllLoss', lambda x, a: F.gaussian_nll_loss(x[0], x[1], x[2], **a))
for reduction in REDUCTIONS:
    r.s(reduction, f(2, 3), f(2, 3), probability(2, 3), reduction=reduction)
r.s('with the constant', f(2, 3), f(2, 3), probability(2, 3), full=True)
r.s('one variance a row', f(2, 3), f(2, 3), probability(2, 1), reduction='none')
r.s('one variance a row, without the axis', f(2, 3), f(2, 3), probability(2), reduction='none')
r.s('variances below eps', f(3), f(3), vals(0.0, 0.0625, 0.5), eps=0.25, reduction='none')

# --- probabilities ---

p = probabilities
p.op('binaryCrossEntropy', lambda x, a: F.binary_cross_entropy(x[0], x[1], x[2] if len(x) > 2 else None, **a))
for reduction in REDUCTIONS:
    p.s(reduction, probability(2, 3), probability(2, 3), reduction=reduction)
p.s('a weight', probability(2, 3), probability(2, 3).const(), vals(0.5, 1.0, 2.0).const())
p.s('sure, right and wrong', vals(0.0, 0.0, 1.0, 1.0), vals(0.0, 1.0, 0.0, 1.0).const(), reduction='none')
p.s('nearly sure', vals(1e-9, 1e-3, 0.999), vals(1.0, 0.0, 0.0).const(), reduction='none')

p.op('binaryCrossEntropyWithLogits', lambda x, a: F.binary_cross_entropy_with_logits(
    x[0], x[1], x[2] if a.get('weighted') else None, None, None, a.get('reduction', 'mean'), x[-1] if a.get('positive') else None))
p.s('a weight, none', f(2, 3), probability(2, 3).const(), vals(0.5, 1.0, 2.0).const(), reduction='none', weighted=True)
p.s('gradient of the target', f(2, 3), probability(2, 3), reduction='none')

p.op('klDiv', lambda x, a: F.kl_div(x[0], x[1], **snake(a, logTarget='log_target')))
for reduction in (*REDUCTIONS, 'batchmean'):
    p.s(reduction, f(2, 3, low=-3.0, high=-0.1), probability(2, 3), reduction=reduction)
    p.s(f'{reduction}, log target', f(2, 3, low=-3.0, high=-0.1), f(2, 3, low=-3.0, high=-0.1), reduction=reduction, logTarget=True)
p.s('no axis, batchmean', f(low=-3.0, high=-0.1), probability(), reduction='batchmean')
p.s('probabilities of zero', f(4, low=-3.0, high=-0.1), vals(0.0, 0.25, 1.0, 0.0).const(), reduction='none')


def cross_entropy(x, a):
    options = {'labelSmoothing': 'label_smoothing'}
    return F.cross_entropy(x[0], x[1], x[2] if len(x) > 2 else None, **snake(a, **options))


p.op('crossEntropy', cross_entropy)
for reduction in REDUCTIONS:
    p.s(f'probabilities, {reduction}', f(4, 3), probability(4, 3), reduction=reduction)
    p.s(f'probabilities, class weights, smoothing, {reduction}', f(4, 3), probability(4, 3), vals(0.5, 1.5, 2.0).const(),
        reduction=reduction, labelSmoothing=0.2)
p.s('probabilities of images, class weights', f(1, 3, 2, 2), probability(1, 3, 2, 2).const(), vals(0.5, 1.5, 2.0).const())
p.s('probabilities of one sample, none', f(3), probability(3).const(), reduction='none')

p.op('multilabelSoftMarginLoss', lambda x, a: F.multilabel_soft_margin_loss(x[0], x[1], x[2] if len(x) > 2 else None, **a))
for reduction in REDUCTIONS:
    p.s(reduction, f(2, 3), vals(1.0, 0.0, 1.0, 0.0, 0.0, 1.0, shape=[2, 3]).const(), reduction=reduction)
p.s('class weights', f(2, 3), vals(1.0, 0.0, 1.0, 0.0, 0.0, 1.0, shape=[2, 3]).const(), vals(0.5, 1.0, 2.0).const())
p.s('one sample', f(3), vals(1.0, 0.0, 1.0).const(), reduction='none')

# --- margins ---

m = margins
m.op('multiMarginLoss', lambda x, a: F.multi_margin_loss(x[0], x[1].long(), weight=x[2] if len(x) > 2 else None, **a))
TARGET = ivals(0, 2, 1, 2)
for reduction in REDUCTIONS:
    m.s(reduction, f(4, 3), TARGET, reduction=reduction)
    m.s(f'{reduction}, squared', f(4, 3), TARGET, reduction=reduction, p=2)
m.s('a margin', f(4, 3), TARGET, margin=0.3, reduction='none')
m.s('a negative margin', f(4, 3), TARGET, margin=-0.5, reduction='none')
m.s('class weights', f(4, 3), TARGET, vals(0.5, 1.5, 2.0).const())
m.s('class weights, squared, none', f(4, 3), TARGET, vals(0.5, 1.5, 2.0).const(), p=2, reduction='none')
m.s('one sample', f(3), ivals(1, shape=[]))
m.s('one sample, none', f(3), ivals(1, shape=[]), reduction='none')
m.s('at the kink', vals(0.5, -0.5, 0.0, shape=[1, 3]), ivals(0))

m.op('multilabelMarginLoss', lambda x, a: F.multilabel_margin_loss(x[0], x[1].long(), **a))
TARGETS = ivals(3, 0, -1, 1, 2, -1, 0, 0, -1, 1, 2, 3, 0, 1, 2, 3, shape=[4, 4])
for reduction in REDUCTIONS:
    m.s(reduction, f(4, 4), TARGETS, reduction=reduction)
m.s('one sample', f(4), ivals(1, 2, -1, 0), reduction='none')
m.s('a class twice', f(1, 4), ivals(3, 3, -1, 0, shape=[1, 4]))

SIGNS = vals(1.0, -1.0, -1.0, 1.0, 1.0, -1.0, shape=[2, 3]).const()
m.op('softMarginLoss', lambda x, a: F.soft_margin_loss(x[0], x[1], **a))
m.op('hingeEmbeddingLoss', lambda x, a: F.hinge_embedding_loss(x[0], x[1], **a))
for op, fn in (('softMarginLoss', F.soft_margin_loss), ('hingeEmbeddingLoss', F.hinge_embedding_loss)):
    m.op(op, lambda x, a, fn=fn: fn(x[0], x[1], **a))
    for reduction in REDUCTIONS:
        m.s(reduction, f(2, 3), SIGNS, reduction=reduction)
m.s('a margin', f(2, 3), SIGNS, margin=0.3, reduction='none')
m.s('at the kink', vals(1.0, 0.5, 2.0), vals(-1.0, -1.0, 1.0).const(), reduction='none')

m.op('marginRankingLoss', lambda x, a: F.margin_ranking_loss(x[0], x[1], x[2], **a))
for reduction in REDUCTIONS:
    m.s(reduction, f(2, 3), f(2, 3), SIGNS, reduction=reduction, margin=0.25)
m.s('at the kink', vals(1.0, 2.0), vals(1.0, 2.0), vals(1.0, -1.0).const(), reduction='none')

m.op('cosineEmbeddingLoss', lambda x, a: F.cosine_embedding_loss(x[0], x[1], x[2], **a))
for reduction in REDUCTIONS:
    m.s(reduction, f(4, 3), f(4, 3), vals(1.0, -1.0, -1.0, 1.0).const(), reduction=reduction)
m.s('a margin', f(4, 3), f(4, 3), vals(-1.0, -1.0, -1.0, 1.0).const(), margin=0.5, reduction='none')
m.s('one pair', f(3), f(3), vals(1.0, shape=[]).const(), reduction='none')

m.op('tripletMarginLoss', lambda x, a: F.triplet_margin_loss(x[0], x[1], x[2], **a))
for reduction in REDUCTIONS:
    m.s(reduction, f(4, 3), f(4, 3), f(4, 3), reduction=reduction)
m.s('swap', f(4, 3), f(4, 3), f(4, 3), swap=True, reduction='none')
m.s('another norm and margin', f(4, 3), f(4, 3), f(4, 3), p=3.0, margin=2.0, eps=1e-3, reduction='none')
m.s('one triplet', f(3), f(3), f(3), margin=3.0)

# --- LeNet-5's: the equations of the paper ---

m.op('rbf', lambda x, a: (x[0].unsqueeze(-2) - x[1]).square().sum(-1))
m.s('a batch', f(2, 5), f(3, 5))
m.s('one vector', f(5), f(3, 5))


def rbf_loss(x, a):
    y, target = (x[0], x[1].long()) if x[0].dim() == 2 else (x[0][None], x[1].long()[None])
    right = y.gather(1, target[:, None])[:, 0]
    if a.get('criterion') == 'mse':
        losses = right
    else:
        rubbish = torch.full_like(right, -a.get('j', 10.0))
        losses = right + torch.logsumexp(torch.cat([rubbish[:, None], -y], 1), 1)
    if x[0].dim() == 1:
        losses = losses[0]
    reduction = a.get('reduction', 'mean')
    return losses if reduction == 'none' else losses.mean() if reduction == 'mean' else losses.sum()


def distances(*shape):
    return f(*shape, low=0, high=9)


m.op('rbfLoss', rbf_loss)
for reduction in REDUCTIONS:
    m.s(reduction, distances(4, 3), TARGET, reduction=reduction)
m.s('a near rubbish class', distances(4, 3), TARGET, j=2.5, reduction='none')
m.s('one sample', distances(3), ivals(1, shape=[]), j=4.0, reduction='none')
m.s('large distances', vals(500.0, 1000.0, 2000.0, 900.0, 1000.0, 1001.0, shape=[2, 3]), ivals(1, 0), reduction='none')
m.s('mse', distances(4, 3), TARGET, criterion='mse')
m.s('mse, none', distances(4, 3), TARGET, criterion='mse', reduction='none')

FAMILIES = [regression, probabilities, margins]
