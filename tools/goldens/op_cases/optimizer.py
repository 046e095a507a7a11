"""
One step of an optimizer from given state: as torch.optim makes it, or, for LARS and LAMB, which it has not, as the papers
write it. The arguments of a case are the op's numbers and flags; `state` names the tensors after the gradient.
"""
import math

import torch

from op_cases.golden import Family, f, vals

optimizer = Family('optimizer')
o = optimizer

# By PyTorch's names.
NAMES = {
    'momentum_buffer': 'momentumBuffer', 'sum': 'sum', 'square_avg': 'squareAvg', 'acc_delta': 'accDelta',
    'grad_avg': 'gradAvg', 'exp_avg': 'expAvg', 'exp_avg_sq': 'expAvgSq', 'max_exp_avg_sq': 'maxExpAvgSq',
    'exp_inf': 'expInf',
}


def in_torch(cls, options, state, numbers=None):
    """What takes the step: the state's tensors replace those that the optimizer would begin with."""
    def run(x, _):
        p = x[0].clone().requires_grad_()
        p.grad = x[1].clone()
        opt = cls([p], **options)
        opt.state[p].update({name: t.clone() for name, t in zip(state, x[2:])}, **(numbers or {}))
        opt.step()
        return p.detach(), *(opt.state[p][name] for name in state)
    return run


def case(op, name, run, state, numbers, flags=None, shape=(2, 3), inputs=None):
    """Averages of squares are positive, other state is not."""
    positive = ('sum', 'square_avg', 'acc_delta', 'exp_avg_sq', 'max_exp_avg_sq', 'exp_inf')
    kept = [f(*shape, low=1.5, high=3) if n == 'square_avg' else f(*shape, low=0.1, high=1) if n in positive else
            f(*shape, low=-1, high=1) for n in state]
    o.op(op, run)
    o.s(name, *(inputs or (f(*shape), f(*shape), *kept)), _grad=False, state=[NAMES[n] for n in state], **numbers,
        **(flags or {}))


DECAYS = {'plain': {}, 'weight decay': {'weight_decay': 0.05}, 'maximize': {'maximize': True, 'weight_decay': 0.05}}


def sgd():
    for name, changes in {
        'no momentum': {'momentum': 0},
        'no momentum, maximize': {'momentum': 0, 'maximize': True, 'weight_decay': 0.05},
        'momentum': {},
        'dampening': {'dampening': 0.5},
        'weight decay': {'weight_decay': 0.05},
        'Nesterov': {'nesterov': True, 'weight_decay': 0.01},
        'maximize': {'maximize': True, 'weight_decay': 0.05},
    }.items():
        a = dict(lr=0.1, momentum=0.9, dampening=0, weight_decay=0, nesterov=False, maximize=False) | changes
        numbers = dict(lr=a['lr'], momentum=a['momentum'], dampening=a['dampening'], weightDecay=a['weight_decay'])
        state = ['momentum_buffer'] * (a['momentum'] > 0)
        case('sgdUpdate', name, in_torch(torch.optim.SGD, a, state), state, numbers,
             dict(buffered=a['momentum'] > 0, nesterov=a['nesterov'], maximize=a['maximize']))


def adagrad():
    for name, changes in (DECAYS | {'the third step': {'lr_decay': 0.25}, 'another eps': {'eps': 0.5}}).items():
        a = dict(lr=0.1, lr_decay=0, weight_decay=0, eps=1e-10, maximize=False) | changes
        numbers = dict(rate=a['lr'] / (1 + 2 * a['lr_decay']), eps=a['eps'], weightDecay=a['weight_decay'])
        case('adagradUpdate', name, in_torch(torch.optim.Adagrad, a, ['sum'], {'step': torch.tensor(2.)}), ['sum'], numbers,
             dict(maximize=a['maximize']))


def adadelta():
    state = ['square_avg', 'acc_delta']
    for name, changes in (DECAYS | {'another rho and eps': {'rho': 0.5, 'eps': 0.1, 'lr': 0.5}}).items():
        a = dict(lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, maximize=False) | changes
        numbers = dict(lr=a['lr'], oneMinusRho=1 - a['rho'], eps=a['eps'], weightDecay=a['weight_decay'])
        case('adadeltaUpdate', name, in_torch(torch.optim.Adadelta, a, state, {'step': 1}), state, numbers,
             dict(maximize=a['maximize']))


