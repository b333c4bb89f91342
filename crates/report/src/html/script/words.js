// @ts-check
// A word diff of two texts.

/** Words compared with each other at most: of longer texts the middle is one change. */
const MOST_CELLS = 1_000_000;

/**
 * @typedef {{ op: "both" | "removed" | "added", text: string }} Part
 */

/**
 * Words, runs of white space, and every other character by itself; ideographs stand without blanks.
 * @param {string} of
 * @returns {string[]}
 */
function tokens(of) {
  return of.match(/\s+|(?:(?![\u2e80-\u{10ffff}])[\p{L}\p{N}_])+|[^]/gu) ?? [];
}

/**
 * Both texts as one: what both have, what only the old one has, and what only the new one has.
 * @param {string} before
 * @param {string} after
 * @returns {Part[]}
 */
function diff(before, after) {
  const old = tokens(before);
  const now = tokens(after);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (
    end < old.length - start &&
    end < now.length - start &&
    old[old.length - 1 - end] === now[now.length - 1 - end]
  ) {
    end += 1;
  }
  /** @type {Part[]} */
  const parts = [];
  push(parts, "both", old.slice(0, start));
  const middle = [old.slice(start, old.length - end), now.slice(start, now.length - end)];
  if (middle[0].length * middle[1].length > MOST_CELLS) {
    push(parts, "removed", middle[0]);
    push(parts, "added", middle[1]);
  } else {
    longest(parts, middle[0], middle[1]);
  }
  push(parts, "both", old.slice(old.length - end));
  return withoutGaps(parts);
}

/**
 * The longest common subsequence, by dynamic programming.
 * @param {Part[]} parts
 * @param {string[]} old
 * @param {string[]} now
 */
function longest(parts, old, now) {
  const width = now.length + 1;
  const table = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const here = i * width + j;
      table[here] =
        old[i] === now[j]
          ? table[here + width + 1] + 1
          : Math.max(table[here + width], table[here + 1]);
    }
  }
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const here = i * width + j;
    if (i < old.length && j < now.length && old[i] === now[j]) {
      push(parts, "both", [old[i]]);
      i += 1;
      j += 1;
    } else if (j >= now.length || (i < old.length && table[here + width] >= table[here + 1])) {
      push(parts, "removed", [old[i]]);
      i += 1;
    } else {
      push(parts, "added", [now[j]]);
      j += 1;
    }
  }
}

/**
 * Adds tokens to the last part, or as a new one.
 * @param {Part[]} parts
 * @param {Part["op"]} op
 * @param {string[]} tokens
 */
function push(parts, op, tokens) {
  const added = tokens.join("");
  const last = parts[parts.length - 1];
  if (added === "") return;
  if (last && last.op === op) last.text += added;
  else parts.push({ op, text: added });
}

/**
 * Joins changes with nothing but white space between them: words read better than gaps.
 * @param {Part[]} parts
 * @returns {Part[]}
 */
function withoutGaps(parts) {
  /** @type {Part[]} */
  const joined = [];
  let removed = "";
  let added = "";
  const flush = () => {
    push(joined, "removed", [removed]);
    push(joined, "added", [added]);
    [removed, added] = ["", ""];
  };
  parts.forEach((part, at) => {
    const isGap = part.text.trim() === "" && at !== parts.length - 1 && removed + added !== "";
    if (part.op === "removed") removed += part.text;
    else if (part.op === "added") added += part.text;
    else if (isGap) [removed, added] = [removed + part.text, added + part.text];
    else {
      flush();
      push(joined, "both", [part.text]);
    }
  });
  flush();
  return joined;
}
