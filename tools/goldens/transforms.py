"""Transforms of images, for packages/data/src/transforms.

python3 tools/goldens/transforms.py     writes packages/data/test/goldens/transforms/*.json

Reads nothing. Made with torchvision 0.14's functions of tensors and PyTorch 1.13 (Debian 12, one thread, AVX2).
Images are bytes and float32 as base64, or the SHA-256 of larger results; larger inputs are drawn again in the test.
"""
import base64
import hashlib
import json
from pathlib import Path

import torch
from torchvision import transforms as T
from torchvision.transforms import functional as F
from torchvision.transforms import functional_tensor as FT
from torchvision.transforms.functional import InterpolationMode as I

torch.set_num_threads(1)
OUT = Path(__file__).resolve().parents[2] / 'packages/data/test/goldens/transforms'
MODES = {'nearest': I.NEAREST, 'bilinear': I.BILINEAR, 'bicubic': I.BICUBIC}
CAMEL = {'max_size': 'maxSize', 'padding_mode': 'paddingMode', 'pad_if_needed': 'padIfNeeded'}


def write(name, content):
    text = json.dumps(content, separators=(',', ':'), allow_nan=False).replace('},{', '},\n{') + '\n'
    assert len(text) <= 50_000, (name, len(text))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f'{name}.json').write_text(text)


def pack(x):
    x = x.contiguous()
    assert x.dtype in (torch.uint8, torch.float32, torch.int32, torch.float64), x.dtype
    data = base64.b64encode(x.numpy().tobytes()).decode()
    return {'dtype': str(x.dtype).removeprefix('torch.'), 'shape': list(x.shape), 'data': data}


def digest(x):
    x = x.contiguous()
    return {'dtype': str(x.dtype).removeprefix('torch.'), 'shape': list(x.shape),
            'sha256': hashlib.sha256(x.numpy().tobytes()).hexdigest()}


def image(shape, dtype='uint8', seed=0):
    """Bytes drawn by torch.randint, so that a test can draw them too; floats are their 255ths."""
    x = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    return x if dtype == 'uint8' else x.float() / 255


def smooth(shape, dtype='uint8'):
    """Waves of several lengths: neighbours are alike, and colours are not grey."""
    c, h, w = shape
    y, x = torch.meshgrid(torch.arange(h).double(), torch.arange(w).double(), indexing='ij')
    planes = [torch.sin(x / (3 + k) + k) * torch.cos(y / (4 - k) - 1) * 100 + 128 + 10 * k for k in range(c)]
    z = torch.stack(planes).round().clamp(0, 255).to(torch.uint8)
    return z if dtype == 'uint8' else z.float() / 255


def options(kwargs):
    return {CAMEL.get(k, k): (v.value if isinstance(v, I) else v) for k, v in kwargs.items()}


def conversion():
    b = image((3, 4, 5))
    f = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(1))
    f[0, 0, :3] = torch.tensor([0.0, 1.0, 0.5])
    i = torch.randint(0, 2**31 - 1, (1, 3, 4), generator=torch.Generator().manual_seed(2)).to(torch.int32)
    cases = []
    for x, dtypes in ((b, ('float32', 'float64', 'int32')), (f, ('uint8', 'float64')), (i, ('uint8', 'float32', 'float64')),
                      (f.double(), ('uint8', 'int32', 'float32'))):
        for d in dtypes:
            cases.append({'in': pack(x), 'to': d, 'out': pack(F.convert_image_dtype(x, getattr(torch, d)))})
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    write('conversion', {
        'cases': cases, 'mean': mean, 'std': std, 'image': pack(f), 'normalized': pack(F.normalize(f, mean, std)),
        'normalized64': pack(F.normalize(f.double(), mean, std)),
        'toTensor': pack(F.to_tensor(b.permute(1, 2, 0).numpy())), 'bytes': pack(b)})


