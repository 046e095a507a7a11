"""Residual networks of packages/models: state dicts, initial weights, logits, loss and gradients.

python3 tools/goldens/zoo_resnet.py     writes packages/models/test/goldens/resnet/*.json

Reads nothing. Made with PyTorch 1.13 and torchvision 0.14 (Debian 12). ResNets are torchvision's; those for CIFAR, which
torchvision does not have, are written here after He et al. 2015, section 4.2, another time than in
packages/models/src/cifar-resnet.ts: the shortcut subsamples by slicing.

`structure.json` has, of each network, the number of parameters (elements) and of entries in the state dict, and the SHA-256
of lines `key [shape]` of that. `resnet18.txt` is what print(resnet18()) prints. `ten-crop.json` is for
packages/models/src/multi-crop.ts.

`resnet50.json` has initial weights and logits in eval mode; in train mode PyTorch in float32 is 7 % from itself in float64,
so unstable are gradients through fifty new layers with the statistics of two small images. The others are of one training
step. Each net is made after manual_seed(0); images are drawn after manual_seed(1), normal, of the size that a case says,
with the labels 1, 3. A fingerprint of a tensor is its first two and its last two values, its sum, and the sum of absolute
values, in float64. `initial` are the parameters that were drawn; the step is in float64, on the weights of float32, so that
its numbers are exact to the digits written. `logits` are in train mode, `eval` those of the same images in eval mode after
it, with the running statistics that it has left: the first eight of each row.
"""
import hashlib
import json
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torchvision import models, transforms

OUT = Path(__file__).resolve().parents[2] / 'packages/models/test/goldens/resnet'


class PadShortcut(nn.Module):
    def __init__(self, planes):
        super().__init__()
        self.planes = planes

    def forward(self, x):
        x = x[:, :, ::2, ::2]
        zeros = x.new_zeros(len(x), self.planes - x.shape[1], *x.shape[2:])
        return torch.cat([x, zeros], 1)


class Block(nn.Module):
    def __init__(self, inplanes, planes, stride, shortcut):
        super().__init__()
        downsample = None
        if stride != 1 and shortcut == 'A':
            downsample = PadShortcut(planes)
        elif stride != 1 and shortcut == 'B':
            downsample = nn.Sequential(nn.Conv2d(inplanes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.residual = shortcut is not None
        self.downsample = downsample

    def forward(self, x):
        out = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if self.residual:
            out = out + (x if self.downsample is None else self.downsample(x))
        return out.relu()


class CifarNet(nn.Module):
    def __init__(self, depth, shortcut, in_channels=3, num_classes=10, zero_init_residual=False):
        super().__init__()
        n = (depth - 2) // 6
        self.conv1 = nn.Conv2d(in_channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16, 1, shortcut) for _ in range(n)])
        self.layer2 = nn.Sequential(*[Block(32 if i else 16, 32, 1 if i else 2, shortcut) for i in range(n)])
        self.layer3 = nn.Sequential(*[Block(64 if i else 32, 64, 1 if i else 2, shortcut) for i in range(n)])
        self.fc = nn.Linear(64, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode='fan_in', nonlinearity='relu')
        if zero_init_residual:
            for m in self.modules():
                if isinstance(m, Block):
                    nn.init.zeros_(m.bn2.weight)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def numbers(values, digits=9):
    return [float(f'{v:.{digits}g}') for v in values]


def fingerprint(t):
    t = t.detach().double().flatten()
    return numbers([*t[:2].tolist(), *t[-2:].tolist(), t.sum().item(), t.abs().sum().item()])


def made(make):
    torch.manual_seed(0)
    return make()


def drawn(net):
    return {k: fingerprint(p) for k, p in net.named_parameters() if not (p == 0).all() and not (p == 1).all()}


def evaluation(make, shape):
    net = made(make).eval()
    torch.manual_seed(1)
    x = torch.randn(shape)
    return {'shape': shape, 'initial': drawn(net), 'eval': [numbers(row) for row in net.double()(x.double())[:, :8].tolist()]}


