// sc_auth doctor: looks at the machine, part by part, and says the repair of each thing that is wrong. It changes nothing.

import { settings as say, VERDICT } from '../../words/doctor.ts';
import type { Command, CommandContext } from '../context.ts';
import type { Check } from '../doctor/check.ts';
import { parseOptions } from '../options.ts';
import type { Piece } from '../terminal/style.ts';

const help = `sc_auth doctor [--json]

Is this machine ready for card logins? Looks at scauthd, pcscd and whether it lets drivers in, the settings, SSSD where
[mapping] asks it, whether PAM module and addons can be loaded, the PAM files (while the card is required also whether
they hold that), owners and modes of files and sockets, the clock, and certificates that end within 30 days. Says the
repair beside what is wrong. Changes nothing and asks no card. As root it sees everything.

  --json   {"checks": [{"name", "state", "detail", "repair"}], "healthy"}; state is ok, warning, broken or unknown

Examples:
  sudo sc_auth doctor
  sudo sc_auth doctor --json | jq '.checks[] | select(.state == "broken")'
Exit codes: 0 nothing is broken (warnings may be); 1 something is; 2 wrong usage.
`;

async function checkSettings({ uid }: CommandContext): Promise<Check[]> {
  const { broken, ok, unknown } = await import('../doctor/check.ts');
  const { loadPolicy } = await import('../../../config/parse-settings.ts');
  const { AgentError } = await import('../../base/errors.ts');
  try {
    const policy = loadPolicy('/etc/scauth');
    const { checkSssd } = await import('../doctor/sssd.ts');
    return [ok('settings', say.good), ...(await checkSssd(policy, uid))];
  } catch (error) {
    const detail = error instanceof AgentError ? error.detail : String(error);
    if (/EACCES|permission denied/i.test(detail)) return [unknown('settings', '/etc/scauth')];
    return [broken('settings', ...say.bad(detail))];
  }
}

async function allChecks(context: CommandContext): Promise<Check[]> {
  const [agent, services, access, files, binaries, pam, clock, enforcement] = await Promise.all([
    import('../doctor/agent.ts'),
    import('../doctor/pcscd.ts'),
    import('../doctor/driver-access.ts'),
    import('../doctor/files.ts'),
    import('../doctor/binaries.ts'),
    import('../doctor/pam.ts'),
    import('../doctor/clock.ts'),
    import('../doctor/enforcement.ts'),
  ]);
  return [
    ...(await services.checkPcscd()),
    ...(await access.checkDriverAccess(context)),
    ...(await checkSettings(context)),
    ...files.checkFiles(),
    ...(await binaries.checkBinaries()),
    ...pam.checkPam(),
    ...(await enforcement.checkEnforced(context)),
    ...clock.checkClock(),
    ...(await agent.checkAgent(context)),
  ];
}

const MARKS = {
  ok: { look: 'good', text: 'ok     ' },
  warning: { look: 'warning', text: 'WARNING' },
  broken: { look: 'bad', text: 'BROKEN ' },
  unknown: { look: 'quiet', text: '?      ' },
} as const;

function linesOf({ name, state, detail, repair }: Check): (readonly Piece[])[] {
  const line = [MARKS[state], `  ${name.padEnd(17)}  ${detail}`];
  return repair === null ? [line] : [line, [`         ${' '.repeat(17)}  Repair: ${repair}`]];
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  parseOptions('doctor', args, {});
  const checks = await allChecks(context);
  const isBroken = checks.some(({ state }) => state === 'broken');
  const verdict = isBroken ? VERDICT.broken : VERDICT.whole;
  context.output.result({ checks, healthy: !isBroken }, [...checks.flatMap(linesOf), verdict]);
  if (isBroken) context.output.failed();
}

export const command: Command = { help, run };