def resize():
    cases, digests = [], []
    for shape, size, kwargs in (
            ((3, 13, 9), [20, 16], {}), ((3, 13, 9), [5, 4], {}), ((1, 30, 20), 10, {}), ((1, 20, 30), 10, {}),
            ((2, 17, 31), 10, {'max_size': 12}), ((1, 8, 8), [16, 24], {}), ((1, 24, 24), [4, 4], {}),
            ((1, 5, 7), [5, 3], {}), ((1, 1, 1), [3, 2], {}), ((2, 2, 11, 6), [4, 9], {})):
        for mode in MODES:
            for antialias in ((False, True) if mode != 'nearest' else (False,)):
                for dtype in ('uint8', 'float32'):
                    x = image(shape, dtype)
                    y = F.resize(x, size, MODES[mode], antialias=antialias, **kwargs)
                    cases.append({'shape': list(shape), 'size': size, 'dtype': dtype,
                                  'options': {'interpolation': mode, 'antialias': antialias, **options(kwargs)},
                                  'out': pack(y) if y.numel() <= 60 else digest(y)})
    for shape, size in (((3, 375, 500), 256), ((3, 333, 500), [224, 224]), ((3, 50, 40), [224, 224]),
                        ((1, 120, 90), [20, 15])):
        for mode in MODES:
            for antialias in ((False, True) if mode != 'nearest' else (False,)):
                for dtype in ('uint8', 'float32'):
                    y = F.resize(image(shape, dtype), size, MODES[mode], antialias=antialias)
                    digests.append({'shape': list(shape), 'size': size, 'dtype': dtype,
                                    'options': {'interpolation': mode, 'antialias': antialias}, 'out': digest(y)})
    write('resize', {'cases': cases, 'digests': digests})


def crop():
    cases = []

    def add(name, shape, args, y, kwargs=None, dtype='uint8'):
        out = [pack(v) for v in y] if isinstance(y, (list, tuple)) else pack(y)
        cases.append({'name': name, 'shape': list(shape), 'dtype': dtype, 'args': args, 'options': kwargs or {}, 'out': out})

    s = (2, 6, 5)
    for dtype in ('uint8', 'float32'):
        x = image(s, dtype)
        for args in ([1, 2, 3, 2], [0, 0, 6, 5], [-1, -2, 4, 4], [4, 3, 5, 6], [-2, 1, 10, 2]):
            add('crop', s, args, F.crop(x, *args), dtype=dtype)
        for size in (4, [3, 4], [2, 5], 7, [9, 3], [4, 8], [6, 5]):
            add('centerCrop', s, [size], F.center_crop(x, size), dtype=dtype)
        add('hflip', s, [], F.hflip(x), dtype=dtype)
        add('vflip', s, [], F.vflip(x), dtype=dtype)
    x = image(s)
    for padding in (2, [1, 3], [1, 0, 3, 2]):
        for mode in ('constant', 'edge', 'reflect', 'symmetric'):
            fill = 7 if mode == 'constant' else 0
            add('pad', s, [padding], F.pad(x, padding, fill, mode), {'fill': fill, 'paddingMode': mode})
    add('pad', s, [[-1, 2, 1, -2]], F.pad(x, [-1, 2, 1, -2], 3), {'fill': 3})
    add('pad', s, [[-1, 2, 1, -2]], F.pad(x, [-1, 2, 1, -2], 0, 'symmetric'), {'paddingMode': 'symmetric'})
    add('fiveCrop', s, [3], F.five_crop(x, 3))
    add('fiveCrop', s, [[2, 4]], F.five_crop(x, [2, 4]))
    add('tenCrop', s, [3], F.ten_crop(x, 3))
    add('tenCrop', s, [3, True], F.ten_crop(x, 3, True))
    f = image(s, 'float32')
    add('erase', s, [1, 2, 3, 2, 0.5], F.erase(f, 1, 2, 3, 2, torch.tensor(0.5)), dtype='float32')
    add('erase', s, [0, 0, 6, 5, [0.25, 0.75]],
        F.erase(f, 0, 0, 6, 5, torch.tensor([0.25, 0.75])[:, None, None]), dtype='float32')
    add('resizedCrop', (3, 20, 30), [2, 5, 11, 17, [8, 9]],
        F.resized_crop(image((3, 20, 30)), 2, 5, 11, 17, [8, 9], antialias=True))
    write('crop', cases)


