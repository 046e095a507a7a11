/**
 * Measuring a model on images that it is not trained with.
 */
import { nn, noGrad } from '@fakkel/core';
import { DataLoader, type Dataset } from '@fakkel/data';
import type { Sample } from './data.js';
import type { Prediction, Score } from './history.js';

/**
 * Mean loss, accuracy, and what was made of each image, in the order of the data set.
 *
 * @param signal ends it early, with what was measured so far.
 */
export async function evaluate(
  model: nn.Sequential,
  dataset: Dataset<Sample>,
  batchSize: number,
  signal?: AbortSignal,
): Promise<Score & { readonly predictions: readonly Prediction[] }> {
  const criterion = new nn.CrossEntropyLoss({ reduction: 'sum' });
  const predictions: Prediction[] = [];
  let lossSum = 0;

  model.eval();
  await noGrad(async () => {
    for await (const [x, y] of new DataLoader(dataset, { batchSize })) {
      const logits = model(x);
      const probabilities = logits.softmax(1);
      const best = probabilities.max(1);
      // Read together: one run for all five.
      const [loss, labels, predicted, probability, labelProbability] = await Promise.all([
        criterion(logits, y).item(),
        y.data(),
        best.indices.data(),
        best.values.data(),
        probabilities.gather(1, y.unsqueeze(1)).data(),
      ]);
      if (signal?.aborted) break;
      lossSum += loss;
      for (let i = 0; i < labels.length; i++) {
        predictions.push({
          index: predictions.length,
          label: labels[i],
          predicted: predicted[i],
          probability: probability[i],
          labelProbability: labelProbability[i],
        });
      }
    }
  });

  const correct = predictions.filter(({ label, predicted }) => label === predicted).length;
  return { loss: lossSum / predictions.length, accuracy: correct / predictions.length, predictions };
}
