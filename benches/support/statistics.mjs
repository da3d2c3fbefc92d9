/** Returns the median of some numbers and the quartiles. */
export function summary(numbers) {
  const sorted = numbers.toSorted((one, other) => one - other)
  const at = (share) => sorted[Math.round((sorted.length - 1) * share)]
  return { value: at(0.5), low: at(0.25), high: at(0.75) }
}