def warp():
    cases = []

    def add(name, shape, dtype, args, kwargs, y):
        cases.append({'name': name, 'shape': list(shape), 'dtype': dtype, 'args': args, 'options': options(kwargs),
                      'out': pack(y) if dtype == 'uint8' or name == 'perspective' else digest(y)})

    for dtype in ('uint8', 'float32'):
        for mode in ('nearest', 'bilinear'):
            for fill in (None, [0.0, 0.0], [9.0, 40.0] if dtype == 'uint8' else [0.5, 1.0]):
                s = (2, 13, 10)
                x = image(s, dtype)
                k = {'interpolation': MODES[mode], 'fill': fill}
                for angle, more in ((30.0, {}), (90.0, {}), (-12.5, {'center': [2, 3]}), (37.0, {'expand': True}),
                                    (90.0, {'expand': True}), (45.0, {'expand': True})):
                    if fill is None and more:
                        continue
                    add('rotate', s, dtype, [angle], {**k, **more}, F.rotate(x, angle, **k, **more))
                for a in ({'angle': 10.0, 'translate': [1, -2], 'scale': 1.2, 'shear': [5.0, -8.0]},
                          {'angle': 0.0, 'translate': [3, 2], 'scale': 1.0, 'shear': [0.0, 0.0]},
                          {'angle': 0.0, 'translate': [0, 0], 'scale': 0.5, 'shear': [20.0, 0.0], 'center': [0, 0]}):
                    add('affine', s, dtype, [], {**a, **k}, F.affine(x, **a, **k))
    s = (1, 12, 15)
    start, end = [[0, 0], [14, 0], [14, 11], [0, 11]], [[2, 1], [13, 0], [12, 10], [1, 11]]
    # Coefficients in float64: torchvision solves for them in float32, to about four digits.
    a = torch.zeros(8, 8, dtype=torch.float64)
    for i, (p1, p2) in enumerate(zip(end, start)):
        a[2 * i] = torch.tensor([p1[0], p1[1], 1, 0, 0, 0, -p2[0] * p1[0], -p2[0] * p1[1]])
        a[2 * i + 1] = torch.tensor([0, 0, 0, p1[0], p1[1], 1, -p2[1] * p1[0], -p2[1] * p1[1]])
    coefficients = torch.linalg.solve(a, torch.tensor(start, dtype=torch.float64).view(8)).tolist()
    for dtype in ('uint8', 'float32'):
        for mode in ('nearest', 'bilinear'):
            x = image(s, dtype)
            add('perspective', s, dtype, [start, end], {'interpolation': MODES[mode], 'fill': [3.0 if dtype == 'uint8' else 0.5]},
                FT.perspective(x, coefficients, mode, [3.0 if dtype == 'uint8' else 0.5]))
            torchs = F.perspective(x, start, end, MODES[mode], [3.0 if dtype == 'uint8' else 0.5])
            cases[-1]['solvedInFloat32'] = pack(torchs)
    sizes = [[h, w, angle, list(F.rotate(torch.zeros(1, h, w), angle, expand=True).shape[1:])]
             for h, w in ((10, 10), (7, 20), (31, 17), (224, 224)) for angle in (0.0, 13.0, 45.0, 90.0, 180.0, -271.3)]
    write('warp', {'cases': cases, 'sizes': sizes})


def color():
    cases = []

    def add(name, x, args, y, source):
        cases.append({'name': name, 'in': source, 'dtype': str(x.dtype)[6:], 'args': args, 'out': pack(y)})

    inputs = {}
    for source, make in (('random', image), ('smooth', smooth)):
        shape = (3, 5, 6)
        inputs[source] = pack(make(shape))
        for dtype in ('uint8', 'float32'):
            x = make(shape, dtype)
            for f in (0.0, 0.37, 1.83):
                add('adjustBrightness', x, [f], F.adjust_brightness(x, f), source)
                add('adjustContrast', x, [f], F.adjust_contrast(x, f), source)
                add('adjustSaturation', x, [f], F.adjust_saturation(x, f), source)
                add('adjustSharpness', x, [f], F.adjust_sharpness(x, f), source)
            for f in (-0.5, -0.123, 0.0, 0.1, 0.321):
                add('adjustHue', x, [f], F.adjust_hue(x, f), source)
            for g in ([2.2], [0.5, 1.1], [1.0]):
                add('adjustGamma', x, g, F.adjust_gamma(x, *g), source)
            for n in (1, 3):
                add('rgbToGrayscale', x, [n], F.rgb_to_grayscale(x, n), source)
            add('invert', x, [], F.invert(x), source)
            add('autocontrast', x, [], F.autocontrast(x), source)
            for t in (0.4, 1.0) if dtype == 'float32' else (100.5, 255.0, 0.0):
                add('solarize', x, [t], F.solarize(x, t), source)
            if dtype == 'uint8':
                add('equalize', x, [], F.equalize(x), source)
                for bits in (0, 3, 8):
                    add('posterize', x, [bits], F.posterize(x, bits), source)
    # Every colour in steps of 15, by digest: the rounding of each byte.
    cube = torch.cartesian_prod(*[torch.arange(0, 256, 15)] * 3).T.to(torch.uint8).reshape(3, 18, -1)
    digests = [{'args': [f], 'name': n, 'out': digest(g(cube, f))}
               for n, g in (('adjustHue', F.adjust_hue), ('adjustSaturation', F.adjust_saturation),
                            ('adjustContrast', F.adjust_contrast), ('adjustBrightness', F.adjust_brightness),
                            ('adjustSharpness', F.adjust_sharpness))
               for f in ((-0.4, 0.05, 0.25, 0.5) if n == 'adjustHue' else (0.6, 1.4))]
    big = image((3, 60, 70)) // 2 + 30
    digests += [{'args': [], 'name': n, 'in': 'big', 'out': digest(g(big))}
                for n, g in (('equalize', F.equalize), ('autocontrast', F.autocontrast))]
    write('color', {'inputs': inputs, 'cases': cases, 'digests': digests})


