// Makes real PKCS#11 tokens in a sandbox: SoftHSM's in files, and the TPM's (tpm2-pkcs11) in swtpm. Their files belong
// to the user of scauth's PKCS#11 driver. Called before scauthd starts; what it makes is gone with the sandbox.
import { pkcs11User } from '../../../agent/daemon/drivers.ts';
import { DEFAULTS, type Sandbox } from '../../kit/sandbox/sandbox.ts';

const { uid: UID } = pkcs11User();
const PIN = DEFAULTS.pin;
const TPM_MANAGER = '/run/sandbox/app/test/system/pkcs11/tpm.py';

export const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';
export const SOFTHSM_CONFIG = `[pkcs11]
modules = ["opensc", "${SOFTHSM}"]
environment = ["SOFTHSM2_CONF=/run/sandbox/softhsm/conf"]
`;
export const SOFTOKN = '/usr/lib/x86_64-linux-gnu/libsoftokn3.so';
export const SOFTOKN_ARGS =
  "configdir='sql:/run/sandbox/nss' certPrefix='' keyPrefix='' secmod='secmod.db' flags=readOnly";
export const TPM_CONFIG = `[pkcs11]
modules = ["/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1"]
environment = ["TPM2_PKCS11_STORE=/run/sandbox/tpm/store",
  "TPM2_PKCS11_TCTI=cmd:${TPM_MANAGER} /run/sandbox/tpm/manager", "TSS2_LOG=all+NONE"]
`.replace(/\n {2}/, ' ');

/** @throws Error with what the script said */
async function run(sandbox: Sandbox, script: string): Promise<void> {
  const { code, stdout, stderr } = await sandbox.exec(['bash', '-euc', script]);
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
}

function certificate(name: string, newKey: string, usages: string): string {
  return `
openssl req -x509 -newkey ${newKey} -nodes -keyout key -out ${name}.pem -subj '/CN=${name}' -days 30 ${usages}
openssl pkcs8 -topk8 -nocrypt -in key -out key8
openssl x509 -in ${name}.pem -outform der -out ${name}.der
`;
}

/**
 * Other kinds of keys on the token of makeSoftHsm: Ed25519, bare (05); P-256 that wants its PIN again for each
 * signature, with a certificate for logins (06) and bare (07: nothing says that it is no key for documents); RSA with
 * the usages of FreeIPA's own profile for users' certificates (08).
 */
export async function addOddKeys(sandbox: Sandbox): Promise<void> {
  const tool = `pkcs11-tool --module ${SOFTHSM} --token-label Office --login --pin ${PIN}`;
  const loginUsages = '-addext keyUsage=digitalSignature -addext extendedKeyUsage=clientAuth';
  const freeIpaUsages =
    '-addext keyUsage=critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment -addext extendedKeyUsage=1.3.6.1.5.2.3.4,msSmartcardLogin';
  await run(
    sandbox,
    `cd /run/sandbox/softhsm; export SOFTHSM2_CONF=$PWD/conf
${tool} --keypairgen --key-type EC:edwards25519 --id 05 --label Edwards
${certificate('Each-time', 'ec -pkeyopt ec_paramgen_curve:P-256', loginUsages)}
${tool} --write-object key8 --type privkey --id 06 --label Each-time --usage-sign --always-auth
${tool} --write-object Each-time.der --type cert --id 06 --label Each-time
${tool} --keypairgen --key-type EC:prime256v1 --id 07 --label Bound --always-auth
${certificate('FreeIPA', 'rsa:2048', freeIpaUsages)}
softhsm2-util --import key8 --token Office --label FreeIPA --id 08 --pin ${PIN}
${tool} --write-object FreeIPA.der --type cert --id 08 --label FreeIPA
rm -f key key8
chown -R ${UID}:${UID} .`,
  );
}

/** As if the token knew no RSA-PSS: softhsm2.conf(5). */
export async function withoutPss(sandbox: Sandbox): Promise<void> {
  const known = 'CKM_RSA_PKCS,CKM_SHA256_RSA_PKCS';
  await run(sandbox, `echo "slots.mechanisms = ${known}" >>/run/sandbox/softhsm/conf`);
}

