// A path that is no address of a socket is refused when the sender is made: the kernel would cut it, or take another name.

import test from 'ava';
import { DatagramSender } from '../../../../agent/audit/forward/datagram.ts';

test('a path that is not absolute or does not fit is refused', (t) => {
  for (const path of ['', 'run/log', '@abstract', `/${'x'.repeat(107)}`, `/${'é'.repeat(54)}`])
    t.throws(() => new DatagramSender(path), { message: /no socket path/ }, path);
  const longest = new DatagramSender(`/${'x'.repeat(106)}`);
  longest.send(Buffer.from('nobody there'));
  t.is(longest.dropped, 1);
  longest.close();
});
