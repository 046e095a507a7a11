"""The table of torchvision's published weights, for packages/models/src/weights.

python3 tools/goldens/weights_table.py            writes published.ts and imagenet-categories.ts there
python3 tools/goldens/weights_table.py --check    compares them with torchvision, and writes nothing

Reads torchvision 0.14's tables alone, no weights. Digits of hashes are those of the file names, eight.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

import torchvision
from torchvision.models import _api, _meta

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / 'packages/models/src/weights'
CAMEL = {'wide_resnet50_2': 'wideResnet50_2', 'wide_resnet101_2': 'wideResnet101_2',
         **{f'vgg{n}_bn': f'vgg{n}Bn' for n in (11, 13, 16, 19)}}
MODELS = ['alexnet', *(f'vgg{n}{bn}' for n in (11, 13, 16, 19) for bn in ('', '_bn')), 'googlenet',
          *(f'resnet{n}' for n in (18, 34, 50, 101, 152)), 'resnext50_32x4d', 'resnext101_32x8d', 'resnext101_64x4d',
          'wide_resnet50_2', 'wide_resnet101_2']
# The parts of ImageClassification that no entry of these changes, checked below.
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def entries():
    for model in MODELS:
        enum = _api.get_model_weights(model)
        for name, member in enum.__members__.items():
            if name == 'DEFAULT':
                continue
            meta = member.meta
            transforms = member.transforms()
            if meta['categories'] is None or len(meta['categories']) != len(_meta._IMAGENET_CATEGORIES):
                continue  # VGG-16's features alone
            assert list(meta['categories']) == _meta._IMAGENET_CATEGORIES, (model, name)
            assert (transforms.mean, transforms.std) == (MEAN, STD), (model, name)
            assert len(transforms.crop_size) == len(transforms.resize_size) == 1
            digits = re.search(r'-([a-f0-9]{8})\.pth$', member.url)[1]
            metrics = meta['_metrics']['ImageNet-1K']
            yield {
                'model': CAMEL.get(model, model), 'name': name, 'isDefault': member is enum.DEFAULT, 'url': member.url,
                'sha256': digits, 'numParams': meta['num_params'], 'acc1': metrics['acc@1'], 'acc5': metrics['acc@5'],
                'minSize': list(meta['min_size']), 'recipe': meta['recipe'],
                'cropSize': transforms.crop_size[0], 'resizeSize': transforms.resize_size[0],
                'interpolation': transforms.interpolation.value,
            }


def ts(source):
    return subprocess.run(['npx', 'prettier', '--parser', 'typescript'], input=source, text=True, check=True,
                          capture_output=True, cwd=ROOT).stdout


def files():
    note = (f'Written by tools/goldens/weights_table.py from torchvision {torchvision.__version__}.\n *\n'
            ' * Copyright (c) Soumith Chintala 2016, BSD 3-Clause: see NOTICE.')
    rows = [json.dumps(e) for e in entries()]
    published = f'''/**
 * The weights that torchvision has published for the architectures of this package.
 *
 * {note}
 */

/** A row of the table, with the digits of SHA-256 that the file name has. */
export interface Published {{
  readonly model: string;
  readonly name: string;
  readonly isDefault: boolean;
  readonly url: string;
  readonly sha256: string;
  readonly numParams: number;
  readonly acc1: number;
  readonly acc5: number;
  readonly minSize: readonly [number, number];
  readonly recipe: string;
  readonly cropSize: number;
  readonly resizeSize: number;
  readonly interpolation: 'bilinear';
}}

export const PUBLISHED: readonly Published[] = [{','.join(rows)}];
'''
    categories = f'''/**
 * The thousand classes of ImageNet (ILSVRC 2012), in the order of the outputs.
 *
 * {note}
 */
// prettier-ignore
export const IMAGENET_CATEGORIES: readonly string[] = {wrapped(_meta._IMAGENET_CATEGORIES)};
'''
    return {'published.ts': ts(published), 'imagenet-categories.ts': ts(categories)}


def wrapped(names, width=118):
    lines, line = [], ' '
    for name in names:
        item = " '" + name.replace("'", "\\'") + "',"
        if len(line) + len(item) > width:
            lines.append(line)
            line = ' '
        line += item
    return '[\n' + '\n'.join([*lines, line]) + '\n]'


if __name__ == '__main__':
    check = sys.argv[1:] == ['--check']
    different = []
    for name, text in files().items():
        if not check:
            (OUT / name).write_text(text)
        elif (OUT / name).read_text() != text:
            different.append(name)
    if different:
        sys.exit(f'differ from torchvision {torchvision.__version__}: {", ".join(different)}')
