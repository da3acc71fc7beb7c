// Which modules p11-kit loads into every program, by files as pkcs11.conf(5) has them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { p11KitModules } from '../../../agent/token/p11-kit.ts';
import { temporaryFolder } from '../base/folders.ts';

test('a module for each program counts; one for some programs, one without a file and what is no configuration do not', async (t) => {
  const folder = temporaryFolder(t);
  const [own, shipped] = [join(folder, 'own'), join(folder, 'shipped')];
  mkdirSync(own);
  mkdirSync(shipped);
  const put = (where: string, name: string, text: string): void => {
    writeFileSync(join(where, name), text);
  };
  put(shipped, 'opensc.module', '# OpenSC\nmodule: /usr/lib/opensc-pkcs11.so\ncritical: no\n');
  put(shipped, 'gnome.module', 'module: gnome-keyring-pkcs11.so\nenable-in: firefox\n');
  put(shipped, 'other.module', '  module :  other.so  \ndisable-in: firefox, thunderbird\n');
  put(shipped, 'empty.module', 'module:\n');
  put(shipped, 'remote.module', 'remote: |ssh host p11-kit remote\n');
  put(shipped, 'notes.txt', 'module: notes.so\n');
  put(shipped, 'trust.module', 'module: p11-kit-trust.so\n');
  // The administrator's file of the same name stands in for the package's.
  put(own, 'trust.module', 'module: p11-kit-trust.so\ndisable-in: scauthd\n');
  mkdirSync(join(own, 'folder.module'));
  t.deepEqual([...(await p11KitModules([own, shipped, join(folder, 'nowhere')]))], ['opensc-pkcs11.so']);
});
