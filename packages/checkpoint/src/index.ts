/**
 * checkpoint
 *
 * @packageDocumentation
 */
export {};