def step(make, shape):
    net = made(make)
    golden = {'shape': shape, 'initial': drawn(net)}
    torch.manual_seed(1)
    x = torch.randn(shape)
    net, x = net.double(), x.double()
    logits = net(x)
    loss = nn.functional.cross_entropy(logits, torch.tensor([1, 3]))
    loss.backward()
    golden['logits'] = [numbers(row) for row in logits[:, :8].tolist()]
    golden['loss'] = loss.item()
    golden['gradients'] = {k: fingerprint(p.grad) for k, p in net.named_parameters()}
    golden['statistics'] = {k: fingerprint(b) for k, b in net.named_buffers() if not k.endswith('tracked')}
    net.eval()
    golden['eval'] = [numbers(row) for row in net(x)[:, :8].tolist()]
    return golden


def ten_crops():
    """PyTorch's recipe for TenCrop, on two images made by a formula: both averages of a new ResNet-20."""
    c, y, x = torch.meshgrid(torch.arange(3), torch.arange(40), torch.arange(44), indexing='ij')
    images = [(37 * c + 11 * y + 7 * x + 5 * ((x * y) % (13 + i)) + 50 * i) % 256 for i in range(2)]
    normalize = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    crops = transforms.Compose([
        transforms.TenCrop(32),
        transforms.Lambda(lambda crops: torch.stack([normalize(crop.float() / 255) for crop in crops])),
    ])
    batch = torch.stack([crops(image.to(torch.uint8)) for image in images])
    net = made(lambda: CifarNet(20, 'A')).eval()
    logits = net(batch.flatten(0, 1)).view(2, 10, -1)
    return {'batch': fingerprint(batch), 'logits': logits.mean(1).tolist(), 'softmax': logits.softmax(2).mean(1).tolist()}


def structure(make):
    state = made(make).state_dict()
    lines = ''.join(f'{key} {list(value.shape)}\n'.replace(', ', ',') for key, value in state.items())
    return {'parameters': sum(v.numel() for k, v in state.items() if not k.endswith(('_mean', '_var', '_tracked'))),
            'entries': len(state), 'sha256': hashlib.sha256(lines.encode()).hexdigest()}


def tiny(block, **kwargs):
    return models.ResNet(block, [1, 2, 1, 1], num_classes=5, **kwargs)


Basic, Bottleneck = models.resnet.BasicBlock, models.resnet.Bottleneck
TORCHVISION = ['resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152', 'resnext50_32x4d', 'resnext101_32x8d',
               'resnext101_64x4d', 'wide_resnet50_2', 'wide_resnet101_2']
STEPS = {
    'cifar-a': (lambda: CifarNet(20, 'A'), [2, 3, 32, 32]),
    'cifar-b': (lambda: CifarNet(20, 'B', in_channels=1, num_classes=7, zero_init_residual=True), [2, 1, 28, 28]),
    'cifar-plain': (lambda: CifarNet(20, None), [2, 3, 32, 32]),
    'resnet18': (models.resnet18, [2, 3, 64, 64]),
    # What builders don't show: on small networks.
    'dilated': (lambda: tiny(Bottleneck, replace_stride_with_dilation=[False, True, True], zero_init_residual=True),
                [2, 3, 48, 48]),
    'grouped': (lambda: tiny(Bottleneck, groups=32, width_per_group=4), [2, 3, 48, 48]),
    'group-norm': (lambda: tiny(Basic, norm_layer=lambda channels: nn.GroupNorm(32, channels)), [2, 3, 48, 48]),
}

if __name__ == '__main__':
    OUT.mkdir(parents=True, exist_ok=True)
    goldens = {name: step(*case) for name, case in STEPS.items()}
    goldens['ten-crop'] = ten_crops()
    goldens['resnet50'] = evaluation(models.resnet50, [2, 3, 64, 64])
    for name, golden in goldens.items():
        (OUT / f'{name}.json').write_text(json.dumps(golden, separators=(',', ':')).replace(',"', ',\n"') + '\n')
    nets = {name: getattr(models, name) for name in TORCHVISION}
    for depth in (20, 32, 44, 56, 110):
        nets[f'cifarResnet{depth}'] = partial(CifarNet, depth, 'A')
        nets[f'cifarPlain{depth}'] = partial(CifarNet, depth, None)
    structures = {name: structure(make) for name, make in nets.items()}
    (OUT / 'structure.json').write_text(json.dumps(structures, indent=1) + '\n')
    (OUT / 'resnet18.txt').write_text(f'{models.resnet18()}\n')
