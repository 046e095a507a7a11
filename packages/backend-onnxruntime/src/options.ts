/**
 * What a user can choose.
 */
import type { NodeEngineOptions } from './engines/node.js';
import type { WebOptions } from './engines/ort-web.js';

export interface OnnxruntimeOptions extends NodeEngineOptions, WebOptions {}
