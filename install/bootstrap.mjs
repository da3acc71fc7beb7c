// Everything that a script of this repository needs, from nothing: Debian packages, npm packages, the build; then it
// runs the script with the pinned Node. `node install/bootstrap.mjs [SCRIPT [ARGUMENT…]]`; its exit code is SCRIPT's.
// Plain JavaScript without a dependency, for any Node from 18 on; quiet when there is nothing to do, and it says
// what it does on standard error only. It changes nothing outside the repository but apt's packages (packages.json).
import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants as files,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = dirname(dirname(fileURLToPath(import.meta.url)));
const BUILD = join(REPOSITORY, 'build');
const LOCK = join(BUILD, '.bootstrap-lock');
const NODE = join(REPOSITORY, 'node_modules/node/bin/node');
const VPCD = 'usr/lib/pcsc/drivers/serial/libifdvpcd.so';
/** What accounts of a sandbox read. */
const READ_BY_OTHERS = ['agent', 'config', 'install', 'pam', 'policy', 'test', 'package.json'];
const [script, ...rest] = process.argv.slice(2);
const isRoot = process.getuid?.() === 0;
// What is made here and by the script is read by accounts of a sandbox, whatever the caller's umask hides.
process.umask(0o022);

/** A failure whose text is all that the person needs to see. */
class SetupError extends Error {}

function say(text) {
  process.stderr.write(`scauth: ${text}\n`);
}

/**
 * Runs a program; its output goes to standard error, or is returned with `quiet`.
 * @returns {{ok: boolean, output: string}}
 */
