// scauth.toml(5) as man(7) text, made from the table of settings.

import { settings, type Setting } from './settings.ts';

const HEAD = `.TH SCAUTH.TOML 5 "" "scauth" "File formats"
.SH NAME
scauth.toml \\- settings of scauthd
.SH SYNOPSIS
.I /etc/scauth/scauth.toml
.br
.I /etc/scauth/scauth.d/*.toml
.SH DESCRIPTION
The files are TOML. A file in scauth.d replaces single keys, in the order of the names. Each file must belong to root,
must not be writable by others and must not be a link. A file with an error, an unknown key or a value that cannot be
meant refuses the whole: at start scauthd does not run, on SIGHUP the old settings stay. Try a change with
.BR "sc_auth config check" ,
then send SIGHUP
.RB ( "systemctl reload scauthd" ).
`;

const FOOT = `.SH FILES
.I /etc/scauth/scauth.toml
.SH SEE ALSO
.BR sc_auth (1),
.BR pam_scauth (8),
.BR scauthd (8),
.BR sss-certmap (5)
`;

/** Text for man(7): backslashes, and a control character at the start of a line. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&');
}

/** A value as it stands in the file. */
function tomlValue(value: Setting['default']): string {
  return JSON.stringify(value);
}

function entry(key: string, setting: Setting): string {
  const unit = setting.unit === null ? '' : `, ${setting.unit}`;
  const [meaning = '', warning] = setting.meaning.split(/ (?=Warning: )/);
  return [
    '.TP',
    `.BR ${roff(key)} " (default ${roff(tomlValue(setting.default)).replaceAll('"', '\\(dq')}${roff(unit)})"`,
    roff(meaning),
    ...(warning === undefined
      ? []
      : ['.RS', '.PP', `.B ${roff(warning.replace(/ .*/, ''))}`, roff(warning.replace(/^\S+ /, '')), '.RE']),
    '',
  ].join('\n');
}

/** The whole page. */
export function manPage(): string {
  const tables = Object.entries(settings).map(([table, keys]) => {
    const entries = Object.entries<Setting>(keys).map(([key, setting]) => entry(key, setting));
    return `.SH [${table}]\n${entries.join('')}`;
  });
  return `${HEAD}${tables.join('')}${FOOT}`;
}
