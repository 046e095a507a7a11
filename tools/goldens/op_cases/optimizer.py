"""One step of an optimizer from given state, as torch.optim makes it."""
import torch

from op_cases.golden import Family, f

optimizer = Family('optimizer')
o = optimizer


def sgd(x, a):
    p = x[0].clone().requires_grad_()
    p.grad = x[1].clone()
    opt = torch.optim.SGD([p], lr=a['lr'], momentum=a['momentum'], dampening=a['dampening'],
                          weight_decay=a['weightDecay'], nesterov=a['nesterov'], maximize=a['maximize'])
    opt.state[p]['momentum_buffer'] = x[2].clone()
    opt.step()
    return p.detach(), opt.state[p]['momentum_buffer']


def adam(x, a):
    p = x[0].clone().requires_grad_()
    p.grad = x[1].clone()
    opt = torch.optim.Adam([p], lr=a['lr'], betas=(a['beta1'], a['beta2']), eps=a['eps'],
                           weight_decay=a['weightDecay'], maximize=a['maximize'])
    opt.state[p].update(step=torch.tensor(float(a['step'] - 1)), exp_avg=x[2].clone(), exp_avg_sq=x[3].clone())
    opt.step()
    return p.detach(), opt.state[p]['exp_avg'], opt.state[p]['exp_avg_sq']


SGD = dict(lr=0.1, momentum=0.9, dampening=0, weightDecay=0, nesterov=False, maximize=False)
o.op('sgdUpdate', sgd)
for name, changes in {
    'momentum': {},
    'dampening': {'dampening': 0.5},
    'weight decay': {'weightDecay': 0.05},
    'Nesterov': {'nesterov': True, 'weightDecay': 0.01},
    'maximize': {'maximize': True, 'weightDecay': 0.05},
}.items():
    o.s(name, f(2, 3), f(2, 3), f(2, 3), _grad=False, **{**SGD, **changes})

ADAM = dict(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8, weightDecay=0, step=3, maximize=False)
o.op('adamUpdate', adam)
for name, changes in {
    'the third step': {},
    'the first step': {'step': 1},
    'weight decay': {'weightDecay': 0.05},
    'other betas and eps': {'beta1': 0.5, 'beta2': 0.8, 'eps': 0.1},
    'maximize': {'maximize': True},
}.items():
    o.s(name, f(2, 3), f(2, 3), f(2, 3), f(2, 3, low=0.1, high=1), _grad=False, **{**ADAM, **changes})

FAMILIES = [optimizer]
