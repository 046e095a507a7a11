/**
 * hub
 *
 * @packageDocumentation
 */
export {};
