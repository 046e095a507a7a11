"""The two training steps of e2e/fixtures/two-steps.ts.

python3 tools/goldens/two_steps.py     writes e2e/fixtures/goldens/two-steps.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch).
"""
import json
from pathlib import Path

import torch
from torch import nn

OUT = Path(__file__).resolve().parents[2] / 'e2e/fixtures/goldens'


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 8)
        self.out = nn.Linear(8, 2)

    def forward(self, x):
        return self.out(self.hidden(x).tanh())


if __name__ == '__main__':
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([0, 1, 1, 0])
    losses = []
    for _ in range(2):
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / 'two-steps.json').write_text(json.dumps({'losses': losses}) + '\n')
