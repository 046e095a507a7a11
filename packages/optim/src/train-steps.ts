/**
 * Several training steps in one run.
 */
import { FakkelError, type Tensor } from '@fakkel/core';
import type { Optimizer } from './optimizer.js';

/**
 * Trains on several batches in one run of one program: for each batch in turn
 *
 * `optimizer.zeroGrad(); const loss = lossOf(batch); loss.backward(); optimizer.step();`
 *
 * The numbers are those of as many single steps. What is saved is what each run costs beside its arithmetic: starting it,
 * and, with ONNX Runtime on CUDA, the way of all parameters and of the optimizer's state over the bus and back. With
 * P bytes of both, a bus of B bytes a second and a step that computes for t seconds, k steps take k·t + 2·P/B instead of
 * k·(t + 2·P/B): for ResNet-18 with momentum (P = 94 MB) at 12 GB/s that is 16 ms a run. The program grows with k, and so
 * do its memory (k batches) and the time to compile it: 4 to 16 steps are a good choice; keep k the same from call to
 * call, so that one program serves them all.
 *
 * A run that fails (a label out of range, say) undoes all of its steps; an error while a batch is recorded leaves the
 * steps before it.
 *
 * Learning rates are those of the call: step a scheduler between calls, or inside `lossOf`.
 *
 * @param batches One or more; each is handed to `lossOf` as it is.
 * @param lossOf Records the loss of a batch: a scalar. It may not wait for values.
 * @returns The losses, one a batch.
 * @throws FakkelError if there is no batch, or `lossOf` is asynchronous; what `backward()` and `step()` throw.
 * @example
 * const net = new nn.Linear(4, 3);
 * const optimizer = new SGD(net.parameters(), { lr: 0.1 });
 * const criterion = new nn.CrossEntropyLoss();
 * const batches = [0, 1, 2].map(() => ({ x: randn([8, 4]), y: randint(0, 3, [8]) }));
 * const losses = await trainSteps(optimizer, batches, ({ x, y }) => criterion(net(x), y));
 * losses.length; // 3
 */
export async function trainSteps<B>(
  optimizer: Optimizer,
  batches: Iterable<B>,
  lossOf: (batch: B) => Tensor,
): Promise<Tensor[]> {
  const losses: Tensor[] = [];
  const steps: Promise<void>[] = [];
  let failure: { readonly error: unknown } | undefined;
  // Steps that are recorded in one tick share a run.
  try {
    for (const batch of batches) {
      optimizer.zeroGrad();
      const loss: unknown = lossOf(batch);
      if (loss instanceof Promise) {
        loss.catch(() => undefined);
        throw new FakkelError(
          'trainSteps: lossOf returned a promise. It records the loss of a batch and may not wait for values: the steps ' +
            'run together, after all of them are recorded.',
        );
      }
      (loss as Tensor).backward();
      losses.push(loss as Tensor);
      steps.push(optimizer.step());
    }
  } catch (error) {
    failure = { error };
  }
  // The steps before an error in a batch are recorded, and happen, as they would have one by one.
  const results = await Promise.allSettled(steps);
  if (failure) throw failure.error;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  if (losses.length === 0) throw new FakkelError('trainSteps: expected at least one batch, got none');
  return losses;
}
