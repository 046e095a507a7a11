"""Architectures of packages/models: initial weights, logits, loss and gradients.

python3 tools/goldens/models.py     writes packages/models/test/goldens/*.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). Each net is made after manual_seed(0); the batch is drawn
after manual_seed(1): 4 normal images of 1x32x32, with the labels 3, 1, 4, 1. A `digest` of a tensor is its sum, its sum of
squares, and its dot product with linspace(-1, 1), which shows the order of the elements, in float64.

LeNet5Original follows LeCun et al. 1998, with the sparse C3 written as a masked dense convolution: another way to the same
function than the one in packages/models/src/sparse-conv2d.ts.
"""
import json
from pathlib import Path

import torch
from torch import nn

OUT = Path(__file__).resolve().parents[2] / 'packages/models/test/goldens'

# Table I of the paper, transposed: rows are the maps of S2, columns those of C3.
TABLE = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
""".split()


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.conv3 = nn.Conv2d(16, 120, 5)
        self.fc1 = nn.Linear(120, 84)
        self.fc2 = nn.Linear(84, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.conv1(x).relu(), 2)
        x = nn.functional.max_pool2d(self.conv2(x).relu(), 2)
        x = self.conv3(x).relu().flatten(1)
        return self.fc2(self.fc1(x).relu())


def uniform(parameter, fan_in):
    nn.init.uniform_(parameter, -2.4 / fan_in, 2.4 / fan_in)


class Subsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        uniform(self.weight, 4)
        uniform(self.bias, 4)

    def forward(self, x):
        sums = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
        return self.weight[:, None, None] * sums + self.bias[:, None, None]


class SparseConv2d(nn.Module):
    def __init__(self):
        super().__init__()
        self.mask = torch.tensor([[row[out] == 'X' for row in TABLE] for out in range(16)])
        fan_ins = self.mask.sum(1) * 25
        self.weight = nn.Parameter(torch.cat([torch.empty(f // 25, 5, 5).uniform_(-2.4 / f, 2.4 / f) for f in fan_ins.tolist()]))
        self.bias = nn.Parameter(torch.cat([torch.empty(1).uniform_(-2.4 / f, 2.4 / f) for f in fan_ins.tolist()]))

    def forward(self, x):
        dense = torch.zeros(16, 6, 5, 5).masked_scatter(self.mask[:, :, None, None].expand(16, 6, 5, 5), self.weight)
        return nn.functional.conv2d(x, dense, self.bias)


class LeNet5Original(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = Subsample(6)
        self.c3 = SparseConv2d()
        self.s4 = Subsample(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, 10)
        for layer, fan_in in ((self.c1, 25), (self.c5, 400), (self.f6, 120), (self.output, 84)):
            uniform(layer.weight, fan_in)
            uniform(layer.bias, fan_in)

    def forward(self, x):
        for layer in (self.c1, self.s2, self.c3, self.s4, self.c5):
            x = 1.7159 * torch.tanh(2 / 3 * layer(x))
        return self.output(1.7159 * torch.tanh(2 / 3 * self.f6(x.flatten(1))))


def digest(t):
    t = t.detach().double().flatten()
    return [t.sum().item(), t.square().sum().item(), t.dot(torch.linspace(-1, 1, len(t), dtype=torch.float64)).item()]


def golden(make):
    torch.manual_seed(0)
    net = make()
    torch.manual_seed(1)
    x = torch.randn(4, 1, 32, 32)
    logits = net(x)
    loss = nn.functional.cross_entropy(logits, torch.tensor([3, 1, 4, 1]))
    loss.backward()
    return {'input': digest(x), 'logits': logits.tolist(), 'loss': loss.item(),
            'parameters': {name: {'shape': list(p.shape), 'initial': digest(p), 'gradient': digest(p.grad)}
                           for name, p in net.named_parameters()}}


if __name__ == '__main__':
    OUT.mkdir(parents=True, exist_ok=True)
    for name, make in (('lenet5', LeNet5), ('lenet5-original', LeNet5Original)):
        (OUT / f'{name}.json').write_text(json.dumps(golden(make), indent=1) + '\n')
