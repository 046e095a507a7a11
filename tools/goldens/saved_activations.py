"""What PyTorch keeps between forward and backward, and what torchvision's models compute: for summaries of packages/models.

python3 tools/goldens/saved_activations.py     writes packages/models/test/goldens/understanding/saved-activations.json

Reads nothing. Made with PyTorch 1.13 and torchvision 0.14 (Debian 12). A model is called once in training mode on zeros of
2x3x224x224 (which numbers makes no difference); then its graph is walked from the outputs, and the tensors that the nodes
hold are counted by storage, each once, without parameters, buffers and the input:

  values    bytes of what convolutions, linear layers, batch norms, ReLUs and other nodes hold
  pooled    bytes of what only pooling and means hold beside that: their input, of which the rules need the shape only
  masks     bytes of dropout's masks as numbers
  indices   how many indices max pooling holds (int64)

And of all models at 1x3x224x224: parameters, elements of buffers, and multiply-accumulates of convolutions and linear layers,
counted by hooks.
"""
import json
from pathlib import Path

import torch
import torchvision.models as models

OUT = Path(__file__).resolve().parents[2] / 'packages/models/test/goldens/understanding'
NAMES = ['alexnet', 'vgg11_bn', 'vgg16', 'googlenet', 'resnet18', 'resnet50', 'resnext50_32x4d']


def nodes_of(outputs):
    stack = [t.grad_fn for t in outputs]
    seen = set()
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        stack.extend(fn for fn, _ in node.next_functions)
    return seen


def saved(node):
    for name in dir(node):
        if name.startswith('_saved_'):
            value = getattr(node, name)
            for t in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(t, torch.Tensor):
                    yield t


def count(name):
    options = {'init_weights': True} if name == 'googlenet' else {}
    model = getattr(models, name)(**options).train()
    x = torch.zeros(2, 3, 224, 224)
    out = model(x)
    outputs = [out] if isinstance(out, torch.Tensor) else [t for t in out if t is not None]
    known = {t.storage().data_ptr() for t in [*model.parameters(), *model.buffers(), x]}
    kinds = {'values': {}, 'pooled': {}, 'masks': {}, 'indices': {}}
    for node in nodes_of(outputs):
        kind = 'pooled' if 'Pool' in node.name() or node.name().startswith('Mean') else 'masks' if node.name().startswith('Mul') else 'values'
        for t in saved(node):
            place = t.storage().data_ptr()
            if place not in known:
                kinds['indices' if t.dtype == torch.int64 else kind][place] = t.storage().nbytes()
    pooled = {place: n for place, n in kinds['pooled'].items() if place not in kinds['values']}
    return {
        'values': sum(kinds['values'].values()),
        'pooled': sum(pooled.values()),
        'masks': sum(kinds['masks'].values()),
        'indices': sum(kinds['indices'].values()) // 8,
    }


ALL = [
    'alexnet', 'googlenet', 'resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152', 'resnext50_32x4d',
    'resnext101_32x8d', 'resnext101_64x4d', 'vgg11', 'vgg11_bn', 'vgg13', 'vgg13_bn', 'vgg16', 'vgg16_bn', 'vgg19',
    'vgg19_bn', 'wide_resnet50_2', 'wide_resnet101_2',
]


def totals(name):
    options = {'init_weights': False} if name == 'googlenet' or name.startswith('vgg') else {}
    model = getattr(models, name)(**options).eval()
    macs = 0

    def hook(layer, inputs, output):
        nonlocal macs
        # An output of a convolution or a linear layer is a sum over one row of the weight.
        macs += output.numel() * layer.weight[0].numel()

    for layer in model.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            layer.register_forward_hook(hook)
    with torch.no_grad():
        model(torch.zeros(1, 3, 224, 224))
    return {
        'parameters': sum(p.numel() for p in model.parameters()),
        'buffers': sum(b.numel() for b in model.buffers()),
        'macs': macs,
    }


if __name__ == '__main__':
    torch.manual_seed(0)
    OUT.mkdir(parents=True, exist_ok=True)
    golden = {'input': [2, 3, 224, 224], 'models': {name: count(name) for name in NAMES}}
    golden['totals'] = {name: totals(name) for name in ALL}
    (OUT / 'saved-activations.json').write_text(json.dumps(golden) + '\n')
