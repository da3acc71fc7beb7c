// What `sc_auth explain` says of a sandbox, and what is expected of a way that is broken.
import { Ajv } from 'ajv';
import type { ExecutionContext } from 'ava';
import { REMEDY } from '../../../agent/words/explain.ts';
import { Sandbox, type SandboxOptions } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';

/** Several sandboxes may run at once. */
export const PATIENCE_MS = 90_000;

/** What `--json` promises to scripts, for a whole way and for each broken one. */
const link = { type: 'string', enum: Object.keys(REMEDY) } as const;
const line = { type: 'string', minLength: 1 } as const;
const isExplained = new Ajv({ strict: true, allowUnionTypes: true }).compile({
  type: 'object',
  additionalProperties: false,
  required: ['user', 'service', 'links', 'broken'],
  properties: {
    user: line,
    service: line,
    broken: { anyOf: [link, { type: 'null' }] },
    links: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'ok', 'detail', 'remedy'],
        properties: {
          name: link,
          ok: { type: 'boolean' },
          detail: line,
          remedy: { type: ['string', 'null'] },
        },
        if: { properties: { ok: { const: true } } },
        then: { properties: { remedy: { type: 'null' } } },
        else: { properties: { remedy: line } },
      },
    },
  },
});

interface Explained {
  readonly user: string;
  readonly links: readonly { name: string; ok: boolean; detail: string; remedy: string | null }[];
  readonly broken: string | null;
}

export async function explain(
  sandbox: Sandbox,
  more: readonly string[] = [],
  user: string | null = sandbox.user,
): Promise<Explained> {
  const { code, stdout, stderr } = await sandbox.exec(
    ['sc_auth', 'explain', '--json', ...more],
    user === null ? {} : { user },
  );
  if (stdout === '') throw new Error(stderr);
  const value: unknown = JSON.parse(stdout);
  if (!isExplained(value)) throw new Error(`${JSON.stringify(isExplained.errors)}: ${stdout}`);
  const answer = value as Explained;
  if (code !== (answer.broken === null ? 0 : 1)) throw new Error(`exit code ${code}: ${stdout}`);
  return answer;
}

/** Which link is broken, that it is the last, and that it says what to do. */
export async function expectBroken(
  t: ExecutionContext,
  sandbox: Sandbox,
  name: string,
  detail: RegExp,
  more: readonly string[] = [],
): Promise<void> {
  const { links, broken } = await explain(sandbox, more);
  t.is(broken, name, JSON.stringify(links));
  const last = links.at(-1);
  t.regex(last?.detail ?? '', detail);
  t.true((last?.remedy ?? '').length > 5);
  t.deepEqual(
    links.filter(({ ok }) => !ok).map((link) => link.name),
    [name],
  );
}

export async function paired(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await Sandbox.start(options);
  const hash = await person.cardHash(sandbox);
  const { code, stderr } = await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  if (code !== 0) throw new Error(stderr);
  return sandbox;
}
