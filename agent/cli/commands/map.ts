// sc_auth map test: what [mapping] makes of a certificate, by the functions that scauthd decides with, and without
// scauthd or a card. Nobody is asked but SSSD, where it is the source.

import { systemClock } from '../../base/clock.ts';
import { AgentError, describeError, printable } from '../../base/errors.ts';
import type { Binding } from '../../model/key/certificate-binding.ts';
import type { CertificateFields } from '../../model/key/certificate-fields.ts';
import type { TrustFindings } from '../../model/key/trust.ts';
import { parseUsername } from '../../model/request.ts';
import type { TrustPermission } from '../../../policy/permit-certificate.ts';
import type { Policy } from '../../../policy/policy.ts';
import { readCertificateFile } from '../card/certificate-file.ts';
import { config, map as say } from '../../words/commands.ts';
import { sssdNames } from '../../words/mapping.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { verbOf } from '../verb.ts';

const help = `sc_auth map test CERTIFICATE [-u USER] [--folder FOLDER] [--json]

Says what the [mapping] of the settings makes of a certificate (PEM or DER; - is standard input): whether its chain
goes to a pinned authority, which rule it fits, and the text that the account's attribute must be equal to; with
mapping.source "sssd" the accounts that SSSD names, and what ties the certificate to each. Nobody is asked about revocation.

  -u, --user USER   also whether it is this account's
  --folder FOLDER   another folder with settings than /etc/scauth
  --json            {"source", "attribute", "chain", "rule", "text", "accounts", "user", "matches"}; accounts, by SSSD:
                    [{"name", "uid", "by"}], by is null where nothing ties it

Examples:
  sudo sc_auth map test ada.pem
  sudo sc_auth map test ada.pem -u ada
Exit codes: 0 it stands for an account (with -u: for this one); 1 bad settings or certificate; 2 wrong usage;
4 it does not.
`;

/** What there is to know; `matches` is null where nobody asked for an account. */
interface Report {
  readonly source: Policy['mapping']['source'];
  readonly attribute: string;
  /** null: it holds and is pinned. */
  readonly chain: string | null;
  readonly rule: string | null;
  readonly text: string | null;
  /** Whom SSSD names; null where it was not asked, or gave no answer. */
  readonly accounts: readonly NamedAccount[] | null;
  readonly user: string | null;
  readonly matches: boolean | null;
}

interface NamedAccount {
  readonly name: string;
  readonly uid: number;
  /** What ties the certificate to the account; null: nothing that is enough. */
  readonly by: Binding | null;
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
  const account = user === null ? null : await accountOf(user);
  if (policy.mapping.source === 'sssd') return reportBySssd(policy, der, fields, permission, account);
  const result = mapCertificate(policy.mapping, fields);
  return {
    source: 'local',
    accounts: null,
    attribute: policy.mapping.attribute,
    chain: permission.permitted ? null : permission.why,
    rule: result.kind === 'text' ? result.rule : null,
    text: result.kind === 'text' ? result.text : null,
    user,
    matches: account === null ? null : permission.permitted && mapsTo(policy.mapping, fields, account),
  };
}

/** SSSD is asked as a login would. @throws CommandError `sssd` */
async function reportBySssd(
  { mapping }: Policy,
  der: Buffer,
  fields: CertificateFields,
  permission: TrustPermission,
  account: NamedUser | null,
): Promise<Report> {
  const { matchingRule } = await import('../../../policy/certmap/match.ts');
  const rule = matchingRule(mapping.rules, fields)?.text ?? null;
  const asked = permission.permitted && rule !== null;
  const accounts = asked ? await namedBySssd(mapping, der, fields) : null;
  const isOwn = ({ name, uid, by }: NamedAccount): boolean =>
    by !== null && uid !== 0 && name === account?.name && uid === account.uid;
  const own = accounts !== null && (accounts.length === 1 || mapping.several) ? accounts.filter(isOwn) : [];
  return {
    ...{ source: 'sssd', attribute: mapping.attribute, text: null, rule, accounts },
    chain: permission.permitted ? null : permission.why,
    user: account?.name ?? null,
    matches: account === null ? null : own.length === 1,
  };
}

async function namedBySssd(
  { several, weak }: Policy['mapping'],
  der: Buffer,
  fields: CertificateFields,
): Promise<readonly NamedAccount[]> {
  const { InfoPipe } = await import('../../sssd/infopipe.ts');
  const { accountsAsked, SSSD_ANSWER_MS } = await import('../../sssd/interface.ts');
  const { bindingOf } = await import('../../../policy/certificate-binding.ts');
  try {
    const users = await new InfoPipe().usersOf(
      der,
      accountsAsked(several),
      AbortSignal.timeout(SSSD_ANSWER_MS),
    );
    return users.map((user) => ({ name: user.name, uid: user.uid, by: bindingOf(fields, user, weak) }));
  } catch (error) {
    throw new CommandError('internal', say.noSssd(describeError(error)), error);
  }
}

interface NamedUser {
  readonly name: string;
  readonly uid: number;
  readonly gecos: string;
}

async function accountOf(user: string): Promise<NamedUser> {
  const { systemAccounts } = await import('../../accounts/accounts.ts');
  const account = await systemAccounts.byName(parseUsername(user)).catch(() => null);
  if (account === null) throw new CommandError('unknown-user', say.noAccount(printable(user, 60)));
  return { name: account.name, uid: account.uid, gecos: account.fullName ?? '' };
}

function linesOf({ source, attribute, chain, rule, text, accounts, user, matches }: Report): string[] {
  if (attribute === 'none' && source === 'local') return [say.off];
  const shown = (value: string | null): string | null => (value === null ? null : printable(value, 300));
  return [
    say.chain(shown(chain)),
    say.rule(shown(rule)),
    ...(text === null ? [] : [say.account(attribute, printable(text, 300))]),
    ...(accounts?.map(({ name, uid, by }) => sssdNames(printable(name, 60), uid, by)) ?? []),
    ...(accounts !== null && accounts.length > 1 ? [say.severalBySssd] : []),
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
  const named = found.text !== null || found.accounts?.some(({ by }) => by !== null) === true;
  const stands = found.chain === null && named && found.matches !== false;
  if (!stands) throw new CommandError('not-paired', [...linesOf(found), say.nobody].join('\n'));
  context.output.result({ ...found }, linesOf(found));
}

export const command: Command = { help, run };
