/**
 * Adapters of checkpointing and of clipping.
 */
import { nn, where, zerosLike, type Tensor } from '@fakkel/core';
import { adapter, type Adapter } from './adapter.js';

const { checkpoint, clipGradNorm_, clipGradValue_, diagonalGaussNewton } = nn.utils;

/** Parameters whose gradients are given. */
function parametersWith(gradients: readonly Tensor[]): nn.Parameter[] {
  return gradients.map((gradient) => {
    const parameter = new nn.Parameter(zerosLike(gradient));
    parameter.grad = gradient;
    return parameter;
  });
}

/** Second derivatives of both inputs, from those of the output. */
const curvatureOf = (fn: (a: Tensor, b: Tensor) => Tensor): Adapter =>
  adapter(([a, b, curvature]) => {
    const leaves = [a, b].map((t) => t.detach().requiresGrad_());
    return diagonalGaussNewton(fn(leaves[0], leaves[1]), leaves, { curvature });
  });

export const gradientToolAdapters: Readonly<Record<string, Adapter>> = {
  checkpoint: adapter(([x, w]) => checkpoint((t: Tensor) => t.matmul(w).tanh().exp(), x)),
  checkpointMixed: adapter(([x, index, mask]) =>
    checkpoint((t: Tensor) => where(mask, t.gather(1, index), t.sin()), x),
  ),
  checkpointScalar: adapter(([x, s]) => checkpoint((t: Tensor) => t.mul(s).exp().mul(s), x)),
  checkpointSqrt: adapter(([x]) =>
    checkpoint((t: Tensor) => t.mul(t), x)
      .sqrt()
      .add(checkpoint((t: Tensor) => t.exp(), x)),
  ),
  checkpointDivision: adapter(([x]) => checkpoint((t: Tensor) => t.mul(3), x).reciprocal()),
  checkpointNested: adapter(([x, u]) =>
    checkpoint((t: Tensor) => checkpoint((inner: Tensor) => inner.sin(), t.tanh()).mul(u), x).cos(),
  ),
  clipGradNorm: adapter<{ maxNorm: number; normType?: number }>((gradients, { maxNorm, ...options }) => {
    const parameters = parametersWith(gradients);
    const norm = clipGradNorm_(parameters, maxNorm, options);
    return [norm, ...parameters.map((parameter) => parameter.grad!)];
  }),
  clipGradValue: adapter<{ clipValue: number }>((gradients, { clipValue }) => {
    const parameters = parametersWith(gradients);
    clipGradValue_(parameters, clipValue);
    return parameters.map((parameter) => parameter.grad!);
  }),
  curvature: curvatureOf((x, w) => x.conv2d(w)),
  curvatureTanh: curvatureOf((x, b) => x.mul(b).tanh()),
};
