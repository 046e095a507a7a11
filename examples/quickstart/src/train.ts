/**
 * The training loop.
 */
import type { Data } from './data.js';
import { UsageError } from './errors.js';
import { evaluate } from './evaluate.js';
import type { Progress } from './progress.js';
import { noSums, type Run, type TrainSettings } from './run.js';

export interface TrainOptions {
  readonly progress: Progress;
  /** Aborted when training is to stop after the present step. */
  readonly signal: AbortSignal;
  /** Writes a checkpoint. */
  readonly save: () => Promise<void>;
}

/**
 * Trains until all epochs are done, or the signal says stop. A checkpoint is saved at the end of each epoch, and when
 * training stops, also in the middle of an epoch.
 *
 * @returns whether all epochs are done.
 */
export async function train<S extends TrainSettings>(
  run: Run<S>,
  data: Pick<Data, 'train' | 'validation'>,
  { progress, signal, save }: TrainOptions,
): Promise<boolean> {
  const { model, criterion, optimizer, scheduler, schedulePer, loader, history, settings } = run;

  while (history.epochs.length < settings.epochs && !signal.aborted) {
    const epoch = history.epochs.length + 1;
    const stepTimes: number[] = [];

    model.train();
    let started = performance.now();
    for await (const [x, y] of loader) {
      optimizer.zeroGrad();
      const logits = model(x);
      const loss = criterion(logits, y);
      const correct = logits.argmax(1).eq(y).sum();
      loss.backward();
      await optimizer.step();

      // The step's run has computed these too: reading them costs nothing.
      const value = await loss.item();
      const { lr } = optimizer.paramGroups[0];
      checkFinite(value, epoch, history.steps.length + 1, lr);
      history.steps.push(value);

      const sums = run.epoch;
      sums.images += y.shape[0];
      sums.loss += value * y.shape[0];
      sums.correct += await correct.item();
      sums.lr = lr;
      if (schedulePer === 'step') scheduler.step();
      stepTimes.push(performance.now() - started);
      sums.seconds += stepTimes.at(-1)! / 1000;
      started = performance.now();
      progress.step({
        epoch,
        epochs: settings.epochs,
        images: sums.images,
        total: data.train.length,
        loss: sums.loss / sums.images,
        accuracy: sums.correct / sums.images,
        imagesPerSecond: sums.images / sums.seconds,
      });
      if (signal.aborted) {
        await save(); // inside the loop, where the loader knows its place in the epoch
        return false;
      }
    }

    const { images, loss, correct, seconds, lr } = run.epoch;
    const { predictions: _, ...validation } = await evaluate(model, data.validation, settings.batchSize);
    const training = { loss: loss / images, accuracy: correct / images };
    const record = {
      epoch,
      lr,
      train: training,
      validation,
      seconds,
      msPerStep: median(stepTimes, (1000 * seconds) / loader.length),
    };
    history.epochs.push(record);
    run.epoch = noSums();
    if (schedulePer === 'epoch') scheduler.step();
    progress.epochDone(record, settings.epochs, images / seconds);
    await save();
  }
  if (history.steps.length === 0) await save(); // stopped before the first step
  return history.epochs.length >= settings.epochs;
}

/** The value in the middle; of none, which is how a run goes on after an epoch's last step, another one. */
function median(values: readonly number[], otherwise: number): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? otherwise;
}

/** A loss that is no number never becomes one again, and the weights are lost: stop, and say what to do. */
function checkFinite(loss: number, epoch: number, step: number, lr: number): void {
  if (Number.isFinite(loss)) return;
  throw new UsageError(
    `The loss is ${loss} at step ${step}, in epoch ${epoch}: training has diverged. The learning rate, now ` +
      `${Number(lr.toPrecision(3))}, is probably too high; try a tenth of it with --lr ${Number((lr / 10).toPrecision(2))}.`,
  );
}
