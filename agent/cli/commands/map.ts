// sc_auth map test: what [mapping] makes of a certificate, by the functions that scauthd decides with, and without
// scauthd, a card or the network.

import { systemClock } from '../../base/clock.ts';
import { AgentError, printable } from '../../base/errors.ts';
import type { CertificateFields } from '../../model/key/certificate-fields.ts';
import type { TrustFindings } from '../../model/key/trust.ts';
import { parseUsername } from '../../model/request.ts';
import type { Policy } from '../../../policy/policy.ts';
import { readCertificateFile } from '../card/certificate-file.ts';
import { config, map as say } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { verbOf } from '../verb.ts';

const help = `sc_auth map test CERTIFICATE [-u USER] [--folder FOLDER] [--json]

Says what the [mapping] of the settings makes of a certificate (PEM or DER; - is standard input): whether its chain
goes to a pinned authority, which rule it fits, and the text that the account's attribute must be equal to.
Nobody is asked about revocation.

  -u, --user USER   also whether it is this account's
  --folder FOLDER   another folder with settings than /etc/scauth
  --json            {"attribute", "chain", "rule", "text", "user", "matches"}

Examples:
  sudo sc_auth map test ada.pem
  sudo sc_auth map test ada.pem -u ada
Exit codes: 0 it stands for an account (with -u: for this one); 1 bad settings or certificate; 2 wrong usage;
4 it does not.
`;

/** What there is to know; `matches` is null where nobody asked for an account. */
interface Report {
  readonly attribute: string;
  /** null: it holds and is pinned. */
  readonly chain: string | null;
  readonly rule: string | null;
  readonly text: string | null;
  readonly user: string | null;
  readonly matches: boolean | null;
}

function readPolicyError(error: unknown): CommandError {
  const why = error instanceof AgentError ? error.detail : String(error);
  return new CommandError('config-invalid', config.correct(why));
}

async function look(
  policy: Policy,
  der: Buffer,
): Promise<{ fields: CertificateFields; findings: TrustFindings }> {
  const { ChainTrust } = await import('../../trust/certificate-trust.ts');
  const trust = new ChainTrust(systemClock);
  try {
    return { fields: await trust.fields(der), findings: await trust.findings(der, policy.trust, false) };
  } catch (error) {
    if (error instanceof AgentError && error.code === 'bad-certificate')
      throw new CommandError('bad-certificate', say.unreadable(error.detail), error);
    throw readPolicyError(error);
  }
}

async function report(policy: Policy, der: Buffer, user: string | null): Promise<Report> {
  const { mapCertificate, mapsTo } = await import('../../../policy/map-certificate.ts');
  const { permitCertificate } = await import('../../../policy/permit-certificate.ts');
  const { fields, findings } = await look(policy, der);
  // Revocation is the login's question.
  const level = policy.trust.level > 0 ? 1 : 0;
  const permission = permitCertificate({ ...policy.trust, level }, findings);
  const result = mapCertificate(policy.mapping, fields);
  const account = user === null ? null : await accountOf(user);
  return {
    attribute: policy.mapping.attribute,
    chain: permission.permitted ? null : permission.why,
    rule: result.kind === 'text' ? result.rule : null,
    text: result.kind === 'text' ? result.text : null,
    user,
    matches: account === null ? null : permission.permitted && mapsTo(policy.mapping, fields, account),
  };
}

async function accountOf(user: string): Promise<{ name: string; gecos: string }> {
  const { systemAccounts } = await import('../../accounts/accounts.ts');
  const account = await systemAccounts.byName(parseUsername(user)).catch(() => null);
  if (account === null) throw new CommandError('unknown-user', say.noAccount(printable(user, 60)));
  return { name: account.name, gecos: account.fullName ?? '' };
}

function linesOf({ attribute, chain, rule, text, user, matches }: Report): string[] {
  if (attribute === 'none') return [say.off];
  const shown = (value: string | null): string | null => (value === null ? null : printable(value, 300));
  return [
    say.chain(shown(chain)),
    say.rule(shown(rule)),
    ...(text === null ? [] : [say.account(attribute, printable(text, 300))]),
    ...(user === null ? [] : [say.verdict(printable(user, 60), matches === true)]),
  ];
}

async function run([word, ...args]: readonly string[], context: CommandContext): Promise<void> {
  verbOf('map', word, ['test']);
  const [file, ...rest] = args;
  if (file === undefined || (file.startsWith('-') && file !== '-'))
    throw new CommandError('usage', say.sayWhich);
  const { folder = '/etc/scauth', user = null } = parseOptions('map', rest, {
    folder: { type: 'string' },
    user: { type: 'string', short: 'u' },
  });
  const der = Buffer.from(readCertificateFile(file, context), 'base64');
  const { loadPolicy } = await import('../../../config/parse-settings.ts');
  let policy: Policy;
  try {
    policy = loadPolicy(folder);
  } catch (error) {
    throw readPolicyError(error);
  }
  const found = await report(policy, der, user);
  const stands = found.chain === null && found.text !== null && found.matches !== false;
  if (!stands) throw new CommandError('not-paired', [...linesOf(found), say.nobody].join('\n'));
  context.output.result({ ...found }, linesOf(found));
}

export const command: Command = { help, run };
