"""Trajectories of PyTorch's optimizers and schedules, for packages/optim/src.

python3 tools/goldens/optim.py     writes packages/optim/test/goldens/optim/*.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch), gradients set to None as PyTorch 2 does. The problem is a
net of two layers on eight samples; parameters are numbered w1, b1, w2, b2 and a last one that has a gradient in every
other step only.
"""
import base64
import json
from pathlib import Path

import torch
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LambdaLR, MultiStepLR, StepLR

OUT = Path(__file__).resolve().parents[2] / 'packages/optim/test/goldens/optim'
SHAPES = [(4, 3), (4,), (2, 4), (2,), (2,)]
NUMBERS = ('step', 'mu_product')


def data(t):
    """Little-endian bytes of a tensor, as base64."""
    return base64.b64encode(t.detach().contiguous().numpy().tobytes()).decode()


def write(name, content):
    text = json.dumps(content, separators=(',', ':'), allow_nan=False).replace('},{', '},\n{') + '\n'
    assert len(text) <= 50_000, (name, len(text))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f'{name}.json').write_text(text)


def problem(dtype):
    torch.manual_seed(0)
    params = [torch.nn.Parameter(torch.randn(shape, dtype=torch.float64).to(dtype)) for shape in SHAPES]
    x = torch.randn(8, 3, dtype=torch.float64).to(dtype)
    y = torch.randn(8, 2, dtype=torch.float64).to(dtype)

    def loss(step):
        w1, b1, w2, b2, extra = params
        out = torch.tanh(x @ w1.T + b1) @ w2.T + b2
        return ((out + extra if step % 2 == 1 else out) - y).square().mean()
    return params, x, y, loss


def run(dtype, make, steps=10, between=None):
    torch.set_default_dtype(dtype)  # NAdam keeps a product of numbers in a tensor of this type
    params, _, _, loss = problem(dtype)
    optimizer = make(params)
    losses = []
    for step in range(steps):
        if between:
            between(optimizer, step)
        optimizer.zero_grad(set_to_none=True)
        value = loss(step)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    torch.set_default_dtype(torch.float32)
    return {'losses': losses, 'params': [data(p) for p in params], 'state': state_of(optimizer)}


def state_of(optimizer):
    """The state that PyTorch keeps of each parameter: tensors as base64, numbers (which may be tensors there) as numbers."""
    return {i: {k: data(v) if torch.is_tensor(v) and k not in NUMBERS else float(v) for k, v in entries.items() if v is not None}
            for i, entries in optimizer.state_dict()['state'].items()}


def camel(name):
    first, *rest = name.split('_')
    return first + ''.join(part.title() for part in rest)


def case(cls, options, **more):
    result = {'optimizer': cls.__name__, 'options': {camel(k): v for k, v in options.items() if k != 'foreach'}}
    for name, dtype in (('float64', torch.float64), ('float32', torch.float32)):
        result[name] = run(dtype, lambda params: cls(params, **options), **more)
    return result


def grids():
    sgd = [dict(lr=0.1), dict(lr=0.1, momentum=0.9), dict(lr=0.1, weight_decay=0.05),
           dict(lr=0.1, momentum=0.9, weight_decay=0.05), dict(lr=0.1, momentum=0.9, dampening=0.3),
           dict(lr=0.05, momentum=0.8, dampening=0.5, weight_decay=0.01), dict(lr=0.1, momentum=0.9, nesterov=True),
           dict(lr=0.1, momentum=0.5, nesterov=True, weight_decay=0.1), dict(lr=0.01, maximize=True, weight_decay=0.05),
           dict(lr=0.01, momentum=0.9, dampening=0.1, weight_decay=0.05, maximize=True), dict(lr=0.0, momentum=0.9)]
    adam = [dict(), dict(lr=0.1), dict(lr=0.05, weight_decay=0.1), dict(lr=0.05, betas=(0.5, 0.9)),
            dict(lr=0.05, betas=(0.0, 0.99)), dict(lr=0.05, betas=(0.9, 0.5)), dict(lr=0.05, eps=0.01),
            dict(lr=0.02, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.01, maximize=True)]
    write('sgd', [case(SGD, o) for o in sgd])
    write('adam', [case(Adam, o) for o in adam])


