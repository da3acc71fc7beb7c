// What the page in Cockpit says of the policy: whether a card is required, the pairing prompt, and the settings. `…` stands for
// a value from outside.

export const REQUIRED = {
  title: 'Is a card required?',
  states: new Map([
    ['off', { text: 'not required', look: '' }],
    ['trial', { text: 'on trial', look: 'warning' }],
    ['on', { text: 'required', look: 'good' }],
  ]),
  switchOn: 'Require the card …',
  switchOnTitle: 'Require the card',
  switchOnYes: 'Switch it on for a trial',
  confirm: 'Confirm now',
  switchOff: 'Require it no longer',
  code: 'New break-glass code',
  preparing: 'Looking at accounts and PAM files …',
  willBeOn:
    'A password alone opens nothing any more, for whoever needs the card. First sc_auth tries that in a private copy of the PAM files; where a password would still get in, nothing is switched on.',
  trial: (minutes: string) =>
    `It is a trial of ${minutes} minutes: a login by card confirms it, and without one it goes off by itself.`,
  nobodyOut: (count: number) => `Of ${count} accounts none would be shut out.`,
  out: (count: number, all: number) =>
    `${count} of ${all} accounts would be shut out. It is refused unless each of them is ticked here:`,
  outMany: (count: number, all: number) =>
    `${count} of ${all} accounts would be shut out, so it will be refused. Pair cards for them, or exempt them: they are in the plan below.`,
  outOne: 'Shut out …',
  open: 'A password would still open these services. It is refused unless each of them is mended, or ticked here:',
  openOne: 'Leave … open to a password',
  absent: 'While scauthd does not run',
  absentSet: (choice: string) => `While scauthd does not run: ${choice}, as enforcement.agent_absent says.`,
  codeOnce: 'The break-glass code is shown here, once. Have something at hand to keep it.',
  rehearsing: 'Trying it in a copy of the PAM files. This can take two minutes …',
  wasOn: 'It is on already: somebody else was quicker. Nothing was changed, and there is no new code.',
  confirmTrial:
    'Log in by card as … before then (where … has no card, as anybody). Without that it goes off by itself.',
  codeName: 'the break-glass code',
  willConfirm:
    'The trial ends, and the card stays required. It is refused unless somebody has logged in by card since the trial began.',
  willBeOff:
    'A password is enough again at once, for everybody. The break-glass code opens nothing any more; exemptions stay.',
  willBeCode: 'The break-glass code of before opens nothing any more. The new one is shown here, once.',
};

export const PLAN = {
  title: 'Who would get in',
  about:
    'As a card is, or would be, required on this machine: by pairings, card logins, exemptions and settings.',
  filter: 'Which accounts of the plan',
  search: 'Search in the plan',
  filters: { out: 'Shut out', one: 'With one card only', in: 'Who gets in', all: 'All accounts' },
  counting: (count: number) => `${count} accounts so far …`,
  count: (all: number, out: number, one: number) =>
    `${all} accounts: ${out} shut out, ${one} with one card only.`,
  shown: (count: number) => `${count} shown`,
  out: 'shut out',
  in: 'gets in',
  services: 'PAM services',
  look: 'Look at the PAM files',
  allCovered: 'A password alone opens none of them.',
  rest: (count: number) => `${count} that ask for the card, or are left out by a setting`,
  covered: new Map([
    ['covered', { text: 'asks for the card', look: 'good' }],
    ['uncovered', { text: 'a password opens it', look: 'bad' }],
    ['left-out', { text: 'left out', look: 'quiet' }],
  ]),
  command: 'the repair',
};

export const EXEMPTIONS = {
  title: 'Exempt from the card',
  none: 'Nobody is exempt.',
  noneYours: 'You are not exempt.',
  count: (count: number) => (count === 1 ? '1 exemption' : `${count} exemptions`),
  until: (time: string) => `until ${time}`,
  by: 'by …',
};

export const PROMPT = {
  title: 'The dialog that offers to pair',
  about: 'It opens on the desktop when a card is put in that is nobody’s yet.',
  machine: 'On this machine',
  you: 'For you',
  card: 'For you, with …',
  on: 'on',
  off: 'off',
  decided: new Map([
    ['policy', 'Users may not pair here: the setting pairing.users_may_pair.'],
    ['machine', 'An administrator has switched it for this machine.'],
    ['user', 'You have switched it for every card.'],
    ['card', 'You have switched it for this card.'],
    ['default', 'Nobody has switched it.'],
  ]),
  switchOn: 'Switch it on',
  switchOff: 'Switch it off',
  willBeOff: 'It opens for nobody any more, whatever they have set for themselves.',
  willBeOn: 'It opens for each user who has not switched it off for themselves.',
  willBeOffYours: 'It opens for you no longer. You can pair all the same: sc_auth pair.',
  willBeOnYours: 'It opens for you when you put in a card that is nobody’s yet.',
};

export const SETTINGS = {
  title: 'Settings',
  about:
    'As scauthd has them in force. They are changed in the files, for example /etc/scauth/scauth.d/50-local.toml; look at them with sudo sc_auth config check before they come into force.',
  search: 'Search in settings',
  filter: 'Which settings',
  filters: {
    set: 'Other than the default',
    file: 'In a file',
    waits: 'Not yet in force',
    all: 'All settings',
  },
  count: (found: number, all: number) => (found === all ? `${all} settings` : `${found} of ${all} settings`),
  none: 'No setting is like that. “All settings” shows each with its meaning.',
  default: 'default',
  changed: 'not the default',
  waits: 'not yet in force',
  unit: (unit: string) => `Unit: ${unit}.`,
  usual: 'Default: ',
  place: (line: number | null) => (line === null ? 'Stands in …' : `Stands in …, line ${line}`),
  next: 'The files say now: ',
  restart: 'It is read when scauthd starts: sudo systemctl restart scauthd',
  problem: 'The files cannot come into force as they are: …',
  check: 'sudo sc_auth config check',
  command: 'the command',
  pending: (count: number) =>
    count === 1
      ? '1 setting in the files is not in force.'
      : `${count} settings in the files are not in force.`,
  reload: 'Put them in force',
  change: '…: … becomes ….',
  afterStart: (name: string) => `${name} comes into force when scauthd is started again.`,
  more: (count: number) => `and ${count} more.`,
  outBySettings: (count: number) =>
    count === 1
      ? 'It shuts out … while a card is required.'
      : `It shuts out ${count} accounts while a card is required: ….`,
  closesRemote: 'Nobody gets in from another host any more but whoever is exempt.',
};
