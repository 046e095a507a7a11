"""Layers of torch.nn: default parameters, forward, gradients, running statistics and printing, for packages/core/src/nn.

python3 tools/goldens/nn.py     writes packages/core/test/goldens/nn/*.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). Each layer is made after manual_seed(0), its inputs and
the gradients of its outputs are drawn after manual_seed(1), in this order. `args` are those of the TypeScript constructor.
"""
import base64
import json
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

OUT = Path(__file__).resolve().parents[2] / 'packages/core/test/goldens/nn'


def data(t):
    """A tensor as its shape, dtype and base64 of its little-endian bytes."""
    t = t.detach().contiguous()
    if t.dtype == torch.int64:
        t = t.int()
    return {'shape': list(t.shape), 'dtype': str(t.dtype)[6:], 'data': base64.b64encode(t.numpy().tobytes()).decode()}


def write(name, content):
    text = json.dumps(content, separators=(',', ':'), ensure_ascii=False, allow_nan=False).replace('},{', '},\n{') + '\n'
    assert len(text) <= 50_000, (name, len(text))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f'{name}.json').write_text(text)


def pass_through(module, inputs, targets=()):
    """Output, and gradients of inputs and parameters for a drawn gradient of the output."""
    inputs = [x.clone().requires_grad_() for x in inputs]
    module.zero_grad(set_to_none=True)
    output = module(*inputs, *targets)
    g = torch.randn_like(output)
    result = {'output': data(output), 'gradient': data(g)}
    output.backward(g)
    result['inputGradients'] = [data(x.grad) for x in inputs]
    result['parameterGradients'] = {name: data(p.grad) for name, p in module.named_parameters()}
    return result


def case(name, args, make, shape, modes=('train',), dtype=torch.float32):
    torch.manual_seed(0)
    module = make()
    torch.manual_seed(1)
    x = torch.randn(shape, dtype=dtype)
    result = {'class': name, 'args': args, 'printed': str(module),
              'state': {key: data(value) for key, value in module.state_dict().items()}, 'input': data(x)}
    for mode in modes:
        module.train(mode == 'train')
        result[mode] = pass_through(module, [x])
    return result


def convolutions():
    two = (2, 4, 7, 6)
    write('conv', [
        case('Conv2d', [1, 6, 5], lambda: nn.Conv2d(1, 6, 5), (2, 1, 8, 8)),
        case('Conv2d', [4, 2, [3, 2], {'stride': [2, 1], 'padding': [1, 0], 'dilation': [1, 2], 'groups': 2, 'bias': False}],
             lambda: nn.Conv2d(4, 2, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, bias=False), two),
        case('Conv2d', [4, 3, [4, 3], {'padding': 'same'}], lambda: nn.Conv2d(4, 3, (4, 3), padding='same'), two),
        case('Conv2d', [4, 2, 3, {'padding': 'valid', 'dtype': 'float64'}],
             lambda: nn.Conv2d(4, 2, 3, padding='valid', dtype=torch.float64), two, dtype=torch.float64),
        case('Conv1d', [3, 4, 3, {'padding': 1, 'stride': 2}], lambda: nn.Conv1d(3, 4, 3, padding=1, stride=2), (2, 3, 8)),
        case('Conv3d', [2, 2, [2, 3, 2]], lambda: nn.Conv3d(2, 2, (2, 3, 2)), (1, 2, 3, 4, 3)),
    ])
    write('conv-padding', [
        *[case('Conv2d', [2, 2, 3, {'padding': [2, 1], 'paddingMode': mode}],
               lambda: nn.Conv2d(2, 2, 3, padding=(2, 1), padding_mode=mode), (1, 2, 5, 4))
          for mode in ('reflect', 'replicate', 'circular')],
        case('Conv2d', [2, 2, [4, 3], {'padding': 'same', 'paddingMode': 'reflect'}],
             lambda: nn.Conv2d(2, 2, (4, 3), padding='same', padding_mode='reflect'), (1, 2, 5, 4)),
    ])
    write('conv-transpose', [
        case('ConvTranspose2d', [4, 2, 3], lambda: nn.ConvTranspose2d(4, 2, 3), (1, 4, 3, 3)),
        case('ConvTranspose2d', [4, 6, [3, 2], {'stride': [2, 3], 'padding': [1, 0], 'outputPadding': [1, 2], 'groups': 2}],
             lambda: nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 2), groups=2),
             (1, 4, 3, 3)),
        case('ConvTranspose1d', [3, 2, 3, {'stride': 2, 'bias': False}],
             lambda: nn.ConvTranspose1d(3, 2, 3, stride=2, bias=False), (1, 3, 4)),
    ])


