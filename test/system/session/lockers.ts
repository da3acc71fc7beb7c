// Three screen lockers as a person meets them: lock, wake, back to the first prompt after a mistake, and whether the
// screen is locked. All run as the user. It checks nothing: that is lockers.long.test.ts.

import type { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { until, type Desktop, type Running } from './desktop.ts';

export interface Locker {
  readonly name: 'i3lock' | 'xsecurelock' | 'xscreensaver';
  /** Locks, and returns when the locker has the keyboard. */
  lock(): Promise<void>;
  /** Makes it ask for a secret. */
  wake(): Promise<void>;
  /** After a refused login: dismisses what is shown until it asks for the first secret again. */
  again(): Promise<void>;
  isLocked(): Promise<boolean>;
}

/** Card first, then the password, for each locker: what install/ puts into /etc/pam.d. */
export async function installLockerServices(sandbox: Sandbox): Promise<void> {
  const copies = ['i3lock', 'xsecurelock', 'xscreensaver'].map(
    (name) => `cp /etc/pam.d/login /etc/pam.d/${name}`,
  );
  const { code, stderr } = await sandbox.exec(['sh', '-c', copies.join(' && ')]);
  if (code !== 0) throw new Error(stderr);
}

/** Shows no text of PAM's: one secret is typed, and every prompt gets it. */
export function i3lock(desktop: Desktop): Locker {
  return {
    name: 'i3lock',
    async lock() {
      // Its first process ends when the second has locked.
      const { exit, output } = desktop.spawn(['i3lock', '--color=204060']);
      if ((await exit) !== 0) throw new Error(`i3lock: ${output()}`);
    },
    wake: () => Promise.resolve(),
    again: () => desktop.untilStill(),
    isLocked: async () => (await desktop.run(['pgrep', '-x', 'i3lock'])).code === 0,
  };
}

/** Shows PAM's prompts, one after the other. */
export function xsecurelock(desktop: Desktop): Locker {
  let running: Running | null = null;
  const wake = async (): Promise<void> => {
    await desktop.key('Shift_L');
    await desktop.untilStill();
  };
  return {
    name: 'xsecurelock',
    async lock() {
      const started = desktop.spawn(['xsecurelock', '--', 'echo', 'is locked'], {
        XSECURELOCK_PAM_SERVICE: 'xsecurelock',
        XSECURELOCK_SAVER: 'saver_blank',
        XSECURELOCK_FONT: 'DejaVu Sans',
        // The picture of a password field must not move by itself.
        XSECURELOCK_PASSWORD_PROMPT: 'asterisks',
      });
      running = started;
      await until(() => started.output().includes('is locked'), started.output);
    },
    wake,
    async again() {
      await desktop.untilStill();
      await desktop.type('');
      await wake();
    },
    isLocked: () => Promise.resolve(running?.process.exitCode === null),
  };
}

/** Shows PAM's prompts in a dialog; messages are dismissed with Enter. */
export function xscreensaver(desktop: Desktop): Locker {
  let running: Running | null = null;
  const state = async (): Promise<string> => (await desktop.run(['xscreensaver-command', '-time'])).stdout;
  /** What it has asked or said since the last dialog was opened. */
  const spoken = (): readonly string[] =>
    [...(running?.output() ?? '').matchAll(/pam_conversation \(([^\n]*)\) \.\.\./g)].map((m) => m[1] ?? '');
  return {
    name: 'xscreensaver',
    async lock() {
      if (running === null) {
        await desktop.run([
          'sh',
          '-c',
          'printf "mode: blank\\nfade: False\\nunfade: False\\n" > ~/.xscreensaver',
        ]);
        running = desktop.spawn(['xscreensaver', '--no-splash', '-verbose']);
        await until(
          async () => (await state()).includes('non-blanked'),
          () => running?.output() ?? '',
        );
      }
      await desktop.run(['xscreensaver-command', '-lock']);
      await until(
        async () => (await state()).includes('locked since'),
        () => running?.output() ?? '',
      );
    },
    async wake() {
      const before = spoken().length;
      // A key that comes while it is still blanking is lost.
      await until(
        async () => {
          await desktop.key('Shift_L');
          return spoken().length > before;
        },
        () => `xscreensaver does not wake:\n${running?.output() ?? ''}`,
      );
      // It speaks before its dialog is on the black screen, and what is typed until then is lost.
      await until(
        async () => (await desktop.screenshot('xscreensaver-dialog')) > 1,
        () => 'the dialog of xscreensaver does not come',
      );
    },
    async again() {
      const failures = (): number => (running?.output() ?? '').split('authorization failed').length;
      const before = failures();
      // The message, and then pam_unix' prompt; after its own notice of five seconds it closes.
      await until(
        async () => {
          if (failures() === before) await desktop.type('');
          return failures() > before;
        },
        () => `xscreensaver does not end its dialog:\n${running?.output() ?? ''}`,
      );
      await this.wake();
    },
    isLocked: async () => (await state()).includes('locked since'),
  };
}
