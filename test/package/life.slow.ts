// The package's life on Debian 12, without systemd.

import test from 'ava';
import { beginLife, end, install, page, use } from './life.ts';

const world = beginLife('bookworm');
install();
page();
test.serial('without pcscd scauthd starts, and says what is missing', async (t) => {
  await world().startScauthd();
  const { code, output } = await world().run('sc_auth list-smartcards');
  t.is(code, 1);
  t.regex(output, /pcscd/);
  await world().stopScauthd();
});
use();
end();
