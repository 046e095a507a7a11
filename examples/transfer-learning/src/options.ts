/**
 * The command line.
 */
import { Command } from 'commander';
import { positive, wholeNumber } from '../../quickstart/src/options.js';
import { PRETRAINING_BATCH } from './demo.js';

export interface Options {
  /** A folder of class folders, or of `train` and `val` with class folders in each; none with `demo`. */
  readonly data?: string;
  /** Make the folder and the pretrained network, from Fashion-MNIST. */
  readonly demo: boolean;
  readonly model: string;
  /** 'DEFAULT', another published entry, a file, or an address. */
  readonly weights: string;
  /** How often to go through the images with everything but the classifier frozen. */
  readonly headEpochs: number;
  /** How often to go through them with all layers. */
  readonly epochs: number;
  readonly batchSize: number;
  /** First learning rate of the classifier alone, and of all layers. */
  readonly headLr: number;
  readonly lr: number;
  /** Train the same network from its initial weights too. */
  readonly compare: boolean;
  readonly workers: number;
  readonly seed: number;
  readonly device: string;
  readonly threads?: number;
  readonly output: string;
  /** Images with which the demonstration's network is pretrained. */
  readonly pretrainImages: number;
}

/**
 * Reads the command line.
 *
 * @param argv without the names of Node and the script.
 * @throws CommanderError after printing what is wrong, or the help.
 */
export function parseOptions(argv: readonly string[], configure: (command: Command) => Command = (c) => c): Options {
  const command = configure(
    new Command('npm run transfer-learning --')
      .description('Adapts a network of the zoo to a folder of images: first its classifier alone, then all layers.')
      .option('--data <folder>', 'folder of class folders, or of train and val with class folders in each')
      .option('--demo', 'make both, the folder and a pretrained network, from Fashion-MNIST', false)
      .option('--model <name>', 'network of the zoo', 'resnet18')
      .option(
        '--weights <source>',
        'DEFAULT, another published entry, a file (.pth, .safetensors) or an address',
        'DEFAULT',
      )
      .option('--head-epochs <number>', 'epochs of the classifier alone', wholeNumber(0), 10)
      .option('--epochs <number>', 'epochs of all layers, after that', wholeNumber(0), 10)
      .option('--batch-size <number>', 'images in a training step', wholeNumber(2), 16)
      .option('--head-lr <number>', 'first learning rate of the classifier alone', positive, 0.01)
      .option('--lr <number>', 'first learning rate of all layers', positive, 0.01)
      .option('--compare', 'train the same network from initial weights too, for as many epochs', false)
      .option('--workers <number>', 'threads that read images', wholeNumber(0), 0)
      .option('--seed <number>', 'of the split, the new weights, the order and the crops', wholeNumber(0), 0)
      .option('--device <name>', 'engine, such as cpu, reference, onnxruntime:cuda', 'cpu')
      .option('--threads <number>', 'threads of the CPU engine (default: one a processor)', wholeNumber(1))
      .option('--output <folder>', 'where to write', 'runs/transfer-learning')
      .option(
        '--pretrain-images <number>',
        'images of the demonstration’s pretraining',
        wholeNumber(PRETRAINING_BATCH),
        10_000,
      )
      .exitOverride(),
  );
  command.action(() => undefined).allowExcessArguments();
  command.parse(argv, { from: 'user' });
  if (command.args.length > 0) {
    command.error(
      `error: unexpected argument '${command.args.join(' ')}'. npm passes options on after two dashes only: ` +
        `npm run transfer-learning -- --data photos`,
    );
  }
  const options = command.opts<Options>();
  if (options.demo === (options.data !== undefined)) {
    command.error('error: name a folder with --data <folder>, or take --demo, which makes one. See --help.');
  }
  return options;
}
