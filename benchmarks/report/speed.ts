/**
 * The tables of the speed suite.
 */
import { ENGINE_TITLES, type EngineName } from '../engines/index.js';
import { batchShape, networkSpec, type NetworkName } from '../networks/index.js';
import type { Options } from '../options.js';
import type { Comparison, Measurement, SpeedResult } from '../suites/speed.js';
import { type Column, formatNumber, formatTable, median } from './table.js';

/**
 * Milliseconds of a training step on TensorFlow.js's wasm backend with a weight gradient that a user wrote for it,
 * measured once, on a 2-core machine: as shipped, it can't train.
 */
const PATCHED_TFJS_MS: Partial<Record<NetworkName, number>> = { lenet: 38, resnet20: 3704, resnet18: 13753 };

const of = (comparison: Comparison, engine: EngineName): Measurement | undefined =>
  comparison.measurements.find((measurement) => measurement.engine === engine && measurement.ms.length > 0);

/** What the others are compared with: Fakkel's engine, or the first one. */
function baseOf({ engines }: Options): EngineName {
  return engines.find((name) => name === 'fakkel') ?? engines.find((name) => name === 'reference') ?? engines[0];
}

const work = ({ network, phase }: Comparison, quick: boolean): string[] => [
  networkSpec(network).title,
  batchShape(network, quick).join('×'),
  phase === 'train' ? 'training step' : 'inference',
];

const WORK: readonly Column[] = [
  { title: 'network', align: 'left' },
  { title: 'batch', align: 'left' },
  { title: 'phase', align: 'left' },
];

/** Median and minimum of each engine, and how often Fakkel's time the others take. */
export function timesTable({ comparisons }: SpeedResult, options: Options): string {
  const base = baseOf(options);
  const others = options.engines.filter((name) => name !== base);
  const columns: Column[] = [
    ...WORK,
    ...options.engines.map((name) => ({ title: ENGINE_TITLES[name] })),
    ...others.map((name) => ({ title: `${ENGINE_TITLES[name]} ÷ ${ENGINE_TITLES[base]}` })),
  ];
  const rows = comparisons.map((comparison) => [
    ...work(comparison, options.quick),
    ...options.engines.map((name) => times(comparison.measurements.find(({ engine }) => engine === name))),
    ...others.map((name) => {
      const [ours, theirs] = [of(comparison, base), of(comparison, name)];
      return ours && theirs ? (median(theirs.ms) / median(ours.ms)).toFixed(2) : '–';
    }),
  ]);
  return `Milliseconds, median / minimum\n\n${formatTable(columns, rows)}`;
}

function times(measurement: Measurement | undefined): string {
  if (!measurement) return '–';
  if (measurement.ms.length === 0) return measurement.cannot?.startsWith('cannot train') ? 'cannot train' : 'failed';
  return `${formatNumber(median(measurement.ms))} / ${formatNumber(Math.min(...measurement.ms))}`;
}

const MIB = 2 ** 20;
const mib = (bytes: number | undefined): string => formatNumber(bytes === undefined ? undefined : bytes / MIB);

/** Peak memory, first step, and what Fakkel does beside running. */
export function costsTable({ comparisons }: SpeedResult, options: Options): string {
  const columns: Column[] = [
    ...WORK,
    { title: 'engine', align: 'left' },
    { title: 'peak memory' },
    { title: 'whole process' },
    { title: 'first step' },
    { title: 'outside run()' },
  ];
  const rows = comparisons.flatMap((comparison) =>
    options.engines.flatMap((name) => {
      const measurement = of(comparison, name);
      if (!measurement) return [];
      const { baseline, peak, firstMs, outside, ms } = measurement;
      const above = peak !== undefined && baseline !== undefined ? peak - baseline : undefined;
      const share = `${formatNumber(median(outside))} (${((median(outside) / median(ms)) * 100).toFixed(1)} %)`;
      return [
        [
          ...work(comparison, options.quick),
          ENGINE_TITLES[name],
          mib(above),
          mib(peak),
          formatNumber(firstMs),
          outside.length > 0 ? share : '–',
        ],
      ];
    }),
  );
  return (
    `Resident memory in MiB (peak above the process before the network was there, and all of it), milliseconds\n\n` +
    formatTable(columns, rows)
  );
}

/** What a reader of the tables has to know. */
export function footnotes({ comparisons }: SpeedResult, options: Options): string[] {
  const notes: string[] = [];
  if (options.networks.some((name) => networkSpec(name).dropout)) {
    notes.push('Dropout is off (p = 0) in all engines, in training too: its masks differ, and the losses would.');
  }
  const untrained = comparisons.flatMap(({ measurements }) =>
    measurements.filter((m) => m.cannot?.startsWith('cannot train')),
  );
  if (untrained.length > 0) {
    const patched = comparisons.flatMap((comparison) => {
      const ms = comparison.phase === 'train' ? PATCHED_TFJS_MS[comparison.network] : undefined;
      if (ms === undefined) return [];
      const ours = of(comparison, baseOf(options));
      const ratio =
        ours && !options.quick ? `, ${(ms / median(ours.ms)).toFixed(1)} × ${ENGINE_TITLES[baseOf(options)]}` : '';
      return [`${networkSpec(comparison.network).title} ${ms} ms${ratio}`];
    });
    notes.push(`TensorFlow.js wasm as shipped ${untrained[0].cannot}.`);
    if (patched.length > 0) {
      notes.push(
        `With a weight gradient that a user writes for it, a training step took (stated, not measured here): ` +
          `${patched.join('; ')}.`,
      );
    }
  }
  if (options.quick)
    notes.push('--quick: tiny batches, two rounds. These figures say that it works, not how fast it is.');
  return notes;
}
