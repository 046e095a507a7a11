/**
 * Initial weights that make equal losses mean something.
 */
import { nn } from '@fakkel/core';

/**
 * Draws all weights of a network anew, and returns it: He's initialization, biases small but not zero. With the default
 * one, activations shrink from layer to layer: without batch normalization the logits are the last bias and little else,
 * and equal losses would say little about the layers before; with it, small weights get large updates, and float32 parts
 * from float64 within three steps.
 */
export function initialize<M extends nn.Module>(net: M): M {
  for (const module of net.modules()) {
    if (module instanceof nn.Conv2d || module instanceof nn.Linear) {
      nn.init.kaimingNormal_(module.weight, { mode: 'fanIn', nonlinearity: 'relu' });
      if (module.bias) nn.init.uniform_(module.bias, -0.1, 0.1);
    }
  }
  return net;
}
