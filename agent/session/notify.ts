// A desktop notification (Desktop Notifications Specification, org.freedesktop.Notifications), where there is a service
// for it. Texts are plain (assuan.ts): many services read markup in them.

import { Bus } from './bus.ts';
import type { Environment } from './pinentry.ts';

const NAME = 'org.freedesktop.Notifications';
/** The service's own time. */
const USUAL_TIME = -1;

/** @returns false where there is no service, or it does not take it */
export async function notify(env: Environment, summary: string, text: string): Promise<boolean> {
  const bus = await Bus.session(env);
  if (bus === null) return false;
  try {
    await bus.call({
      destination: NAME,
      path: '/org/freedesktop/Notifications',
      interface: NAME,
      member: 'Notify',
      signature: 'susssasa{sv}i',
      body: ['scauth', 0, 'auth-smartcard', summary, text, [], [], USUAL_TIME],
    });
    return true;
  } catch {
    return false;
  } finally {
    bus.close();
  }
}
