/** Random numbers as torch's generator on the CPU draws them, so that one seed gives one mask in every engine. */

const STATE = 624;
const SHIFT = 397;

/**
 * Standard normal numbers, those of `torch.randn` for a seed.
 *
 * @param {number} seed 0..2^32 - 1
 * @param {number} count a multiple of 16
 * @returns {Float32Array}
 */
export function normalNoise(seed, count) {
  if (count % 16) throw new RangeError(`the number of random numbers should be a multiple of 16, not ${count}`);
  const random = mersenneTwister(seed);
  const numbers = Float64Array.from({ length: count }, () => (random() & 0xffffff) / 2 ** 24);
  // Box-Muller on blocks of 16: the first half gives radii, the second angles.
  for (let start = 0; start < count; start += 16) {
    for (let i = start; i < start + 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - numbers[i]));
      const angle = 2 * Math.PI * numbers[i + 8];
      numbers[i] = radius * Math.cos(angle);
      numbers[i + 8] = radius * Math.sin(angle);
    }
  }
  return Float32Array.from(numbers);
}

/**
 * MT19937 (Matsumoto and Nishimura, 1998).
 *
 * @param {number} seed
 * @returns {() => number} the next 32 bits
 */
function mersenneTwister(seed) {
  const state = new Uint32Array(STATE);
  state[0] = seed;
  for (let i = 1; i < STATE; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let next = STATE;
  return () => {
    if (next === STATE) {
      for (let i = 0; i < STATE; i++) {
        const bits = (state[i] & 0x80000000) | (state[(i + 1) % STATE] & 0x7fffffff);
        state[i] = state[(i + SHIFT) % STATE] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
      }
      next = 0;
    }
    let bits = state[next++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  };
}
