"""LeNet-5 trained by every optimizer of PyTorch with two groups of parameters, for packages/optim.

python3 tools/goldens/lenet_optimizers.py     writes packages/optim/test/goldens/lenet/{sgd,…}.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). The net of lenet.py is initialized after manual_seed(0);
32 images, uniform noise in float64, and labels are drawn after manual_seed(1), and taken in batches of four. `float64` is
100 steps, `float32` ten. Small batches keep the test cheap: 1,000 and more steps of LeNet-5 in JavaScript.
"""
import json

import torch
from torch import nn
from torch.optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop

from lenet import OUT, LeNet5
from optim import camel, data

BATCH, IMAGES, SAMPLES = 4, 32, 40

# The first group: convolutions; the second: linear layers. RMSprop divides from the start by the size of a gradient, also
# where that is nothing but rounding: with eps = 1e-8 PyTorch in float32 is 3e-5 (centered 9e-4) from itself in float64 after
# ten steps. With those below it is 1e-6; the others, at their default eps, 5e-6 (Adagrad), 4e-6 (Adam) and less.
CASES = {
    'sgd': (SGD, dict(lr=0.05, momentum=0.9), dict(lr=0.02, momentum=0.8, dampening=0.1, weight_decay=0.01)),
    'nesterov': (SGD, dict(lr=0.02, momentum=0.9, nesterov=True), dict(lr=0.05, momentum=0.5, nesterov=True, weight_decay=0.01)),
    'adagrad': (Adagrad, dict(lr=0.01, initial_accumulator_value=0.1),
                dict(lr=0.005, lr_decay=0.01, weight_decay=0.01, initial_accumulator_value=0.1)),
    'adadelta': (Adadelta, dict(lr=1.0, eps=1e-4), dict(lr=0.5, rho=0.8, eps=1e-3, weight_decay=0.01)),
    'rmsprop': (RMSprop, dict(lr=1e-3, alpha=0.9, eps=1e-5), dict(lr=5e-4, eps=1e-6, weight_decay=0.01)),
    'rmsprop-centered': (RMSprop, dict(lr=1e-3, centered=True, eps=1e-4),
                         dict(lr=5e-4, centered=True, eps=1e-5, momentum=0.9, weight_decay=0.01)),
    'adam': (Adam, dict(lr=1e-3), dict(lr=5e-4, betas=(0.8, 0.99), weight_decay=0.01)),
    'amsgrad': (Adam, dict(lr=1e-3, amsgrad=True), dict(lr=5e-4, betas=(0.8, 0.9), amsgrad=True, weight_decay=0.01)),
    'adamw': (AdamW, dict(lr=1e-3), dict(lr=5e-4, betas=(0.8, 0.99), weight_decay=0.1)),
    'adamax': (Adamax, dict(lr=2e-3), dict(lr=1e-3, betas=(0.8, 0.99), weight_decay=0.01)),
    'nadam': (NAdam, dict(lr=1e-3), dict(lr=5e-4, betas=(0.8, 0.99), momentum_decay=0.05, weight_decay=0.01)),
    'radam': (RAdam, dict(lr=1e-3), dict(lr=5e-4, betas=(0.8, 0.99), weight_decay=0.01)),
}


def train(cls, groups, dtype, steps):
    torch.manual_seed(0)
    net = LeNet5().to(dtype)
    torch.manual_seed(1)
    x = torch.rand(IMAGES, 1, 32, 32, dtype=torch.float64).to(dtype)
    y = torch.randint(0, 10, (IMAGES,))
    torch.set_default_dtype(dtype)
    parameters = list(net.parameters())
    more = {'foreach': True} if cls is NAdam else {}  # see optimizers.py
    if cls is Adagrad:  # ignores what a group says
        more = {'initial_accumulator_value': groups[0]['initial_accumulator_value']}
    optimizer = cls([{'params': parameters[:6], **groups[0]}, {'params': parameters[6:], **groups[1]}], lr=1, **more)
    losses = []
    for step in range(steps):
        at = step * BATCH % IMAGES
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(net(x[at:at + BATCH]), y[at:at + BATCH])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    torch.set_default_dtype(torch.float32)
    return {'losses': data(torch.tensor(losses, dtype=torch.float64)),
            'params': {name: digest(p.detach()) for name, p in net.named_parameters()}}


def digest(t):
    """Sum, sum of squares, and SAMPLES elements spread over the tensor (all of a small one)."""
    flat = t.reshape(-1)
    every = max(1, flat.numel() // SAMPLES)
    return {'sum': flat.double().sum().item(), 'squares': flat.double().square().sum().item(), 'every': every,
            'samples': data(flat[::every].contiguous())}


if __name__ == '__main__':
    for name, (cls, *groups) in CASES.items():
        torch_names = [{camel(k): v for k, v in group.items()} for group in groups]
        result = {'optimizer': cls.__name__, 'groups': torch_names, 'float64': train(cls, groups, torch.float64, 100),
                  'float32': train(cls, groups, torch.float32, 10)}
        text = json.dumps(result, separators=(',', ':')).replace(',"', ',\n"') + '\n'
        assert len(text) <= 50_000, name
        (OUT / f'{name}.json').write_text(text)