function run(argv, { quiet = false, cwd = REPOSITORY, env = process.env } = {}) {
  const result = spawnSync(argv[0], argv.slice(1), {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', quiet ? 'pipe' : 2, quiet ? 'pipe' : 2],
  });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`;
  return { ok: result.status === 0, output };
}

/** @throws SetupError that says what cannot be done without it */
function must(argv, purpose, options) {
  const { ok, output } = run(argv, options);
  if (!ok)
    throw new SetupError(`${purpose} failed (${argv.join(' ')}).${output === '' ? '' : `\n${output}`}`);
  return output;
}

function has(program) {
  return (process.env.PATH ?? '')
    .split(':')
    .some((folder) => folder !== '' && existsSync(join(folder, program)));
}

// ---- (a) Debian packages ----

/** @returns the names of `packages` that are not installed */
function missing(packages) {
  const format = '${binary:Package} ${db:Status-Status}\n';
  const { output } = run(['dpkg-query', '--show', `--showformat=${format}`, ...packages], { quiet: true });
  const installed = new Set();
  for (const line of output.split('\n')) {
    const [name, status] = line.split(' ');
    if (status === 'installed') installed.add(name.split(':')[0]);
  }
  return packages.filter((name) => !installed.has(name));
}

function debianPackages() {
  if (!has('dpkg-query')) {
    throw new SetupError(
      'this needs Debian 12 or a system made from it (no dpkg here). Try it in such a machine.',
    );
  }
  const { always, tests, unpacked } = JSON.parse(
    readFileSync(join(REPOSITORY, 'install/packages.json'), 'utf8'),
  );
  const forTests = /^test\/(run|bench|fuzz|compliance)/.test(script ?? '');
  const wanted = forTests ? { ...always, ...tests } : always;
  const names = missing(Object.keys(wanted));
  if (names.length > 0) {
    say(`installing Debian packages: ${names.map((name) => `${name} (${wanted[name]})`).join('; ')}`);
    asRoot([
      ['apt-get', 'update', '-q'],
      // A machine that was just started is often still updating itself.
      [
        'apt-get',
        '-o',
        'DPkg::Lock::Timeout=600',
        'install',
        '-q',
        '-y',
        '--no-install-recommends',
        ...names,
      ],
    ]);
  }
  if (!existsSync(join(BUILD, 'vpcd', VPCD))) unpack('vsmartcard-vpcd', 'vpcd');
  for (const name of Object.keys(unpacked)) {
    if (forTests && name !== 'vsmartcard-vpcd' && !existsSync(join(BUILD, name))) unpack(name, name);
  }
}

function asRoot(commands) {
  const env = ['env', 'DEBIAN_FRONTEND=noninteractive'];
  if (!isRoot && !has('sudo')) {
    const lines = commands.map((argv) => `  ${argv.join(' ')}`).join('\n');
    throw new SetupError(
      `this needs root, and there is no sudo. Run this as root, then try again:\n${lines}`,
    );
  }
  for (const argv of commands) {
    const command = [...(isRoot ? [] : ['sudo', '--']), ...env, ...argv];
    // sudo asks at the terminal; apt-get must not read what is meant for the script.
    const { status } = spawnSync(command[0], command.slice(1), {
      stdio: [isRoot ? 'ignore' : 'inherit', 2, 2],
    });
    if (status !== 0 && !argv.includes('update'))
      throw new SetupError(`${argv.join(' ')} failed. Run it as root, then try again.`);
  }
}

/** Gets what is in a package without installing it: why not is in packages.json. */
function unpack(name, target) {
  say(`unpacking ${name} into build/${target}; it is not installed`);
  const folder = join(BUILD, 'deb');
  const fresh = join(BUILD, `${target}.new`);
  for (const old of [folder, fresh]) rmSync(old, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // The account _apt may not enter this folder; for one file apt then warns and works as ourselves.
  const download = ['apt-get', '-q', '-o', 'APT::Sandbox::User=root', 'download', name];
  if (!run(download, { quiet: true, cwd: folder }).ok) {
    asRoot([['apt-get', 'update', '-q']]);
    must(download, `getting the package ${name}`, { quiet: true, cwd: folder });
  }
  const file = readdirSync(folder).find((entry) => entry.endsWith('.deb'));
  must(['dpkg', '-x', join(folder, file ?? ''), fresh], `unpacking ${name}`, { quiet: true });
  rmSync(join(BUILD, target), { recursive: true, force: true });
  renameSync(fresh, join(BUILD, target));
}

// ---- (b) npm packages ----

/** Whether node_modules holds what package-lock.json says: npm's own record of it lies in node_modules. */
function npmUpToDate() {
  const record = join(REPOSITORY, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || present[path]?.version === version || (optional && !present[path]),
  );
}

/** What the calling npm tells its children, and settings by which `npm ci` would do something else or less. */
const NOT_FOR_NPM =
  /^(NODE_ENV$|npm_(package_|lifecycle_|config_(nodedir|omit|include|only|production|dev|optional|global|location|prefix|dry_run|workspace)))/i;

function npmEnvironment() {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_FOR_NPM.test(name)));
  try {
    accessSync(homedir(), files.W_OK);
  } catch {
    // npm's own cache would be there.
    env.npm_config_cache ??= join(BUILD, 'npm-cache');
  }
  return env;
}

function npmPackages() {
  if (!npmUpToDate()) {
    say('installing the npm packages of package-lock.json into node_modules');
    const path = process.env.npm_execpath;
    const npm =
      path !== undefined && existsSync(path) && path.endsWith('.js') ? [process.execPath, path] : ['npm'];
    // All kinds of packages, whatever NODE_ENV and npmrc say: the sandbox and the tests need them. No install scripts:
    // what they would do for us is done here, without headers from the network.
    // prettier-ignore
    const ci = ['ci', '--include=dev', '--include=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    must([...npm, ...ci], 'npm ci', { env: npmEnvironment() });
  }
  if (!existsSync(NODE)) {
    say('putting the pinned Node into place');
    const folder = join(REPOSITORY, 'node_modules/node');
    // Who runs this by the pinned Node has just had it taken away; the kernel still has its file.
    const node = existsSync(process.execPath) ? process.execPath : `/proc/${process.pid}/exe`;
    must([node, 'installArchSpecificPackage.js'], 'installing the pinned Node', {
      quiet: true,
      cwd: folder,
      env: npmEnvironment(),
    });
  }
  if (!existsSync(NODE))
    throw new SetupError('the pinned Node is not there. Delete node_modules and try again.');
}

// ---- (c) the build ----

function build() {
  const { ok, output } = run(['make', '--silent', '-C', 'pam'], { quiet: true });
  if (!ok) throw new SetupError(`pam_scauth.so could not be built. What make said:\n${output}`);
  buildPkcs11js();
}

/**
 * Compiles the addon pkcs11js. Its own way, node-gyp, wants the headers of the Node that runs it from the network; it
 * uses Node-API alone, whose headers are the same for each Node, and koffi brings them.
 */
function buildPkcs11js() {
  const folder = join(REPOSITORY, 'node_modules/pkcs11js');
  const addon = join(folder, 'build/Release/pkcs11.node');
  if (existsSync(addon)) return;
  say('compiling pkcs11js (PKCS#11 modules)');
  mkdirSync(dirname(addon), { recursive: true });
  const headers = join(REPOSITORY, 'node_modules/koffi/vendor/node-api-headers/include');
  const sources = ['dl', 'common', 'main'].map((name) => join(folder, `src/${name}.cpp`));
  // prettier-ignore
  must(
    ['g++', '-O2', '-shared', '-fPIC', '-std=c++17', '-DNAPI_DISABLE_CPP_EXCEPTIONS', '-I', headers,
      '-I', join(folder, 'includes'), ...sources, '-o', `${addon}.new`, '-ldl'],
    'compiling pkcs11js',
    { quiet: true },
  );
  renameSync(`${addon}.new`, addon);
}

// ---- what others may read ----

/** Lets everybody read `path` and what is below it. @throws SetupError if it is somebody else's */
function share(path) {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined || entry.isSymbolicLink()) return; // another run may clear its artifacts
  allow(path, 0o044 | (entry.isDirectory() || (entry.mode & 0o100) !== 0 ? 0o011 : 0));
  if (entry.isDirectory()) for (const name of readdirSync(path)) share(join(path, name));
}

let shared = false;

function allow(path, bits) {
  const { mode } = lstatSync(path);
  if ((mode & bits) === bits) return;
  if (!shared) say('letting others read the files of this folder: accounts of a sandbox are others');
  shared = true;
  try {
    chmodSync(path, (mode | bits) & 0o7777);
  } catch {
    throw new SetupError(
      `${path} is somebody else's, and accounts of a sandbox cannot read it. As its owner: chmod -R a+rX ${REPOSITORY}`,
    );
  }
}

