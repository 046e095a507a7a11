import { trainLeNet } from './train.js';

declare global {
  interface Window {
    outcome?: { losses: number[] } | { error: string };
  }
}

try {
  window.outcome = { losses: await trainLeNet(20) };
} catch (error) {
  window.outcome = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
