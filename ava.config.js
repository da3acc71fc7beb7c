// Every test but the slow ones of the package and those by the hour, which have configurations of their own.

/** What takes a minute or more: it begins first, so that nothing is waited for alone at the end. */
const LONGEST = [
  'test/system/pkcs11/every-code.long.test.ts',
  'test/compliance/compliance.long.test.ts',
  'test/system/card/card-table.long.test.ts',
  'test/unit/stories/explored.long.test.ts',
  'test/unit/pam/faults.test.ts',
  'test/unit/pam/enforcement.test.ts',
  'test/unit/cli/audit/verify.test.ts',
  'test/system/keyring/keyring.test.ts',
  'test/system/login/clients.test.ts',
  'test/system/login/unanswered.test.ts',
  'test/system/login/closed.test.ts',
  'test/system/card/held-and-mute.test.ts',
];

function place(path) {
  const at = LONGEST.findIndex((file) => path.endsWith(file));
  return at < 0 ? LONGEST.length : at;
}

export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts'],
  nodeArguments: ['--disable-warning=ExperimentalWarning', '--import=./test/times.ts'],
  workerThreads: false,
  timeout: '300s',
  sortTestFiles: (one, other) => place(one) - place(other) || (one < other ? -1 : 1),
};
