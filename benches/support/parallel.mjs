/** Returns the results of `work` for all items, in order, `width` items at a time. */
export async function inParallel(items, width, work) {
  const results = new Array(items.length)
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index])
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}
