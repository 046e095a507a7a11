/**
 * The training loop.
 */
import { nn } from '@fakkel/core';
import type { Data } from './data.js';
import { UsageError } from './errors.js';
import { evaluate } from './evaluate.js';
import type { Progress } from './progress.js';
import { noSums, type Run } from './run.js';

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
export async function train(run: Run, data: Data, { progress, signal, save }: TrainOptions): Promise<boolean> {
  const { model, optimizer, scheduler, loader, history, settings } = run;
  const criterion = new nn.CrossEntropyLoss();

  while (history.epochs.length < settings.epochs && !signal.aborted) {
    const epoch = history.epochs.length + 1;
    const { lr } = optimizer.paramGroups[0];

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
      checkFinite(value, epoch, history.steps.length + 1, lr);
      history.steps.push(value);

      const sums = run.epoch;
      sums.images += y.shape[0];
      sums.loss += value * y.shape[0];
      sums.correct += await correct.item();
      sums.seconds += secondsSince(started);
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

    const { images, loss, correct, seconds } = run.epoch;
    const { predictions: _, ...validation } = await evaluate(model, data.validation, settings.batchSize);
    const record = { epoch, lr, train: { loss: loss / images, accuracy: correct / images }, validation, seconds };
    history.epochs.push(record);
    run.epoch = noSums();
    scheduler.step();
    progress.epochDone(record, settings.epochs, images / seconds);
    await save();
  }
  if (history.steps.length === 0) await save(); // stopped before the first step
  return history.epochs.length >= settings.epochs;
}

function secondsSince(time: number): number {
  return (performance.now() - time) / 1000;
}

/** A loss that is no number never becomes one again, and the weights are lost: stop, and say what to do. */
function checkFinite(loss: number, epoch: number, step: number, lr: number): void {
  if (Number.isFinite(loss)) return;
  throw new UsageError(
    `The loss is ${loss} at step ${step}, in epoch ${epoch}: training has diverged. The learning rate, now ` +
      `${Number(lr.toPrecision(3))}, is probably too high; try a tenth of it with --lr ${Number((lr / 10).toPrecision(2))}.`,
  );
}
