// What check-password ends with and password.ts understands.

/** Exit codes; `unusable` is also what anything unforeseen ends with. */
export const CHECK = { good: 0, wrongPassword: 1, notAllowed: 2, unusable: 3 } as const;

/**
 * The line that must come with exit code 0: a module that calls exit(0), or a runtime that ends early, has not
 * checked anything.
 */
export const GOOD_LINE = 'the password is good';