/**
 * A token named Office, with three keys for login: RSA and P-256 with certificates (ids 01 and 02), P-256 without (03);
 * and one that signs documents (04).
 */
export async function makeSoftHsm(sandbox: Sandbox, label = 'Office'): Promise<void> {
  const tool = `pkcs11-tool --module ${SOFTHSM} --token-label ${label} --login --pin ${PIN}`;
  const loginUsages = '-addext keyUsage=digitalSignature -addext extendedKeyUsage=clientAuth';
  const keys: readonly (readonly [id: string, name: string, kind: string, usages: string])[] = [
    ['01', 'Ada-RSA', 'rsa:2048', loginUsages],
    ['02', 'Ada-EC', 'ec -pkeyopt ec_paramgen_curve:P-256', loginUsages],
    ['04', 'Ada-Documents', 'ec -pkeyopt ec_paramgen_curve:P-256', '-addext keyUsage=nonRepudiation'],
  ];
  const imports = keys.map(
    ([id, name, kind, usages]) => `${certificate(name, kind, usages)}
softhsm2-util --import key8 --token ${label} --label ${name} --id ${id} --pin ${PIN}
${tool} --write-object ${name}.der --type cert --id ${id} --label ${name}`,
  );
  await run(
    sandbox,
    `mkdir -p /run/sandbox/softhsm/tokens; cd /run/sandbox/softhsm
export SOFTHSM2_CONF=$PWD/conf
printf 'directories.tokendir = %s/tokens\\nlog.level = ERROR\\n' "$PWD" >conf
softhsm2-util --init-token --free --label ${label} --so-pin 12345678 --pin ${PIN}
${imports.join('\n')}
${tool} --keypairgen --key-type EC:prime256v1 --id 03 --label Bare
rm -f key key8
chown -R ${UID}:${UID} .`,
  );
}

/** NSS's database, with one P-256 key for login in it. */
export async function makeNss(sandbox: Sandbox): Promise<void> {
  await run(
    sandbox,
    `mkdir -p /run/sandbox/nss; cd /run/sandbox; echo ${PIN} >nss/pin; head -c 64 /dev/urandom >nss/noise
certutil() { /run/sandbox/app/build/libnss3-tools/usr/bin/certutil "$@" -d sql:/run/sandbox/nss -f nss/pin; }
certutil -N
certutil -S -n Ada -s CN=Ada -x -t ,, -k ec -q nistp256 --keyUsage digitalSignature --extKeyUsage clientAuth -z nss/noise
rm nss/pin nss/noise; chown -R ${UID}:${UID} nss`,
  );
}

/** A TPM with tokens of one bare P-256 key each, and its manager, which both run until the sandbox ends. */
export async function makeTpm(
  sandbox: Sandbox,
  { tokens: labels = ['Machine'] }: { readonly tokens?: readonly string[] } = {},
): Promise<void> {
  const tokens = labels.map(
    (label) => `tpm2_ptool addtoken --pid 1 --label ${label} --userpin ${PIN} --sopin 12345678 --path store
tpm2_ptool addkey --algorithm ecc256 --label ${label} --userpin ${PIN} --key-label login --path store`,
  );
  await run(
    sandbox,
    `mkdir -p /run/sandbox/tpm/state /run/sandbox/tpm/store; cd /run/sandbox/tpm
swtpm socket --tpm2 --tpmstate dir=$PWD/state --server type=unixio,path=$PWD/swtpm --ctrl type=unixio,path=$PWD/control \\
  --flags startup-clear --daemon
# The file is there before anybody waits at it.
: >ready
setsid python3 ${TPM_MANAGER} serve $PWD/manager $PWD/swtpm >ready 2>manager.log </dev/null &
tail -f ready | grep -q ready
export TPM2TOOLS_TCTI="cmd:${TPM_MANAGER} $PWD/manager" TPM2_PKCS11_STORE=$PWD/store
${tokens.length > 0 ? 'tpm2_ptool init --path store' : ''}
${tokens.join('\n')}
chown -R ${UID}:${UID} store`,
  );
}
