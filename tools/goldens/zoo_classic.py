"""torchvision's AlexNet, VGG and GoogLeNet, and the AlexNet of 2012, for packages/models.

python3 tools/goldens/zoo_classic.py     writes packages/models/test/goldens/zoo-classic/*.json

Reads nothing, downloads nothing. Made with PyTorch 1.13 and torchvision 0.14 (Debian 12's python3-torch and
python3-torchvision). Every net is made after manual_seed(0), images are drawn after manual_seed(1).

states.json      the keys and shapes of every state dict, and how many parameters there are
reprs.json       what AlexNet and GoogLeNet print
<model>.json     `initial`: where the weights are to be equal to the bit, the first 16 hex digits of the SHA-256 of their
                 little-endian bytes, otherwise a fingerprint;
                 `train`: logits, loss and the fingerprints of gradients, dropout at 0, of a step in float32 or float64;
                 `eval`: logits in evaluation mode after that step.

A fingerprint is the norm, the sum, and elements at eight evenly spaced places; of logits there are the norm and the first
twenty of each image. Batch normalizations have momentum None (the average of all batches so far), so that evaluation sees
the statistics of the one batch: with the initial ones, the small initial weights of GoogLeNet leave nothing of the images after a few blocks, and any network would pass.

Images for the AlexNet of 2012 are 60 times as large, as the centered pixels are that it was made for. With smaller ones,
its ones in biases are all that there is after conv2, pooling windows are ties but for rounding, and PyTorch in float32 is
1e-2 from itself in float64; so it is 1e-6.

Steps of GoogLeNet are in float64: batch normalization over a few values amplifies rounding, and PyTorch in float32 is
further than 1e-4 from itself.
"""
import hashlib
import json
import warnings
from pathlib import Path

import torch
from torch import nn
from torchvision import models

OUT = Path(__file__).resolve().parents[2] / 'packages/models/test/goldens/zoo-classic'
F = nn.functional


class AlexNetOriginal(nn.Module):
    """Krizhevsky et al. 2012, sections 3 to 5."""

    def __init__(self, num_classes=1000):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.fc6 = nn.Linear(9216, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, num_classes)
        for name, layer in self.named_children():
            nn.init.normal_(layer.weight, 0, 0.01)
            nn.init.constant_(layer.bias, 1 if name in ('conv2', 'conv4', 'conv5', 'fc6', 'fc7') else 0)

    def forward(self, x):
        def norm(x):
            # The paper's formula, written out: neighbours among all maps of the layer.
            squares = F.pad(x.square(), (0, 0, 0, 0, 2, 2))
            sums = sum(squares[:, i:i + x.shape[1]] for i in range(5))
            return x / (2 + 1e-4 * sums) ** 0.75

        x = F.max_pool2d(norm(F.relu(self.conv1(x))), 3, 2)
        x = F.max_pool2d(norm(F.relu(self.conv2(x))), 3, 2)
        x = F.relu(self.conv4(F.relu(self.conv3(x))))
        x = F.max_pool2d(F.relu(self.conv5(x)), 3, 2).flatten(1)
        return self.fc8(F.relu(self.fc7(F.relu(self.fc6(x)))))


def digest(t):
    return hashlib.sha256(t.detach().numpy().tobytes()).hexdigest()[:16]


def rounded(values):
    return [float(f'{v:.9g}') for v in values]


def fingerprint(t):
    t = t.detach().double().flatten()
    places = [i * (len(t) - 1) // 7 for i in range(8)]
    return rounded([t.norm().item(), t.sum().item(), *t[places].tolist()])


def logits_of(t):
    """Of each image, the norm of the logits and the first twenty."""
    return [rounded([row.double().norm().item(), *row[:20].tolist()]) for row in t.detach()]


def images(size):
    torch.manual_seed(1)
    return torch.randn(2, 3, size, size)


def googlenet_loss(output, target):
    aux = F.cross_entropy(output.aux_logits1, target) + F.cross_entropy(output.aux_logits2, target)
    return F.cross_entropy(output.logits, target) + 0.3 * aux


def step(net, x):
    """One step in training mode without an update, then evaluation mode."""
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.momentum = None
    target = torch.tensor([3, 1])
    output = net(x)
    if torch.is_tensor(output):
        outputs, loss = [output], F.cross_entropy(output, target)
    else:
        # torchvision mixes the two up: what it calls aux_logits1 is what aux2 returned. Here each is under its own name.
        outputs, loss = [output.logits, output.aux_logits1, output.aux_logits2], googlenet_loss(output, target)
    loss.backward()
    train = {
        'logits': [row for t in outputs for row in logits_of(t)],
        'loss': loss.item(),
        'gradients': {name: fingerprint(p.grad) for name, p in net.named_parameters()},
        'buffers': {name: rounded([b.double().norm().item()]) for name, b in net.named_buffers() if b.ndim},
    }
    with torch.no_grad():
        logits = net.eval()(x)
    return {'train': train, 'eval': logits_of(logits)}


def write(name, value):
    text = json.dumps(value, separators=(',', ':')).replace('],"', '],\n"').replace('","', '",\n"')
    assert len(text) < 50_000, (name, len(text))
    (OUT / f'{name}.json').write_text(text + '\n')


def make(build, **options):
    torch.manual_seed(0)
    return build(**options)


VGGS = [f'vgg{n}{bn}' for n in (11, 13, 16, 19) for bn in ('', '_bn')]


def states():
    def state(net):
        return {
            'parameters': sum(p.numel() for p in net.parameters()),
            'shapes': [f'{k} {"x".join(map(str, v.shape))}' for k, v in net.state_dict().items()],
        }

    found = {name: state(getattr(models, name)(**({'init_weights': False} if 'vgg' in name else {})))
             for name in ['alexnet', *VGGS]}
    found['googlenet'] = state(models.googlenet(init_weights=False))
    found['googlenet without aux'] = state(models.googlenet(init_weights=False, aux_logits=False))
    found['alexnetOriginal'] = state(AlexNetOriginal())
    return found


if __name__ == '__main__':
    warnings.simplefilter('ignore')
    OUT.mkdir(parents=True, exist_ok=True)
    write('states', states())
    write('reprs', {'alexnet': str(models.alexnet()), 'googlenet': str(models.googlenet(init_weights=False, num_classes=10))})

    net = make(models.alexnet, dropout=0)
    initial = {name: digest(p) for name, p in net.named_parameters()}
    write('alexnet', {'initial': initial, **step(net, images(63))})

    net = make(AlexNetOriginal)
    initial = {name: digest(p) for name, p in net.named_parameters()}
    write('alexnetOriginal', {'initial': initial, **step(net, 60 * images(227))})

    net = make(models.vgg11)
    write('vgg11', {'initial': {name: digest(p) for name, p in net.named_parameters()}})

    net = make(models.vgg11_bn, dropout=0)
    initial = {name: digest(p) for name, p in net.named_parameters()}
    write('vgg11Bn', {'initial': initial, **step(net, images(64))})

    net = make(models.googlenet, init_weights=True)
    write('googlenet', {'initial': {name: fingerprint(p) for name, p in net.named_parameters()}})

    torch.set_default_dtype(torch.float64)
    net = make(models.googlenet, init_weights=True, num_classes=10, dropout=0, dropout_aux=0)
    write('googlenet-step', step(net, images(64)))
    net = make(models.googlenet, init_weights=True, num_classes=10, aux_logits=False, transform_input=True)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.track_running_stats = False
            m.running_mean = m.running_var = None
    write('googlenet-transform', {'eval': logits_of(net.eval()(images(32)))})
