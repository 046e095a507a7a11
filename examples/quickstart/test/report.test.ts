import { decode } from 'fast-png';
import { HostArray } from '@fakkel/data';
import { expect, test } from 'vitest';
import { accuracyChart } from '../src/report/charts.js';
import { confusionMatrix } from '../src/report/confusion.js';
import { html } from '../src/report/html.js';
import { reportPage } from '../src/report/index.js';
import { pngUri } from '../src/report/pictures.js';
import { madeUpHistory, madeUpPredictions, madeUpReport } from './fixtures.js';

/** The text of a page, without tags. */
const textOf = (page: string): string =>
  page
    .replace(/<style>.*?<\/style>/gs, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

test('the page holds the curves, the confusion matrix and a picture of each error', async () => {
  const page = await reportPage(madeUpReport());
  expect(page.match(/<svg /g)).toHaveLength(3);
  const text = textOf(page);
  for (const words of [
    '97.8 % 176 of 180 correct',
    'cross-entropy (log scale)',
    'correct (%)',
    'each training step',
    'Confusion matrix',
    'Misclassified images 4 test images of 180',
    'true 9 29.0 % predicted 3 63.7 %',
    'optimizer SGD, momentum 0.9',
    'npm run quickstart -- --seed 0',
  ]) {
    expect(text).toContain(words);
  }
  // The errors, and the close calls beside so few.
  expect(page.match(/<img src="data:image\/png;base64,/g)).toHaveLength(4 + 12);
});

test('the page loads nothing: no address, no script', async () => {
  const page = await reportPage(madeUpReport());
  expect(page).not.toMatch(/https?:|\/\/[a-z]/i);
  expect(page).not.toMatch(/<(script|link|iframe|object|embed)|@import|\son\w+=/i);
  for (const [, address] of page.matchAll(/(?:src|href)="([^"]*)"/g))
    expect(address).toMatch(/^data:image\/png;base64,/);
  for (const [, address] of page.matchAll(/url\(([^)]*)\)/g)) expect(address).toMatch(/^#/);
});

test('names are text, not HTML', async () => {
  const page = await reportPage(
    madeUpReport({ title: '<script>alert(1)</script>', classes: [...'01234567', '<b>', '&'] }),
  );
  expect(page).not.toMatch(/<script|<b><b>/);
  expect(page).toContain('&lt;script&gt;');
  expect(html`<i>${'"'}${['a', 'b'].map((s) => html`<b>${s}</b>`)}${false}${null}</i>`.text).toBe(
    '<i>&quot;<b>a</b>\n<b>b</b></i>',
  );
});

test('five labels beside the accuracies, whatever their range', () => {
  const labels = [0.05, 0.3, 0.5, 0.7, 0.95].map((accuracy) => {
    const history = madeUpHistory(2);
    const epochs = history.epochs.map((epoch) => ({
      ...epoch,
      train: { loss: 1, accuracy },
      validation: { loss: 1, accuracy },
    }));
    return [...textOf(accuracyChart({ ...history, epochs })).matchAll(/\b\d+\b/g)].map(([n]) => Number(n)).slice(0, 5);
  });
  expect(labels).toEqual([
    [0, 25, 50, 75, 100],
    [20, 40, 60, 80, 100],
    [40, 55, 70, 85, 100],
    [60, 70, 80, 90, 100],
    [80, 85, 90, 95, 100],
  ]);
});

test('no errors, many errors, one epoch, a loss of zero', async () => {
  const none = await reportPage(
    madeUpReport({ test: { loss: 0, accuracy: 1, predictions: madeUpPredictions(50, 1000) } }),
  );
  expect(textOf(none)).toContain('None: all test images were recognized.');
  const many = await reportPage(
    madeUpReport({ test: { loss: 3, accuracy: 0.5, predictions: madeUpPredictions(1000, 2) } }),
  );
  expect(textOf(many)).toContain('500 test images of 1,000, the most certain error first');
  expect(many.match(/<img /g)).toHaveLength(60);
  const history = madeUpHistory(1);
  history.steps[0] = 0;
  const short = await reportPage(madeUpReport({ history }));
  expect(short).not.toMatch(/NaN|Infinity|undefined/);
});

test('confusion: rows are true classes, columns predicted ones', () => {
  const seen = { probability: 1, labelProbability: 1 };
  const predictions = [
    { index: 0, label: 0, predicted: 1, ...seen },
    { index: 1, label: 0, predicted: 0, ...seen },
    { index: 2, label: 2, predicted: 2, ...seen },
  ];
  expect(confusionMatrix(predictions, 3)).toEqual([
    [1, 1, 0],
    [0, 0, 0],
    [0, 0, 1],
  ]);
});

test('pictures are PNG: ink is dark, values beyond 0 to 1 are cut', () => {
  const uri = pngUri(new HostArray(Float32Array.of(0, 1, 0.5, -1, 2, 0.2), [1, 2, 3]));
  const png = decode(Buffer.from(uri.slice('data:image/png;base64,'.length), 'base64'));
  expect(png).toMatchObject({ width: 3, height: 2, channels: 1, depth: 8 });
  expect([...png.data]).toEqual([255, 0, 128, 255, 0, 204]);
});
