/**
 * What the goldens of the conformance kit don't show of the losses: misuse, edges, what compiles.
 */
import { describe, expect, test } from 'vitest';
import { messagesOf } from '../../../test/messages.js';
import { checkNumerics, evaluate, grad, nn, ones, randn, stats, tensor, zeros, type Tensor } from '../../index.js';

const F = nn.functional;
const labels = (...data: number[]): Tensor => tensor(Int32Array.from(data));

test('another beta, delta, margin, eps or j compiles nothing new', async () => {
  const compiles: number[] = [];
  for (let i = 1; i <= 4; i++) {
    const x = randn([4, 3], { requiresGrad: true });
    const [y, signs, target] = [randn([4, 3]), ones([4, 3]), labels(0, 1, 2, 0)];
    const total = [
      F.huberLoss(x, y, { delta: i }),
      F.smoothL1Loss(x, y, { beta: i / 2 }),
      F.gaussianNllLoss(x, y, signs, { eps: i / 1000 }),
      F.multiMarginLoss(x, target, { margin: i }),
      F.hingeEmbeddingLoss(x, signs, { margin: i }),
      F.marginRankingLoss(x, y, signs, { margin: i }),
      F.cosineEmbeddingLoss(x, y, ones([4]), { margin: i / 10 }),
      F.tripletMarginLoss(x, y, y.neg(), { margin: i, eps: i / 1000 }),
      F.rbfLoss(x.square(), target, { j: i }),
    ].reduce((a, b) => a.add(b));
    total.backward();
    await evaluate(total, x.grad!);
    compiles.push(stats().compiles);
  }
  expect(new Set(compiles).size).toBe(1);
});

test('zeros among probabilities are no infinities on the way', async () => {
  checkNumerics(true);
  try {
    const [zero, one] = [tensor([0, 1], { requiresGrad: true }), tensor([0, 1])];
    const loss = F.binaryCrossEntropy(zero, one, { reduction: 'sum' });
    expect(await loss.item()).toBe(0);
    const [g] = grad(F.binaryCrossEntropy(zero, tensor([1, 0])), [zero]);
    expect(await g!.toArray()).toEqual([-499999997952, 499999997952]);
    const teacher = tensor([0, 1], { requiresGrad: true });
    const divergence = F.klDiv(tensor([-1, -2]), teacher, { reduction: 'sum' });
    expect(await divergence.item()).toBe(2);
    // PyTorch's gradient of a target of 0 is NaN.
    expect(await grad(divergence, [teacher])[0]!.toArray()).toEqual([1, 3]);
  } finally {
    checkNumerics(false);
  }
});

test('beta 0 is L1, with its gradient of 0 at equality', async () => {
  const x = tensor([0, 2], { requiresGrad: true });
  const [g] = grad(F.smoothL1Loss(x, zeros([2]), { beta: 0, reduction: 'sum' }), [x]);
  expect(await g!.toArray()).toEqual([0, 1]);
});

test('the square of Huber has its curvature at equality, too', async () => {
  const d = tensor([-0.5, 0, 0.5, 2], { requiresGrad: true });
  for (const loss of [F.huberLoss, F.smoothL1Loss]) {
    const [g] = grad(loss(d, zeros([4]), { reduction: 'sum' }), [d], { createGraph: true });
    expect(await g!.toArray()).toEqual([-0.5, 0, 0.5, 1]);
    expect(await grad(g!.sum(), [d])[0]!.toArray()).toEqual([1, 1, 1, 0]);
  }
});

test('where the exponential of PyTorch overflows, the soft margin does not', async () => {
  const x = tensor([1000, -1000], { requiresGrad: true });
  const loss = F.softMarginLoss(x, tensor([-1, 1]), { reduction: 'none' });
  expect(await loss.toArray()).toEqual([1000, 1000]);
  expect(await grad(loss.sum(), [x])[0]!.toArray()).toEqual([1, -1]);
});

test('the mean over nothing is NaN', async () => {
  const [none, noLabels] = [zeros([0, 3]), labels()];
  const losses = [
    F.smoothL1Loss(none, none),
    F.binaryCrossEntropy(none, none),
    F.klDiv(none, none, { reduction: 'batchmean' }),
    F.multiMarginLoss(none, noLabels),
    F.multilabelMarginLoss(none, zeros([0, 3], { dtype: 'int32' })),
    F.tripletMarginLoss(none, none, none),
    F.rbfLoss(none, noLabels),
  ];
  for (const loss of losses) expect(await loss.item()).toBeNaN();
});

test('class weights that are buffers of a loss move and are saved with it', () => {
  const criterion = new nn.BCEWithLogitsLoss({ weight: ones([3]), posWeight: ones([3]) });
  expect([...criterion.stateDict().keys()]).toEqual(['weight', 'pos_weight']);
  expect([...new nn.MultiMarginLoss({ weight: ones([3]) }).stateDict().keys()]).toEqual(['weight']);
  expect(new nn.BCELoss().stateDict().size).toBe(0);
});

