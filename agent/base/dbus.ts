// The D-Bus client, from a module of ours: of a CommonJS package that is imported at run time the package's bundle has
// no names, only the default. Loaded when it is needed first: `await import('../base/dbus.ts')`.

export { createClient } from 'dbus-native';
