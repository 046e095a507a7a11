"""The preset of classification, for packages/data/src/transforms/classification.ts.

python3 tools/goldens/image_classification.py     writes packages/data/test/goldens/transforms/image-classification.json

Reads nothing. Made with torchvision 0.14's ImageClassification on a tensor and on a PIL image (9.4), and, as 0.14 does
not antialias tensors, with its functions in the same order for a tensor of floats with antialiasing. Images are those of transforms.py.
"""
import base64
import json
from pathlib import Path

import torch
from torchvision.transforms import functional as F
from torchvision.transforms._presets import ImageClassification
from torchvision.transforms.functional import InterpolationMode

torch.set_num_threads(1)
OUT = Path(__file__).resolve().parents[2] / 'packages/data/test/goldens/transforms/image-classification.json'


def smooth(shape):
    c, h, w = shape
    y, x = torch.meshgrid(torch.arange(h).double(), torch.arange(w).double(), indexing='ij')
    planes = [torch.sin(x / (3 + k) + k) * torch.cos(y / (4 - k) - 1) * 100 + 128 + 10 * k for k in range(c)]
    return torch.stack(planes).round().clamp(0, 255).to(torch.uint8)


def noise(shape):
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def pack(x):
    data = base64.b64encode(x.contiguous().numpy().tobytes()).decode()
    return {'dtype': str(x.dtype).removeprefix('torch.'), 'shape': list(x.shape), 'data': data}


def antialiased(preset, x):
    x = F.center_crop(F.resize(x, preset.resize_size, preset.interpolation, antialias=True), preset.crop_size)
    return F.normalize(F.convert_image_dtype(x, torch.float), preset.mean, preset.std)


cases = []
for kind, shape, options in (('smooth', (3, 60, 44), {'crop_size': 14, 'resize_size': 16}),
                             ('noise', (3, 37, 50), {'crop_size': 15, 'resize_size': 20}),
                             ('noise', (3, 31, 29), {'crop_size': 16, 'resize_size': 12,
                                                     'interpolation': InterpolationMode.BICUBIC}),
                             ('noise', (3, 20, 12), {'crop_size': 16, 'resize_size': 12, 'mean': (0.5, 0.25, 0.125),
                                                     'std': (0.5, 0.75, 1.0)})):
    x = (smooth if kind == 'smooth' else noise)(shape)
    preset = ImageClassification(**options)
    cases.append({
        'kind': kind, 'shape': list(shape), 'cropSize': options['crop_size'], 'resizeSize': options['resize_size'],
        'mean': preset.mean, 'std': preset.std, 'interpolation': preset.interpolation.value, 'repr': repr(preset),
        'tensor': pack(preset(x)), 'antialiased': pack(antialiased(preset, x.float() / 255)), 'pil': pack(preset(F.to_pil_image(x))),
    })
default = ImageClassification(crop_size=224)
text = json.dumps({'repr': repr(default), 'cases': cases}).replace('}, {', '},\n{') + '\n'
assert len(text) <= 50_000, len(text)
OUT.write_text(text)
