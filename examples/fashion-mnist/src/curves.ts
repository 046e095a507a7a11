/**
 * Learning curves as an SVG file.
 */
import { chart, COLORS, type Point, type Series } from '../../../docs/figures/chart.js';
import type { EpochRecord, History, Score } from '../../quickstart/src/history.js';

/** Loss, error and learning rate over the epochs, side by side. */
export function curves(title: string, { epochs }: History): string {
  const x = { name: 'epoch', min: 0, max: Math.max(epochs.length, 1), ...(epochs.length <= 15 && { interval: 1 }) };
  const line = (of: 'train' | 'validation', value: (score: Score) => number): Series => ({
    name: of === 'train' ? 'training (augmented images)' : 'validation',
    color: COLORS[of === 'train' ? 0 : 1],
    kind: 'marked',
    data: epochs.map((record: EpochRecord): Point => [record.epoch, value(record[of])]),
  });
  const both = (value: (score: Score) => number) => [line('train', value), line('validation', value)];
  return chart({
    panels: [
      { title, x, y: { name: 'loss', min: 0 }, series: both(({ loss }) => loss) },
      { title: 'wrong answers', x, y: { name: 'error (%)', min: 0 }, series: both((s) => 100 * (1 - s.accuracy)) },
    ],
  });
}
