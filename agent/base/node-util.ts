// Node's util, without its face as an ES module: to make that, Node reads each of its lazy exports, streams and colours
// among them, which takes a short command longer than its own work.

export const util = process.getBuiltinModule('node:util');