def groups():
    def sgd(p):
        return SGD([{'params': p[:2], 'lr': 0.2}, {'params': p[2:4], 'momentum': 0.5, 'nesterov': True},
                    {'params': p[4], 'weight_decay': 0.3}], lr=0.05, momentum=0.9)

    def adam(p):
        return Adam([{'params': p[2:], 'betas': (0.7, 0.9)}, {'params': p[:2], 'lr': 0.01, 'weight_decay': 0.1}], lr=0.05)

    def momentum(optimizer, step):  # on, off, on again: PyTorch keeps the buffer of the steps without
        optimizer.param_groups[0]['momentum'] = [0, 0, 0.9, 0.9, 0, 0, 0.5, 0.9, 0.9, 0][step]
        optimizer.param_groups[0]['lr'] = 0.1 / (step + 1)

    write('groups', {
        'sgd': run(torch.float64, sgd), 'adam': run(torch.float64, adam),
        'momentum': run(torch.float64, lambda p: SGD(p, lr=0.1, dampening=0.3, weight_decay=0.01), between=momentum),
    })
    params, x, y, _ = problem(torch.float64)
    write('problem', {'params': [data(p) for p in params], 'shapes': SHAPES, 'x': data(x), 'y': data(y)})


def rates(make, epochs=30, change=None, last_epoch=-1):
    """The rates of two groups before each epoch; `change` halves them by hand after that epoch."""
    groups = [{'params': [torch.nn.Parameter(torch.zeros(1))], 'lr': lr} for lr in (0.1, 0.03)]
    if last_epoch >= 0:
        for group in groups:
            group['initial_lr'] = 2 * group['lr']
    optimizer = SGD(groups, lr=1)
    schedulers = make(optimizer, last_epoch)
    seen = []
    for epoch in range(epochs):
        seen.append([group['lr'] for group in optimizer.param_groups])
        optimizer.step()
        if change == epoch:
            for group in optimizer.param_groups:
                group['lr'] /= 2
        for scheduler in schedulers:
            scheduler.step()
    state = {k: v for k, v in schedulers[0].state_dict().items() if k in ('last_epoch', 'base_lrs', '_last_lr', '_step_count')}
    return {'rates': seen, 'state': state}


def schedules():
    make = {
        'ExponentialLR': lambda o, e: [ExponentialLR(o, gamma=0.95, last_epoch=e)],
        'StepLR': lambda o, e: [StepLR(o, step_size=7, last_epoch=e)],
        'StepLR gamma': lambda o, e: [StepLR(o, step_size=4, gamma=0.5, last_epoch=e)],
        'MultiStepLR': lambda o, e: [MultiStepLR(o, milestones=[3, 10, 10, 22], gamma=0.3, last_epoch=e)],
        'LambdaLR': lambda o, e: [LambdaLR(o, lr_lambda=[lambda t: 0.9 ** t, lambda t: 1 / (t + 1)], last_epoch=e)],
        'CosineAnnealingLR': lambda o, e: [CosineAnnealingLR(o, T_max=30, last_epoch=e)],
        'CosineAnnealingLR restarts': lambda o, e: [CosineAnnealingLR(o, T_max=8, eta_min=0.001, last_epoch=e)],
        'ExponentialLR and StepLR': lambda o, e: [ExponentialLR(o, gamma=0.9, last_epoch=e),
                                                  StepLR(o, step_size=10, last_epoch=e)],
    }
    write('schedules', [{'name': name, 'plain': rates(m), 'changed': rates(m, change=11), 'resumed': rates(m, last_epoch=5)}
                        for name, m in make.items()])


if __name__ == '__main__':
    grids()
    groups()
    schedules()
