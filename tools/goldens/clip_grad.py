"""Clipping of gradients, for packages/core/src/nn/utils/clip-grad.ts.

python3 tools/goldens/clip_grad.py     writes packages/core/test/goldens/nn/clip-grad.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). Three parameters have gradients drawn after
manual_seed(0), some with an element that is not finite; one has none.
"""
import base64
import json
from pathlib import Path

import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

OUT = Path(__file__).resolve().parents[2] / 'packages/core/test/goldens/nn/clip-grad.json'
SHAPES = [(3, 4), (5,), (), (2, 2)]


def data(t):
    return {'shape': list(t.shape), 'dtype': str(t.dtype)[6:], 'data': base64.b64encode(t.numpy().tobytes()).decode()}


def parameters(dtype, scale, poison):
    torch.manual_seed(0)
    result = []
    for i, shape in enumerate(SHAPES):
        p = torch.zeros(shape, dtype=dtype, requires_grad=True)
        if i < 3:
            p.grad = torch.randn(shape, dtype=dtype) * scale
        result.append(p)
    if poison is not None:
        result[1].grad[2] = poison
    return result


def case(dtype, scale=1.0, poison=None, clip=None, **options):
    ps = parameters(dtype, scale, poison)
    given = [None if p.grad is None else data(p.grad.clone()) for p in ps]
    result = {'gradients': given, 'options': {k: str(v) for k, v in options.items()}}
    if clip is None:
        result['norm'] = data(clip_grad_norm_(ps, options['maxNorm'], options.get('normType', 2.0)))
    else:
        clip_grad_value_(ps, clip)
        result['options'] = {'clipValue': str(clip)}
    result['clipped'] = [None if p.grad is None else data(p.grad) for p in ps]
    return result


inf = float('inf')
cases = []
for dtype in (torch.float32, torch.float64):
    for normType in (2.0, 1.0, 3.0, 0.5, inf, -inf):
        cases.append(case(dtype, maxNorm=0.7, normType=normType))
    cases.append(case(dtype, maxNorm=1e3))  # nothing to clip
    cases.append(case(dtype, scale=1e-9, maxNorm=1.0))
    cases.append(case(dtype, scale=0.0, maxNorm=1.0))
    cases.append(case(dtype, maxNorm=0.0))
    cases.append(case(dtype, maxNorm=inf))
    for poison in (float('nan'), inf):
        cases.append(case(dtype, poison=poison, maxNorm=1.0))
        cases.append(case(dtype, poison=poison, maxNorm=1.0, normType=inf))
        cases.append(case(dtype, poison=poison, clip=0.5))
    cases.append(case(dtype, clip=0.5))
    cases.append(case(dtype, clip=0.0))

text = json.dumps(cases, separators=(',', ':'), allow_nan=False).replace('},{', '},\n{') + '\n'
assert len(text) <= 50_000, len(text)
OUT.write_text(text)
