"""Checkpoints of every kind, for packages/checkpoint: files that torch.save wrote, and what is in them, in expected.json.

Made with PyTorch 1.13, which writes both formats. Zip archives hold no dates (PyTorch writes zeros) and legacy files take
their storage keys from addresses, which are numbered here, so that a second run writes the same bytes.
"""

import argparse
import collections
import json
import pathlib
import pickle
import zipfile

import numpy
import torch

FOLDER = pathlib.Path(__file__).parents[2] / 'packages/checkpoint/test/goldens'
expected = {}


def plain(value):
    """The value as JSON, as test/goldens.ts reads it."""
    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).replace('torch.', '')
        numbers = value.detach().double() if value.is_floating_point() else value
        return {'tensor': dtype, 'shape': list(value.shape), 'values': numbers.flatten().tolist()}
    if isinstance(value, dict):
        return {'dict': [[plain(k), plain(v)] for k, v in value.items()]}
    if isinstance(value, (set, frozenset)):
        return {'set': sorted(value)}
    if isinstance(value, (bytes, bytearray)):
        return {'bytes': list(value)}
    if isinstance(value, numpy.ndarray):
        return plain(value.tolist())
    if isinstance(value, numpy.generic):
        return plain(value.item())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, argparse.Namespace):
        return plain(vars(value))
    if isinstance(value, (torch.device, torch.dtype, pathlib.Path)):
        return str(value).replace('torch.', '')
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53 - 1:
        return {'int': str(value)}
    if isinstance(value, float) and value != value:
        return {'float': 'NaN'}
    return value


class Text(type):
    def __instancecheck__(cls, value):
        return isinstance(value, str)


class text(str, metaclass=Text):
    """`str` for torch.serialization: addresses of storages, which are their keys in legacy files, are numbered."""

    keys = []

    def __new__(cls, value=''):
        if not isinstance(value, int) or value < 2**16:
            return str(value)
        if value not in cls.keys:
            cls.keys.append(value)
        return str(1000 + cls.keys.index(value))


torch.serialization.str = text


def save(name, value, formats=('zip', 'legacy'), **options):
    for kind in formats:
        file = f'{name}.{kind}.pth'
        path = FOLDER / file
        text.keys.clear()
        torch.save(value, path, _use_new_zipfile_serialization=kind == 'zip', **options)
        if options.get('pickle_protocol') != 0:
            torch.load(path)
        expected[file] = plain(value)


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(16, 3))


FOLDER.mkdir(parents=True, exist_ok=True)
for old in FOLDER.glob('*.pth'):
    old.unlink()

save('state_dict', net().state_dict())
save('data_parallel', torch.nn.DataParallel(net()).state_dict())

model = net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(2):
    optimizer.zero_grad(set_to_none=True)
    model(torch.ones(2, 2, 4, 4)).square().mean().backward()
    optimizer.step()
save(
    'training',
    {'epoch': 7, 'arch': 'net', 'state_dict': model.state_dict(), 'best_acc1': torch.tensor(76.5), 'optimizer': optimizer.state_dict()},
)

values = [0, 1, 2, 100, 127]
save(
    'dtypes',
    {
        **{
            str(dtype).replace('torch.', ''): torch.tensor(values, dtype=dtype)
            for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16)
        },
        **{
            str(dtype).replace('torch.', ''): torch.tensor([-128, -1, *values] if dtype != torch.uint8 else [*values, 255]).to(dtype)
            for dtype in (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8)
        },
        'bool': torch.tensor([True, False, True]),
        'special': torch.tensor([float('inf'), float('-inf'), -0.0, 1e-45]),
        'half_special': torch.tensor([float('inf'), 6e-8, -65504.0, 0.1], dtype=torch.float16),
        'extremes': torch.tensor([2**31 - 1, -(2**31)]),
    },
)

base = torch.arange(24.0).reshape(2, 3, 4)
save(
    'strided',
    {
        'transposed': base.transpose(0, 2),
        'narrow': base[1:, 1:, 2],
        'steps': base[:, ::2, ::3],
        'expanded': torch.tensor([1.0, 2.0]).reshape(2, 1).expand(2, 5),
        'channels_last': torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        'diagonal': base[0].diagonal(),
        'offset': base.flatten()[5:9],
        'windows': torch.arange(6.0).unfold(0, 3, 1),
        'half': torch.arange(6).to(torch.float16).reshape(2, 3).t(),
        'empty': torch.zeros(0, 3),
        'empty_inside': torch.zeros(2, 0, 3)[1:],
        'scalar': torch.tensor(3.5),
        'element': base[1, 2, 3],
    },
)

shared = torch.arange(6.0)
save('shared', {'a': shared, 'b': shared, 'view': shared.reshape(2, 3), 'tail': shared[3:], 'list': [shared, shared]})

parameter = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
save('parameters', {'p': parameter, 'frozen': torch.nn.Parameter(torch.tensor([3.0]), requires_grad=False), 'leaf': torch.ones(2, requires_grad=True)})

save(
    'nested',
    {
        'ints': [0, 1, -1, 255, 256, 65535, 65536, -129, 2**31 - 1, -(2**31), 2**31, 2**53 - 1, 2**53 + 1, -(2**70)],
        'floats': [0.5, -0.0, 1e300, float('inf')],
        'nan': float('nan'),
        'text': ['', 'plain', 'æøå ✓ 𝄞', 'a\nb', 'x' * 300],
        'flags': (True, False, None),
        'tuples': ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        'bytes': b'\x00\x01\xff',
        'set': {1, 2, 3},
        'ordered': collections.OrderedDict([('b', 1), ('a', 2)]),
        'default': collections.defaultdict(list, {'k': [1]}),
        'counter': collections.Counter('aab'),
        'keys': {1: 'one', 'two': 2, True: 'yes', 1.5: 'float'},
        'size': torch.Size([2, 3]),
        'dtype': torch.float16,
        'device': torch.device('cuda', 1),
        'numpy': numpy.float64(2.5),
        'numpy32': numpy.float32(0.25),
        'numpy_int': numpy.int64(-3),
        'numpy_bool': numpy.bool_(True),
        'array': numpy.arange(6).reshape(2, 3),
        'args': argparse.Namespace(lr=0.1, name='x'),
        '__proto__': {'polluted': 1},
        'constructor': 'text',
    },
)

