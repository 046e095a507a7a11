"""PyTorch's conversions between float32 and the 16-bit floats, for packages/core/src/io/half.ts.

python3 tools/goldens/half.py     writes packages/core/test/goldens/io/half.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). NaNs are left out: their payload is not defined.
"""
import base64
import json
from pathlib import Path

import torch

OUT = Path(__file__).resolve().parents[2] / 'packages/core/test/goldens/io'


def data(t):
    return base64.b64encode(t.contiguous().numpy().tobytes()).decode()


def bits(values):
    return torch.tensor([v - 2**32 if v >= 2**31 else v for v in values], dtype=torch.int64).int().view(torch.float32)


if __name__ == '__main__':
    torch.manual_seed(0)
    # Float32 bit patterns around every rounding boundary: ties, neighbours of ties, subnormals, overflow.
    edges = []
    for exponent in (0, 1, 100, 101, 102, 103, 104, 112, 113, 114, 127, 140, 141, 142, 143, 254, 255):
        for mantissa in (0, 1, 0x0fff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0x8001, 0x17fff, 0x18000,
                         0x18001, 0x3fffff, 0x400000, 0x400001, 0x7fe000, 0x7fefff, 0x7ff000, 0x7f7fff, 0x7f8000, 0x7fffff):
            if exponent < 255 or mantissa == 0:
                edges += [(exponent << 23) | mantissa, (1 << 31) | (exponent << 23) | mantissa]
    x = torch.cat([bits(edges), torch.randn(500), torch.randn(500) * 1e-5, torch.randn(200) * 1e-7, torch.randn(200) * 4e4])
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / 'half.json').write_text(json.dumps({
        'float32': data(x),
        'float16': data(x.half().view(torch.int16)),
        'bfloat16': data(x.bfloat16().view(torch.int16)),
    }, separators=(',', ':')).replace('","', '",\n"') + '\n')
