"""Normalization layers of torch.nn, for packages/core/src/nn/modules: batch, layer, group, instance, local response.

python3 tools/goldens/normalization.py     writes packages/core/test/goldens/nn/{normalization,batchnorm*,instancenorm}.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch); seeds as in nn.py. Layers with running statistics see
three batches in training, then one in evaluation.
"""
import torch
from torch import nn

from nn import case, data, pass_through, write


def steps(name, options, shape, dtype=torch.float32, features=None):
    """`options` are those of the TypeScript constructor."""
    names = {'trackRunningStats': 'track_running_stats', 'dtype': 'dtype'}
    features = features or shape[1]
    torch.manual_seed(0)
    module = getattr(nn, name)(features, **{names.get(key, key): dtype if key == 'dtype' else value
                                            for key, value in options.items()})
    initial = {key: data(value) for key, value in module.state_dict().items()}
    torch.manual_seed(1)
    for p in module.parameters():
        with torch.no_grad():
            p.normal_()
    result = {'class': name, 'args': [features, options] if options else [features], 'printed': str(module),
              'initial': initial, 'steps': [],
              'state': {key: data(value) for key, value in module.state_dict().items()}}
    for step in range(4):
        module.train(step < 3)
        x = torch.randn(shape, dtype=dtype) * (step + 1) + step
        result['steps'].append({'mode': 'train' if step < 3 else 'eval', 'input': data(x), **pass_through(module, [x]),
                                'state': {key: data(value) for key, value in module.state_dict().items()}})
    return result


def batch_normalization():
    images = (2, 3, 2, 3)
    write('batchnorm', [
        *[steps('BatchNorm2d', options, images) for options in (
            {}, {'eps': 1e-3, 'momentum': 0.3}, {'momentum': None}, {'affine': False}, {'trackRunningStats': False})],
        steps('BatchNorm1d', {}, (5, 4)),
        steps('BatchNorm1d', {}, (3, 4, 2)),
        steps('BatchNorm3d', {}, (2, 2, 1, 2, 2)),
    ])
    small = (2, 2, 1, 2)
    write('batchnorm-options', [
        *[steps('BatchNorm2d', options, small) for options in (
            {'affine': False, 'trackRunningStats': False}, {'affine': False, 'momentum': None},
            {'trackRunningStats': False, 'momentum': None}, {'momentum': 0.0}, {'momentum': 1.0}, {'eps': 0.5})],
        steps('BatchNorm2d', {'dtype': 'float64', 'momentum': None}, small, torch.float64),
    ])
    write('batchnorm-1d-3d', [
        *[steps('BatchNorm1d', options, shape) for shape in ((3, 2), (2, 2, 2)) for options in (
            {'momentum': None}, {'affine': False}, {'affine': False, 'trackRunningStats': False})],
        *[steps('BatchNorm3d', options, (2, 2, 1, 1, 2)) for options in (
            {'momentum': None}, {'affine': False}, {'trackRunningStats': False})],
    ])


def instance_normalization():
    write('instancenorm', [
        steps('InstanceNorm2d', {}, (2, 2, 2, 2)),
        steps('InstanceNorm2d', {'affine': True, 'trackRunningStats': True}, (2, 2, 2, 2)),
        steps('InstanceNorm2d', {'eps': 1e-3, 'momentum': 0.3, 'trackRunningStats': True}, (2, 2, 2, 2)),
        steps('InstanceNorm2d', {'affine': True, 'trackRunningStats': True}, (2, 2, 3), features=2),
        steps('InstanceNorm1d', {'affine': True}, (2, 2, 4)),
        steps('InstanceNorm1d', {'affine': True, 'trackRunningStats': True, 'dtype': 'float64'}, (2, 2, 3), torch.float64),
        steps('InstanceNorm1d', {'affine': True, 'trackRunningStats': True}, (3, 4), features=3),
        steps('InstanceNorm3d', {'trackRunningStats': True}, (2, 2, 1, 2, 2)),
        steps('InstanceNorm3d', {'affine': True, 'trackRunningStats': True}, (2, 1, 2, 2), features=2),
    ])


def other_normalization():
    images = (2, 4, 2, 3)
    write('normalization', [
        case('LayerNorm', [5], lambda: nn.LayerNorm(5), (2, 3, 5)),
        case('LayerNorm', [[4, 2, 3], {'eps': 1e-3}], lambda: nn.LayerNorm([4, 2, 3], eps=1e-3), images),
        case('LayerNorm', [[3], {'elementwiseAffine': False}], lambda: nn.LayerNorm([3], elementwise_affine=False), images),
        case('LayerNorm', [[2, 3], {'dtype': 'float64'}], lambda: nn.LayerNorm([2, 3], dtype=torch.float64), images,
             dtype=torch.float64),
        case('GroupNorm', [2, 4], lambda: nn.GroupNorm(2, 4), images),
        case('GroupNorm', [1, 4, {'affine': False}], lambda: nn.GroupNorm(1, 4, affine=False), images),
        case('GroupNorm', [4, 4, {'eps': 0.1}], lambda: nn.GroupNorm(4, 4, eps=0.1), images),
        case('GroupNorm', [2, 4, {'dtype': 'float64'}], lambda: nn.GroupNorm(2, 4, dtype=torch.float64), (3, 4),
             dtype=torch.float64),
        case('LocalResponseNorm', [2], lambda: nn.LocalResponseNorm(2), (2, 4, 3)),
        case('LocalResponseNorm', [5, {'alpha': 0.5, 'k': 2}], lambda: nn.LocalResponseNorm(5, alpha=0.5, k=2.0),
             (2, 7, 2, 2)),
        case('LocalResponseNorm', [4, {'alpha': 0.5, 'beta': 0.6, 'k': 1.5}],
             lambda: nn.LocalResponseNorm(4, alpha=0.5, beta=0.6, k=1.5), (1, 5, 2, 1, 2), dtype=torch.float64),
        *[case(name, [0.3], lambda: getattr(nn, name)(0.3), shape, modes=('eval',)) for name, shape in (
            ('Dropout1d', (2, 3, 2)), ('Dropout2d', (2, 3, 2, 2)), ('Dropout3d', (2, 3, 1, 2, 2)), ('AlphaDropout', (2, 3)),
            ('FeatureAlphaDropout', (2, 3, 2)))],
    ])


if __name__ == '__main__':
    for make in (batch_normalization, instance_normalization, other_normalization):
        make()