def blur():
    cases = []
    for dtype in ('uint8', 'float32'):
        for make, source in ((image, 'random'), (smooth, 'smooth')):
            for size, sigma in (([3, 3], None), ([5, 3], [1.5, 0.7]), ([1, 7], [1.0, 2.0]), ([9, 9], [2.0, 2.0])):
                x = make((2, 10, 12), dtype)
                cases.append({'in': pack(x), 'kernelSize': size, 'sigma': sigma, 'out': pack(F.gaussian_blur(x, size, sigma))})
    write('blur', cases)


def probe():
    return torch.randint(2**31 - 1, (1,)).item()


def params():
    """What get_params draws after torch.manual_seed, and where the generator then stands."""
    cases = []

    def add(name, args, draw, seeds=range(6)):
        drawn = []
        for seed in seeds:
            torch.manual_seed(seed)
            drawn.append([draw(), probe()])
        cases.append({'name': name, 'args': args, 'drawn': drawn})

    def listed(v):
        return [x.tolist() if isinstance(x, torch.Tensor) else list(x) if isinstance(x, tuple) else x for x in v]

    x = torch.zeros(3, 40, 50)
    add('RandomCrop', [[3, 40, 50], [32, 20]], lambda: listed(T.RandomCrop.get_params(x, (32, 20))))
    add('RandomCrop', [[3, 40, 50], [40, 50]], lambda: listed(T.RandomCrop.get_params(x, (40, 50))))
    for shape in ((3, 40, 50), (3, 5, 200), (3, 300, 7), (3, 375, 500)):
        img = torch.zeros(shape)
        for scale, ratio in (((0.08, 1.0), (3 / 4, 4 / 3)), ((0.9, 1.0), (0.1, 10.0))):
            add('RandomResizedCrop', [list(shape), scale, ratio],
                lambda: listed(T.RandomResizedCrop.get_params(img, scale, ratio)), range(12))
    add('RandomRotation', [[-30.0, 30.0]], lambda: T.RandomRotation.get_params([-30.0, 30.0]))
    for shear in (None, [-5.0, 5.0], [-5.0, 5.0, -3.0, 9.0]):
        a = [[-10.0, 20.0], [0.1, 0.3], [0.8, 1.2], shear, [40, 50]]
        add('RandomAffine', a, lambda: listed(T.RandomAffine.get_params(*a[:4], [50, 40])))
    add('RandomAffine', [[-10.0, 10.0], None, None, None, [40, 50]],
        lambda: listed(T.RandomAffine.get_params([-10.0, 10.0], None, None, None, [50, 40])))
    add('RandomPerspective', [50, 41, 0.5], lambda: listed(T.RandomPerspective.get_params(50, 41, 0.5)))
    j = T.ColorJitter(0.4, 0.3, [0.5, 1.5], 0.1)
    add('ColorJitter', [j.brightness, j.contrast, j.saturation, j.hue],
        lambda: listed(T.ColorJitter.get_params(j.brightness, j.contrast, j.saturation, j.hue)))
    add('ColorJitter', [None, j.contrast, None, j.hue],
        lambda: listed(T.ColorJitter.get_params(None, j.contrast, None, j.hue)))
    add('GaussianBlur', [0.1, 2.0], lambda: T.GaussianBlur.get_params(0.1, 2.0))
    for shape, scale in (((3, 20, 30), (0.02, 0.33)), ((1, 6, 6), (0.5, 1.0))):
        img = torch.zeros(shape)
        for value in ([0.5], None):
            def erase():
                i, jj, h, w, v = T.RandomErasing.get_params(img, scale, (0.3, 3.3), value)
                if v is img:
                    return None
                return [i, jj, h, w, v.flatten()[[0, -1]].tolist()]
            add('RandomErasing', [list(shape), scale, [0.3, 3.3], value or 'random'], erase, range(10))
    write('params', cases)


