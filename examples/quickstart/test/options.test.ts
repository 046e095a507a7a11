import type { Command } from 'commander';
import { expect, test } from 'vitest';
import type { Checkpoint } from '../src/checkpoint.js';
import { commandOf, parseOptions, settingsToResume } from '../src/options.js';
import { madeUpHistory } from './fixtures.js';

/** What is printed for a command line that is refused. */
function refused(...argv: string[]): string {
  let text = '';
  const quiet = (command: Command): Command => command.configureOutput({ writeErr: (chunk) => (text += chunk) });
  expect(() => parseOptions(argv, quiet)).toThrow();
  return text.trim();
}

test('without options: LeNet-5, the digits, SGD', () => {
  expect(parseOptions([])).toMatchInlineSnapshot(`
    {
      "batchSize": 32,
      "data": "digits",
      "epochs": 12,
      "gamma": 0.95,
      "given": {},
      "lr": 0.01,
      "model": "lenet5",
      "optimizer": "sgd",
      "report": true,
      "seed": 0,
    }
  `);
});

test('MNIST and Fashion-MNIST have settings of their own; another optimizer has its own rate', () => {
  expect(parseOptions(['--data', 'fashion-mnist'])).toMatchObject({ epochs: 5, batchSize: 16, optimizer: 'adam' });
  expect(parseOptions(['--data', 'mnist', '--epochs', '2', '--lr', '0.1'])).toMatchObject({ epochs: 2, lr: 0.1 });
  expect(parseOptions(['--data', 'mnist', '--optimizer', 'sgd'])).toMatchObject({ optimizer: 'sgd', lr: 0.01 });
  expect(parseOptions(['--data', '/tmp'])).toMatchObject({ epochs: 12, batchSize: 32, optimizer: 'sgd' });
});

test('options, and which of them were typed', () => {
  const options = parseOptions(['--optimizer', 'adam', '--batch-size', '8', '--no-report', '--data', '/tmp']);
  expect(options).toMatchObject({ optimizer: 'adam', lr: 0.001, batchSize: 8, report: false, data: '/tmp' });
  expect(options.given).toEqual({ optimizer: 'adam', batchSize: 8, data: '/tmp' });
  expect(parseOptions(['--lr', '1e-2']).lr).toBe(0.01);
});

test('what is wrong is said, with what would be right', () => {
  expect(refused('--epochs', '0')).toMatchInlineSnapshot(
    `"error: option '--epochs <number>' argument '0' is invalid. Expected a whole number from 1 up."`,
  );
  expect(refused('--epochs', '1.5')).toMatchInlineSnapshot(
    `"error: option '--epochs <number>' argument '1.5' is invalid. Expected a whole number from 1 up."`,
  );
  expect(refused('--batch-size', 'many')).toMatchInlineSnapshot(
    `"error: option '--batch-size <number>' argument 'many' is invalid. Expected a whole number from 1 up."`,
  );
  expect(refused('--lr', '-1')).toMatchInlineSnapshot(
    `"error: option '--lr <number>' argument '-1' is invalid. Expected a number greater than 0, such as 0.01."`,
  );
  expect(refused('--lr', 'NaN')).toMatchInlineSnapshot(
    `"error: option '--lr <number>' argument 'NaN' is invalid. Expected a number greater than 0, such as 0.01."`,
  );
  expect(refused('--seed', '-3')).toMatchInlineSnapshot(
    `"error: option '--seed <number>' argument '-3' is invalid. Expected a whole number from 0 up."`,
  );
  expect(refused('--model', 'alexnet')).toMatchInlineSnapshot(
    `"error: option '--model <name>' argument 'alexnet' is invalid. Allowed choices are lenet5, lenet5-original."`,
  );
  expect(refused('--optimizer', 'sdg')).toMatchInlineSnapshot(
    `"error: option '--optimizer <name>' argument 'sdg' is invalid. Allowed choices are sgd, adam."`,
  );
  expect(refused('--epoch', '3')).toMatchInlineSnapshot(`
    "error: unknown option '--epoch'
    (Did you mean --epochs?)"
  `);
  expect(refused('--data')).toMatchInlineSnapshot(`"error: option '--data <name>' argument missing"`);
});

test('npm swallows options without two dashes: the value that is left over says so', () => {
  expect(refused('3')).toMatchInlineSnapshot(
    `"error: unexpected argument '3'. npm passes options on after two dashes only: npm run quickstart -- --epochs 3"`,
  );
});

test('a checkpoint has the last word on everything but the number of epochs', () => {
  const state = { settings: parseOptions(['--seed', '7']), history: madeUpHistory(12), epoch: { images: 64 } };
  const checkpoint = { file: 'runs/x/checkpoint.safetensors', state } as unknown as Checkpoint;
  expect(settingsToResume(checkpoint, { epochs: 30, seed: 7 })).toMatchObject({ epochs: 30, seed: 7 });
  expect(() => settingsToResume(checkpoint, { model: 'lenet5-original' })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: --resume: runs/x/checkpoint.safetensors is a run with --model lenet5, which can't go on with --model lenet5-original. Leave --model out to continue it, or leave --resume out to start anew.]`,
  );
  expect(() => settingsToResume(checkpoint, { epochs: 12 })).toThrowErrorMatchingInlineSnapshot(
    `[UsageError: --epochs 12: the run in runs/x/checkpoint.safetensors is in epoch 13 already.]`,
  );
});

test('the command for the same run again', () => {
  expect(commandOf(parseOptions(['--data', '/my data']))).toMatchInlineSnapshot(
    `"npm run quickstart -- --data '/my data' --model lenet5 --epochs 12 --batch-size 32 --optimizer sgd --lr 0.01 --gamma 0.95 --seed 0"`,
  );
});
