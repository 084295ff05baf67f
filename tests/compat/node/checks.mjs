// Runs checks one after the other, prints a line for each and counts.

/** How long anything may take: generous, because the machine may be busy. */
export const PATIENCE_MS = 20_000

export const counts = { passed: 0, failed: 0 }

export async function check(name, body) {
  try {
    await withPatience(body())
    counts.passed++
    console.log(`ok   ${name}`)
  } catch (problem) {
    counts.failed++
    console.log(`FAIL ${name}: ${problem?.message ?? problem}`)
  }
}

function withPatience(promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('took too long')), 2 * PATIENCE_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

export function isTrue(condition, message) {
  if (!condition) throw new Error(message)
}

export function equal(expected, actual) {
  const [left, right] = [JSON.stringify(expected), JSON.stringify(actual)]
  isTrue(left === right, `expected ${left}, got ${right}`)
}

/** The error that the call ends with; it is an error when it succeeds. */
export async function refusal(promise) {
  let value
  try {
    value = await promise
  } catch (expected) {
    return expected
  }
  throw new Error(`expected a refusal, got ${JSON.stringify(value)}`)
}