/** A checkout, or packages, that somebody made with a umask of 027 or 077. */
function shareAll() {
  // To enter, not to list: what else lies here stays as it is.
  allow(REPOSITORY, 0o011);
  for (const name of READ_BY_OTHERS) share(join(REPOSITORY, name));
  for (const name of ['pam_scauth.so', 'vpcd']) share(join(BUILD, name));
  allow(BUILD, 0o011);
  const packages = join(REPOSITORY, 'node_modules');
  // npm gives all of them the same; looking at each file would take longer than all the rest.
  const hidden = [packages, NODE, ...readdirSync(packages).map((name) => join(packages, name))].some(
    (path) => (lstatSync(path).mode & 0o004) === 0,
  );
  if (hidden) share(packages);
}

// ---- one at a time ----

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Two runs at once must not both call npm ci: the second waits for the first. */
function locked(work) {
  mkdirSync(BUILD, { recursive: true });
  const owner = join(LOCK, 'pid');
  let said = false;
  for (;;) {
    try {
      mkdirSync(LOCK);
      break;
    } catch (error) {
      if (error.code === 'EACCES')
        throw new SetupError(`${BUILD} belongs to somebody else: run this as them, or delete it.`);
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = existsSync(owner) ? Number(readFileSync(owner, 'utf8')) : 0;
    if (pid > 0 && !alive(pid)) rmSync(LOCK, { recursive: true, force: true });
    if (!said && pid > 0)
      say(`waiting for process ${pid}, which sets the same things up (build/.bootstrap-lock)`);
    said ||= pid > 0;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  try {
    writeFileSync(owner, String(process.pid));
    work();
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

// ---- (d) the script ----

function start() {
  const argv = [NODE, '--disable-warning=ExperimentalWarning', join(REPOSITORY, script), ...rest];
  if (!isRoot) {
    // Every script of ours makes a sandbox, and that needs root.
    if (!has('sudo'))
      throw new SetupError(
        `this needs root (it makes a sandbox), and there is no sudo. Run as root:\n  ${argv.join(' ')}`,
      );
    argv.unshift('sudo', '--', 'env', `INIT_CWD=${process.env.INIT_CWD ?? process.cwd()}`);
  }
  const child = spawn(argv[0], argv.slice(1), { stdio: 'inherit' });
  // Ctrl-C reaches the script by the terminal; what is sent to us alone goes on to it.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    say(error.message);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

try {
  locked(() => {
    debianPackages();
    npmPackages();
    build();
    shareAll();
  });
  if (script === undefined) say('everything is built.');
  else start();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