def random():
    """Whole transforms after torch.manual_seed, of bytes and of floats."""
    cases = []

    def add(name, args, transform, dtypes=('uint8', 'float32'), shape=(3, 20, 24), seeds=(0, 1, 2)):
        for dtype in dtypes:
            for seed in seeds:
                x = smooth(shape, dtype)
                torch.manual_seed(seed)
                y = transform(x)
                cases.append({'name': name, 'args': args, 'dtype': dtype, 'shape': list(shape), 'seed': seed,
                              'out': digest(y) if dtype == 'uint8' or name in EXACT else {**digest(y), 'sum': y.double().sum().item()},
                              'next': probe()})

    EXACT = ('RandomCrop', 'RandomHorizontalFlip', 'RandomVerticalFlip', 'RandomResizedCrop', 'RandomErasing', 'RandomAffine',
             'RandomRotation')
    add('RandomCrop', [16], T.RandomCrop(16))
    add('RandomCrop', [24, {'padding': 4, 'paddingMode': 'reflect'}], T.RandomCrop(24, padding=4, padding_mode='reflect'))
    add('RandomCrop', [[30, 30], {'padIfNeeded': True, 'fill': 1}], T.RandomCrop((30, 30), pad_if_needed=True, fill=1))
    add('RandomHorizontalFlip', [], T.RandomHorizontalFlip(), seeds=range(4))
    add('RandomVerticalFlip', [0.3], T.RandomVerticalFlip(0.3), seeds=range(6))
    for mode in MODES:
        add('RandomResizedCrop', [10, {'interpolation': mode, 'antialias': mode != 'nearest'}],
            T.RandomResizedCrop(10, interpolation=MODES[mode], antialias=mode != 'nearest'))
    add('RandomRotation', [20], T.RandomRotation(20))
    add('RandomRotation', [[10, 60], {'expand': True, 'interpolation': 'bilinear', 'fill': [1, 0, 0]}],
        T.RandomRotation((10, 60), I.BILINEAR, expand=True, fill=[1, 0, 0]))
    add('RandomAffine', [15, {'translate': [0.1, 0.2], 'scale': [0.8, 1.2], 'shear': 10, 'interpolation': 'bilinear'}],
        T.RandomAffine(15, (0.1, 0.2), (0.8, 1.2), 10, I.BILINEAR))
    add('ColorJitter', [{'brightness': 0.4, 'contrast': 0.4, 'saturation': 0.4, 'hue': 0.1}], T.ColorJitter(0.4, 0.4, 0.4, 0.1))
    add('RandomGrayscale', [0.5], T.RandomGrayscale(0.5), seeds=range(4))
    add('RandomErasing', [{'value': 'random'}], T.RandomErasing(value='random'), dtypes=('float32',), seeds=range(6))
    add('RandomErasing', [{'p': 1, 'value': [0.5, 0.25, 1]}], T.RandomErasing(1, value=[0.5, 0.25, 1.0]), dtypes=('float32',))
    add('GaussianBlur', [[5, 3]], T.GaussianBlur((5, 3)))
    augment = []
    for o in ({}, {'numOps': 3, 'magnitude': 30}, {'magnitude': 5, 'numMagnitudeBins': 11, 'interpolation': 'bilinear', 'fill': 9}):
        t = T.RandAugment(o.get('numOps', 2), o.get('magnitude', 9), o.get('numMagnitudeBins', 31),
                          MODES[o.get('interpolation', 'nearest')], o.get('fill'))
        for seed in range(60):
            torch.manual_seed(seed)
            y = t(smooth((3, 20, 24)))
            augment.append([o, seed, digest(y)['sha256'][:16], probe()])
    spaces = {}
    for bins in (31, 11, 2):
        meta = T.RandAugment()._augmentation_space(bins, (20, 24))
        spaces[bins] = {k: m.double().tolist() for k, (m, _) in meta.items() if m.ndim > 0}
    choices = []
    for seed in range(8):
        torch.manual_seed(seed)
        choices.append([torch.multinomial(torch.tensor([0.5, 0.2, 0.3]), 1).item(), torch.randperm(4).tolist(),
                        bool(0.3 < torch.rand(1)), probe()])
    write('random', {'cases': cases, 'choices': choices})
    write('rand-augment', {'cases': augment, 'spaces': spaces})


