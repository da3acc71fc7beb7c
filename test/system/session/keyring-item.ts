// An item in the session's keyring, through the secret service alone: `set TEXT` or `get`. Run in the sandbox.
import { AsyncEntry } from '@napi-rs/keyring';

const entry = new AsyncEntry('scauth-test', 'ada', { linux: { store: 'secret-service' } });
const [action, text = ''] = process.argv.slice(2);
if (action === 'set') await entry.setPassword(text);
process.stdout.write(`item=${(await entry.getPassword()) ?? 'none'}\n`);
