/**
 * Initialization: `torch.nn.init`. The functions write to a parameter or buffer, and return it. After
 * `manualSeed(seed)` the numbers are PyTorch's.
 *
 * Which one: never one value for all weights, since then all units learn the same. Small random numbers break the
 * symmetry; for deep networks their scale matters, as gradients die where weights are too small and explode where they
 * are too large. `xavierNormal_` and `xavierUniform_` before tanh, `kaimingNormal_` and `kaimingUniform_` (He's) before
 * relu and its relatives, and `calculateGain` for others. Biases may be 0 (`zeros_`); a common constant such as 0.01
 * (`constant_`) is usual too. A whole model is initialized with `Module.apply`.
 *
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(1, 6, 5), new nn.ReLU(), new nn.Flatten(), new nn.Linear(3456, 10));
 * net.apply((layer) => {
 *   if (!(layer instanceof nn.Conv2d || layer instanceof nn.Linear)) return;
 *   nn.init.kaimingNormal_(layer.weight, { nonlinearity: 'relu' });
 *   if (layer.bias) nn.init.constant_(layer.bias, 0.01);
 * });
 */
export type { RandomOptions } from './init/cells.js';
export * from './init/constant.js';
export * from './init/gain.js';
export * from './init/random.js';
export * from './init/scaled.js';
export * from './init/structured.js';