def mix():
    """torchvision 0.14's references/classification/transforms.py, its formulas."""
    lambdas = []
    for alpha in (0.2, 1.0, 3.0):
        torch.manual_seed(5)
        drawn = [float(torch._sample_dirichlet(torch.tensor([alpha, alpha]))[0]) for _ in range(12)]
        lambdas.append({'alpha': alpha, 'drawn': drawn, 'next': probe()})
    images = torch.rand(4, 2, 6, 8, generator=torch.Generator().manual_seed(3))
    labels = torch.tensor([2, 0, 1, 2])
    hot = torch.nn.functional.one_hot(labels, 3).float()
    cases = []
    for seed in range(4):
        for alpha, p in ((1.0, 1.0), (0.4, 0.5)):
            for name in ('Mixup', 'CutMix'):
                torch.manual_seed(seed)
                x, y = images.clone(), hot.clone()
                if torch.rand(1).item() < p:
                    lam = float(torch._sample_dirichlet(torch.tensor([alpha, alpha]))[0])
                    if name == 'Mixup':
                        x = x * lam + x.roll(1, 0) * (1.0 - lam)
                    else:
                        h, w = x.shape[-2:]
                        rx, ry = torch.randint(w, (1,)), torch.randint(h, (1,))
                        r = 0.5 * (1.0 - lam) ** 0.5
                        rw, rh = int(r * w), int(r * h)
                        x1, y1 = int(torch.clamp(rx - rw, min=0)), int(torch.clamp(ry - rh, min=0))
                        x2, y2 = int(torch.clamp(rx + rw, max=w)), int(torch.clamp(ry + rh, max=h))
                        rolled = x.roll(1, 0)
                        x[:, :, y1:y2, x1:x2] = rolled[:, :, y1:y2, x1:x2]
                        lam = float(1.0 - (x2 - x1) * (y2 - y1) / (w * h))
                    y = y * lam + y.roll(1, 0) * (1.0 - lam)
                cases.append({'name': name, 'alpha': alpha, 'p': p, 'seed': seed, 'x': pack(x), 'y': pack(y), 'next': probe()})
    write('mix', {'lambdas': lambdas, 'images': pack(images), 'labels': labels.tolist(), 'cases': cases})


def reprs():
    m = [T.RandomCrop(3), T.CenterCrop([2, 3])]
    write('reprs', {str(k): repr(v) for k, v in {
        'ToTensor': T.ToTensor(), 'Normalize': T.Normalize([0.5, 1.0], [0.25, 1e-5]),
        'Resize': T.Resize(256, antialias=True), 'Resize2': T.Resize([3, 4], I.BICUBIC, antialias=False),
        'ResizeMax': T.Resize(20, max_size=30, antialias=True), 'CenterCrop': T.CenterCrop(7),
        'Pad': T.Pad([1, 2], 3, 'edge'), 'RandomCrop': T.RandomCrop(32, 4), 'RandomCrop2': T.RandomCrop((3, 4), [1, 2]),
        'RandomResizedCrop': T.RandomResizedCrop(224, antialias=True), 'RandomHorizontalFlip': T.RandomHorizontalFlip(),
        'RandomVerticalFlip': T.RandomVerticalFlip(1.0), 'RandomRotation': T.RandomRotation(30),
        'RandomRotation2': T.RandomRotation([5, 10], I.BILINEAR, True, [1, 2], 3),
        'RandomAffine': T.RandomAffine(10), 'RandomAffine2': T.RandomAffine((1, 2), (0.1, 0.2), (0.5, 1.5), 5, I.BILINEAR, 2, [1, 2]),
        'RandomPerspective': T.RandomPerspective(), 'ColorJitter': T.ColorJitter(0.5, 0.25, hue=0.1),
        'Grayscale': T.Grayscale(), 'RandomGrayscale': T.RandomGrayscale(), 'RandomErasing': T.RandomErasing(),
        'RandomErasing2': T.RandomErasing(value='random'), 'FiveCrop': T.FiveCrop(3), 'TenCrop': T.TenCrop([3, 4], True),
        'GaussianBlur': T.GaussianBlur(5), 'RandAugment': T.RandAugment(3, fill=[1, 2, 3]), 'Compose': T.Compose(m),
        'RandomApply': T.RandomApply(m), 'RandomChoice': T.RandomChoice(m, [0.5, 0.5]), 'RandomOrder': T.RandomOrder(m)}.items()})


if __name__ == '__main__':
    for make in (conversion, resize, crop, warp, color, blur, params, random, mix, reprs):
        make()
