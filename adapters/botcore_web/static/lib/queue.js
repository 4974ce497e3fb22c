// What must arrive in the order in which it was asked for: side by side, on connections of their own, requests overtake.

/** A line of its own: each work begins when the one before has ended, well or not. @returns {<T>(work: () => Promise<T>) => Promise<T>} */
export function inOrder() {
  /** @type {Promise<any>} */
  let last = Promise.resolve();
  return (work) => (last = last.then(work, work));
}
