/**
 * The kit against a backend of one page, which `docs/writing-a-backend.md` shows.
 */
import { defineBackendTests } from '../src/index.js';
import toy from './toy-backend.js';

defineBackendTests({ name: 'toy', create: () => toy.create({}) });
