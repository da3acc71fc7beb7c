// Waiting for a native call, but not for ever. A call that is late is not ended: it only stops being waited for.

/** What a wait came to: the call's value, or that it is late. */
export type Outcome<T> = { readonly late: false; readonly value: T } | { readonly late: true };

/**
 * Waits for `call`, at most `waitMs`.
 * @throws what the call rejects with in time; a later rejection is swallowed, so that it never ends the process
 */
export async function withDeadline<T>(call: Promise<T>, waitMs: number): Promise<Outcome<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome<T>>((resolve) => {
    timer = setTimeout(
      () => {
        resolve({ late: true });
      },
      Math.max(0, waitMs),
    );
  });
  call.catch(() => undefined);
  try {
    return await Promise.race([call.then((value): Outcome<T> => ({ late: false, value })), late]);
  } finally {
    clearTimeout(timer);
  }
}
