"""PyTorch's CPU random numbers, for packages/core/src/random.

python3 tools/goldens/random_numbers.py     writes packages/core/test/goldens/random/*.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch) on x86-64: the vectorised normal numbers, and the last
bit of uniform ones, are those of its AVX2 build; `bernoulli` and `exponential` differ in builds with MKL.
"""
import base64
import hashlib
import json
import math
import warnings
from pathlib import Path

import torch

OUT = Path(__file__).resolve().parents[2] / 'packages/core/test/goldens/random'
DTYPES = {'float32': torch.float32, 'float64': torch.float64, 'int32': torch.int32, 'int64': torch.int64,
          'bool': torch.bool}
SIZES = range(1, 101)


def data(t):
    """Little-endian bytes of a tensor, as base64."""
    return base64.b64encode(t.contiguous().numpy().tobytes()).decode()


def digest(t):
    """Enough of the SHA-256 of a tensor's bytes to tell whether it is equal to the bit."""
    return hashlib.sha256(t.contiguous().numpy().tobytes()).hexdigest()[:16]


def exact(t, **case):
    """A case that is compared bit by bit; the last value helps to see what went wrong."""
    return {**case, 'n': t.numel(), 'sha256': digest(t), 'last': t.flatten()[-1].item() if t.numel() else None}


def write(name, content):
    text = json.dumps(content, separators=(',', ':'), ensure_ascii=False, allow_nan=False)
    text = text.replace('},{', '},\n{').replace('],[', '],\n[') + '\n'
    assert len(text) <= 50_000, (name, len(text))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f'{name}.json').write_text(text)


def seeded(seed, n, dtype):
    torch.manual_seed(seed)
    return torch.empty(n, dtype=DTYPES[dtype])


def uniform():
    cases = []
    for dtype in ('float32', 'float64'):
        for low, high in ((0, 1), (-1 / math.sqrt(27), 1 / math.sqrt(27)), (0.1, 0.77), (-3, -3), (-1e30, 1e30)):
            sizes = SIZES if low == 0 else (1, 16, 100, 10000)
            cases += [exact(seeded(n, n, dtype).uniform_(low, high), dtype=dtype, low=low, high=high, seed=n)
                      for n in sizes]
    write('uniform', cases)


def normal():
    cases = []
    for mean, std in ((0, 1), (0.7, 0.3), (-5, 0)):
        sizes = (*SIZES, 160000) if mean == 0 else (1, 15, 16, 17, 31, 33, 100)
        cases += [exact(seeded(n, n, 'float32').normal_(mean, std), mean=mean, std=std, seed=n) for n in sizes]
    write('normal-float32', cases)
    for part, sizes in (('a', range(1, 71)), ('b', range(71, 101))):
        write(f'normal-float64-{part}', [{'seed': n, 'n': n, 'mean': 0, 'std': 1,
                                          'data': data(seeded(n, n, 'float64').normal_())} for n in sizes])
    write('normal-float64-c', [{'seed': n, 'n': n, 'mean': 0.7, 'std': 0.3,
                                'data': data(seeded(n, n, 'float64').normal_(0.7, 0.3))} for n in (1, 15, 16, 17, 33)])


def randint():
    cases = []
    for dtype, low, high in (
            ('int32', 0, 10), ('int32', -7, 3), ('int32', 0, 2**31 - 1), ('int32', -2**31, 2**31 - 1),
            ('int64', 0, 10), ('int64', -2**40, -2**40 + 5), ('int64', 0, 2**32 - 1), ('int64', 0, 2**32),
            ('int64', -2**62, 2**62), ('int64', -2**63, 2**63 - 1),
            ('float32', 0, 10), ('float32', 0, 2**24), ('float32', 0, 2**31), ('float32', -2**31, 5),
            ('float32', 0, 2**33 + 1), ('float64', -3, 3), ('float64', 0, 2**53), ('float64', -2**60, 2**60)):
        torch.manual_seed(17)
        t = torch.randint(low, high, (100,), dtype=DTYPES[dtype])
        cases.append({'dtype': dtype, 'low': str(low), 'high': str(high), 'seed': 17, 'sha256': digest(t), 'n': 100,
                      'first': [str(int(v)) for v in t[:4].tolist()]})
    write('randint', cases)