def linears():
    write('linear', [
        case('Linear', [7, 3], lambda: nn.Linear(7, 3), (4, 7)),
        case('Linear', [20, 5], lambda: nn.Linear(20, 5), (2, 3, 20)),
        case('Linear', [5, 4, {'bias': False, 'dtype': 'float64'}], lambda: nn.Linear(5, 4, bias=False, dtype=torch.float64),
             (3, 5), dtype=torch.float64),
        case('Identity', [], lambda: nn.Identity(), (2, 3)),
        case('Flatten', [], lambda: nn.Flatten(), (2, 3, 4)),
        case('Flatten', [0, 1], lambda: nn.Flatten(0, 1), (2, 3, 4)),
        case('Unflatten', [1, [2, 3]], lambda: nn.Unflatten(1, (2, 3)), (2, 6)),
    ])


def pooling():
    shape = (2, 2, 7, 6)
    write('pooling', [
        case('MaxPool2d', [2], lambda: nn.MaxPool2d(2), shape),
        case('MaxPool2d', [3, {'stride': 2, 'padding': 1}], lambda: nn.MaxPool2d(3, stride=2, padding=1), shape),
        case('MaxPool2d', [[3, 2], {'stride': [2, 3], 'dilation': [1, 2], 'ceilMode': True}],
             lambda: nn.MaxPool2d((3, 2), stride=(2, 3), dilation=(1, 2), ceil_mode=True), shape),
        case('MaxPool1d', [3, {'stride': 2}], lambda: nn.MaxPool1d(3, stride=2), (2, 2, 9)),
        case('AvgPool2d', [2], lambda: nn.AvgPool2d(2), shape),
        case('AvgPool2d', [3, {'stride': 2, 'padding': 1, 'ceilMode': True, 'countIncludePad': False}],
             lambda: nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), shape),
        case('AvgPool2d', [[3, 2], {'divisorOverride': 5}], lambda: nn.AvgPool2d((3, 2), divisor_override=5), shape),
        case('AvgPool1d', [3], lambda: nn.AvgPool1d(3), (2, 2, 9)),
        case('AdaptiveAvgPool2d', [3], lambda: nn.AdaptiveAvgPool2d(3), shape),
        case('AdaptiveAvgPool2d', [[None, 4]], lambda: nn.AdaptiveAvgPool2d((None, 4)), shape),
        case('AdaptiveMaxPool2d', [[3, 5]], lambda: nn.AdaptiveMaxPool2d((3, 5)), shape),
        case('AdaptiveAvgPool1d', [4], lambda: nn.AdaptiveAvgPool1d(4), (2, 2, 9)),
    ])


class ScaledTanh(nn.Module):
    def forward(self, x):
        return 1.7159 * torch.tanh(x * (2 / 3))

    def extra_repr(self):
        return f'amplitude={1.7159}, slope={2 / 3}'


class Maxout(nn.Module):
    """Goodfellow's: the parameters are those of a Linear of pieces · out_features rows."""

    def __init__(self, in_features, out_features, pieces, bias=True):
        super().__init__()
        linear = nn.Linear(in_features, out_features * pieces, bias)
        self.weight, self.bias, self.pieces = linear.weight, linear.bias, pieces
        self.repr = f'in_features={in_features}, out_features={out_features}, pieces={pieces}, bias={bias}'

    def forward(self, x):
        return nn.functional.linear(x, self.weight, self.bias).unflatten(-1, (-1, self.pieces)).amax(-1)

    def extra_repr(self):
        return self.repr