test("LeNet-5's criterion is the cross-entropy with a class of rubbish", async () => {
  const distances = tensor([
    [1, 9, 4],
    [7, 2, 2],
  ]);
  const target = labels(0, 2);
  const loss = await F.rbfLoss(distances, target, { j: 3, reduction: 'none' }).toArray();
  const byHand = [1 + Math.log(Math.exp(-3) + Math.exp(-1) + Math.exp(-9) + Math.exp(-4))];
  byHand.push(2 + Math.log(Math.exp(-3) + Math.exp(-7) + 2 * Math.exp(-2)));
  (loss as number[]).forEach((value, i) => expect(value).toBeCloseTo(byHand[i], 5));
});

test('RBF: centers are a buffer, or parameters where they are trainable', async () => {
  const centers = tensor([
    [1, 1],
    [-1, 1],
  ]);
  const layer = new nn.RBF(centers);
  expect(layer.parameters()).toEqual([]);
  expect([...layer.stateDict().keys()]).toEqual(['weight']);
  expect(layer.toString()).toBe('RBF(in_features=2, out_features=2, trainable=False)');
  expect(await layer(tensor([[1, 1]])).toArray()).toEqual([[0, 4]]);
  const trainable = new nn.RBF(centers, { trainable: true });
  trainable(tensor([[2, 1]]))
    .select(1, 0)
    .sum()
    .backward();
  expect(await trainable.parameters()[0].grad!.add(0).toArray()).toEqual([
    [-2, 0],
    [0, 0],
  ]);
  expect(new nn.RBFLoss({ j: 8 }).toString()).toBe('RBFLoss(criterion=map, j=8)');
  expect(new nn.RBFLoss({ criterion: 'mse' }).toString()).toBe('RBFLoss(criterion=mse)');
});

