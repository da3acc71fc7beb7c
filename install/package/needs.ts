// What the binaries of a tree need of the system: versions of glibc and libstdc++, and libraries with the names of their
// packages. Read from the files themselves (readelf), so that no number goes stale; the .deb's Depends and the tarball's
// `needs` are made of it.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

interface Library {
  readonly debian: string;
  readonly fedora: string;
  readonly arch: string;
  readonly suse: string;
}

const LIBRARIES: Readonly<Partial<Record<string, Library>>> = {
  'libgcc_s.so.1': { debian: 'libgcc-s1', fedora: 'libgcc', arch: 'gcc-libs', suse: 'libgcc_s1' },
  'libpam.so.0': { debian: 'libpam0g', fedora: 'pam', arch: 'pam', suse: 'pam' },
  'libpcsclite.so.1': {
    debian: 'libpcsclite1',
    fedora: 'pcsc-lite-libs',
    arch: 'pcsclite',
    suse: 'libpcsclite1',
  },
  'libstdc++.so.6': { debian: 'libstdc++6', fedora: 'libstdc++', arch: 'gcc-libs', suse: 'libstdc++6' },
};
/** Opened by name at run time (agent/pcsc/library.ts). */
const OPENED_LATER = ['libpcsclite.so.1'];
/** Parts of glibc itself. */
const GLIBC_PARTS = /^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv))\.so\.\d+$/;
/** The GCC that brought a version of libstdc++'s symbols: gcc.gnu.org, "ABI Policy and Guidelines". */
const GCC_OF: readonly (readonly [symbols: string, gcc: string])[] = [
  ['GLIBCXX_3.4.21', '5'],
  ['GLIBCXX_3.4.22', '6'],
  ['GLIBCXX_3.4.24', '7'],
  ['GLIBCXX_3.4.25', '8'],
  ['GLIBCXX_3.4.28', '9'],
  ['GLIBCXX_3.4.29', '11'],
  ['GLIBCXX_3.4.30', '12'],
  ['GLIBCXX_3.4.32', '13'],
  ['GLIBCXX_3.4.33', '14'],
  ['CXXABI_1.3.9', '5'],
  ['CXXABI_1.3.10', '6'],
  ['CXXABI_1.3.11', '7'],
  ['CXXABI_1.3.12', '9'],
  ['CXXABI_1.3.13', '11'],
  ['CXXABI_1.3.14', '13'],
  ['CXXABI_1.3.15', '14'],
];

export interface Needs {
  readonly glibc: string;
  /** Version of GCC whose libstdc++ is enough. */
  readonly gcc: string;
  /** Names of libraries, sorted. */
  readonly libraries: readonly string[];
}

function isElf(file: string): boolean {
  const descriptor = openSync(file, 'r');
  const head = Buffer.alloc(4);
  readSync(descriptor, head, 0, 4, 0);
  closeSync(descriptor);
  return head.equals(Buffer.from('\x7fELF', 'latin1'));
}

function newer(one: string, other: string): string {
  return one.localeCompare(other, 'en', { numeric: true }) >= 0 ? one : other;
}

/** @throws Error for symbols of a libstdc++ that is not in the table */
function gccOf(symbols: string): string {
  const [name = '', version = ''] = symbols.split('_');
  const rows = GCC_OF.filter(([row]) => row.startsWith(`${name}_`));
  const row = rows.find(
    ([known]) => newer(known.slice(name.length + 1), version) !== version || known === symbols,
  );
  if (row === undefined) throw new Error(`${symbols} is newer than the table in install/package/needs.ts.`);
  return row[1];
}

/**
 * @param text of `readelf --wide --dynamic --version-info`
 * @throws Error for a library whose package is not known
 */
export function readNeeds(text: string): Needs {
  let glibc = '2.0';
  let gcc = '5';
  for (const [, version = ''] of text.matchAll(/Name: GLIBC_([\d.]+) /g)) glibc = newer(glibc, version);
  // Relative relocations (DT_RELR): glibc 2.36 reads them.
  if (text.includes('Name: GLIBC_ABI_DT_RELR ')) glibc = newer(glibc, '2.36');
  for (const [, symbols = ''] of text.matchAll(/Name: ((?:GLIBCXX|CXXABI)_[\d.]+) /g))
    gcc = newer(gcc, gccOf(symbols));
  const named = [...text.matchAll(/\(NEEDED\)\s+Shared library: \[(.+)\]/g)].map(([, name = '']) => name);
  const libraries = [...new Set(named)].filter((name) => !GLIBC_PARTS.test(name)).sort();
  for (const name of libraries)
    if (LIBRARIES[name] === undefined)
      throw new Error(`${name} is needed, and install/package/needs.ts does not know its package.`);
  return { glibc, gcc, libraries };
}

/** What all programs and libraries below a folder need. @throws Error as readNeeds() */
export function needsOf(folder: string): Needs {
  const binaries = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(isElf);
  const text = execFileSync('readelf', ['--wide', '--dynamic', '--version-info', ...binaries], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    maxBuffer: 64 * 1024 * 1024,
  });
  const needs = readNeeds(text);
  return { ...needs, libraries: [...new Set([...needs.libraries, ...OPENED_LATER])].sort() };
}

/** For the .deb. Those of libpam and libpam-runtime have versions for what we use of them, not for symbols. */
export function debianDepends({ glibc, gcc, libraries }: Needs): string[] {
  const versions: Readonly<Partial<Record<string, string>>> = {
    'libstdc++.so.6': ` (>= ${gcc})`,
    'libpam.so.0': ' (>= 1.4)',
  };
  return [
    `libc6 (>= ${glibc})`,
    ...libraries.map((name) => `${LIBRARIES[name]?.debian ?? name}${versions[name] ?? ''}`),
  ];
}

/** For install.sh: `glibc VERSION`, then `library NAME DEBIAN FEDORA ARCH SUSE`, one a line. */
export function needsFile({ glibc, libraries }: Needs): string {
  const rows = libraries.map((name) => {
    const { debian = name, fedora = name, arch = name, suse = name } = LIBRARIES[name] ?? {};
    return `library ${name} ${debian} ${fedora} ${arch} ${suse}\n`;
  });
  return `glibc ${glibc}\n${rows.join('')}`;
}
