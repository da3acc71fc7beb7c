// Compile-time exhaustiveness: the end of every switch over a union.

/** Never reached when the types hold; throws when a value from outside slipped through unparsed. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
