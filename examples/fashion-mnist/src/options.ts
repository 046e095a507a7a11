/**
 * The command line.
 */
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { flag, positive, wholeNumber } from '../../quickstart/src/options.js';
import { type ModelName, NETWORKS } from './model.js';

/** What the numbers of a run depend on: a checkpoint keeps it. */
export interface Settings {
  readonly model: ModelName;
  readonly epochs: number;
  readonly batchSize: number;
  /** The highest learning rate of the cycle. */
  readonly lr: number;
  readonly weightDecay: number;
  readonly labelSmoothing: number;
  /** How many of the training images are used. */
  readonly images: number;
  readonly seed: number;
  /** The folder with the data set's files, where it is not the usual one. */
  readonly data?: string | undefined;
}

export interface Options extends Settings {
  /** Default: cpu, or what a checkpoint says. */
  readonly device?: string;
  /** Default: the processors. */
  readonly threads?: number;
  /** Folder for everything that is written. Default: runs/fashion-mnist/<model>, or where a checkpoint is. */
  readonly output?: string;
  /** A checkpoint, or the folder it is in. */
  readonly resume?: string;
  /** The settings that were typed. */
  readonly given: Partial<Settings>;
}

/** The part of the options that the numbers depend on. */
export function settingsOf(from: Settings): Settings {
  const { model, epochs, batchSize, lr, weightDecay, labelSmoothing, images, seed, data } = from;
  return { model, epochs, batchSize, lr, weightDecay, labelSmoothing, images, seed, ...(data && { data }) };
}

/**
 * Reads the command line.
 *
 * @param argv without the names of Node and the script.
 * @throws CommanderError after printing what is wrong, or the help.
 */
export function parseOptions(argv: readonly string[], configure: (command: Command) => Command = (c) => c): Options {
  const command = configure(
    new Command('npm run fashion-mnist --')
      .description('Trains a residual network or a small VGG on Fashion-MNIST, and writes weights and a report.')
      .addOption(new Option('--model <name>', 'network').choices(Object.keys(NETWORKS)).default('resnet'))
      .option('--epochs <number>', 'how often to go through the training images', wholeNumber(1), 12)
      .option('--batch-size <number>', 'images in a training step', wholeNumber(1), 128)
      .option('--lr <number>', 'highest learning rate of the cycle', positive, 0.1)
      .option('--weight-decay <number>', 'L2 penalty', share, 5e-4)
      .option('--label-smoothing <number>', 'share of the target that all classes get', share, 0.1)
      .option(
        '--images <number>',
        'training images that are used, for a try; the test is of all',
        wholeNumber(20),
        60_000,
      )
      .option('--seed <number>', 'of the split, the initial weights, the order and the augmentation', wholeNumber(0), 0)
      .option('--data <folder>', 'folder with the files of the data set', (folder) => path.resolve(folder))
      .option('--device <name>', 'engine, such as cpu, reference, onnxruntime:cuda (default: cpu, the fastest one)')
      .option('--threads <number>', 'threads of the CPU engine (default: one a processor)', wholeNumber(1))
      .option('--output <folder>', 'where to write (default: runs/fashion-mnist/<model>; with --resume, where that is)')
      .option('--resume <checkpoint>', 'continue a run that was stopped: its checkpoint, or the folder it is in')
      .addHelpText('after', '\nCtrl-C saves a checkpoint, which --resume continues exactly. Again, it stops at once.')
      .exitOverride(),
  );
  command.action(() => undefined).allowExcessArguments();
  command.parse(argv, { from: 'user' });
  if (command.args.length > 0) {
    command.error(
      `error: unexpected argument '${command.args.join(' ')}'. npm passes options on after two dashes only: ` +
        `npm run fashion-mnist -- --model vgg`,
    );
  }
  const options = command.opts<Options>();
  const given = Object.fromEntries(
    Object.entries(settingsOf(options)).filter(([name]) => command.getOptionValueSource(name) === 'cli'),
  );
  return { ...options, given };
}

/** What to type to get a run with these settings. */
export function commandOf(settings: Settings): string {
  const options = Object.entries(settingsOf(settings)).map(([name, value]) => {
    const text = String(value);
    return `${flag(name)} ${/[^\w./-]/.test(text) ? `'${text}'` : text}`;
  });
  return `npm run fashion-mnist -- ${options.join(' ')}`;
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('Expected a number from 0 to less than 1, such as 0.1.');
}
