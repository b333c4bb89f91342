// Keeps a page of what is under way up to date: its main part is fetched again every two seconds, for as
// long as the page says that something goes on. Nothing else on the page changes.
"use strict";

const INTERVAL_MS = 2000;

async function lookAgain() {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  // What somebody is choosing or reading stays as it is.
  const isInUse = main.contains(document.activeElement) || document.hidden;
  if (!isInUse) {
    try {
      const response = await fetch(location.href, { credentials: "same-origin" });
      if (response.ok) {
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        const next = page.querySelector("main");
        if (next) main.replaceWith(document.adoptNode(next));
      }
    } catch {
      // The viewer has ended, or is busy: the page stays as it is.
    }
  }
  setTimeout(lookAgain, INTERVAL_MS);
}

setTimeout(lookAgain, INTERVAL_MS);