def activations():
    shape = (3, 7)
    write('activation', [
        case(name, args, lambda: getattr(nn, name)(*(torch_args or args)), shape)
        for name, args, torch_args in (
            ('ReLU', [], None), ('ReLU6', [], None), ('LeakyReLU', [], None), ('LeakyReLU', [0.2], None), ('ELU', [], None),
            ('ELU', [0.7], None), ('GELU', [], None), ('SiLU', [], None), ('Tanh', [], None), ('Sigmoid', [], None),
            ('LogSigmoid', [], None), ('Softplus', [], None), ('Softplus', [2, 1], None), ('Hardtanh', [], None),
            ('Hardtanh', [-0.5, 0.25], None), ('Softmax', [1], None), ('Softmax', [0], None), ('LogSoftmax', [-1], None))
    ] + [case('Dropout', [0.3], lambda: nn.Dropout(0.3), shape, modes=('eval',))])
    shape = (2, 4)
    write('activation-more', [
        case(name, args, lambda: getattr(nn, name)(*(torch_args or args)), shape)
        for name, args, torch_args in (
            ('PReLU', [], None), ('PReLU', [4], None), ('PReLU', [4, {'init': -0.5}], [4, -0.5]), ('SELU', [], None),
            ('CELU', [], None), ('CELU', [0.5], None), ('GELU', [{'approximate': 'tanh'}], ['tanh']), ('Mish', [], None),
            ('Hardswish', [], None), ('Hardsigmoid', [], None), ('Softsign', [], None), ('Tanhshrink', [], None),
            ('Softshrink', [], None), ('Softshrink', [0.25], None), ('Hardshrink', [], None), ('Hardshrink', [1], None),
            ('Threshold', [0.25, -2], None), ('GLU', [], None), ('GLU', [0], None), ('Softmin', [1], None))
    ] + [
        case('PReLU', [1, {'dtype': 'float64'}], lambda: nn.PReLU(dtype=torch.float64), shape, dtype=torch.float64),
        case('RReLU', [], lambda: nn.RReLU(), shape, modes=('eval',)),
        case('RReLU', [0.25, 0.75], lambda: nn.RReLU(0.25, 0.75), shape, modes=('eval',)),
        case('Softmax2d', [], lambda: nn.Softmax2d(), (1, 3, 2, 2)),
        case('ScaledTanh', [], lambda: ScaledTanh(), shape),
        case('Maxout', [4, 3], lambda: Maxout(4, 3, 2), shape),
        case('Maxout', [4, 2, 3, {'bias': False}], lambda: Maxout(4, 2, 3, bias=False), (2, 3, 4)),
    ])


def losses():
    cases = []

    def add(name, options, module, x, target):
        cases.append({'class': name, 'args': [options], 'printed': str(module), 'input': data(x), 'target': data(target),
                      'state': {key: data(value) for key, value in module.state_dict().items()},
                      'train': pass_through(module, [x], [target])})

    torch.manual_seed(1)
    x, y = torch.randn(6, 4), torch.tensor([0, 3, 1, 2, 2, 0])
    images, labels = torch.randn(2, 4, 3, 2), torch.randint(0, 4, (2, 3, 2))
    weight = [0.5, 2.0, 1.0, 0.25]
    for name, function in (('CrossEntropyLoss', nn.CrossEntropyLoss), ('NLLLoss', nn.NLLLoss)):
        for reduction in ('mean', 'sum', 'none'):
            add(name, {'reduction': reduction}, function(reduction=reduction), x, y)
            add(name, {'reduction': reduction, 'weight': weight, 'ignoreIndex': 2},
                function(torch.tensor(weight), reduction=reduction, ignore_index=2), x, y)
        add(name, {'weight': weight}, function(torch.tensor(weight)), images, labels)
    for reduction in ('mean', 'sum', 'none'):
        add('CrossEntropyLoss', {'labelSmoothing': 0.1, 'weight': weight, 'reduction': reduction},
            nn.CrossEntropyLoss(torch.tensor(weight), label_smoothing=0.1, reduction=reduction), x, y)
    add('CrossEntropyLoss', {'labelSmoothing': 0.2}, nn.CrossEntropyLoss(label_smoothing=0.2), x, torch.rand(6, 4))
    for name, function in (('MSELoss', nn.MSELoss), ('L1Loss', nn.L1Loss)):
        for reduction in ('mean', 'sum', 'none'):
            add(name, {'reduction': reduction}, function(reduction=reduction), x, torch.randn(6, 4))
    write('loss', cases)


