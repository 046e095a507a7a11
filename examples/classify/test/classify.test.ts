import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { manualSeed, noGrad, saveSafetensors, tensor } from '@fakkel/core';
import { HostArray, transforms, writeImage } from '@fakkel/data';
import { cifarResnet20, lenet5, listModels } from '@fakkel/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, classify, type Guess } from '../src/classify.js';
import { parseOptions } from '../src/options.js';
import { listText, textOf } from '../src/text.js';

const folder = await mkdtemp(path.join(os.tmpdir(), 'fakkel-classify-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const file = (name: string): string => path.join(folder, name);

const labels = ['cat', 'dog', 'horse'];
const preset = { resizeSize: 36, cropSize: 32, mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2], interpolation: 'bilinear' };
const net = () => {
  manualSeed(0);
  return cifarResnet20({ numClasses: 3 }).eval();
};
const picture = new HostArray(
  Uint8Array.from({ length: 3 * 40 * 50 }, (_, i) => (i * 7919) % 256),
  [3, 40, 50],
  'uint8',
);

beforeAll(async () => {
  await writeImage(file('picture.png'), picture);
  await writeFile(file('labels.txt'), `${labels.join('\n')}\n`);
  await writeFile(file('plain.safetensors'), await saveSafetensors(net()));
  const card = { model: 'cifarResnet20', options: { numClasses: 3 }, labels, transforms: preset };
  await writeFile(file('card.safetensors'), await saveSafetensors(net(), { classifier: JSON.stringify(card) }));
});

const notes: string[] = [];
const quiet = { note: (line: string) => void notes.push(line), weights: () => undefined, stop: () => undefined };
const never = new AbortController().signal;
/** Of the command line, on the reference backend. */
const run = async (...argv: string[]): Promise<Answer[]> =>
  classify(parseOptions([...argv, '--device', 'reference'], silent), quiet, never);
const silent: Parameters<typeof parseOptions>[1] = (command) =>
  command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
const guesses = async (...argv: string[]): Promise<readonly Guess[]> => {
  const [answer] = await run(...argv);
  if ('error' in answer) throw new Error(answer.error);
  return answer.guesses;
};
const byIndex = (list: readonly Guess[]): number[] =>
  [...list].sort((a, b) => a.index - b.index).map((guess) => guess.probability);

/** The softmax of the network for some views of the picture, averaged. */
async function expected(views: readonly HostArray[]): Promise<number[]> {
  const rows = await Promise.all(
    views.map((view) =>
      noGrad(() => net()(tensor(view.data as Float32Array, { shape: [1, ...view.shape] })))
        .softmax(1)
        .data(),
    ),
  );
  return labels.map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
}

test('a file that says what it is: network, classes and preprocessing come from it', async () => {
  const found = await guesses(file('picture.png'), '--weights', file('card.safetensors'));
  const look = new transforms.ImageClassification({ ...preset, interpolation: 'bilinear' });
  const wanted = await expected([look(picture)]);
  byIndex(found).forEach((p, i) => expect(p).toBeCloseTo(wanted[i], 5));
  expect(found.map((guess) => guess.label)).toEqual(found.map((guess) => labels[guess.index]));
  expect(found.map((guess) => guess.probability)).toEqual(
    found.map((guess) => guess.probability).sort((a, b) => b - a),
  );
  expect(notes.at(-1)).toBe(`cifarResnet20 with ${file('card.safetensors')}, on reference`);
});

test('ten crops are averaged', async () => {
  const found = await guesses(file('picture.png'), '--weights', file('card.safetensors'), '--crops', '10');
  const crops = new transforms.TenCrop(32)(new transforms.Resize(36)(picture));
  const finish = new transforms.Compose([new transforms.ToTensor(), new transforms.Normalize(preset.mean, preset.std)]);
  const wanted = await expected(crops.map((crop) => finish(crop)));
  byIndex(found).forEach((p, i) => expect(p).toBeCloseTo(wanted[i], 5));
});

test('any network with weights of a file, and labels of another', async () => {
  const argv = [file('picture.png'), '--model', 'cifarResnet20', '--weights', file('plain.safetensors')];
  const found = await guesses(...argv, '--labels', file('labels.txt'), '--top', '2');
  expect(found).toHaveLength(2);
  expect(labels).toContain(found[0].label);
});

test('a network for grey images reads them in grey', async () => {
  manualSeed(0);
  await writeFile(file('lenet.safetensors'), await saveSafetensors(lenet5()));
  const found = await guesses(file('picture.png'), '--model', 'lenet5', '--weights', file('lenet.safetensors'));
  expect(found).toHaveLength(5);
  expect(found[0].label).toBe(`class ${found[0].index}`);
});

test('an image that can’t be read is an answer, and the others go on', async () => {
  const answers = await run(file('nothing.jpg'), file('picture.png'), '--weights', file('card.safetensors'));
  expect(textOf(answers[0]).replaceAll(folder, '<folder>')).toMatchInlineSnapshot(`
    "<folder>/nothing.jpg
      <folder>/nothing.jpg: can't be read: there is no such file"
  `);
  expect(textOf(answers[1])).toMatch(/picture\.png\n {2,}\d+\.\d % {2}\w+\n/);
});

test.each([
  ['no image', []],
  ['no such network', ['x.png', '--model', 'resnet19', '--weights', 'plain.safetensors']],
  ['weights of another network', ['x.png', '--model', 'lenet5', '--weights', 'plain.safetensors']],
  ['too few labels', ['x.png', '--weights', 'card.safetensors', '--labels', 'one.txt']],
  ['no such entry', ['x.png', '--model', 'resnet18', '--weights', 'IMAGENET1K_V2']],
  ['no published weights', ['x.png', '--model', 'cifarResnet20']],
])('%s: what to do', async (_, argv) => {
  await writeFile(file('one.txt'), 'cat\n');
  const paths = argv.map((word) => (/\.(safetensors|txt)$/.test(word) ? file(word) : word));
  const error = await run(...paths).then(
    () => 'nothing was wrong',
    (cause: unknown) => (cause as Error).message,
  );
  expect(error.replaceAll(folder, '<folder>')).toMatchSnapshot();
});

test('the list names every network and its published weights', () => {
  const text = listText(false);
  expect(text).toMatch(/^resnet50 +IMAGENET1K_V1 76\.1 %, IMAGENET1K_V2 \(default\) 80\.9 %$/m);
  expect(text).toMatch(/^cifarResnet20 +no published weights/m);
  const list = JSON.parse(listText(true)) as { name: string }[];
  expect(list.map(({ name }) => name)).toEqual(listModels());
});
