import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { getWeights, listModels, listWeights } from '../index.js';

// The script itself imports torchvision; here only a look whether it is there, which is faster.
const LOOK = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torchvision") is None)';
const python = ['python3', '/usr/bin/python3'].find((name) => spawnSync(name, ['-c', LOOK]).status === 0);
const note = python ? '' : ' (skipped: no Python with torchvision here; apt-get install python3-torchvision)';

test.skipIf(!python)(`the table and the classes are torchvision’s${note}`, { timeout: 120_000 }, async () => {
  const script = fileURLToPath(new URL('../../../../tools/goldens/weights_table.py', import.meta.url));
  await promisify(execFile)(python!, [script, '--check']);
});

test('every entry is what its file name says, and of a model that is here', () => {
  const entries = listWeights();
  expect(entries.length).toBe(27);
  const models = listModels();
  for (const entry of entries) {
    expect(models).toContain(entry.model);
    expect(entry.url).toBe(`https://download.pytorch.org/models/${entry.file}`);
    expect(entry.sha256).toMatch(/^[0-9a-f]{8}$/); // never more digits than are published
    expect(entry.file).toMatch(new RegExp(`-${entry.sha256}\\.pth$`));
    expect(entry.acc1).toBeGreaterThan(56);
    expect(entry.acc5).toBeGreaterThan(entry.acc1);
    expect(entry.transforms).toMatchObject({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
  }
  expect(new Set(entries.map((entry) => entry.sha256)).size).toBe(27);
  for (const model of new Set(entries.map((entry) => entry.model))) {
    const ofModel = listWeights(model);
    expect(ofModel.map((entry) => entry.isDefault).filter(Boolean)).toEqual([true]);
    expect(ofModel.at(-1)!.isDefault).toBe(true);
  }
});

test('the entries of the architectures of the lecture', () => {
  const row = (model: string, name?: string) => {
    const { name: own, file, numParams, acc1, acc5, minSize, transforms } = getWeights(model, name);
    return `${own} ${file} ${numParams} ${acc1} ${acc5} ${minSize.join('×')} ${transforms.resizeSize}→${transforms.cropSize}`;
  };
  expect([
    row('alexnet'),
    row('vgg16'),
    row('vgg16_bn'), // torchvision's spelling
    row('googlenet'),
    row('resnet18'),
    row('resnet50', 'IMAGENET1K_V1'),
    row('resnet50', 'ResNet50_Weights.IMAGENET1K_V2'),
    row('resnext50_32x4d'),
    row('wideResnet50_2'),
  ]).toMatchInlineSnapshot(`
    [
      "IMAGENET1K_V1 alexnet-owt-7be5be79.pth 61100840 56.522 79.066 63×63 256→224",
      "IMAGENET1K_V1 vgg16-397923af.pth 138357544 71.592 90.382 32×32 256→224",
      "IMAGENET1K_V1 vgg16_bn-6c64b313.pth 138365992 73.36 91.516 32×32 256→224",
      "IMAGENET1K_V1 googlenet-1378be20.pth 6624904 69.778 89.53 15×15 256→224",
      "IMAGENET1K_V1 resnet18-f37072fd.pth 11689512 69.758 89.078 1×1 256→224",
      "IMAGENET1K_V1 resnet50-0676ba61.pth 25557032 76.13 92.862 1×1 256→224",
      "IMAGENET1K_V2 resnet50-11ad3fa6.pth 25557032 80.858 95.434 1×1 232→224",
      "IMAGENET1K_V2 resnext50_32x4d-1a0047aa.pth 25028904 81.198 95.34 1×1 232→224",
      "IMAGENET1K_V2 wide_resnet50_2-9ba9bcbe.pth 68883240 81.602 95.758 1×1 232→224",
    ]
  `);
});

test('classes', async () => {
  const classes = await getWeights('resnet18').categories();
  expect(classes.length).toBe(1000);
  expect(new Set(classes).size).toBe(1000);
  expect([classes[0], classes[282], classes[999]]).toEqual(['tench', 'tiger cat', 'toilet tissue']);
  expect(await getWeights('vgg16').categories()).toBe(classes);
});

test('what is not there is an error that says what is', () => {
  expect(() => getWeights('resnet50', 'IMAGENET1K_V3')).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: resnet50: there are no weights 'IMAGENET1K_V3'. Did you mean IMAGENET1K_V1? There are: IMAGENET1K_V1, IMAGENET1K_V2, DEFAULT; or pass the path (./IMAGENET1K_V3) or address of a file.]`,
  );
  expect(() => getWeights('cifarResnet20')).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: cifarResnet20: torchvision has published no weights for it. Pass weights: the path or address of a file (.pth, .safetensors).]`,
  );
  expect(listWeights('lenet5')).toEqual([]);
});
