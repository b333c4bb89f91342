// @ts-check
// Light and dark: as the system has it, until the switch says otherwise.

const THEME = "evalmark-theme";

/** @returns {string | null} */
function keptTheme() {
  try {
    return localStorage.getItem(THEME);
  } catch {
    // A page from disk may be denied storage.
    return null;
  }
}

/** @param {string} theme */
function keepTheme(theme) {
  try {
    localStorage.setItem(THEME, theme);
  } catch {
    // The switch works without, until the page is closed.
  }
}

function startTheme() {
  const switcher = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const now = () => document.documentElement.dataset["theme"] ?? (system.matches ? "dark" : "light");
  const show = () => {
    const other = now() === "dark" ? "light" : "dark";
    switcher.textContent = other === "dark" ? "Dark" : "Light";
    switcher.setAttribute("aria-label", `switch to ${other} colours`);
  };
  const kept = keptTheme();
  if (kept === "dark" || kept === "light") document.documentElement.dataset["theme"] = kept;
  switcher.addEventListener("click", () => {
    const next = now() === "dark" ? "light" : "dark";
    document.documentElement.dataset["theme"] = next;
    keepTheme(next);
    show();
  });
  system.addEventListener("change", show);
  switcher.hidden = false;
  show();
}