describe('errors', () => {
  const [one, pair] = [ones([2]), ones([2, 3])];
  const errors: [name: string, run: () => unknown][] = [
    ['logits for probabilities', () => F.binaryCrossEntropy(tensor([0.5, 1.5]), one)],
    ['a weight that does not broadcast', () => F.binaryCrossEntropy(one, one, { weight: ones([3, 1]) })],
    ['a negative beta', () => F.smoothL1Loss(one, one, { beta: -1 })],
    ['delta 0', () => F.huberLoss(one, one, { delta: 0 })],
    ['a negative variance', () => F.gaussianNllLoss(one, one, tensor([-1, 1]))],
    ['a variance of another shape', () => F.gaussianNllLoss(pair, pair, ones([3]))],
    ['a reduction that klDiv does not have', () => F.klDiv(one, one, { reduction: 'batch' as 'mean' })],
    ['shapes that differ', () => F.klDiv(one, pair)],
    ['a target that repeats', () => F.mseLoss(pair, ones([3]))],
    ['a target that is a column', () => F.mseLoss(ones([3, 1]), ones([3]))],
    ['a label out of range', () => F.multiMarginLoss(pair, labels(0, 3))],
    ['p 3', () => F.multiMarginLoss(pair, labels(0, 2), { p: 3 as 2 })],
    ['images', () => F.multiMarginLoss(ones([1, 3, 2]), ones([1, 2], { dtype: 'int32' }))],
    ['float targets', () => F.multilabelMarginLoss(pair, pair)],
    ['a class out of range', () => F.multilabelMarginLoss(one, labels(2, -1))],
    ['targets of another shape', () => F.cosineEmbeddingLoss(pair, pair, ones([3]))],
    ['vectors that do not broadcast', () => F.tripletMarginLoss(pair, pair, ones([2, 4]))],
    ['vectors longer than the centers', () => F.rbf(pair, ones([4, 2]))],
    ['two dtypes', () => F.rbf(pair, ones([4, 3], { dtype: 'float64' }))],
    ['a class that is the rubbish', () => F.rbfLoss(pair, labels(0, 3))],
    ['an unknown criterion', () => new nn.RBFLoss({ criterion: 'mle' as 'map' })],
    ['centers of one axis', () => new nn.RBF(one)],
    ['a layer with delta 0', () => new nn.HuberLoss({ delta: 0 })],
    ['a layer with an unknown reduction', () => new nn.KLDivLoss({ reduction: 'batch' as 'mean' })],
    ['an unknown option of a layer', () => new nn.TripletMarginLoss({ gap: 1 } as never)],
    ['class weights in an array', () => F.crossEntropy(pair, labels(0, 2), { weight: [1, 2, 3] as never })],
    ['class weights of a layer in an array', () => new nn.CrossEntropyLoss({ weight: [1, 2, 3] as never })],
    ['an ignoreIndex between two', () => F.nllLoss(pair, labels(0, 2), { ignoreIndex: 1.5 })],
    ['no ignoreIndex', () => F.crossEntropy(pair, labels(0, 2), { ignoreIndex: null as never })],
    ['beta by position, as in PyTorch', () => F.smoothL1Loss(one, one, 0.5 as never)],
  ];
  test('say what was expected, and what came', () => {
    expect(messagesOf(errors)).toMatchInlineSnapshot(`
      [
        "logits for probabilities: OutOfRangeError: binaryCrossEntropy: expected probabilities from 0 to 1 (for logits: binaryCrossEntropyWithLogits), got 1.5 at 1 of float32[2]",
        "a weight that does not broadcast: ShapeError: binaryCrossEntropy: expected a weight that broadcasts to the losses, [2], got float32[3,1]",
        "a negative beta: OutOfRangeError: smoothL1Loss: beta is a number of at least 0, got -1",
        "delta 0: OutOfRangeError: huberLoss: delta is a positive number, got 0",
        "a negative variance: OutOfRangeError: gaussianNllLoss: expected a variance of at least 0, got -1 at 0 of float32[2]",
        "a variance of another shape: ShapeError: gaussianNllLoss: expected a variance in the shape of the input, or one for its last axis ([2] or [2, 1]), got float32[3] for float32[2,3]",
        "a reduction that klDiv does not have: FakkelError: klDiv: reduction is 'batchmean', 'mean', 'sum' or 'none', got 'batch'",
        "shapes that differ: ShapeError: klDiv: expected input and target of one shape, got float32[2] and float32[2,3].",
        "a target that repeats: ShapeError: mseLoss: expected input and target of one shape, got float32[2,3] and float32[3]: they would broadcast to pairs that nobody meant. If it is meant to be repeated: target.expand([2, 3]).",
        "a target that is a column: ShapeError: mseLoss: expected input and target of one shape, got float32[3,1] and float32[3]. Use target.reshape([3, 1]): broadcast, they might be pairs that nobody meant.",
        "a label out of range: OutOfRangeError: multiMarginLoss: label 3 at position 1 is out of range for 3 classes (0 to 2). Labels count from 0.",
        "p 3: OutOfRangeError: multiMarginLoss: p is 1 or 2, got 3",
        "images: ShapeError: multiMarginLoss: expected scores [N, C] or [C], got float32[1,3,2]",
        "float targets: ShapeError: multilabelMarginLoss: expected scores [N, C] or [C] and a target int32 of that shape (the right classes, then −1), got float32[2,3] and float32[2,3]",
        "a class out of range: OutOfRangeError: multilabelMarginLoss: expected classes from 0 to 1, or −1 at the end, got 2 at 0 of int32[2]",
        "targets of another shape: ShapeError: cosineEmbeddingLoss: expected vectors [N, D] twice and a target [N], or [D] and [], got float32[2,3], float32[2,3] and float32[3]",
        "vectors that do not broadcast: ShapeError: tripletMarginLoss: cannot broadcast float32[2,3] with float32[2,3] with float32[2,4]: counted from the last axis, sizes must be equal or 1. Use reshape or unsqueeze to line the axes up.",
        "vectors longer than the centers: ShapeError: rbf: expected vectors […, D] and centers [C, D], got float32[2,3] and float32[4,2]",
        "two dtypes: DTypeError: rbf: expected vectors and centers of one dtype, got float32[2,3] and float64[4,3]",
        "a class that is the rubbish: OutOfRangeError: rbfLoss: label 3 at position 1 is out of range for 3 classes (0 to 2). Labels count from 0.",
        "an unknown criterion: OutOfRangeError: RBFLoss: criterion is 'mse' or 'map', got 'mle'",
        "centers of one axis: ShapeError: RBF: expected centers [C, D], got float32[2]",
        "a layer with delta 0: OutOfRangeError: HuberLoss: delta is a positive number, got 0",
        "a layer with an unknown reduction: FakkelError: KLDivLoss: reduction is 'batchmean', 'mean', 'sum' or 'none', got 'batch'",
        "an unknown option of a layer: FakkelError: TripletMarginLoss: unknown option 'gap'. Known: margin, p, eps, swap, reduction",
        "class weights in an array: TypeError: crossEntropy: expected a weight for each class, float32[3], got an array (wrap it in tensor(…)) for float32[2,3]",
        "class weights of a layer in an array: TypeError: CrossEntropyLoss: expected a tensor as weight, got an array (wrap it in tensor(…))",
        "an ignoreIndex between two: OutOfRangeError: nllLoss: ignoreIndex is a whole number, got 1.5",
        "no ignoreIndex: OutOfRangeError: crossEntropy: ignoreIndex is a whole number, got null",
        "beta by position, as in PyTorch: FakkelError: smoothL1Loss: options come as one object, { beta, reduction }; got 0.5",
      ]
    `);
  });

  test('a label out of range that is computed: the run fails', async () => {
    const computed = labels(0, 2).add(1);
    await expect(F.multiMarginLoss(pair, computed).item()).rejects.toThrow(/out of range/);
  });
});
