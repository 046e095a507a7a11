/**
 * Checkpointing: activations that are computed again in the backward pass instead of kept for it.
 */
import { grad } from '../../autograd/backward.js';
import { mapTensors, type Recording, recordingOf, replay, tensorsIn } from '../../autograd/replay.js';
import { AutogradError, DeviceError, FakkelError, OutOfRangeError } from '../../errors.js';
import { enableGrad, isGradEnabled, modes } from '../../graph/modes.js';
import { type OwnRule, upcomingNodeId } from '../../graph/node.js';
import { describe, record } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { optimizationBarrier } from '../../ops/barrier.js';
import { composed } from '../../ops/compose.js';
import { anonymousOp } from '../../ops/def.js';
import { Sequential } from '../modules/containers.js';

/**
 * Calls `fn(...inputs)`, and keeps of what it computes only the inputs and the results: the backward pass computes the
 * rest again when it gets there. Less memory for more time: a network of n equal blocks in segments of √n holds about
 * 2 √n activations instead of n, for one more forward pass (about a third more time). The gradients are the same to the
 * bit.
 *
 * What `fn` has recorded is recorded again; `fn` itself is called once. So dropout has the same mask in both passes, the
 * running statistics of batch normalization move once (PyTorch, which calls the function again, moves them twice), hooks
 * of modules are called once, and nothing has to be said about random numbers. Gradients flow to whatever `fn` reads:
 * the inputs, parameters, tensors of the scope around it. Checkpoints may be nested, and `createGraph` goes through them.
 *
 * When to use: where activations, not parameters, fill the memory: deep networks, large images. A batch that is too
 * large only for its size is cheaper to split, see gradient accumulation in "Coming from PyTorch".
 *
 * Source: Chen, Xu, Zhang, Guestrin, "Training deep nets with sublinear memory cost", 2016; the form is that of
 * `torch.utils.checkpoint.checkpoint`.
 *
 * @param fn A module or a function. It returns a tensor, or tensors in arrays and plain objects, and is synchronous.
 * @param inputs What it is called with; tensors and anything else.
 * @returns What `fn` returns.
 * @throws TypeError if that holds no tensor; DeviceError if it computes on several devices.
 * @example
 * const block = new nn.Sequential(new nn.Linear(8, 32), new nn.ReLU(), new nn.Linear(32, 8));
 * const x = randn([4, 8]);
 * const y = nn.utils.checkpoint(block, x);
 * y.square().mean().backward();
 */
export function checkpoint<A extends unknown[], R>(fn: (...inputs: A) => R, ...inputs: A): R {
  if (typeof fn !== 'function') {
    throw new TypeError(
      `checkpoint: expected a module or a function, got ${describe(fn)}. Write checkpoint(block, x).`,
    );
  }
  if (!isGradEnabled()) return composed(() => fn(...inputs));
  const since = upcomingNodeId();
  const { training } = modes;
  return composed(() => {
    // A run that comes before the backward pass keeps nothing of what is inside.
    modes.training = false;
    let result: R;
    try {
      result = fn(...inputs);
    } finally {
      modes.training = training;
    }
    if (result instanceof Promise) {
      result.catch(() => undefined);
      throw new FakkelError('checkpoint: the function returned a promise. It is synchronous: values are read outside.');
    }
    const tensors = tensorsIn(result);
    if (tensors.length === 0) {
      throw new TypeError(
        `checkpoint: expected the function to return a tensor, or tensors in arrays and plain objects, got ${describe(result)}`,
      );
    }
    const inside = tensors.filter((t) => t.requiresGrad && t._recipe && t._recipe.id >= since);
    const passed = passThrough(recordingOf([...new Set(inside)], since));
    return mapTensors(result, (t) => passed.get(t) ?? t);
  });
}

/**
 * Calls modules one after the other, checkpointed in `segments` parts of equal length. The last part is not: its
 * activations are needed at once.
 *
 * Source: as `torch.utils.checkpoint.checkpoint_sequential`; see {@link checkpoint}.
 *
 * @param modules A `Sequential`, or modules and functions of one tensor.
 * @param segments How many parts; about the square root of the number of modules holds least.
 * @param input What the first one is called with.
 * @throws OutOfRangeError unless `segments` is a whole number from 1 to the number of modules.
 * @example
 * const blocks = new nn.Sequential(...[1, 2, 3, 4].map(() => new nn.Linear(8, 8)));
 * nn.utils.checkpointSequential(blocks, 2, randn([4, 8])).shape; // [4, 8]
 */
