"""Learning rates and momenta of PyTorch's schedules, for packages/optim/src/schedulers and src/averaging/swa-lr.ts.

python3 tools/goldens/lr_schedules.py     writes packages/optim/test/goldens/schedules/*.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). Every schedule runs over 30 epochs of two groups: from
the beginning ('plain'), with the rates halved by hand after epoch 11 ('changed'), and begun in the middle by last_epoch = 5
('resumed', the groups' initial_lr being twice their lr). Those of the simplest schedules are in optim.py.
Composed schedules can't begin in the middle, and ReduceLROnPlateau is given metrics.
"""
import json
import math
import random
import warnings
from pathlib import Path

import torch
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import (ChainedScheduler, ConstantLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR,
                                      ExponentialLR, LambdaLR, LinearLR, MultiplicativeLR, OneCycleLR, PolynomialLR,
                                      ReduceLROnPlateau, SequentialLR, StepLR)
from torch.optim.swa_utils import SWALR

OUT = Path(__file__).resolve().parents[2] / 'packages/optim/test/goldens/schedules'
# Private to PyTorch's implementation, or functions.
LEFT_OUT = ('verbose', '_get_lr_called_within_step', 'anneal_func', '_scale_fn_ref', '_scale_fn_custom', 'lr_lambdas',
            'mode_worse')


def write(name, content):
    text = json.dumps(content, separators=(',', ':'), allow_nan=False).replace('},{"name"', '},\n{"name"') + '\n'
    assert len(text) <= 50_000, (name, len(text))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f'{name}.json').write_text(text)


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in LEFT_OUT}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and math.isinf(value) else value


def optimizer_of(cls, last_epoch=-1):
    groups = [{'params': [torch.nn.Parameter(torch.zeros(1))], 'lr': lr} for lr in (0.1, 0.03)]
    if last_epoch >= 0:
        for group in groups:
            group['initial_lr'] = 2 * group['lr']
            # What OneCycleLR finds in a loaded optimizer.
            group.update(max_lr=4 * group['lr'], min_lr=group['lr'] / 10, max_momentum=0.95, base_momentum=0.85)
    return cls(groups, lr=1, **({'momentum': 0.9} if cls is SGD else {}))


def rates(make, cls, epochs=30, change=None, last_epoch=-1, step=lambda scheduler, epoch: scheduler.step()):
    optimizer = optimizer_of(cls, last_epoch)
    scheduler = make(optimizer, last_epoch)
    seen, momenta = [], []
    for epoch in range(epochs):
        seen.append([group['lr'] for group in optimizer.param_groups])
        momenta.append([group['momentum'] if cls is SGD else group['betas'][0] for group in optimizer.param_groups])
        optimizer.step()
        if change == epoch:
            for group in optimizer.param_groups:
                group['lr'] /= 2
        step(scheduler, epoch)
    moves = any(m != momenta[0] for m in momenta)
    return {'rates': seen, **({'momenta': momenta} if moves else {}), 'state': plain(scheduler.state_dict())}


def cases(name, makes, cls=SGD, kinds=('plain', 'changed', 'resumed'), **more):
    options = {'plain': {}, 'changed': {'change': 11}, 'resumed': {'last_epoch': 5}}
    write(name, [{'name': case, **{kind: rates(make, cls, **options[kind], **more) for kind in kinds}}
                 for case, make in makes.items()])


def plateau():
    generator = random.Random(0)
    loss = [1 / (1 + epoch) if epoch < 8 else 0.12 + 0.01 * generator.random() for epoch in range(60)]
    runs = []
    for name, options, metrics in [
        ('defaults', {}, loss), ('patience 2', dict(patience=2, factor=0.5), loss),
        ('abs', dict(patience=1, threshold=0.05, threshold_mode='abs'), loss),
        ('max', dict(mode='max', patience=2, factor=0.3), [1 - m for m in loss]),
        ('max abs', dict(mode='max', patience=0, threshold_mode='abs', threshold=0.01, factor=0.9), [1 - m for m in loss]),
        ('cooldown', dict(patience=1, cooldown=4, factor=0.5), loss),
        ('min_lr', dict(patience=0, factor=0.5, min_lr=[0.01, 0.02]), loss),
        ('eps', dict(patience=0, factor=0.5, eps=1e-3), loss),
        ('threshold 0', dict(patience=3, threshold=0, factor=0.5), loss),
    ]:
        optimizer = optimizer_of(SGD)
        scheduler = ReduceLROnPlateau(optimizer, **options)
        seen = []
        for metric in metrics:
            scheduler.step(metric)
            seen.append([group['lr'] for group in optimizer.param_groups])
        runs.append({'name': name, 'rates': seen, 'state': plain(scheduler.state_dict())})
    write('plateau', {'loss': loss, 'runs': runs})


