// Children that a module has started and left (a TPM's "cmd" connection does at each C_Initialize) are its process's to
// bury: it is number 1 of its namespace, and Node waits only for what Node itself has started, which is nothing here.
// Specification: waitpid(2), pid_namespaces(7).

import koffi from 'koffi';

const WNOHANG = 1;

const waitpid = koffi.load('libc.so.6').func('int waitpid(int pid, void *status, int options)');

/** Buries all that have ended; waits for none. */
export function reapChildren(): void {
  while (Number(waitpid(-1, null, WNOHANG)) > 0);
}
