"""Weight and spectral normalization, for packages/core/src/nn/utils: start, three steps of training, evaluation, removal.

python3 tools/goldens/reparametrization.py     writes packages/core/test/goldens/nn/{weight,spectral}-norm.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). Each layer is made and normalized after manual_seed(0);
inputs and gradients of outputs are drawn after manual_seed(1). A step is SGD with a learning rate of 0.1.
"""
import torch
from torch import nn
from torch.nn.utils import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm

from nn import data, pass_through, write


def state(module):
    return {key: data(value) for key, value in module.state_dict().items()}


def case(name, args, make, shape, options, normalize, remove, dtype=torch.float32):
    torch.manual_seed(0)
    module = make()
    normalize(module)
    after = torch.rand(1).item()
    torch.manual_seed(1)
    result = {'class': name, 'args': args, 'options': options, 'printed': str(module), 'state': state(module),
              'after': after, 'steps': []}
    for step in range(3):
        x = torch.randn(shape, dtype=dtype)
        passed = pass_through(module, [x])
        with torch.no_grad():
            for p in module.parameters():
                p -= 0.1 * p.grad
        result['steps'].append({'input': data(x), **passed})
    result['trained'] = state(module)
    module.eval()
    x = torch.randn(shape, dtype=dtype)
    result['eval'] = {'input': data(x), **pass_through(module, [x])}
    remove(module)
    result['removed'] = state(module)
    return result


LAYERS = (
    ('Linear', [4, 3], lambda: nn.Linear(4, 3), (2, 4), torch.float32),
    ('Linear', [20, 2, {'bias': False, 'dtype': 'float64'}], lambda: nn.Linear(20, 2, bias=False, dtype=torch.float64),
     (1, 20), torch.float64),
    ('Conv2d', [2, 4, 3], lambda: nn.Conv2d(2, 4, 3), (1, 2, 4, 3), torch.float32),
    ('ConvTranspose2d', [2, 3, 2], lambda: nn.ConvTranspose2d(2, 3, 2), (1, 2, 2, 3), torch.float32),
    ('ConvTranspose1d', [2, 3, 2, {'dtype': 'float64'}], lambda: nn.ConvTranspose1d(2, 3, 2, dtype=torch.float64),
     (1, 2, 3), torch.float64),
)


def weight_norms():
    cases = []
    for i, (name, args, make, shape, dtype) in enumerate(LAYERS):
        for dim in ([0, 1, None] if i == 0 else [0] if i == 1 else [0] if i == 3 else [None, 2] if i == 2 else [1]):
            cases.append(case(name, args, make, shape, {'dim': dim}, lambda m: weight_norm(m, dim=dim), remove_weight_norm,
                              dtype))
    name, args, make, shape, dtype = LAYERS[0]
    cases.append(case(name, args, make, shape, {'name': 'bias', 'dim': 0}, lambda m: weight_norm(m, 'bias'),
                      lambda m: remove_weight_norm(m, 'bias'), dtype))
    write('weight-norm', cases)


def spectral_norms():
    cases = [case(name, args, make, shape, {}, spectral_norm, remove_spectral_norm, dtype)
             for name, args, make, shape, dtype in LAYERS]
    name, args, make, shape, dtype = LAYERS[2]
    cases.append(case(name, args, make, shape, {'nPowerIterations': 3, 'dim': 1, 'eps': 1e-6},
                      lambda m: spectral_norm(m, n_power_iterations=3, dim=1, eps=1e-6), remove_spectral_norm, dtype))
    write('spectral-norm', cases)


if __name__ == '__main__':
    weight_norms()
    spectral_norms()
