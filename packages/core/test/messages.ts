/** What each of a table of misuses throws, a line each: for inline snapshots of whole families. */
export function messagesOf(misuses: readonly (readonly [name: string, run: () => unknown])[]): string[] {
  return misuses.map(([name, run]) => {
    try {
      run();
    } catch (error) {
      return `${name}: ${String(error)}`;
    }
    return `${name}: no error`;
  });
}
