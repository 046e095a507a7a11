import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { parseOptions } from '../src/options.js';

/** What is printed for a command line that is refused. */
function refused(...argv: string[]): string {
  let text = '';
  const quiet = (command: Command): Command => command.configureOutput({ writeErr: (chunk) => (text += chunk) });
  expect(() => parseOptions(argv, quiet)).toThrow();
  return text.trim();
}

test('the defaults are the run on the page', () => {
  expect(parseOptions([])).toMatchInlineSnapshot(`
    {
      "batchSize": 128,
      "data": "fashion-mnist",
      "device": "cpu",
      "epochs": 15,
      "images": 10000,
      "layers": [
        20,
        56,
      ],
      "lr": 0.1,
      "output": "runs/degradation",
      "seed": 0,
    }
  `);
});

test('depths in order, each once', () => {
  expect(parseOptions(['--layers', '56,20,32,20']).layers).toEqual([20, 32, 56]);
  expect(parseOptions(['--data', 'cifar10', '--root', '/tmp']).root).toBe('/tmp');
});

test('what is wrong is said, with what would be right', () => {
  expect(refused('--layers', '18')).toMatchInlineSnapshot(
    `"error: option '--layers <numbers>' argument '18' is invalid. Expected depths of 6n + 2 layers with commas between them, such as 20,32,44,56."`,
  );
  expect(refused('--layers', '20,')).toMatchInlineSnapshot(
    `"error: option '--layers <numbers>' argument '20,' is invalid. Expected depths of 6n + 2 layers with commas between them, such as 20,32,44,56."`,
  );
  expect(refused('--layers', '20', '56')).toMatchInlineSnapshot(
    `"error: unexpected argument '56'. npm passes options on after two dashes only, and depths have commas between them: npm run degradation -- --layers 20,56"`,
  );
  expect(refused('--data', 'imagenet')).toMatchInlineSnapshot(
    `"error: option '--data <name>' argument 'imagenet' is invalid. Allowed choices are fashion-mnist, cifar10."`,
  );
  expect(refused('--images', '3')).toMatchInlineSnapshot(
    `"error: option '--images <number>' argument '3' is invalid. Expected a whole number from 10 up."`,
  );
});
