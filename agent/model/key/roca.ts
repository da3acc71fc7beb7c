// Knows RSA moduli made by Infineon's library RSALib (ROCA, CVE-2017-15361), which can be factored.
// Its primes are k·M + (65537^a mod M), M the product of small primes, so the modulus is a power of 65537 modulo each
// of them (Nemec, Sys, Svenda, Klinec, Matyas: "The Return of Coppersmith's Attack", CCS 2017, section 3.1).

const GENERATOR = 65_537;
/** The primes of M for moduli of 1984 bits and more; larger moduli have these and further ones. */
const LARGEST_PRIME = 701;

interface Residues {
  readonly prime: bigint;
  /** By residue: whether it is a power of the generator. */
  readonly powers: readonly boolean[];
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor += 1) if (n % divisor === 0) return false;
  return true;
}

function powersModulo(prime: number): boolean[] {
  const powers = new Array<boolean>(prime).fill(false);
  for (let power = 1; !powers[power]; power = (power * GENERATOR) % prime) powers[power] = true;
  return powers;
}

let table: readonly Residues[] | null = null;

/** Primes of which 65537 makes every residue tell nothing, and are left out. */
function residues(): readonly Residues[] {
  table ??= Array.from({ length: LARGEST_PRIME - 2 }, (_, index) => index + 3)
    .filter(isPrime)
    .map((prime) => ({ prime: BigInt(prime), powers: powersModulo(prime) }))
    .filter(({ powers }) => powers.slice(1).includes(false));
  return table;
}

/**
 * Whether an RSA modulus has the fingerprint of ROCA. Of other moduli one in 2^100 and more has it by chance.
 * @param modulus big-endian, 1984 bits or more
 */
export function hasRocaFingerprint(modulus: Uint8Array): boolean {
  const n = BigInt(`0x${Buffer.from(modulus).toString('hex')}`);
  return residues().every(({ prime, powers }) => powers[Number(n % prime)]);
}
