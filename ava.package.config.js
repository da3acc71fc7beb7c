// The tests of `npm run test:package`: the package on a real Debian root. Slow, so not part of npm test.
export default {
  extensions: ['ts'],
  files: ['test/package/*.slow.ts'],
  nodeArguments: ['--disable-warning=ExperimentalWarning'],
  workerThreads: false,
  // Tests make many trials; a busy machine takes its time.
  timeout: '30m',
  concurrency: 1,
};
