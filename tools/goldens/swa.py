"""Averages of weights over ten training steps, for packages/optim/src/averaging/averaged-model.ts.

python3 tools/goldens/swa.py     writes packages/optim/test/goldens/swa/averages.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch) and seed 0. The net is Linear, BatchNorm1d, tanh, Linear in
float64; every average takes part in every step. PyTorch 2 copies buffers that are not averaged, 1.13 does not: done by hand.
'bn' are the statistics that update_bn computes over four batches.
"""
import base64
import json
from copy import deepcopy
from pathlib import Path

import torch
from torch import nn
from torch.optim import SGD
from torch.optim.swa_utils import AveragedModel, update_bn

OUT = Path(__file__).resolve().parents[2] / 'packages/optim/test/goldens/swa'
STEPS = 10


def data(t):
    return base64.b64encode(t.detach().contiguous().numpy().tobytes()).decode()


def state(module):
    return {k: v.item() if v.dtype == torch.int64 else data(v) for k, v in module.state_dict().items()}


def main():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)).double()
    initial = state(net)
    x, y = torch.randn(STEPS, 8, 3, dtype=torch.float64), torch.randn(STEPS, 8, 2, dtype=torch.float64)
    ema = lambda averaged, current, count: 0.8 * averaged + (1 - 0.8) * current
    averages = {
        'equal': AveragedModel(net), 'equal, buffers': AveragedModel(net, use_buffers=True),
        'exponential': AveragedModel(net, avg_fn=ema), 'exponential, buffers': AveragedModel(net, avg_fn=ema, use_buffers=True),
        'own': AveragedModel(net, avg_fn=lambda a, w, n: a + (w - a) * 2 / (n + 3)),
    }
    optimizer = SGD(net.parameters(), lr=0.1, momentum=0.9)
    for step in range(STEPS):
        optimizer.zero_grad(set_to_none=True)
        (net(x[step]) - y[step]).square().mean().backward()
        optimizer.step()
        for average in averages.values():
            average.update_parameters(net)
            if not average.use_buffers:
                for mine, theirs in zip(average.module.buffers(), net.buffers()):
                    mine.copy_(theirs)
    probe = x[0]
    result = {'initial': initial, 'x': data(x), 'y': data(y), 'net': state(net), 'averages': {}}
    for name, average in averages.items():
        entry = {'state': state(average)}
        average.eval()
        entry['out'] = data(average(probe))
        fresh = deepcopy(average).train()
        update_bn([x[0], [x[1], y[1]], (x[2], y[2]), x[3]], fresh)
        entry['bn'] = {k: v for k, v in state(fresh).items() if 'running' in k or 'tracked' in k}
        result['averages'][name] = entry
    text = json.dumps(result, separators=(',', ':'), allow_nan=False).replace('},"', '},\n"') + '\n'
    assert len(text) <= 50_000, len(text)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / 'averages.json').write_text(text)


if __name__ == '__main__':
    main()
