"""Ten training steps of LeNet-5 and of ResNet-20 (packages/backend-onnxruntime/test/resnet20.ts), to compare an engine with.

python3 tools/goldens/training_steps.py     writes packages/backend-onnxruntime/test/goldens/training/steps.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). A net is initialized after manual_seed(0); its batch,
always the same one, is drawn after manual_seed(`seed`): normal images, then labels by randint. `losses64` are those of the
same steps in float64, `sums` the sum and the sum of squares of every parameter and every running statistic after them.

A ReLU is a switch: of the millions that ten steps of a usual batch pass through, rounding turns some, and then PyTorch's
weights in float32 are 1e-2 from its own in float64. Batches are small here, and their seeds are the first ones with
which no switch is near: weights that are changed by 1e-6 (LeNet-5) or 3e-7 (ResNet-20) lead to the same ones within 1e-5,
and PyTorch in float32 is within 1.4e-6 of itself in float64, with oneDNN and without.
"""
import json
from pathlib import Path

import torch
from torch import nn

from lenet import LeNet5

OUT = Path(__file__).resolve().parents[2] / 'packages/backend-onnxruntime/test/goldens/training'


class Block(nn.Module):
    def __init__(self, inputs, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inputs != planes:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        shortcut = self.downsample(x) if self.downsample else x
        return (self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())) + shortcut).relu()


def stage(inputs, planes, stride):
    return nn.Sequential(Block(inputs, planes, stride), Block(planes, planes, 1), Block(planes, planes, 1))


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = stage(16, 16, 1)
        self.layer2 = stage(16, 32, 2)
        self.layer3 = stage(32, 64, 2)
        self.fc = nn.Linear(64, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)).relu())))
        return self.fc(x.mean((2, 3)))


def sums(t):
    t = t.detach().double()
    return [float(f'{v:.9g}') for v in (t.sum().item(), t.square().sum().item())]


def train(build, shape, seed, make, dtype):
    torch.manual_seed(0)
    net = build()
    torch.manual_seed(seed)
    x = torch.randn(*shape)
    y = torch.randint(0, 10, shape[:1])
    net, x = net.to(dtype), x.to(dtype)
    optimizer = make(net.parameters())
    losses = []
    for _ in range(10):
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {'losses': losses, 'sums': {name: sums(t) for name, t in net.state_dict().items()}}


CASES = {
    'LeNet-5, SGD': (LeNet5, (8, 1, 32, 32), 1, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    'LeNet-5, Adam': (LeNet5, (8, 1, 32, 32), 1, lambda p: torch.optim.Adam(p, lr=0.001)),
    'ResNet-20, SGD': (
        ResNet20,
        (4, 3, 16, 16),
        8,
        lambda p: torch.optim.SGD(p, lr=0.002, momentum=0.9, weight_decay=1e-4),
    ),
}

if __name__ == '__main__':
    result = {}
    for name, case in CASES.items():
        single, double = train(*case, torch.float32), train(*case, torch.float64)
        result[name] = {'losses': single['losses'], 'losses64': double['losses'], 'sums': double['sums']}
    OUT.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, separators=(',', ':')).replace(',"', ',\n"')
    (OUT / 'steps.json').write_text(text + '\n')