def rmsprop():
    for name, changes in (DECAYS | {
        'centered': {'centered': True},
        'momentum': {'momentum': 0.9},
        'centered, momentum, all else': {'centered': True, 'momentum': 0.5, 'alpha': 0.8, 'eps': 0.1, 'weight_decay': 0.05},
    }).items():
        a = dict(lr=0.1, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, maximize=False) | changes
        state = ['square_avg'] + ['grad_avg'] * a['centered'] + ['momentum_buffer'] * (a['momentum'] > 0)
        numbers = dict(lr=a['lr'], oneMinusAlpha=1 - a['alpha'], eps=a['eps'], weightDecay=a['weight_decay'],
                       momentum=a['momentum'])
        case('rmspropUpdate', name, in_torch(torch.optim.RMSprop, a, state, {'step': 1}), state, numbers,
             dict(centered=a['centered'], buffered=a['momentum'] > 0, maximize=a['maximize']))


def adam_numbers(a, step):
    return dict(lr=a['lr'], oneMinusBeta1=1 - a['betas'][0], oneMinusBeta2=1 - a['betas'][1], eps=a['eps'],
                weightDecay=a['weight_decay'], biasCorrection1=1 - a['betas'][0] ** step,
                biasCorrection2=1 - a['betas'][1] ** step)


ADAM = dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
MORE = {'other betas and eps': {'betas': (0.5, 0.8), 'eps': 0.1}}
FIRST = {'the first step': {'step': 1}}


def adam():
    for name, changes in (DECAYS | MORE | FIRST | {
        'decoupled weight decay': {'decoupled': True, 'weight_decay': 0.5},
        'amsgrad': {'amsgrad': True},
        'amsgrad, decoupled, maximize': {'amsgrad': True, 'decoupled': True, 'weight_decay': 0.5, 'maximize': True},
    }).items():
        a = ADAM | dict(amsgrad=False, maximize=False) | changes
        step, decoupled = a.pop('step', 3), a.pop('decoupled', False)
        state = ['exp_avg', 'exp_avg_sq'] + ['max_exp_avg_sq'] * a['amsgrad']
        cls = torch.optim.AdamW if decoupled else torch.optim.Adam
        case('adamUpdate', name, in_torch(cls, a, state, {'step': torch.tensor(step - 1.)}), state, adam_numbers(a, step),
             dict(decoupled=decoupled, amsgrad=a['amsgrad'], maximize=a['maximize']))


def adamax():
    state = ['exp_avg', 'exp_inf']
    for name, changes in (DECAYS | MORE | FIRST).items():
        a = ADAM | dict(maximize=False) | changes
        step = a.pop('step', 3)
        n = adam_numbers(a, step)
        numbers = dict(rate=a['lr'] / n['biasCorrection1'], oneMinusBeta1=n['oneMinusBeta1'], beta2=a['betas'][1],
                       eps=a['eps'], weightDecay=a['weight_decay'])
        case('adamaxUpdate', name, in_torch(torch.optim.Adamax, a, state, {'step': torch.tensor(step - 1.)}), state, numbers,
             dict(maximize=a['maximize']))


def nadam():
    """With foreach: the other form of 1.13 multiplies mu into the product twice (PyTorch's pull request 92699)."""
    state = ['exp_avg', 'exp_avg_sq']
    for name, changes in ({'plain': {}, 'weight decay': {'weight_decay': 0.05}} | MORE | FIRST).items():
        a = ADAM | dict(momentum_decay=0.004) | changes
        step = a.pop('step', 3)
        n = adam_numbers(a, step)
        mu = [a['betas'][0] * (1 - 0.5 * 0.96 ** (t * a['momentum_decay'])) for t in range(1, step + 2)]
        numbers = dict(gradientRate=a['lr'] * (1 - mu[-2]) / (1 - math.prod(mu[:-1])),
                       averageRate=a['lr'] * mu[-1] / (1 - math.prod(mu)),
                       **{k: n[k] for k in ('oneMinusBeta1', 'oneMinusBeta2', 'eps', 'weightDecay', 'biasCorrection2')})
        product = torch.tensor(math.prod(mu[:-2]), dtype=torch.float64)
        run = in_torch(torch.optim.NAdam, a | {'foreach': True}, state,
                       {'step': torch.tensor(step - 1.), 'mu_product': product})
        case('nadamUpdate', name, run, state, numbers, dict(maximize=False))


