/**
 * The initialization of the networks of the 1990s.
 */
import { nn } from '@fakkel/core';

/**
 * Fills a parameter from U(−2.4 / fanIn, 2.4 / fanIn): the sum of a unit's inputs then stays where the scaled tanh is
 * not saturated.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section III.B.
 *
 * @param fanIn Inputs of the unit that the parameter belongs to.
 */
export function uniformFanIn_(parameter: nn.Parameter, fanIn: number): nn.Parameter {
  return nn.init.uniform_(parameter, -2.4 / fanIn, 2.4 / fanIn);
}
