// Makes agent/protocol/io-scauth.generated.ts from io.scauth.varlink (https://varlink.org/Interface-Definition): the
// definition as a table, of which TypeScript reads types and the clients read replies. `npm run protocol`; a test compares.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../agent/protocol');
export const GENERATED = join(FOLDER, 'io-scauth.generated.ts');

/** `a: ?int, b: []string` → `{ a: '?int', b: '[]string' }` */
function tableOf(fields: string): string {
  const entries = [...fields.matchAll(/(\w+):\s*([\w?[\]]+)/g)].map(
    ([, name = '', type = '']) => `${name}: '${type}'`,
  );
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

/** The text of the generated file. @throws Error for what is no interface that we understand */
export function protocolTypes(): string {
  const source = readFileSync(join(FOLDER, 'io.scauth.varlink'), 'utf8').replace(/^\s*#.*$/gm, '');
  const types = [...source.matchAll(/^(?:type|error) (\w+) \(([^)]*)\)/gm)];
  const methods = [...source.matchAll(/^method (\w+)\(([^)]*)\) -> \(([^)]*)\)/gm)];
  const words = source.match(/^(?:type|error|method) /gm)?.length ?? 0;
  if (words === 0 || types.length + methods.length !== words) throw new Error('a line is not understood');
  return `// Made from io.scauth.varlink by \`npm run protocol\`: change that file, and not this one.

/** Types and errors; \`?\` stands for what may be absent, \`[]\` for a list. */
export const TYPES = {
${types.map(([, name = '', fields = '']) => `  ${name}: ${tableOf(fields)},`).join('\n')}
} as const;

export const METHODS = {
${methods
  .map(
    ([, name = '', takes = '', gives = '']) =>
      `  ${name}: { parameters: ${tableOf(takes)}, reply: ${tableOf(gives)} },`,
  )
  .join('\n')}
} as const;
`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(GENERATED, protocolTypes());