export function checkpointSequential(
  modules: Sequential | readonly ((x: Tensor) => Tensor)[],
  segments: number,
  input: Tensor,
): Tensor {
  const list = modules instanceof Sequential ? ([...modules] as ((x: Tensor) => Tensor)[]) : [...modules];
  if (!Number.isInteger(segments) || segments < 1 || segments > list.length) {
    throw new OutOfRangeError(
      `checkpointSequential: segments is a whole number from 1 to the number of modules, ${list.length}; got ${String(segments)}`,
    );
  }
  const size = Math.floor(list.length / segments);
  const through = (from: number, to: number) => (x: Tensor) => list.slice(from, to).reduce((y, module) => module(y), x);
  return composed(() => {
    let x = input;
    for (let i = 0; i < segments - 1; i++) x = checkpoint(through(i * size, (i + 1) * size), x);
    return through((segments - 1) * size, list.length)(x);
  });
}

// Results, then what the recording reads: the results are what they are, gradients go to the others.
const checkpointOp = anonymousOp<{ readonly results: number }>({
  name: 'checkpoint',
  infer: (inputs, { results }) => inputs.slice(0, results).map(({ shape, dtype }) => ({ shape, dtype })),
  vjp: {
    reads: {},
    backward: () => {
      throw new AutogradError('checkpoint: the recording is missing');
    },
  },
  decompose: (inputs, { results }) => inputs.slice(0, results),
});

/** The results behind an operation whose gradient computes the recording again. */
function passThrough(recording: Recording): ReadonlyMap<Tensor, Tensor> {
  const { results, nodes, reads } = recording;
  if (results.length === 0) return new Map();
  const { device } = results[0];
  if ([...nodes.flatMap((node) => node.outputs), ...reads].some((t) => t.device !== device && t.ndim > 0)) {
    throw new DeviceError(
      'checkpoint: the function computes on several devices. Checkpoint the part on each one apart.',
    );
  }
  for (const t of reads) keepForReplay(t);
  const values = record(checkpointOp, [...results.map((t) => t.detach()), ...reads], { results: results.length });
  values[0]._node!.rule = ruleOf(recording);
  return new Map(results.map((t, i) => [t, values[i]]));
}

function ruleOf(recording: Recording): OwnRule {
  const { results, nodes, reads } = recording;
  return {
    reads: { inputs: reads.map((_, i) => results.length + i) },
    backward({ gradients, needs }) {
      const createGraph = isGradEnabled();
      const flowing = results.flatMap((_, i) => (gradients[i] ? [i] : []));
      const gradOutputs = flowing.map((i) => gradients[i]!);
      const given = new Map<Tensor, Tensor>();
      const held = reads.filter(isHeldBack);
      const late = optimizationBarrier(createGraph ? held : held.map((t) => t.detach()), gradOutputs);
      held.forEach((t, i) => given.set(t, late[i]));
      const wanted = reads.filter((_, i) => needs[results.length + i]);
      // Gradients to a leaf stop there and do not go on to what it was made of, unless they are recorded themselves.
      if (!createGraph) for (const t of wanted) given.set(t, (given.get(t) ?? t).detach().requiresGrad_());
      const of = enableGrad(() => replay(recording, given));
      const found = grad(
        flowing.map((i) => of(results[i])),
        wanted.map(of),
        { gradOutputs, createGraph, allowUnused: true },
      );
      const byRead = new Map(wanted.map((t, i) => [t, found[i]]));
      return [...results.map(() => null), ...reads.map((t) => byRead.get(t) ?? null)];
    },
    replayed: (of) =>
      ruleOf({
        results: results.map(of),
        nodes: nodes.map((node) => of(node.outputs[0])._node!),
        reads: reads.map(of),
      }),
  };
}

/**
 * Whether a value goes through the barrier. Numbers do not, so that a program knows them as before, nor do the keys of
 * random numbers, which a backend may draw from before the program runs; empty tensors reach no backend.
 */
function isHeldBack(t: Tensor): boolean {
  const kind = t._storage?.kind;
  return kind !== 'scalar' && kind !== 'literal' && kind !== 'random' && t.numel() > 0;
}

/**
 * Running statistics and other state that no gradient flows to may move on before the backward pass: what the recording
 * has read of them stays, as a snapshot does.
 */
function keepForReplay(t: Tensor): void {
  const version = t._version;
  if (!version || t._requiresGrad) return;
  if (t._storage) t._storage.shared = true;
  else t._resolve()._kept = true;
}
