"""Orders of samples, splits and statistics, for packages/data/src.

python3 tools/goldens/data.py     writes packages/data/test/goldens/data/*.json

Reads nothing. Made with PyTorch 1.13 and torchvision 0.14 (Debian 12). The orders follow from the seeds alone; they
are whole numbers and the same on every machine.
"""
import json
from pathlib import Path

import torch
from torch.utils import data

OUT = Path(__file__).resolve().parents[2] / 'packages/data/test/goldens/data'


def write(name, content):
    text = json.dumps(content, separators=(',', ':'), allow_nan=False)
    text = text.replace('},{', '},\n{') + '\n'
    assert len(text) <= 50_000, (name, len(text))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f'{name}.json').write_text(text)


def generator(seed):
    return None if seed is None else torch.Generator().manual_seed(seed)


def probe(g=None):
    """What the generator gives next: whether it stands where PyTorch's does."""
    return torch.randint(2**31 - 1, (1,), generator=g).item()


def split():
    cases = []
    for n, lengths in ((30, [3, 7, 20]), (30, [0.3, 0.3, 0.4]), (1797, [0.8, 0.1, 0.1]), (11, [0.5, 0.25, 0.25]),
                       (10, [0.7, 0.2, 0.1]), (5, [5]), (5, [1.0])):
        for seed in (None, 42):
            torch.manual_seed(0)
            parts = data.random_split(range(n), lengths, **({} if seed is None else {'generator': generator(seed)}))
            case = {'n': n, 'lengths': lengths, 'seed': seed, 'sizes': [len(p) for p in parts], 'next': probe()}
            heads = [p.indices[:40] for p in parts]
            cases.append({**case, 'heads': heads})
    write('random-split', cases)


def samplers():
    cases = []

    def add(kind, options, make):
        for seed in (None, 7):
            torch.manual_seed(3)
            g = generator(seed)
            sampler = make(g)
            epochs = [[int(i) for i in sampler] for _ in range(3)]
            cases.append({'kind': kind, **options, 'seed': seed, 'epochs': epochs, 'next': probe(), 'own': probe(g)})

    for n, replacement, count in ((10, False, None), (10, False, 25), (10, False, 4), (10, True, None), (10, True, 64),
                                  (10, True, 70), (1, False, None)):
        add('random', {'n': n, 'replacement': replacement, 'numSamples': count},
            lambda g: data.RandomSampler(range(n), replacement, count, g))
    add('subset', {'indices': [4, 8, 15, 16, 23, 42]}, lambda g: data.SubsetRandomSampler([4, 8, 15, 16, 23, 42], g))
    for replacement in (True, False):
        weights = [0.9, 0.4, 0.05, 0.2, 0.3, 0.1]
        add('weighted', {'weights': weights, 'numSamples': 5, 'replacement': replacement},
            lambda g: data.WeightedRandomSampler(weights, 5, replacement, g))
    write('samplers', cases)


def loaders():
    cases = []
    for n, options in ((10, {'batch_size': 4}), (10, {'batch_size': 4, 'shuffle': True}),
                       (12, {'batch_size': 4, 'shuffle': True}),
                       (10, {'batch_size': 4, 'shuffle': True, 'drop_last': True}), (5, {'shuffle': True}),
                       (150, {'batch_size': 64, 'shuffle': True})):
        for seed in (None, 11):
            for stop in (None, 2):  # leave the loop after so many batches
                torch.manual_seed(0)
                g = generator(seed)
                loader = data.DataLoader(range(n), generator=g, **options)
                epochs = []
                for _ in range(3):
                    batches = []
                    for batch in loader:
                        batches.append(batch.tolist())
                        if len(batches) == stop:
                            break
                    epochs.append({'batches': batches, 'next': probe()})
                camel = {'batchSize': options.get('batch_size', 1), 'shuffle': options.get('shuffle', False),
                         'dropLast': options.get('drop_last', False)}
                cases.append({'n': n, **camel, 'seed': seed, 'stop': stop, 'epochs': epochs, 'own': probe(g)})
    write('loaders', cases)


def normalize():
    torch.manual_seed(2)
    batches = [torch.randn(n, 3, 2, 2, dtype=torch.float64) * torch.tensor([1.0, 10.0, 0.1]).view(3, 1, 1)
               + torch.tensor([1e6, -3.0, 0.0], dtype=torch.float64).view(3, 1, 1) for n in (4, 1, 7)]
    whole = torch.cat(batches)
    write('normalize', {
        'batches': [b.flatten().tolist() for b in batches],
        'batchMean': whole.mean((0, 2, 3)).tolist(), 'batchStd': whole.std((0, 2, 3), unbiased=False).tolist()})


if __name__ == '__main__':
    split()
    samplers()
    loaders()
    normalize()