def randperm():
    cases = []
    for n in (0, 1, 2, 3, 10, 33, 1000, 70000):
        torch.manual_seed(n)
        t = torch.randperm(n, dtype=torch.int32)
        cases.append({**exact(t, seed=n), 'after': torch.rand(1).item(), 'first': t[:10].tolist()})
    write('randperm', cases)


def bernoulli():
    cases = []
    for p in (0, 0.1, 0.5, 1):
        for n in (1, 17, 100):
            torch.manual_seed(n)
            cases.append(exact(torch.empty(n).bernoulli_(p), kind='scalar', p=p, seed=n))
    for dtype in ('float32', 'float64'):
        torch.manual_seed(3)
        p = torch.linspace(0, 1, 101, dtype=DTYPES[dtype])
        cases.append({**exact(torch.bernoulli(p), kind=dtype, seed=3), 'data': data(p)})
    write('bernoulli', cases)


def exponential_and_multinomial():
    cases = []
    for dtype in ('float32', 'float64'):
        for rate in (1, 2.5):
            cases.append({'dtype': dtype, 'lambda': rate, 'seed': 4, 'n': 50,
                          'data': data(seeded(4, 50, dtype).exponential_(rate))})
    write('exponential', cases)
    cases = []
    for dtype in ('float32', 'float64'):
        for weights in ([1, 2, 3, 4], [0, 0.25, 0, 0.75, 0], [(i * 7919) % 101 / 7 for i in range(200)]):
            w = torch.tensor(weights, dtype=DTYPES[dtype])
            for count, replacement in ((1, True), (2, False), (100, True), (150, False)):
                if not replacement and count > int((w > 0).sum()):
                    continue
                torch.manual_seed(8)
                cases.append({'dtype': dtype, 'weights': weights if len(weights) < 9 else 'i * 7919 % 101 / 7', 'seed': 8,
                              'count': count, 'replacement': replacement,
                              'indices': torch.multinomial(w, count, replacement).tolist()})
    write('multinomial', cases)


def trunc_normal():
    cases = []
    for dtype in ('float32', 'float64'):
        for mean, std, a, b in ((0, 1, -2, 2), (0, 0.01, -2, 2), (0.5, 0.2, 0.4, 0.6), (0, 1, -6, 6), (-1, 2, 0, 5)):
            torch.manual_seed(11)
            t = torch.nn.init.trunc_normal_(torch.empty(100, dtype=DTYPES[dtype]), mean, std, a, b)
            cases.append({'dtype': dtype, 'mean': mean, 'std': std, 'a': a, 'b': b, 'seed': 11, 'n': 100, 'data': data(t)})
    write('trunc-normal', cases)


def erf():
    y = torch.cat([torch.linspace(-0.999, 0.999, 301, dtype=torch.float64),
                   torch.tensor([0, -1, 1, 1e-9, 0.7, -0.7000001, 1 - 1e-7], dtype=torch.float64)])
    x = torch.cat([torch.linspace(-6.5, 6.5, 301, dtype=torch.float64), torch.tensor([1e-30, 0.84375, 1.25, 1 / 0.35])])
    write('erf', {'x': data(x), 'erf': data(torch.tensor([math.erf(v) for v in x.tolist()], dtype=torch.float64)),
                  'y': data(y), 'erfinv': data(y.erfinv()), 'erfinvFloat32': data(y.float().erfinv())})


