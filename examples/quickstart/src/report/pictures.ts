/**
 * Test images as pictures in the page, with what the network makes of each.
 */
import { encode } from 'fast-png';
import type { HostArray } from '@fakkel/data';
import { percent } from '../format.js';
import type { Prediction } from '../history.js';
import { html, Html } from './html.js';

/** A picture of each prediction: the true class, what was predicted, and the probability of both. */
export async function pictureGrid(
  predictions: readonly Prediction[],
  imageOf: (index: number) => Promise<HostArray>,
  classes: readonly string[],
): Promise<Html> {
  const row = (role: string, name: string, share: number): Html =>
    html`<div>${role} <b>${name}</b> <span>${percent(share)}</span></div>`;
  const picture = async ({ index, label, predicted, probability, labelProbability }: Prediction): Promise<Html> => {
    const wrong = predicted !== label;
    return html`<figure${wrong && new Html(' class="wrong"')}>
<img src="${pngUri(await imageOf(index))}" alt="image ${index} of the data set" width="96" height="96">
<figcaption>
${row('true', classes[label], labelProbability)}
${wrong && row('predicted', classes[predicted], probability)}
</figcaption>
</figure>`;
  };
  const wide = classes.some((name) => name.length > 3);
  return html`<div class="pictures${wide && ' wide'}">${await Promise.all(predictions.map(picture))}</div>`;
}

/** A greyscale image, `[1, H, W]` from 0 to 1, as a data URI: dark ink on white paper. */
export function pngUri({ data, shape }: HostArray): string {
  const [height, width] = shape.slice(-2);
  const pixels = Uint8Array.from(data.subarray(0, height * width), (ink) =>
    Math.round(255 * (1 - Math.min(Math.max(ink, 0), 1))),
  );
  const png = encode({ width, height, data: pixels, depth: 8, channels: 1 });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}
