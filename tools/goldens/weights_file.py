"""A small file of weights with digits of its hash in its name, for packages/models/src/weights/load-weights.ts.

python3 tools/goldens/weights_file.py     writes packages/models/test/goldens/weights/tiny-*.pth and tiny.json

Reads nothing. Made with PyTorch 1.13 (Debian 12): a convolution, batch normalization with statistics, a linear layer.
"""
import hashlib
import io
import json
from pathlib import Path

import torch
from torch import nn

OUT = Path(__file__).resolve().parents[2] / 'packages/models/test/goldens/weights'

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
net(torch.randn(8, 1, 4, 4))  # moves the running statistics
x = torch.randn(2, 1, 4, 4)
file = io.BytesIO()
torch.save(net.state_dict(), file)
data = file.getvalue()
name = f'tiny-{hashlib.sha256(data).hexdigest()[:8]}.pth'
OUT.mkdir(parents=True, exist_ok=True)
for old in OUT.glob('tiny-*.pth'):
    old.unlink()
(OUT / name).write_bytes(data)
(OUT / 'tiny.json').write_text(json.dumps({
    'file': name, 'bytes': len(data), 'input': x.flatten().tolist(), 'output': net.eval()(x).tolist(),
}) + '\n')
