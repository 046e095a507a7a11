"""
How a golden case is described, computed and written.

Inputs are short decimals rounded to float32, so that float32 and float64 see exactly the same numbers; outputs and
gradients are computed in float64 and written with 12 significant digits. Each case draws from a generator seeded
with its own name: adding a case changes no other.
"""
import math
import random

import torch

FLOAT, INT, BOOL = 'float', 'int32', 'bool'


def float32(v):
    return torch.tensor(v, dtype=torch.float32).item()


class Spec:
    """An input: what it holds is drawn when the case is computed."""

    def __init__(self, dtype, shape, draw, grad):
        self.dtype, self.shape, self.draw, self.grad = dtype, list(shape), draw, grad

    @property
    def size(self):
        return math.prod(self.shape)

    def const(self):
        """The same without a gradient."""
        return Spec(self.dtype, self.shape, self.draw, False)


def f(*shape, low=-2.0, high=2.0):
    """Uniform floats with three decimals."""
    def draw(rng, n):
        return [round(rng.uniform(low, high), 3) for _ in range(n)]
    return Spec(FLOAT, shape, draw, True)


def distinct(*shape, step=0.125):
    """Floats of which no two are closer than `step`: for ops that compare."""
    def draw(rng, n):
        values = [round((i - n // 2) * step + rng.uniform(0, step / 8), 3) for i in range(n)]
        rng.shuffle(values)
        return values
    return Spec(FLOAT, shape, draw, True)


def _fixed(dtype, data, shape, grad):
    shape = [len(data)] if shape is None else shape
    assert math.prod(shape) == len(data), (shape, len(data))
    return Spec(dtype, shape, lambda rng, n: list(data), grad)


def vals(*data, shape=None):
    return _fixed(FLOAT, data, shape, True)


def ivals(*data, shape=None):
    return _fixed(INT, data, shape, False)


def bvals(*data, shape=None):
    return _fixed(BOOL, [int(v) for v in data], shape, False)


def ints(*shape, low=-5, high=6):
    return Spec(INT, shape, lambda rng, n: [rng.randrange(low, high) for _ in range(n)], False)


def bools(*shape):
    return Spec(BOOL, shape, lambda rng, n: [rng.randrange(2) for _ in range(n)], False)


NAN, INF = math.nan, math.inf


class Family:
    """The cases of one golden file."""

    def __init__(self, name):
        self.name = name
        self.cases = []
        self.current = None

    def op(self, name, fn):
        """What follows samples `fn(inputs, args)`, which returns a tensor or several."""
        self.current = (name, fn)

    def s(self, name, *inputs, _grad=True, **args):
        """A sample of the current op. `_grad=False`: no gradient, because PyTorch has none or leaves it open."""
        op, fn = self.current
        assert not any(c['op'] == op and c['name'] == name for c in self.cases), f'{op}: {name} twice'
        self.cases.append(dict(op=op, name=name, fn=fn, specs=inputs, args=args, grad=_grad))


TORCH = {FLOAT: torch.float64, INT: torch.int32, BOOL: torch.bool}


def output_dtype(t):
    if t.dtype == torch.float64:
        return FLOAT
    if t.dtype == torch.float32:
        return 'float32'
    return BOOL if t.dtype == torch.bool else INT


def compute(case):
    """A case with its inputs, outputs, cotangents and gradients."""
    rng = random.Random(f"{case['op']}/{case['name']}")
    inputs, tensors = [], []
    for spec in case['specs']:
        data = spec.draw(rng, spec.size)
        record = {'shape': spec.shape, 'data': data}
        if spec.dtype != FLOAT:
            record['dtype'] = spec.dtype
        exact = [float32(v) for v in data] if spec.dtype == FLOAT else data
        t = torch.tensor(exact, dtype=TORCH[spec.dtype]).reshape(spec.shape)
        if spec.dtype == FLOAT and spec.grad and case['grad']:
            t.requires_grad_()
        inputs.append(record)
        tensors.append(t)
    result = case['fn'](tensors, case['args'])
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    outputs, roots, cotangents = [], [], []
    for r in results:
        flat = r.detach().reshape(-1)
        record = {'shape': list(r.shape), 'data': (flat.int() if r.dtype == torch.bool else flat).tolist()}
        if output_dtype(r) != FLOAT:
            record['dtype'] = output_dtype(r)
        if r.dtype == torch.float64 and r.requires_grad and r.numel() > 0:
            c = [round(rng.uniform(-1, 1), 3) for _ in range(r.numel())]
            record['cotangent'] = c
            roots.append(r)
            cotangents.append(torch.tensor([float32(v) for v in c], dtype=torch.float64).reshape(r.shape))
        outputs.append(record)
    wanted = [i for i, t in enumerate(tensors) if t.requires_grad]
    if roots and wanted:
        grads = torch.autograd.grad(roots, [tensors[i] for i in wanted], cotangents, allow_unused=True)
        for i, g in zip(wanted, grads):
            inputs[i]['grad'] = None if g is None else g.reshape(-1).tolist()
    return {'op': case['op'], 'name': case['name'], 'args': case['args'], 'inputs': inputs, 'outputs': outputs}


def number(v):
    if isinstance(v, bool) or isinstance(v, int):
        return str(int(v))
    if math.isnan(v):
        return 'NaN'
    if math.isinf(v):
        return 'Infinity' if v > 0 else '-Infinity'
    text = f'{v:.12g}'
    mantissa, _, exponent = text.partition('e')
    return f'{mantissa}e{int(exponent)}' if exponent else mantissa


def literal(v):
    """A value as TypeScript."""
    if isinstance(v, bool):
        return 'true' if v else 'false'
    if v is None:
        return 'null'
    if isinstance(v, (int, float)):
        return number(v)
    if isinstance(v, str):
        return "'" + v.replace("'", "\\'") + "'"
    if isinstance(v, (list, tuple)):
        return '[' + ','.join(literal(x) for x in v) + ']'
    return '{' + ','.join(f'{k}:{literal(x)}' for k, x in v.items()) + '}'


def module(family):
    """The family's cases as a TypeScript module, which works in Node and in browsers alike."""
    lines = [
        '// Made by tools/goldens/ops.py with PyTorch 1.13: do not edit.',
        "import type { GoldenCase } from '../golden.js';",
        '',
        '// prettier-ignore',
        'export const cases: readonly GoldenCase[] = [',
        *(f'  {literal(compute(case))},' for case in family.cases),
        '];',
        '',
    ]
    return '\n'.join(lines)
