// From which session somebody asks, for `sc_auth explain` and the log.

export const session = {
  noLogind: 'No logind runs here, so nobody knows the session',
  ended: 'The process that asked has ended',
  silent: 'logind does not answer',
  unknown: (why: string) => `The session is not known (${why})`,
  remote: (id: string, user: string, host: string | null) =>
    `Session ${id} of ${user}, from ${host ?? 'another host'}`,
  closing: (id: string, user: string) => `Session ${id} of ${user} has ended, and this process is left of it`,
  noSeat: (id: string, user: string, type: string, host: string | null) =>
    `Session ${id} of ${user} (${type}) is at no seat of this machine${host === null ? '' : ` (from ${host})`}`,
  atSeat: (id: string, user: string, seat: string, how: string) =>
    `Session ${id} of ${user} at ${seat} (${how})`,
  otherClient: (service: string) => `${service} was started for another service`,
  system: 'A service of the system, in no session',
  leftBehind: (login: string | number) =>
    `A process that somebody's login ${login} has left behind, in no session`,
  twoUnits: 'The process is in two units at a time',
  clientGone: (service: string) => `The program that ${service} works for is not there`,
  none: (uid: number) => `A program of uid ${uid}, who has no session`,
  perhapsOther: (other: string) => `It may belong to another session too. ${other}`,
};
