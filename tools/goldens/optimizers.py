"""Trajectories of PyTorch's other optimizers on the problem of optim.py, and their state dicts in the middle of one;
steps on unusual gradients.

python3 tools/goldens/optimizers.py     writes packages/optim/test/goldens/optim/{adagrad,…,resume}.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). NAdam with foreach=True: without it, 1.13 takes a factor of
its product twice, against its documentation (corrected in 2.0: https://github.com/pytorch/pytorch/pull/92699).
"""
import torch
from torch.optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop

from optim import camel, case, data, problem, state_of, write

GRIDS = {
    Adagrad: [dict(), dict(lr=0.1), dict(lr=0.1, lr_decay=0.2), dict(lr=0.1, weight_decay=0.05),
              dict(lr=0.2, lr_decay=0.05, initial_accumulator_value=0.5), dict(lr=0.1, eps=0.1),
              dict(lr=0.05, weight_decay=0.05, initial_accumulator_value=0.1, maximize=True)],
    Adadelta: [dict(), dict(lr=0.5, rho=0.5), dict(eps=1e-3), dict(eps=1e-3, weight_decay=0.1), dict(eps=0.01, rho=0.0),
               dict(eps=1e-4, rho=0.8, lr=2.0, weight_decay=0.01, maximize=True)],
    RMSprop: [dict(), dict(lr=0.02, alpha=0.8), dict(lr=0.02, centered=True), dict(lr=0.01, momentum=0.9),
              dict(lr=0.02, eps=0.1), dict(lr=0.02, weight_decay=0.1),
              dict(lr=0.01, alpha=0.9, centered=True, momentum=0.5, weight_decay=0.05, maximize=True)],
    Adam: [dict(lr=0.05, amsgrad=True), dict(lr=0.05, amsgrad=True, betas=(0.5, 0.6), weight_decay=0.1),
           dict(lr=0.05, amsgrad=True, betas=(0.9, 0.5), eps=0.01, maximize=True)],
    AdamW: [dict(), dict(lr=0.05, weight_decay=0.0), dict(lr=0.05, weight_decay=0.5), dict(lr=0.05, betas=(0.5, 0.9)),
            dict(lr=0.05, amsgrad=True, betas=(0.8, 0.5)),
            dict(lr=0.02, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.1, amsgrad=True, maximize=True)],
    Adamax: [dict(), dict(lr=0.05), dict(lr=0.05, betas=(0.5, 0.6)), dict(lr=0.05, weight_decay=0.1), dict(lr=0.05, eps=0.1),
             dict(lr=0.02, betas=(0.8, 0.95), weight_decay=0.01, maximize=True)],
    NAdam: [dict(), dict(lr=0.05), dict(lr=0.05, betas=(0.5, 0.6)), dict(lr=0.05, weight_decay=0.1),
            dict(lr=0.05, momentum_decay=0.5), dict(lr=0.05, eps=0.01, momentum_decay=0.0)],
    RAdam: [dict(), dict(lr=0.05), dict(lr=0.05, betas=(0.5, 0.9)), dict(lr=0.05, betas=(0.8, 0.5)),
            dict(lr=0.05, weight_decay=0.1), dict(lr=0.05, eps=0.01)],
}

# One of each with all that it keeps, stopped after five of ten steps.
RESUMED = {
    SGD: dict(lr=0.1, momentum=0.9, weight_decay=0.05),
    Adagrad: dict(lr=0.1, lr_decay=0.2, initial_accumulator_value=0.1),
    Adadelta: dict(eps=1e-3),
    RMSprop: dict(lr=0.01, centered=True, momentum=0.5),
    Adam: dict(lr=0.05, amsgrad=True, betas=(0.9, 0.5)),
    AdamW: dict(lr=0.05),
    Adamax: dict(lr=0.05),
    NAdam: dict(lr=0.05, momentum_decay=0.1),
    RAdam: dict(lr=0.05),
}


def patched(cls, options):
    return options | {'foreach': True} if cls is NAdam else options


def resume(cls, options, dtype):
    """PyTorch's state dict before the sixth step, and where the tenth arrives."""
    torch.set_default_dtype(dtype)
    params, _, _, loss = problem(dtype)
    optimizer = cls(params, **patched(cls, options))
    for step in range(10):
        if step == 5:
            saved = {'params': [data(p) for p in params], 'state': state_of(optimizer),
                     'param_groups': optimizer.state_dict()['param_groups']}
        optimizer.zero_grad(set_to_none=True)
        loss(step).backward()
        optimizer.step()
    torch.set_default_dtype(torch.float32)
    return {'saved': saved, 'params': [data(p) for p in params], 'state': state_of(optimizer)}


# Values, and gradients of four steps: NaN, what is too large to be squared, nothing, hardly anything, none at all.
NAN = float('nan')
HUGE = {torch.float64: 1e200, torch.float32: 1e30}
VALUES = [0.5, -1.0, 2.0, 0.0, 3.0]
GRADIENTS = [[1.0, NAN, 'huge', 0.0, 1e-30], None, [-0.5, 1.0, 1.0, 0.0, 1e-30], [0.25, 1.0, -1.0, 1.0, NAN]]
# What RMSprop centered makes of a huge gradient depends on whether a compiler has fused v - m * m.
EDGES = RESUMED | {RMSprop: dict(lr=0.01, momentum=0.5)}
# A parameter without axes.
SCALAR, SCALAR_GRADIENTS = 0.5, [0.25, -2.0, 0.0, NAN]


def edges(cls, options, dtype):
    """Parameters after each step on the gradients above."""
    torch.set_default_dtype(dtype)
    p, q = torch.nn.Parameter(torch.tensor(VALUES)), torch.nn.Parameter(torch.tensor(SCALAR))
    optimizer = cls([p, q], **patched(cls, options))
    seen = []
    for g, h in zip(GRADIENTS, SCALAR_GRADIENTS):
        p.grad = None if g is None else torch.tensor([HUGE[dtype] if v == 'huge' else v for v in g])
        q.grad = torch.tensor(h)
        optimizer.step()
        seen.append([data(p), data(q)])
    torch.set_default_dtype(torch.float32)
    return seen


if __name__ == '__main__':
    for cls, grid in GRIDS.items():
        name = 'amsgrad' if cls is Adam else cls.__name__.lower()
        write(name, [case(cls, patched(cls, options)) for options in grid])
    write('resume', {cls.__name__: {'float64': resume(cls, options, torch.float64),
                                    'float32': resume(cls, options, torch.float32)} for cls, options in RESUMED.items()})
    write('edges', {cls.__name__: {'options': {camel(k): v for k, v in options.items()},
                                   'float64': edges(cls, options, torch.float64),
                                   'float32': edges(cls, options, torch.float32)} for cls, options in EDGES.items()})