def seeds():
    cases = []
    for seed in (0, 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 67280421310721, 2**53 + 1, 2**64 - 1, -1, -5, -2**63):
        g = torch.Generator().manual_seed(seed)
        cases.append({'seed': str(seed), 'initialSeed': str(g.initial_seed()), 'rand': torch.rand(3, generator=g).tolist(),
                      'int64': str(torch.empty((), dtype=torch.int64).random_(generator=g).item()),
                      'randn': torch.randn(3, generator=g).tolist()})
    g = torch.Generator()
    cases.append({'seed': 'default', 'initialSeed': str(g.initial_seed()), 'rand': torch.rand(3, generator=g).tolist(),
                  'int64': str(torch.empty((), dtype=torch.int64).random_(generator=g).item()),
                  'randn': torch.randn(3, generator=g).tolist()})
    write('seeds', cases)


def sequences():
    """Mixed calls on one generator, with the state after each but for the value of the cached normal number, whose last
    bit is the platform's."""
    plans = [
        [('randn', 5), ('rand', 3), ('randn', 20), ('randperm', 10), ('randn', 3)],
        [('randn64', 5), ('randn', 1), ('randn', 17), ('randn64', 2), ('rand64', 2), ('randint', 9), ('randn', 1)],
        [('rand', 15), ('rand', 16), ('rand', 17), ('rand', 31), ('rand', 33), ('randn', 15), ('randn', 16),
         ('randn', 17), ('randn', 31), ('randn', 33), ('randn64', 15), ('randn64', 16), ('randn64', 17), ('randn64', 31)],
        [('rand', 623), ('randint', 1), ('rand', 1), ('randn', 7), ('bernoulli', 5), ('randperm', 700), ('int64', 1),
         ('randn', 1), ('randn', 1)],
    ]
    draw = {'rand': torch.rand, 'randn': torch.randn, 'randperm': torch.randperm,
            'rand64': lambda n: torch.rand(n, dtype=torch.float64),
            'randn64': lambda n: torch.randn(n, dtype=torch.float64),
            'randint': lambda n: torch.randint(0, 1000, (n,)),
            'bernoulli': lambda n: torch.empty(n).bernoulli_(0.3),
            'int64': lambda n: torch.empty(n, dtype=torch.int64).random_()}
    cases = []
    for seed, plan in enumerate(plans):
        torch.manual_seed(seed)
        steps = []
        for op, n in plan:
            values = draw[op](n)
            state = torch.get_rng_state()
            state[5024:5032] = 0
            steps.append({'op': op, 'n': n, 'values': [str(v) for v in values[-40:].tolist()],
                          'state': digest(state)})
        cases.append({'seed': seed, 'steps': steps})
    write('sequences', cases)

    torch.manual_seed(2**40 + 9)
    torch.randn(601), torch.randn(3)
    state = torch.get_rng_state()
    write('state', {'state': data(state), 'randn': torch.randn(3).tolist(), 'rand': torch.rand(2).tolist()})


def initialization():
    """Default parameters of layers made one after the other: weight by kaiming_uniform_(a=sqrt(5)), then bias."""
    torch.manual_seed(0)
    layers = [
        ('Linear(20, 7)', torch.nn.Linear(20, 7), 20), ('Linear(3, 4)', torch.nn.Linear(3, 4), 3),
        ('Conv2d(1, 6, 5)', torch.nn.Conv2d(1, 6, 5), 25), ('Conv2d(6, 16, 5)', torch.nn.Conv2d(6, 16, 5), 150),
        ('Conv2d(4, 8, (3, 5), groups=2)', torch.nn.Conv2d(4, 8, (3, 5), groups=2), 30),
        ('Linear(400, 120)', torch.nn.Linear(400, 120), 400),
    ]
    write('initialization', [{'layer': name, 'fanIn': fan_in, 'weight': exact(layer.weight.detach()),
                              'bias': exact(layer.bias.detach())} for name, layer, fan_in in layers])


if __name__ == '__main__':
    warnings.filterwarnings('ignore', message='.*is out of bounds')  # randint beyond a float's whole numbers: meant
    for make in (uniform, normal, randint, randperm, bernoulli, exponential_and_multinomial, trunc_normal, erf, seeds,
                 sequences, initialization):
        make()
