/**
 * From images to the classes that they most probably show.
 */
import { device, FakkelError, noGrad, setDefaultDevice, stack, tensor } from '@fakkel/core';
import { type HostArray, ImageError, readImage, transforms } from '@fakkel/data';
import { MultiCrop } from '@fakkel/models';
import { type Classifier, openClassifier } from './classifier.js';
import type { Options } from './options.js';
import type { Notes } from './progress.js';

/** A class that an image may show. */
export interface Guess {
  readonly label: string;
  /** Index of the output. */
  readonly index: number;
  /** From 0 to 1. */
  readonly probability: number;
}

/** What was found for an image; or why not. */
export type Answer =
  { readonly image: string; readonly guesses: readonly Guess[] } | { readonly image: string; readonly error: string };

/**
 * The classes of each image, the most probable first. An image that can't be read is an answer too: the others go on.
 *
 * @throws FakkelError where the network can't be made, or no device is there.
 */
export async function classify(options: Options, notes: Notes, signal: AbortSignal): Promise<Answer[]> {
  const engine = await device(options.device);
  setDefaultDevice(engine);
  const classifier = await openClassifier(options, notes, signal);
  notes.note(`${classifier.title}, on ${engine.backend.name}`);
  const look = viewsOf(classifier, options.crops);
  const model = new MultiCrop(classifier.model).eval(); // one crop is an average of one
  const answers: Answer[] = [];
  for (const image of options.images) {
    if (signal.aborted) break;
    try {
      const views = look(await readImage(image, { mode: classifier.mode }));
      const scores = noGrad(() => model(stack(views.map(toTensor)).unsqueeze(0)))
        .select(0, 0)
        .topk(Math.min(options.top, outputsOf(classifier)));
      const [values, indices] = await Promise.all([scores.values.data(), scores.indices.data()]);
      answers.push({
        image,
        guesses: Array.from(indices, (index, i) => ({
          label: classifier.labels[index] ?? `class ${index}`,
          index,
          probability: values[i],
        })),
      });
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      answers.push({ image, error: error.message });
    }
  }
  return answers;
}

/** The crop in the middle, or the ten of the corners, the middle, and their mirror images. */
function viewsOf({ preset, mode }: Classifier, crops: 1 | 10): (image: HostArray) => HostArray[] {
  const channels = mode === 'gray' ? 1 : 3;
  const spread = (values: readonly number[]): number[] =>
    values.length === channels ? [...values] : Array.from({ length: channels }, () => values[0]);
  const options = { ...preset, mean: spread(preset.mean), std: spread(preset.std) };
  if (crops === 1) {
    const whole = new transforms.ImageClassification(options);
    return (image) => [whole(image)];
  }
  const { resizeSize, cropSize, interpolation, mean, std } = options;
  const resize = new transforms.Resize(Math.max(resizeSize, cropSize), { interpolation });
  const tenCrop = new transforms.TenCrop(cropSize);
  const finish = new transforms.Compose([new transforms.ToTensor(), new transforms.Normalize(mean, std)]);
  return (image) => tenCrop(resize(image)).map((crop) => finish(crop));
}

const toTensor = (array: HostArray) => tensor(array.data, { shape: array.shape });

function outputsOf({ model, labels }: Classifier): number {
  if (labels.length > 0) return labels.length;
  const weight = [...model.stateDict().values()].findLast((value) => value.ndim === 2);
  if (!weight) throw new FakkelError('The network has no linear classifier; name its classes with --labels.');
  return weight.shape[0];
}
