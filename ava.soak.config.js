// The tests of `npm run soak`: long variants of tests, by the hour. What npm test does some times, they do to the end.
export default {
  extensions: ['ts'],
  files: ['test/**/*.soak.ts'],
  nodeArguments: ['--disable-warning=ExperimentalWarning'],
  workerThreads: false,
  timeout: '12h',
  concurrency: 1,
};