def main():
    warnings.simplefilter('ignore')
    cases('factors', {
        'PolynomialLR': lambda o, e: PolynomialLR(o, total_iters=20, power=0.9, last_epoch=e),
        'PolynomialLR defaults': lambda o, e: PolynomialLR(o, last_epoch=e),
        'LinearLR': lambda o, e: LinearLR(o, start_factor=0.1, total_iters=10, last_epoch=e),
        'LinearLR defaults': lambda o, e: LinearLR(o, last_epoch=e),
        'LinearLR down': lambda o, e: LinearLR(o, start_factor=1, end_factor=0, total_iters=20, last_epoch=e),
        'ConstantLR': lambda o, e: ConstantLR(o, factor=0.25, total_iters=13, last_epoch=e),
        'ConstantLR defaults': lambda o, e: ConstantLR(o, last_epoch=e),
        'MultiplicativeLR': lambda o, e: MultiplicativeLR(o, [lambda t: 0.9, lambda t: 1 - 1 / (t + 2)], last_epoch=e),
        'SWALR': lambda o, e: SWALR(o, swa_lr=0.05, last_epoch=e),
        'SWALR linear': lambda o, e: SWALR(o, [0.01, 0.5], anneal_epochs=17, anneal_strategy='linear', last_epoch=e),
        'SWALR at once': lambda o, e: SWALR(o, 0.05, anneal_epochs=0, last_epoch=e),
    })
    cases('warm-restarts', {
        'every 8': lambda o, e: CosineAnnealingWarmRestarts(o, T_0=8, last_epoch=e),
        'doubling': lambda o, e: CosineAnnealingWarmRestarts(o, T_0=4, T_mult=2, eta_min=0.001, last_epoch=e),
        'tripling': lambda o, e: CosineAnnealingWarmRestarts(o, T_0=2, T_mult=3, last_epoch=e),
    })
    halves = lambda scheduler, epoch: scheduler.step((epoch + 1) * 0.37)
    cases('warm-restarts-fractions', {
        'every 3': lambda o, e: CosineAnnealingWarmRestarts(o, T_0=3, last_epoch=e),
        'doubling': lambda o, e: CosineAnnealingWarmRestarts(o, T_0=1, T_mult=2, eta_min=0.001, last_epoch=e),
    }, kinds=('plain',), step=halves)
    mixed = lambda scheduler, epoch: scheduler.step(*{5: [2.5], 12: [20], 20: [3]}.get(epoch, []))
    cases('warm-restarts-mixed', {
        'every 4': lambda o, e: CosineAnnealingWarmRestarts(o, T_0=4, last_epoch=e),
        'doubling': lambda o, e: CosineAnnealingWarmRestarts(o, T_0=2, T_mult=2, last_epoch=e),
    }, kinds=('plain',), step=mixed)
    base = [0.2, 0.06]  # the initial_lr of a resumed optimizer, for PyTorch computes its first step from that
    cases('cyclic', {
        'triangular': lambda o, e: CyclicLR(o, base, [0.5, 0.3], step_size_up=4, last_epoch=e, cycle_momentum=e < 0),
        'triangular2': lambda o, e: CyclicLR(o, base, 1, step_size_up=3, step_size_down=5, mode='triangular2', last_epoch=e,
                                             base_momentum=[0.7, 0.85], max_momentum=0.95, cycle_momentum=e < 0),
        'exp_range': lambda o, e: CyclicLR(o, base, 1, step_size_up=6, mode='exp_range', gamma=0.9, last_epoch=e,
                                           cycle_momentum=e < 0),
        'without momentum': lambda o, e: CyclicLR(o, base, 1, step_size_up=6, cycle_momentum=False, last_epoch=e),
        'scaleFn': lambda o, e: CyclicLR(o, base, 1, step_size_up=5, scale_fn=lambda x: 1 / (1 + x), last_epoch=e,
                                         cycle_momentum=e < 0),
        'scaleFn by iteration': lambda o, e: CyclicLR(o, base, 1, step_size_up=5, scale_fn=lambda x: math.exp(-x / 9),
                                                      scale_mode='iterations', last_epoch=e, cycle_momentum=e < 0),
    })
    one = {
        'cos': lambda o, e: OneCycleLR(o, [0.4, 0.2], total_steps=40, last_epoch=e),
        'linear': lambda o, e: OneCycleLR(o, 0.3, epochs=4, steps_per_epoch=9, anneal_strategy='linear', pct_start=0.4,
                                          last_epoch=e),
        'three phases': lambda o, e: OneCycleLR(o, 0.3, total_steps=36, three_phase=True, div_factor=10,
                                                final_div_factor=100, last_epoch=e),
        'three phases, linear': lambda o, e: OneCycleLR(o, 0.3, total_steps=37, three_phase=True, anneal_strategy='linear',
                                                        base_momentum=[0.7, 0.8], max_momentum=0.9, last_epoch=e),
        'without momentum': lambda o, e: OneCycleLR(o, 0.3, total_steps=36, cycle_momentum=False, last_epoch=e),
    }
    cases('one-cycle', one)
    cases('one-cycle-adam', {name: one[name] for name in ('cos', 'three phases, linear')}, cls=Adam)
    cases('composed', {
        'warm-up, cosine': lambda o, e: SequentialLR(o, [LinearLR(o, 0.1, total_iters=5), CosineAnnealingLR(o, 25)], [5]),
        'three in sequence': lambda o, e: SequentialLR(
            o, [ConstantLR(o, 0.1, total_iters=2), ExponentialLR(o, 0.9), StepLR(o, 4, 0.5)], [3, 15]),
        'sequence of others': lambda o, e: SequentialLR(
            o, [LambdaLR(o, lambda t: 0.8 ** t), CosineAnnealingWarmRestarts(o, 5), PolynomialLR(o, 6),
                MultiplicativeLR(o, lambda t: 0.9)], [4, 14, 20]),
        'cyclic second': lambda o, e: SequentialLR(
            o, [LinearLR(o, 0.1, total_iters=5), CyclicLR(o, 0.01, 0.2, step_size_up=4)], [6]),
        'chained': lambda o, e: ChainedScheduler([ConstantLR(o, 0.1, total_iters=2), ExponentialLR(o, 0.9)]),
        'chain of a sequence': lambda o, e: ChainedScheduler([
            SequentialLR(o, [LinearLR(o, 0.1, total_iters=5), ExponentialLR(o, 0.95)], [5]), StepLR(o, 10, 0.5)]),
    }, kinds=('plain', 'changed'))
    plateau()


if __name__ == '__main__':
    main()
