// sc_auth enforce: whether a card is required. scauthd decides and looks first at the accounts; this looks at the PAM files,
// shows, asks for names and dates, and makes the break-glass code, so that nobody but the person at the terminal ever has it.

import type { Methods } from '../../protocol/io-scauth.ts';
import {
  ALONE,
  parseEnforceArgs,
  WITH_USER,
  type AgentAbsent,
  type EnforceArgs,
} from '../enforce/arguments.ts';
import { ADMIN_ONLY } from '../../words/sc-auth.ts';
import * as say from '../../words/enforcement.ts';
import { callAgent, pagesOf } from '../agent/client.ts';
import { sudoUser, type Command, type CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';

const help = `sc_auth enforce ${ALONE.join('|')} [options]
sc_auth enforce ${WITH_USER.join('|')} USER [options]

Requires the card: with enforcement on a password alone opens nothing. It looks first, and goes back by itself.
Of whom: of everybody, or of the groups that enforcement.required_groups names (scauth.toml(5)).

  plan      each account, its last card login, and who would be shut out; each PAM service, and whether it would ask
            for the card; changes nothing
  on        switches it on for a trial and prints the break-glass code, once. Refused while somebody would be shut out,
            or a password would go on to open a service; tries that in a private copy of the PAM files first
  confirm   ends the trial; needs a card login since "on". Your own card login confirms by itself
  off       a password is enough again
  status    whether it is on, and who is exempt
  code      a new break-glass code; the one before opens nothing any more
  exempt USER --until DATE   USER needs no card until then
  unexempt USER              takes that back

  --shut-out USER   (on, unexempt) although USER will be shut out; for each one
  --uncovered SERVICE   (on) although a password goes on to open SERVICE; for each one
  --agent-absent open|closed   (on) what holds while scauthd does not run: a password is enough, or nobody gets in but
                    root on a console. Asked for where no setting says it
  --by USER         (on) who switches it on, whose card login confirms it; else whoever called sudo
  --services        (plan) the services alone
  --no-rehearsal    (on) without the try, where no private mounts can be made (in some containers)
  --until DATE      2026-12-31 (to its end), "2026-12-31 18:00", or 8h, 7d, 2w from now; at most a year
  --reason TEXT     (exempt) why; stands in the audit log
  --json            one JSON document

Nobody is locked out for good: root gets in on a console of the machine, and the break-glass code opens one login where
the card is asked for. Both stand in the audit log. The lines for PAM are in pam_scauth(8).

Examples:
  sudo sc_auth enforce plan
  sudo sc_auth enforce exempt bob --until 2w --reason "card is in the post"
  sudo sc_auth enforce on
  sudo -k sc_auth enforce confirm
Exit codes: 0 done; 1 plan: somebody would be shut out, or a service is not covered; status: it is on, and a service is not
covered; 2 wrong usage; 3 refused, or you are not root; 4 unknown user, or no exemption; 5 scauthd cannot be reached.
`;

type Enforced = Methods['GetEnforcement']['reply'];
/** Without the list. */
type State = Omit<Enforced, 'exemptions' | 'next'>;
type Standing = Methods['PlanEnforcement']['reply']['accounts'][number];

/** Who stands behind this call, for the record. */
function behind(context: CommandContext): string {
  return sudoUser(context) ?? context.userName();
}

async function planServices(context: CommandContext): Promise<void> {
  const { coverHere, linesOfCover, uncovered } = await import('../enforce/coverage.ts');
  const services = coverHere();
  context.output.result({ services }, linesOfCover(services, context.output.screen));
  if (uncovered(services).length > 0) context.output.failed();
}

async function plan(context: CommandContext): Promise<void> {
  const shutOut: string[] = [];
  const onlyOne: string[] = [];
  const { coverHere, linesOfCover, linesOfPlan, uncovered } = await import('../enforce/coverage.ts');
  const { screen } = context.output;
  const services = coverHere();
  const accounts = async function* (): AsyncGenerator<readonly Standing[]> {
    for await (const { accounts: page } of pagesOf(context, 'PlanEnforcement', {})) {
      for (const { keptInBy, user, cards } of page) {
        if (keptInBy === null) shutOut.push(user);
        if (keptInBy === 'card' && cards === 1) onlyOne.push(user);
      }
      yield page;
    }
  };
  await context.output.list(
    'accounts',
    accounts(),
    (page) => linesOfPlan(page, screen),
    () => ({
      document: { shutOut, onlyOneCard: onlyOne, services },
      lines: [
        ...linesOfCover(services, screen),
        ...(onlyOne.length === 0 ? [] : [say.onlyOneCard(onlyOne)]),
        say.verdictOfPlan(shutOut, uncovered(services)),
      ],
    }),
  );
  if (shutOut.length > 0 || uncovered(services).length > 0) context.output.failed();
}

function stateIn({ state, since, until, by, breakGlass }: Enforced): State {
  return { state, since, until, by, breakGlass };
}

/** While it is on, also which services hold it; root alone may read all settings. */
async function status(context: CommandContext): Promise<void> {
  const { coverHere, linesOfCover, uncovered } = await import('../enforce/coverage.ts');
  let now: State | null = null;
  const exemptions = async function* (): AsyncGenerator<Enforced['exemptions']> {
    for await (const page of pagesOf(context, 'GetEnforcement', {})) {
      if (now === null && !context.output.json) context.output.lines(say.linesOfState(page));
      now ??= stateIn(page);
      yield page.exemptions;
    }
  };
  const linesOf = (page: readonly Enforced['exemptions'][number][]): string[] =>
    page.map(say.lineOfExemption);
  await context.output.list('exemptions', exemptions(), linesOf, () => {
    if (now === null || now.state === 'off' || context.uid !== 0) return { document: { ...now } };
    const services = coverHere();
    if (uncovered(services).length > 0) context.output.failed();
    return { document: { ...now, services }, lines: linesOfCover(services, context.output.screen) };
  });
}

async function newCode(): Promise<{ text: string; salt: string; codeHash: string }> {
  const { makeBreakGlassCode } = await import('../../model/secret/break-glass.ts');
  const { text, hash } = await makeBreakGlassCode();
  return { text, salt: hash.salt.toString('base64'), codeHash: hash.hash.toString('base64') };
}

/** Writes what the administrator chose, and has scauthd read it. @returns what takes it back */
async function settle(choice: AgentAbsent | null, context: CommandContext): Promise<() => Promise<void>> {
  if (choice === null) return () => Promise.resolve();
  const { SETTINGS_FOLDER } = await import('../enforce/coverage.ts');
  const { writeAgentAbsent } = await import('../enforce/agent-absent.ts');
  const takeBack = writeAgentAbsent(choice, SETTINGS_FOLDER);
  const undo = async (): Promise<void> => {
    takeBack();
    await callAgent(context, 'ReloadSettings', {});
  };
  try {
    await callAgent(context, 'ReloadSettings', {});
  } catch (error) {
    takeBack();
    throw error;
  }
  return undo;
}

async function switchOn(asked: EnforceArgs, context: CommandContext): Promise<void> {
  const { shutOut, uncovered, agentAbsent, rehearsal } = asked;
  const now: Enforced = await callAgent(context, 'GetEnforcement', {});
  if (context.uid !== 0) throw new CommandError('not-allowed', ADMIN_ONLY);
  if (now.state !== 'off') {
    context.output.note(say.code.unchanged);
    context.output.result({ ...stateIn(now), breakGlassCode: null }, say.linesOfState(now));
    return;
  }
  const { judgeCover, proveCover, SETTINGS_FOLDER } = await import('../enforce/coverage.ts');
  const { chooseAgentAbsent } = await import('../enforce/agent-absent.ts');
  const services = judgeCover(uncovered, context);
  if (services === null) return;
  const choice = await chooseAgentAbsent(agentAbsent, SETTINGS_FOLDER, context);
  const proved = rehearsal ? await proveCover(services, context) : [];
  const { text, salt, codeHash } = await newCode();
  const by = asked.by ?? behind(context);
  const undo = await settle(choice, context);
  let started: Methods['StartEnforcement']['reply'];
  try {
    started = await callAgent(context, 'StartEnforcement', { by, shutOut, salt, codeHash });
  } catch (error) {
    await undo();
    throw error;
  }
  const { until } = started;
  const lines = [
    say.started.trial(until),
    ...started.shutOut.map(say.started.shutOut),
    ...uncovered.map(say.started.uncovered),
    say.started.confirmIt,
    '',
    say.code.is(text),
    say.code.keep,
  ];
  const document = { state: 'trial', ...started, by, services, rehearsed: proved, breakGlassCode: text };
  context.output.result(document, lines);
}

async function confirm(context: CommandContext): Promise<void> {
  const now: Enforced = await callAgent(context, 'GetEnforcement', {});
  if (now.state === 'off') throw new CommandError('not-allowed', say.confirmed.nothing);
  const login = await callAgent(context, 'ConfirmEnforcement', {});
  context.output.result({ state: 'on', ...login }, [say.confirmed.by(login.user, login.at)]);
}

async function newBreakGlass(context: CommandContext): Promise<void> {
  const { text, salt, codeHash } = await newCode();
  await callAgent(context, 'SetBreakGlass', { salt, codeHash });
  context.output.result({ breakGlassCode: text }, [say.code.is(text), say.code.keep]);
}

async function exempt({ user, until, reason }: EnforceArgs, context: CommandContext): Promise<void> {
  if (until === null) throw new CommandError('usage', say.exemption.untilWhen);
  const by = behind(context);
  const { exemption } = await callAgent(context, 'Exempt', { user: user ?? '', until, reason, by });
  context.output.result({ exemption }, [say.exemption.made(exemption.user, exemption.until)]);
}

async function unexempt({ user, shutOut }: EnforceArgs, context: CommandContext): Promise<void> {
  const name = user ?? '';
  const { removed } = await callAgent(context, 'Unexempt', { user: name, shutOut: shutOut.includes(name) });
  if (!removed) throw new CommandError('not-paired', say.exemption.none(name));
  context.output.result({ user: name, removed }, [say.exemption.removed(name)]);
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const asked = parseEnforceArgs(args);
  switch (asked.verb) {
    case 'plan':
      return asked.servicesOnly ? planServices(context) : plan(context);
    case 'on':
      return switchOn(asked, context);
    case 'confirm':
      return confirm(context);
    case 'off':
      await callAgent(context, 'StopEnforcement', {});
      context.output.result({ state: 'off' }, [say.OFF]);
      return;
    case 'status':
      return status(context);
    case 'code':
      return newBreakGlass(context);
    case 'exempt':
      return exempt(asked, context);
    case 'unexempt':
      return unexempt(asked, context);
  }
}

export const command: Command = { help, run };