def radam():
    state = ['exp_avg', 'exp_avg_sq']
    for name, changes in {
        'not adaptive yet': {'step': 5}, 'adaptive': {}, 'weight decay': {'weight_decay': 0.05},
        'other betas and eps': {'betas': (0.5, 0.8), 'eps': 0.1, 'step': 20},
    }.items():
        a = ADAM | changes
        step = a.pop('step', 6)
        n = adam_numbers(a, step)
        end = 2 / (1 - a['betas'][1]) - 1
        rho = end - 2 * step * a['betas'][1] ** step / n['biasCorrection2']
        adaptive = rho > 5
        rate = a['lr'] / n['biasCorrection1']
        if adaptive:
            rate *= math.sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho) * n['biasCorrection2'])
        numbers = dict(rate=rate, isAdaptive=int(adaptive),
                       **{k: n[k] for k in ('oneMinusBeta1', 'oneMinusBeta2', 'eps', 'weightDecay')})
        case('radamUpdate', name, in_torch(torch.optim.RAdam, a, state, {'step': torch.tensor(step - 1.)}), state, numbers,
             dict(maximize=False))


def lars():
    """You, Gitman, Ginsburg 2017, algorithm 1."""
    def run(options, layerwise, maximize):
        def step(x, _):
            w, g, v = x[0], -x[1] if maximize else x[1], x[2]
            lr, momentum, decay, eta = options
            above, below = eta * w.norm(), g.norm() + decay * w.norm()
            rate = above / below if layerwise and above != 0 and below != 0 else 1
            v = momentum * v + lr * rate * (g + decay * w)
            return w - v, v
        return step
    zero, one = vals(0, 0, 0), f(3)
    for name, layerwise, maximize, decay, inputs in (
        ('layerwise', True, False, 0.05, None), ('not layerwise', False, False, 0.05, None),
        ('maximize', True, True, 0.05, None), ('weights of zero', True, False, 0.05, (zero, one, one)),
        ('a gradient of zero', True, False, 0.05, (one, zero, one)),
        ('a gradient of zero, no weight decay', True, False, 0, (one, zero, one)),
    ):
        options = (2.0, 0.9, decay, 0.01)
        numbers = dict(zip(('lr', 'momentum', 'weightDecay', 'trustCoefficient'), options))
        case('larsUpdate', name, run(options, layerwise, maximize), ['momentum_buffer'], numbers,
             dict(layerwise=layerwise, maximize=maximize), inputs=inputs)


def lamb():
    """You et al. 2019, algorithm 2."""
    state = ['exp_avg', 'exp_avg_sq']
    zero, one, positive = vals(0, 0, 0), f(3), f(3, low=0.1, high=1)

    def run(a, n, layerwise, maximize):
        def step(x, _):
            w, g, m, v = x[0], -x[1] if maximize else x[1], x[2], x[3]
            m = a['betas'][0] * m + (1 - a['betas'][0]) * g
            v = a['betas'][1] * v + (1 - a['betas'][1]) * g * g
            r = (m / n['biasCorrection1']) / ((v / n['biasCorrection2']).sqrt() + a['eps']) + a['weight_decay'] * w
            ratio = w.norm() / r.norm() if layerwise and w.norm() != 0 and r.norm() != 0 else 1
            return w - a['lr'] * ratio * r, m, v
        return step
    for name, changes, layerwise, maximize, inputs in (
        ('layerwise', {}, True, False, None), ('not layerwise', {}, False, False, None), ('maximize', {}, True, True, None),
        ('other betas and eps', MORE['other betas and eps'], True, False, None),
        ('weights of zero', {}, True, False, (zero, one, one, positive)),
        ('nothing to go by', {'weight_decay': 0}, True, False, (one, zero, zero, positive)),
    ):
        a = ADAM | {'weight_decay': 0.05} | changes
        n = adam_numbers(a, 3)
        case('lambUpdate', name, run(a, n, layerwise, maximize), state, n, dict(layerwise=layerwise, maximize=maximize),
             inputs=inputs)


for make in (sgd, adagrad, adadelta, rmsprop, lars, adam, adamax, nadam, radam, lamb):
    make()
# Parameters without axes.
case('adamUpdate', 'no axes', in_torch(torch.optim.Adam, ADAM, ['exp_avg', 'exp_avg_sq'], {'step': torch.tensor(2.)}),
     ['exp_avg', 'exp_avg_sq'], adam_numbers(ADAM, 3), dict(decoupled=False, amsgrad=False, maximize=False), shape=())

FAMILIES = [optimizer]
