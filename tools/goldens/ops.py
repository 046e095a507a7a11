#!/usr/bin/python3
"""
Writes the golden values and gradients of every op: packages/backend-testkit/src/goldens/*.ts.

Run with Debian's Python (python3-torch): /usr/bin/python3 tools/goldens/ops.py
"""
import importlib
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
FOLDER = HERE.parent.parent / 'packages/backend-testkit/src/goldens'
LIMIT = 50_000

MODULES = [
    'unary', 'binary', 'logic', 'reduction', 'softmax', 'movement', 'indexing', 'sorting', 'linear', 'convolution',
    'pooling', 'activation', 'loss', 'normalization', 'optimizer', 'random_op',
]


def main():
    from op_cases.golden import write
    torch.manual_seed(0)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob('*.ts'):
        old.unlink()
    names, cases = [], 0
    for module in MODULES:
        for family in importlib.import_module(f'op_cases.{module}').FAMILIES:
            size = write(family, FOLDER)
            print(f'{family.name}: {len(family.cases)} cases, {size} bytes')
            assert size <= LIMIT, f'{family.name} is too large: split it'
            names.append(family.name)
            cases += len(family.cases)
    print(f'{cases} cases')
    identifier = [''.join(p if i == 0 else p.title() for i, p in enumerate(n.split('-'))) for n in names]
    lines = ['// Made by tools/goldens/ops.py: do not edit.', "import type { GoldenCase } from '../golden.js';"]
    lines += [f"import {{ cases as {i} }} from './{n}.js';" for i, n in zip(identifier, names)]
    lines += ['', '/** Every golden case. */', 'export const GOLDENS: readonly GoldenCase[] = [']
    lines += [f'  ...{i},' for i in identifier]
    lines += ['];', '']
    (FOLDER / 'index.ts').write_text('\n'.join(lines))


if __name__ == '__main__':
    main()
