// The roll-outs of install/doc/fleet.md, as they stand there: each marked block is a script.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const guide = readFileSync(join(import.meta.dirname, '../../../install/doc/fleet.md'), 'utf8');

/** @throws Error for a block that the guide does not have */
export function block(name: string): string {
  const [, text] = new RegExp(`<!-- rollout: ${name} -->\n\n\`\`\`sh\n(.*?)\`\`\``, 's').exec(guide) ?? [];
  if (text === undefined) throw new Error(`the guide has no block ${name}`);
  return text;
}

/** Programs that are unpacked and not installed, below `build`, for whoever runs a block. */
export function unpackedEnvironment(build: string): Record<string, string> {
  const python = [
    'ansible-core',
    'python3-resolvelib',
    'python3-jinja2',
    'python3-markupsafe',
    'python3-packaging',
  ];
  return {
    PATH: `${build}/ldap-utils/usr/bin:${build}/ansible-core/usr/bin:/usr/bin:/bin`,
    PYTHONPATH: python.map((one) => `${build}/${one}/usr/lib/python3/dist-packages`).join(':'),
    LDAPCONF: '/dev/null',
    LC_ALL: 'C.UTF-8',
  };
}
