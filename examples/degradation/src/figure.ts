/**
 * The paper's figure 6: training error over epochs, plain networks beside residual ones.
 */
import { chart, COLORS, type Panel, type Point, type Series } from '../../../docs/figures/chart.js';
import type { Results } from './degradation.js';

/** The picture as SVG: one panel a kind, one curve a depth. */
export function figure({ networks }: Pick<Results, 'networks'>): string {
  const depths = [...new Set(networks.map(({ layers }) => layers))].sort((a, b) => a - b);
  const last = Math.max(1, ...networks.map(({ epochs }) => epochs.length));
  const panel = (kind: 'plain' | 'residual'): Panel => ({
    title: `${kind} networks`,
    note: 'share of wrong answers on training images, mean over an epoch',
    x: { name: 'epoch', min: 0, max: last, ...(last <= 15 && { interval: 1 }) },
    y: { name: 'training error (%)', min: 0, max: 100 },
    series: networks
      .filter((network) => network.kind === kind)
      .map(({ layers, epochs }): Series => ({
        name: `${layers} layers`,
        color: COLORS[depths.indexOf(layers) % COLORS.length],
        data: epochs.map(({ epoch, train }): Point => [epoch, 100 * (1 - train.accuracy)]),
      })),
  });
  return chart({ panels: [panel('plain'), panel('residual')], size: [480, 380], margin: [66, 46, 22, 52] });
}
