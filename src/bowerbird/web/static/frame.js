// What stands around every page: state, trouble, colours, the way in.
import { api, live } from "./shared.js";

const state = document.getElementById("state");
const trouble = document.getElementById("trouble");

const WORDS = { draining: "stopping", paused: "paused", running: "running" };

function show(moment) {
  const over = moment.farewell && moment.known && !moment.running;
  const gone = !moment.connected && !over;
  const word = gone ? "no answer" : !moment.known ? "looking" : WORDS[moment.state] ?? moment.phase;
  const idle = !gone && moment.known && !moment.running && moment.state !== "ended";
  state.textContent = idle ? (moment.state === "running" ? "nobody at work" : `${word}, nobody at work`) : word;
  state.dataset.state = gone ? "gone" : idle ? "idle" : moment.state;
  const text = over ? `The dashboard has ended, and this page asks no more. bowerbird dashboard ${moment.where} shows the crawl at any time.` : gone ? "The dashboard has ended or cannot be reached. What is shown is as it was then. It is asked again, ever more seldom; reload to ask at once." : moment.trouble;
  trouble.textContent = text;
  trouble.hidden = !text;
}

// Colours: the system's, light, dark.
const THEMES = { system: "as the system has them", light: "light", dark: "dark" };
const theme = document.getElementById("theme");

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  localStorage.setItem("theme", name);
  theme.setAttribute("aria-label", `Colours: ${THEMES[name]}`);
  theme.title = `Colours: ${THEMES[name]}`;
  document.dispatchEvent(new Event("themechange"));
}

theme.addEventListener("click", () => {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length]);
});
setTheme(document.documentElement.dataset.theme);

// The way in: a token behind # never leaves the browser but in this one request.
async function comeIn(token) {
  await api("/session", {
    method: "POST", body: JSON.stringify({ token }),
    headers: { "content-type": "application/json", "x-bowerbird": "1" },
  });
  location.replace(sessionStorage.getItem("back") ?? "/");
  sessionStorage.removeItem("back");
}

const behind = new URLSearchParams(location.hash.slice(1)).get("token");
const form = document.getElementById("login");
if (behind) {
  history.replaceState(null, "", location.pathname + location.search);
  comeIn(behind).catch((error) => { trouble.textContent = error.message; trouble.hidden = false; });
} else if (!form) {
  live(show);
}
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  comeIn(form.elements.token.value).catch((error) => {
    trouble.textContent = error.message;
    trouble.hidden = false;
  });
});
