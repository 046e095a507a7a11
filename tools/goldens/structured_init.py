"""nn.init's identities, orthogonal and sparse matrices: packages/core/test/goldens/nn/init-structured.json.

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch, whose LAPACK is OpenBLAS's). Each weight is initialized
after manual_seed(5); `after` holds the generator's next uniform number, and then its next normal one, which tells
whether half of a pair of normal numbers is kept. Orthogonal ones come with the condition number of the matrix drawn.
"""
import base64
import json
from pathlib import Path

import torch
from torch.nn import init

OUT = Path(__file__).resolve().parents[2] / 'packages/core/test/goldens/nn/init-structured.json'


def data(t):
    return {'shape': list(t.shape), 'dtype': str(t.dtype)[6:], 'data': base64.b64encode(t.numpy().tobytes()).decode()}


def case(name, args, shape, dtype, fill, **more):
    torch.manual_seed(5)
    value = fill(torch.empty(shape, dtype=dtype))
    after = [torch.rand(1).item(), torch.randn(1).item()]
    return {'function': name, 'args': args, 'value': data(value), 'after': after, **more}


def condition(shape, dtype):
    torch.manual_seed(5)
    return torch.linalg.cond(torch.empty(shape, dtype=dtype).reshape(shape[0], -1).normal_().double()).item()


cases = []
for shape in ((5, 3), (3, 5), (4, 4), (0, 3)):
    cases.append(case('eye_', [], shape, torch.float32, init.eye_))
for shape, groups in (((4, 3, 5), 1), ((3, 4, 3, 2), 1), ((6, 2, 3, 3), 3), ((4, 3, 1, 2, 3), 2)):
    cases.append(case('dirac_', [groups] if groups > 1 else [], shape, torch.float32, lambda t: init.dirac_(t, groups)))
for dtype in (torch.float32, torch.float64):
    for shape, gain in (((5, 3), 1), ((3, 5), 1), ((4, 2, 3, 2), 1.5), ((6, 6), 0.5), ((1, 7), 1), ((7, 1), 1), ((1, 1), 1),
                        ((30, 30), 1), ((24, 3, 3, 3), 1), ((40, 8), 1)):
        cases.append(case('orthogonal_', [gain] if gain != 1 else [], shape, dtype, lambda t: init.orthogonal_(t, gain),
                          condition=condition(shape, dtype)))
    for shape, arguments in (((10, 4), [0.3]), ((5, 3), [0.5, 2]), ((20, 7), [0.95, 0.5]), ((3, 3), [0]), ((4, 4), [1])):
        cases.append(case('sparse_', arguments, shape, dtype, lambda t: init.sparse_(t, *arguments)))
for shape in ((0, 3), (3, 0)):
    cases.append(case('orthogonal_', [], shape, torch.float32, init.orthogonal_, condition=1))

text = json.dumps(cases, separators=(',', ':'), allow_nan=False).replace('},{', '},\n{') + '\n'
assert len(text) <= 50_000, len(text)
OUT.write_text(text)
