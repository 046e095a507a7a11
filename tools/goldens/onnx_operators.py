"""Which operators PyTorch's export makes of torchvision's networks: packages/onnx/test/goldens/operators.json.

    /usr/bin/python3 tools/goldens/onnx_operators.py

In the mode 'preserve', for in evaluation PyTorch folds batch normalization into convolutions. Constants are left out:
they are initializers here. So are the identities by which PyTorch gives equal weights of a new network one initializer.
"""

import io
import json
from collections import Counter
from pathlib import Path

import onnx
import torch
import torchvision

NETWORKS = {
    'alexnet': lambda: torchvision.models.alexnet(),
    'vgg11Bn': lambda: torchvision.models.vgg11_bn(),
    'googlenet': lambda: torchvision.models.googlenet(init_weights=False, aux_logits=False),
    'resnet18': lambda: torchvision.models.resnet18(),
}


def operators(network, training):
    network.train(training)
    file = io.BytesIO()
    mode = torch.onnx.TrainingMode.TRAINING if training else torch.onnx.TrainingMode.PRESERVE
    torch.onnx.export(
        network, torch.zeros(2, 3, 224, 224), file, opset_version=17, training=mode, do_constant_folding=False
    )
    graph = onnx.load_from_string(file.getvalue()).graph
    counts = Counter(node.op_type for node in graph.node)
    del counts['Constant'], counts['Identity']
    return dict(sorted(counts.items()))


result = {}
for name, make in NETWORKS.items():
    network = make()
    result[name] = {'eval': operators(network, False), 'train': operators(network, True)}
path = Path(__file__).parents[2] / 'packages/onnx/test/goldens/operators.json'
path.write_text(json.dumps(result, indent=2) + '\n')
