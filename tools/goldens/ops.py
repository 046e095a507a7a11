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
    'pooling', 'layers', 'activation', 'rectifiers', 'gates', 'loss', 'criteria', 'normalization', 'layer_norm', 'optimizer', 'random_op',
    'dropout', 'gradient_tools',
]


def main():
    from op_cases.golden import module
    torch.manual_seed(0)
    texts, cases = {}, 0
    for name in MODULES:
        for family in importlib.import_module(f'op_cases.{name}').FAMILIES:
            text = texts[family.name] = module(family)
            print(f'{family.name}: {len(family.cases)} cases, {len(text)} bytes')
            assert len(text) <= LIMIT, f'{family.name} is too large: split it'
            cases += len(family.cases)
    print(f'{cases} cases')
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob('*.ts'):
        old.unlink()
    for name, text in texts.items():
        (FOLDER / f'{name}.ts').write_text(text)
    names = list(texts)
    identifier = [''.join(p if i == 0 else p.title() for i, p in enumerate(n.split('-'))) for n in names]
    lines = ['// Made by tools/goldens/ops.py: do not edit.', "import type { GoldenCase } from '../golden.js';"]
    lines += [f"import {{ cases as {i} }} from './{n}.js';" for i, n in zip(identifier, names)]
    lines += ['', '/** Every golden case. */', 'export const GOLDENS: readonly GoldenCase[] = [']
    lines += [f'  ...{i},' for i in identifier]
    lines += ['];', '']
    (FOLDER / 'index.ts').write_text('\n'.join(lines))


if __name__ == '__main__':
    main()
