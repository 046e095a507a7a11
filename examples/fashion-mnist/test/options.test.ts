import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { commandOf, parseOptions } from '../src/options.js';

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
      "epochs": 12,
      "given": {},
      "images": 60000,
      "labelSmoothing": 0.1,
      "lr": 0.1,
      "model": "resnet",
      "seed": 0,
      "weightDecay": 0.0005,
    }
  `);
});

test('what was typed is told from the defaults', () => {
  const options = parseOptions(['--model', 'vgg', '--epochs', '2', '--threads', '1', '--data', '/tmp/images']);
  expect(options).toMatchObject({ model: 'vgg', epochs: 2, threads: 1, data: '/tmp/images' });
  expect(options.given).toEqual({ model: 'vgg', epochs: 2, data: '/tmp/images' });
});

test('the command of a run gives the same settings again', () => {
  const options = parseOptions(['--model', 'vgg', '--data', '/tmp/my images', '--label-smoothing', '0']);
  const command = commandOf(options);
  expect(command).toMatchInlineSnapshot(
    `"npm run fashion-mnist -- --model vgg --epochs 12 --batch-size 128 --lr 0.1 --weight-decay 0.0005 --label-smoothing 0 --images 60000 --seed 0 --data '/tmp/my images'"`,
  );
  const argv = command
    .split(' -- ')[1]
    .match(/'[^']*'|[^ ]+/g)!
    .map((word) => word.replaceAll("'", ''));
  expect(commandOf(parseOptions(argv))).toBe(command);
});

test('what is wrong is said, with what would be right', () => {
  expect(refused('--model', 'alexnet')).toMatchInlineSnapshot(
    `"error: option '--model <name>' argument 'alexnet' is invalid. Allowed choices are resnet, vgg."`,
  );
  expect(refused('--epochs', '0')).toMatchInlineSnapshot(
    `"error: option '--epochs <number>' argument '0' is invalid. Expected a whole number from 1 up."`,
  );
  expect(refused('--lr', '-1')).toMatchInlineSnapshot(
    `"error: option '--lr <number>' argument '-1' is invalid. Expected a number greater than 0, such as 0.01."`,
  );
  expect(refused('--label-smoothing', '1')).toMatchInlineSnapshot(
    `"error: option '--label-smoothing <number>' argument '1' is invalid. Expected a number from 0 to less than 1, such as 0.1."`,
  );
  expect(refused('--weight-decay', '')).toMatchInlineSnapshot(
    `"error: option '--weight-decay <number>' argument '' is invalid. Expected a number from 0 to less than 1, such as 0.1."`,
  );
  expect(refused('vgg')).toMatchInlineSnapshot(
    `"error: unexpected argument 'vgg'. npm passes options on after two dashes only: npm run fashion-mnist -- --model vgg"`,
  );
});
