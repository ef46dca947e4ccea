// Two touches on one machine: the administrator's own key, then the colleague's new one.
import { assert, ceremony, create, demoKey, post, sayer, supported } from "./key.js";

const place = document.getElementById("ceremony");
const words = place.dataset;
const say = sayer(document.getElementById("said"));
const own = document.getElementById("own");
const theirs = document.getElementById("theirs");
const label = document.getElementById("label");
const buttons = [...place.querySelectorAll("button")];
const address = `/api/people/${encodeURIComponent(words.person)}/witness`;
let token = null;

const step = async (work) => {
  buttons.forEach((button) => (button.disabled = true));
  const done = await ceremony({ place, say, ...work });
  buttons.forEach((button) => (button.disabled = false));
  return done;
};

const witness = async (touch) => {
  const done = await step({
    touch,
    begin: () => post(`${address}/begin`, { csrf: words.csrf }),
    complete: (begun, response) => post(`${address}/complete`, { csrf: words.csrf, state: begun.state, response }),
  });
  if (!done) return;
  token = done.token;
  own.hidden = true;
  theirs.hidden = false;
  say(words.theirs, "");
  label.focus();
};

const register = async (touch) => {
  const done = await step({
    touch,
    begin: () => post("/api/enrol/begin", { token }),
    complete: (begun, response) => post("/api/enrol/complete", { token, state: begun.state, response, label: label.value }),
  });
  if (!done) return;
  token = null;
  theirs.hidden = true;
  say(words.done, "good");
  document.getElementById("back").focus();
};

const by = (work, touch) => () => (supported() ? work(touch) : say(words.unsupported, "bad"));
document.getElementById("witness").addEventListener("click", by(witness, assert));
document.getElementById("touch").addEventListener("click", by(register, create));
document.getElementById("demo-witness")?.addEventListener("click", () => witness((options) => demoKey("get", options)));
document.getElementById("demo")?.addEventListener("click", () => register((options) => demoKey("create", options)));
buttons.forEach((button) => (button.disabled = false)); // a click before this script was there would have done nothing
