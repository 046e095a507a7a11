"""Ten training steps of LeNet-5 (the one of packages/models/src/lenet5.ts), for packages/optim.

python3 tools/goldens/lenet.py     writes packages/optim/test/goldens/lenet/steps.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). The net is initialized after manual_seed(0); the batch,
always the same one, is drawn after manual_seed(1): 64 normal images of 1x32x32, then labels by randint. `losses64` are
those of the same steps in float64, `sums` the sum and the sum of squares of every parameter after them.

Adam divides by the size of a gradient, also where that is nothing but rounding: at its default rate PyTorch in float32 is
1.8e-4 from itself in float64 after ten steps (and elsewhere without oneDNN), at half the rate 2e-7. So both are here.
"""
import json
from pathlib import Path

import torch
from torch import nn

OUT = Path(__file__).resolve().parents[2] / 'packages/optim/test/goldens/lenet'


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


def sums(t):
    t = t.detach().double()
    return [t.sum().item(), t.square().sum().item()]


def train(make, dtype):
    torch.manual_seed(0)
    net = LeNet5()
    torch.manual_seed(1)
    x = torch.randn(64, 1, 32, 32)
    y = torch.randint(0, 10, (64,))
    batch = [sums(x), y.tolist()]
    net, x = net.to(dtype), x.to(dtype)
    optimizer = make(net.parameters())
    losses = []
    for _ in range(10):
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return batch, {'losses': losses, 'sums': {name: sums(p) for name, p in net.named_parameters()}}


if __name__ == '__main__':
    optimizers = {
        'SGD': lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
        'Adam': lambda p: torch.optim.Adam(p, lr=0.001),
        'Adam, half the rate': lambda p: torch.optim.Adam(p, lr=0.0005),
    }
    result = {}
    for name, make in optimizers.items():
        batch, single = train(make, torch.float32)
        _, double = train(make, torch.float64)
        result[name] = {'losses': single['losses'], 'losses64': double['losses'], 'sums': double['sums']}
    result['batch'] = {'sums': batch[0], 'labels': batch[1]}
    OUT.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, separators=(',', ':')).replace(',"', ',\n"')
    (OUT / 'steps.json').write_text(text + '\n')