cyclic = {'name': 'loop'}
cyclic['self'] = cyclic
cyclic['list'] = [cyclic]
torch.save(cyclic, FOLDER / 'cyclic.zip.pth')

# The opcodes of each protocol: plain pickles, as the middle of a legacy file.
for protocol in range(6):
    value = {
        'list': [1, 'a', 'æ ✓ 𝄞\\', 2.5, None, True, False, -7, 300, 70000, 2**40, 2**70],
        'nested': ({'k': (1, 2)}, (), (1, 2, 3, 4), {1, 2}, b'\x00\xff', collections.OrderedDict(a=1)),
        'array': bytearray(b'ab'),
        'frozen': frozenset([3]),
    }
    # Protocol 0 names storages in text, which torch.load itself does not read.
    if protocol > 0:
        value['x'] = torch.arange(3.0)
    save(f'protocol{protocol}', value, ('legacy',), pickle_protocol=protocol)

# NumPy's arrays are pickled otherwise there.
save('numpy.protocol5', {'ints': numpy.arange(6, dtype=numpy.int16).reshape(2, 3), 'best': numpy.float64(76.5)}, ('zip',), pickle_protocol=5)

# Another archive name, compressed entries, and what a device is called.
path = FOLDER / 'compressed.zip.pth'
with zipfile.ZipFile(FOLDER / 'state_dict.zip.pth') as original, zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
    for info in original.infolist():
        entry = zipfile.ZipInfo('other name/' + info.filename.split('/', 1)[1])
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, original.read(info))
expected[path.name] = expected['state_dict.zip.pth']

path = FOLDER / 'cuda.zip.pth'
torch.save({'w': torch.tensor([1.0, 2.0])}, path)
with zipfile.ZipFile(path) as original:
    entries = {info.filename: original.read(info) for info in original.infolist()}
with zipfile.ZipFile(path, 'w') as archive:
    for name, data in entries.items():
        # X, the length of the text in four bytes, the text.
        data = data.replace(b'X\x03\x00\x00\x00cpu', b'X\x06\x00\x00\x00cuda:0') if name.endswith('.pkl') else data
        archive.writestr(zipfile.ZipInfo(name), data)
expected[path.name] = plain({'w': torch.tensor([1.0, 2.0])})

path = FOLDER / 'big_endian.zip.pth'
with zipfile.ZipFile(FOLDER / 'dtypes.zip.pth') as original, zipfile.ZipFile(path, 'w') as archive:
    size = {'FloatStorage': 4, 'DoubleStorage': 8, 'HalfStorage': 2, 'BFloat16Storage': 2, 'LongStorage': 8, 'IntStorage': 4, 'ShortStorage': 2}
    items = {}

    class Keys(pickle.Unpickler):
        def persistent_load(self, pid):
            items[pid[2]] = size.get(pid[1].__name__, 1)
            return None

        def find_class(self, module, name):
            if name == '_rebuild_tensor_v2':
                return lambda *_: None
            return super().find_class(module, name)

    root = original.namelist()[0].split('/')[0]
    Keys(original.open(f'{root}/data.pkl')).load()
    for info in original.infolist():
        data = original.read(info)
        key = info.filename.split('/')[-1]
        if '/data/' in info.filename:
            data = numpy.frombuffer(data, dtype=f'u{items[key]}').byteswap().tobytes()
        archive.writestr(zipfile.ZipInfo(info.filename), data)
    archive.writestr(zipfile.ZipInfo(f'{root}/byteorder'), 'big')
expected[path.name] = expected['dtypes.zip.pth']

# What is refused.
torch.save(torch.nn.Linear(2, 1), FOLDER / 'refused.model.pth')
path = FOLDER / 'refused.torchscript.pth'
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), path)
with zipfile.ZipFile(path) as original:
    names = original.namelist()
with zipfile.ZipFile(path, 'w') as archive:
    # The names are enough; what they hold differs from run to run.
    for name in names:
        archive.writestr(zipfile.ZipInfo(name), b'')
torch.save(torch.tensor([1 + 2j]), FOLDER / 'refused.complex.pth')
torch.save(torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), FOLDER / 'refused.quantized.pth')
torch.save(torch.eye(2).to_sparse(), FOLDER / 'refused.sparse.pth')
torch.save({'big': torch.tensor([2**40])}, FOLDER / 'refused.int64.pth')
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
torch.save({'model': torch.ones(1), 'scheduler': schedule.state_dict()}, FOLDER / 'refused.schedule.pth')
torch.save({'table': numpy.ones((2, 3), order='F')}, FOLDER / 'refused.column_major.pth')
(FOLDER / 'refused.pickled_tensor.pth').write_bytes(pickle.dumps({'a': torch.ones(1)}, protocol=2))
(FOLDER / 'refused.pickle.pth').write_bytes(pickle.dumps({'a': 1}, protocol=2))

(FOLDER / 'expected.json').write_text(json.dumps(expected, separators=(',', ':'), allow_nan=True).replace('Infinity', '1e999') + '\n')
for file in FOLDER.iterdir():
    assert file.stat().st_size <= 50_000, file
