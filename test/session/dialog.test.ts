// The pairing dialog of scauth-session in a real desktop: pinentry-gtk-2, real keystrokes, pictures in test/artifacts.

import test from 'ava';
import { Sandbox } from '../sandbox/sandbox.ts';
import { freshCard, insertCard, pullCard, reinsertCard } from '../e2e/person.ts';
import { Desktop, type Running } from './desktop.ts';

const DIALOG = '^Smart card$';

let sandbox: Sandbox;
let desktop: Desktop;
let session: Running;

test.before(async () => {
  sandbox = await Sandbox.start();
  desktop = await Desktop.start(sandbox);
  session = desktop.spawn(['scauth-session']);
});
test.after.always(() => sandbox.stop());
test.beforeEach(() => freshCard(sandbox));

test.serial('try', async (t) => {
  await reinsertCard(sandbox);
  await desktop.untilWindow(DIALOG);
  await desktop.untilStill();
  await desktop.screenshot('dialog-offer');
  t.log(session.output());
  await desktop.key('alt+p');
  await desktop.untilStill();
  await desktop.screenshot('dialog-password');
  await desktop.type(sandbox.password);
  await desktop.untilStill();
  await desktop.screenshot('dialog-pin');
  await desktop.type(sandbox.pin);
  await desktop.untilStill();
  await desktop.screenshot('dialog-result');
  t.log(session.output());
  t.pass();
});