def initializers():
    """nn.init on weights of several shapes; `after` is the next number of the generator."""
    cases = []
    for name, torch_name, arguments, kwargs in (
            ('uniform_', 'uniform_', [-0.3, 0.8], dict(a=-0.3, b=0.8)),
            ('normal_', 'normal_', [0.1, 0.02], dict(mean=0.1, std=0.02)),
            ('truncNormal_', 'trunc_normal_', [0, 1, -1, 0.5], dict(mean=0, std=1, a=-1, b=0.5)),
            ('constant_', 'constant_', [0.3], dict(val=0.3)),
            ('zeros_', 'zeros_', [], {}),
            ('ones_', 'ones_', [], {}),
            ('xavierUniform_', 'xavier_uniform_', [], {}),
            ('xavierUniform_', 'xavier_uniform_', [5 / 3], dict(gain=5 / 3)),
            ('xavierNormal_', 'xavier_normal_', [0.5], dict(gain=0.5)),
            ('kaimingUniform_', 'kaiming_uniform_', [], {}),
            ('kaimingUniform_', 'kaiming_uniform_', [{'nonlinearity': 'relu', 'mode': 'fanOut'}],
             dict(nonlinearity='relu', mode='fan_out')),
            ('kaimingUniform_', 'kaiming_uniform_', [{'a': 0.2}], dict(a=0.2)),
            ('kaimingNormal_', 'kaiming_normal_', [{'nonlinearity': 'relu'}], dict(nonlinearity='relu')),
            ('kaimingNormal_', 'kaiming_normal_', [{'nonlinearity': 'tanh', 'mode': 'fanOut'}],
             dict(nonlinearity='tanh', mode='fan_out'))):
        for shape in ((5, 3), (4, 2, 3, 2)):
            for dtype in (torch.float32, torch.float64):
                torch.manual_seed(5)
                t = getattr(nn.init, torch_name)(torch.empty(shape, dtype=dtype), **kwargs)
                cases.append({'function': name, 'args': arguments, 'value': data(t), 'after': torch.rand(1).item()})
    gains = {name: nn.init.calculate_gain(torch_name, *param) for name, torch_name, param in (
        ('linear', 'linear', ()), ('conv2d', 'conv2d', ()), ('convTranspose2d', 'conv_transpose2d', ()),
        ('sigmoid', 'sigmoid', ()), ('tanh', 'tanh', ()), ('relu', 'relu', ()), ('leakyRelu', 'leaky_relu', ()),
        ('selu', 'selu', ()))}
    write('init', {'cases': cases, 'gains': gains, 'leakyRelu 0.2': nn.init.calculate_gain('leaky_relu', 0.2)})


def printing():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(6, 6, 3, padding=1, bias=False)
            self.bn = nn.BatchNorm2d(6, momentum=None)
            self.act = nn.LeakyReLU(0.2)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(
                nn.Conv2d(1, 6, (5, 3), stride=2), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25))
            self.named = nn.Sequential(OrderedDict([('block', Block()), ('pool', nn.AdaptiveAvgPool2d((2, None)))]))
            self.heads = nn.ModuleDict({'digits': nn.Linear(84, 10), 'letters': nn.Linear(84, 26, bias=False)})
            self.blocks = nn.ModuleList([Block(), nn.Identity()])
            self.empty = nn.Sequential()
            self.loss = nn.CrossEntropyLoss()

    (OUT / 'printed.txt').write_text(str(Net()) + '\n')


if __name__ == '__main__':
    for make in (convolutions, linears, pooling, activations, losses, initializers, printing):
        make()
