/**
 * The command line.
 */
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { positive, wholeNumber } from '../../quickstart/src/options.js';
import { DATA_SETS, type DataName } from './data.js';

/** What the numbers of all networks depend on. */
export interface Settings {
  readonly data: DataName;
  /** The folder with the data set's files, where it is not the usual one. */
  readonly root?: string;
  /** Training images. */
  readonly images: number;
  readonly epochs: number;
  readonly batchSize: number;
  /** The learning rate of the first half. */
  readonly lr: number;
  readonly seed: number;
}

export interface Options extends Settings {
  /** Depths; each is trained plain and residual. */
  readonly layers: readonly number[];
  readonly device: string;
  /** Default: the processors. */
  readonly threads?: number;
  readonly output: string;
}

/** The part of the options that the numbers depend on. */
export function settingsOf({ data, root, images, epochs, batchSize, lr, seed }: Settings): Settings {
  return { data, ...(root !== undefined && { root }), images, epochs, batchSize, lr, seed };
}

/**
 * Reads the command line.
 *
 * @param argv without the names of Node and the script.
 * @throws CommanderError after printing what is wrong, or the help.
 */
export function parseOptions(argv: readonly string[], configure: (command: Command) => Command = (c) => c): Options {
  const command = configure(
    new Command('npm run degradation --')
      .description('Trains plain and residual networks of several depths, and draws their training errors.')
      .option('--layers <numbers>', 'depths, 6n + 2', depths, [20, 56])
      .addOption(new Option('--data <name>', 'images').choices(Object.keys(DATA_SETS)).default('fashion-mnist'))
      .option('--root <folder>', 'folder with the files of the data set', (folder) => path.resolve(folder))
      .option('--images <number>', 'how many of the training images, drawn at random', wholeNumber(10), 10_000)
      .option('--epochs <number>', 'how often to go through them', wholeNumber(1), 15)
      .option('--batch-size <number>', 'images in a training step', wholeNumber(2), 128)
      .option(
        '--lr <number>',
        'learning rate; a tenth after half of the epochs, and again after three quarters',
        positive,
        0.1,
      ) // prettier-ignore
      .option(
        '--seed <number>',
        'of the images, the initial weights, the order and the augmentation',
        wholeNumber(0),
        0,
      )
      .option('--device <name>', 'engine, such as cpu (the fastest one), reference, onnxruntime:cuda', 'cpu')
      .option('--threads <number>', 'threads of the CPU engine (default: one a processor)', wholeNumber(1))
      .option('--output <folder>', 'where to write', 'runs/degradation')
      .addHelpText(
        'after',
        '\nCtrl-C saves a checkpoint; the same command again goes on from there, and adds networks.',
      )
      .exitOverride(),
  );
  command.action(() => undefined).allowExcessArguments();
  command.parse(argv, { from: 'user' });
  if (command.args.length > 0) {
    command.error(
      `error: unexpected argument '${command.args.join(' ')}'. npm passes options on after two dashes only, and depths ` +
        `have commas between them: npm run degradation -- --layers 20,56`,
    );
  }
  return command.opts<Options>();
}

function depths(text: string): number[] {
  const values = text.split(',').map(Number);
  if (values.every((depth) => depth >= 8 && depth % 6 === 2)) return [...new Set(values)].sort((a, b) => a - b);
  throw new InvalidArgumentError('Expected depths of 6n + 2 layers with commas between them, such as 20,32,44,56.');
}
